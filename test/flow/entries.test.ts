import { describe, expect, test } from 'vitest'
import type { EntryInput, MemoryStore } from '../../src/index.ts'
import { describePairs, shareStore, vectorOf } from './stores.ts'

/** Each state an entry can live in, reached the real way. */
const places: Record<string, (store: MemoryStore) => Promise<unknown>> = {
  'pending and hot': async () => {},
  'hot and cold': (store) => store.checkpoint(),
  'cold only': (store) => store.sync(),
}

const inputs: EntryInput[] = [
  { kind: 'embedding', embedding: [0.1, -0, 1e-42, 3], embeddingModel: 'm', metadata: { a: [1, { b: null }], é: '𝄞' } },
  { kind: 'chunk', text: 'Ünïcode 𝄞\n"\\', documentId: 'docs/a b.md', position: 3, embedding: vectorOf(1) },
  { kind: 'chunk', text: '' },
  { kind: 'metadata', metadata: { deep: { deeper: [1.5, 1e300, 5e-324, true] } }, key: 'settings/𝄞' },
  {
    kind: 'raptor',
    level: 2,
    summary: 'sum',
    children: ['0191d9a0-0000-7000-8000-000000000000'],
    embedding: vectorOf(2),
    createdAt: new Date('2001-02-03T04:05:06.789Z'),
    expiresAt: new Date('2200-01-01T00:00:00.001Z'),
  },
  { kind: 'raptor', level: 0, summary: '', children: [] },
]

