import { describe, expect, test } from 'vitest'
import type { EntryInput, MemoryStore } from '../../src/index.ts'
import { pairs, vectorOf } from './stores.ts'

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

describe.each(pairs)('entries on $name', ({ open }) => {
  describe.each(Object.entries(places))('%s', (_, move) => {
    test.each(inputs.map((input) => [input.kind, input] as const))('a %s comes back whole', async (_kind, input) => {
      const store = await open()
      const receipt = await store.entries.put(input)
      await move(store)
      const entry = await store.entries.peek(receipt.id)
      const { embedding, createdAt, ...given } = input as EntryInput & { embedding?: number[]; createdAt?: Date }
      expect(entry).toMatchObject({ ...given, id: receipt.id, namespace: 'default', version: receipt.version })
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
      const store = await open()
      const kept = await store.chunks.put({ text: 'old', key: 'kept', embedding: vectorOf(1) })
      const gone = await store.chunks.put({ text: 'gone', key: 'gone', embedding: vectorOf(2) })
      await move(store)
      await store.chunks.put({ text: 'new', key: 'kept', embedding: vectorOf(3) })
      await store.chunks.delete(gone.id)
      for (const again of [async () => {}, move]) {
        await again(store)
        expect((await store.chunks.getByKey('kept'))?.text).toBe('new')
        expect(await store.chunks.getByKey('gone')).toBeUndefined()
        expect(await store.chunks.getMany([gone.id, kept.id])).toMatchObject([undefined, { text: 'new' }])
        expect(await store.chunks.has(gone.id)).toBe(false)
        expect(await store.chunks.peek(gone.id)).toBeUndefined()
        expect((await store.chunks.find()).items).toMatchObject([{ text: 'new' }])
        expect(await store.chunks.count()).toBe(1)
        const { hits } = await store.chunks.search({ embedding: vectorOf(2), k: 5 })
        expect(hits.map(({ entry }) => entry.text)).toEqual(['new'])
      }
    })

    test('an entry past its expiry is gone for every kind of read', async () => {
      let now = Date.now()
      const store = await open({ clock: { now: () => now } })
      const { id } = await store.chunks.put({ text: 'brief', ttl: '10s', embedding: vectorOf(1) })
      await move(store)
      expect((await store.chunks.get(id))?.text).toBe('brief')
      now += 10_000
      expect(await store.chunks.get(id)).toBeUndefined()
      expect((await store.chunks.find()).items).toEqual([])
      expect(await store.chunks.count()).toBe(0)
      expect((await store.chunks.search({ embedding: vectorOf(1) })).hits).toEqual([])
    })
  })

  test('what comes out and what went in are the caller’s own', async () => {
    const store = await open()
    const metadata = { list: [1] }
    const embedding = Float32Array.from([1, 2])
    const { id } = await store.embeddings.put({ embedding, metadata })
    metadata.list.push(2)
    embedding[0] = 9
    const first = await store.embeddings.peek(id)
    first!.embedding[1] = 9
    ;(first!.metadata!.list as number[]).push(3)
    expect(await store.embeddings.peek(id)).toMatchObject({
      embedding: Float32Array.from([1, 2]),
      metadata: { list: [1] },
    })
  })

  test('reads count as accesses, peeks do not', async () => {
    const store = await open()
    const { id } = await store.chunks.put({ text: 'x' })
    await store.chunks.get(id)
    await store.chunks.peek(id)
    expect((await store.chunks.get(id))?.accessCount).toBe(2)
    await store.sync()
    expect((await store.chunks.peek(id))?.accessCount).toBe(2)
    expect((await store.chunks.get(id))?.accessCount).toBe(3)
  })

  test('putMany checks everything first, and settles each input when asked', async () => {
    const store = await open()
    const bad = { text: 1 as unknown as string }
    await expect(store.chunks.putMany([{ text: 'a' }, bad])).rejects.toMatchObject({
      code: 'ERR_INVALID_ENTRY',
      details: { field: 'text', index: 1 },
    })
    expect(await store.chunks.count()).toBe(0)
    const outcomes = await store.chunks.putMany([{ text: 'a' }, bad, { text: 'c' }], { settle: true })
    expect(outcomes.map(({ ok }) => ok)).toEqual([true, false, true])
    expect(await store.chunks.count()).toBe(2)
  })

  test('putMany of more than one group keeps order, and the last of equal keys wins', async () => {
    const store = await open()
    const inputs = Array.from({ length: 2_500 }, (_, i) => ({ text: String(i), key: `k${i % 2_000}` }))
    const receipts = await store.chunks.putMany(inputs)
    expect(receipts).toHaveLength(2_500)
    await store.checkpoint()
    const entries = await store.chunks.getMany(receipts.map(({ id }) => id))
    expect(entries.map((entry) => entry?.text)).toEqual(inputs.map((_, i) => String(i < 500 ? i + 2_000 : i)))
  })

  test('a put with durability cold is in cold when it resolves', async () => {
    const store = await open()
    const receipt = await store.chunks.put({ text: 'x' }, { durability: 'cold' })
    expect(receipt.durability).toBe('cold')
    expect(await store.chunks.explain(receipt.id)).toMatchObject({ pending: undefined, shipped: true })
  })

  test('a repository of one kind does not see entries of another', async () => {
    const store = await open()
    const { id } = await store.metadata.put({ metadata: { a: 1 } })
    expect(await store.chunks.get(id)).toBeUndefined()
    expect(await store.chunks.count()).toBe(0)
    expect(await store.entries.count()).toBe(1)
    await expect(store.chunks.put({ kind: 'metadata', text: '' } as never)).rejects.toMatchObject({
      code: 'ERR_INVALID_ENTRY',
    })
  })

  test('an aborted call rejects, and says whether anything was written', async () => {
    const store = await open()
    const signal = AbortSignal.abort()
    await expect(store.chunks.put({ text: 'x' }, { signal })).rejects.toMatchObject({
      code: 'ERR_ABORTED',
      details: { outcome: 'none', id: expect.any(String) },
    })
    await expect(store.chunks.get('0191d9a0-0000-7000-8000-000000000000', { signal })).rejects.toMatchObject({
      code: 'ERR_ABORTED',
    })
    expect(await store.chunks.count()).toBe(0)
  })
})