describePairs('entries', (pair) => {
  const { clock, store: shared, view: fresh } = shareStore(pair)

  describe.each(Object.entries(places))('%s', (_, move) => {
    test.each(inputs.map((input) => [input.kind, input] as const))('a %s comes back whole', async (_kind, input) => {
      const { entries, path } = fresh()
      const receipt = await entries.put(input)
      await move(shared())
      const entry = await entries.peek(receipt.id)
      const { embedding, createdAt, ...given } = input as EntryInput & { embedding?: number[]; createdAt?: Date }
      expect(entry).toMatchObject({ ...given, id: receipt.id, namespace: path, version: receipt.version })
      if (embedding !== undefined)
        expect((entry as { embedding?: unknown }).embedding).toEqual(Float32Array.from(embedding))
      if (createdAt !== undefined) expect(entry?.createdAt).toEqual(createdAt)
      expect(Object.keys(entry!).sort()).toEqual(
        [
          ...new Set([
            ...Object.keys(input),
            'namespace',
            'id',
            'version',
            'createdAt',
            'updatedAt',
            'lastAccessedAt',
            'accessCount',
          ]),
        ].sort(),
      )
    })

    test('a replaced entry is the new one and a deleted one is gone, for every kind of read', async () => {
      const { chunks } = fresh()
      const kept = await chunks.put({ text: 'old', key: 'kept', embedding: vectorOf(1) })
      const gone = await chunks.put({ text: 'gone', key: 'gone', embedding: vectorOf(2) })
      await move(shared())
      await chunks.put({ text: 'new', key: 'kept', embedding: vectorOf(3) })
      await chunks.delete(gone.id)
      for (const again of [async () => {}, move]) {
        await again(shared())
        expect((await chunks.getByKey('kept'))?.text).toBe('new')
        expect(await chunks.getByKey('gone')).toBeUndefined()
        expect(await chunks.getMany([gone.id, kept.id])).toMatchObject([undefined, { text: 'new' }])
        expect(await chunks.has(gone.id)).toBe(false)
        expect(await chunks.peek(gone.id)).toBeUndefined()
        expect((await chunks.find()).items).toMatchObject([{ text: 'new' }])
        expect(await chunks.count()).toBe(1)
        const { hits } = await chunks.search({ embedding: vectorOf(2), k: 5 })
        expect(hits.map(({ entry }) => entry.text)).toEqual(['new'])
      }
    })

    test('an entry past its expiry is gone for every kind of read', async () => {
      const { chunks } = fresh()
      const { id } = await chunks.put({ text: 'brief', ttl: '10s', embedding: vectorOf(1) })
      await move(shared())
      expect((await chunks.get(id))?.text).toBe('brief')
      clock.advance(10_000)
      expect(await chunks.get(id)).toBeUndefined()
      expect((await chunks.find()).items).toEqual([])
      expect(await chunks.count()).toBe(0)
      expect((await chunks.search({ embedding: vectorOf(1) })).hits).toEqual([])
    })
  })

  test('what comes out and what went in are the caller’s own', async () => {
    const { embeddings } = fresh()
    const metadata = { list: [1] }
    const embedding = Float32Array.from([1, 2])
    const { id } = await embeddings.put({ embedding, metadata })
    metadata.list.push(2)
    embedding[0] = 9
    const first = await embeddings.peek(id)
    first!.embedding[1] = 9
    ;(first!.metadata!.list as number[]).push(3)
    expect(await embeddings.peek(id)).toMatchObject({
      embedding: Float32Array.from([1, 2]),
      metadata: { list: [1] },
    })
  })

  test('an entry that was read can be changed and put back, and keeps what a put would set anew', async () => {
    const scope = fresh()
    const { id } = await scope.chunks.put({
      key: 'a',
      text: 'old',
      documentId: 'd',
      embedding: vectorOf(1),
      metadata: { a: 1 },
      createdAt: 5,
      expiresAt: clock.now() + 60_000,
    })
    const read = (await scope.chunks.get(id))!
    const receipt = await scope.chunks.put({ ...read, text: 'new' })
    expect(receipt.version > read.version).toBe(true)
    const again = (await scope.chunks.peek(id))!
    const { version, updatedAt, ...kept } = again
    expect(kept).toMatchObject({ key: 'a', text: 'new', documentId: 'd', metadata: { a: 1 }, createdAt: new Date(5) })
    expect(again).toMatchObject({ embedding: read.embedding, expiresAt: read.expiresAt })
    const { items } = await scope.entries.find()
    await scope.entries.putMany(items)
    await expect(fresh().chunks.put(read)).rejects.toMatchObject({ details: { field: 'namespace' } })
    await scope.chunks.put({ key: 'a', text: 'newer' })
    expect((await scope.chunks.getByKey('a'))?.createdAt).not.toEqual(new Date(5))
  })

  test('an entry as JSON shows its embedding as numbers, also within something else', async () => {
    const { chunks } = fresh()
    const { id } = await chunks.put({ text: 'a', embedding: [0.5, -0, 3] })
    const entry = (await chunks.get(id))!
    const { hits } = await chunks.search({ embedding: [0.5, 0, 3] })
    for (const shown of [entry, { ...entry }, hits[0]!.entry])
      expect(JSON.parse(JSON.stringify(shown))).toMatchObject({ text: 'a', embedding: [0.5, 0, 3] })
    expect(entry).toStrictEqual({ ...entry, embedding: Float32Array.of(0.5, -0, 3) })
  })

  test('keys name entries for reading and deleting, and their ids are known beforehand', async () => {
    const { chunks, metadata } = fresh()
    const { id } = await chunks.put({ key: 'a', text: 'A' })
    expect(chunks.idOf('a')).toBe(id)
    await metadata.put({ key: 'm', metadata: {} })
    expect(await chunks.getManyByKey(['b', 'a', 'm', 'a'])).toMatchObject([
      undefined,
      { text: 'A' },
      undefined,
      { text: 'A' },
    ])
    expect(await chunks.deleteByKey('a')).toMatchObject({ id })
    expect(await chunks.getByKey('a')).toBeUndefined()
    await chunks.deleteByKey('never there')
  })

  test('reads count as accesses, peeks do not', async () => {
    const { chunks } = fresh()
    const { id } = await chunks.put({ text: 'x' })
    await chunks.get(id)
    await chunks.peek(id)
    expect((await chunks.get(id))?.accessCount).toBe(2)
    await shared().sync()
    expect((await chunks.peek(id))?.accessCount).toBe(2)
    expect((await chunks.get(id))?.accessCount).toBe(3)
  })

  test('hits of a search count as accesses, unless the search says otherwise', async () => {
    const { chunks } = fresh()
    const { id } = await chunks.put({ text: 'x', embedding: [1, 0] })
    const query = { embedding: [1, 0], text: 'x' }
    const uncounted = (await chunks.search({ ...query, countAccess: false })).hits[0]!.entry
    expect(uncounted).toMatchObject({ id, accessCount: 0, lastAccessedAt: uncounted.createdAt })
    expect((await chunks.search(query)).hits[0]?.entry.accessCount).toBe(1)
    await chunks.search({ ...query, countAccess: false })
    expect((await chunks.get(id))?.accessCount).toBe(2)
  })

  test('putMany checks everything first, and settles each input when asked', async () => {
    const { chunks } = fresh()
    const bad = { text: 1 as unknown as string }
    await expect(chunks.putMany([{ text: 'a' }, bad])).rejects.toMatchObject({
      code: 'ERR_INVALID_ENTRY',
      details: { field: 'text', index: 1 },
    })
    expect(await chunks.count()).toBe(0)
    const outcomes = await chunks.putMany([{ text: 'a' }, bad, { text: 'c' }], { settle: true })
    expect(outcomes.map(({ ok }) => ok)).toEqual([true, false, true])
    expect(await chunks.count()).toBe(2)
  })

  test('putMany of more than one group keeps order, and the last of equal keys wins', async () => {
    const { chunks } = fresh()
    const inputs = Array.from({ length: 2_500 }, (_, i) => ({ text: String(i), key: `k${i % 2_000}` }))
    const receipts = await chunks.putMany(inputs)
    expect(receipts).toHaveLength(2_500)
    await shared().checkpoint()
    const entries = await chunks.getMany(receipts.map(({ id }) => id))
    expect(entries.map((entry) => entry?.text)).toEqual(inputs.map((_, i) => String(i < 500 ? i + 2_000 : i)))
  })

  test('a put with durability cold is in cold when it resolves', async () => {
    const { chunks } = fresh()
    const receipt = await chunks.put({ text: 'x' }, { durability: 'cold' })
    expect(receipt.durability).toBe('cold')
    expect(await chunks.explain(receipt.id)).toMatchObject({ pending: undefined, shipped: true })
  })

  test('a repository of one kind does not see entries of another', async () => {
    const { chunks, entries, metadata: facts } = fresh()
    const { id } = await facts.put({ metadata: { a: 1 } })
    expect(await chunks.get(id)).toBeUndefined()
    expect(await chunks.count()).toBe(0)
    expect(await entries.count()).toBe(1)
    await expect(chunks.put({ kind: 'metadata', text: '' } as never)).rejects.toMatchObject({
      code: 'ERR_INVALID_ENTRY',
    })
  })

  test('an aborted call rejects, and says whether anything was written', async () => {
    const { chunks } = fresh()
    const signal = AbortSignal.abort()
    await expect(chunks.put({ text: 'x' }, { signal })).rejects.toMatchObject({
      code: 'ERR_ABORTED',
      details: { outcome: 'none', id: expect.any(String) },
    })
    await expect(chunks.get('0191d9a0-0000-7000-8000-000000000000', { signal })).rejects.toMatchObject({
      code: 'ERR_ABORTED',
    })
    expect(await chunks.count()).toBe(0)
  })
})
