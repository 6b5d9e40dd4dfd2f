/** A store whose puts do not wait for their vectors: each follows, to the text that it was made of. */
import { expect, test } from 'vitest'
import { isThermoclineError, type MemoryStore, type StoreEventMap } from '../../src/index.ts'
import { gate, httpError, WordModel, wordVector } from '../tools/word-model.ts'
import { describePairs, shareStore } from './stores.ts'

const WAITING = { embedding: { exists: false }, embeddingModel: 'words' } as const

describePairs('embedding in the background', (pair) => {
  const model = new WordModel()
  const { store, view } = shareStore(pair, { embed: model.options({ when: 'background' as const, batchSize: 8 }) })

  /** Nothing of the view waits any more. */
  const settled = async ({ entries }: Pick<MemoryStore, 'entries'>) => {
    await store().checkpoint()
    await expect.poll(() => entries.count({ where: WAITING })).toBe(0)
  }
  const vectorsIn = async ({ entries }: Pick<MemoryStore, 'entries'>) => {
    const { items } = await entries.find({ limit: 1_000 })
    return new Map(items.map((entry) => [entry.id, 'embedding' in entry ? entry.embedding : undefined]))
  }

  test('acknowledges at once, says what waits, and has the vectors follow', async () => {
    const own = view()
    const { chunks, raptorNodes } = own
    const held = gate()
    model.before = () => held.closed
    const told: StoreEventMap['embed'][] = []
    const listener = (event: StoreEventMap['embed']): void => void told.push(event)
    store().on('embed', listener)
    const leaves = await chunks.putMany(['one', 'two'].map((text) => ({ text })))
    const node = await raptorNodes.put({ level: 1, summary: 'sum', children: leaves.map(({ id }) => id) })
    await own.embeddings.put({ embedding: wordVector('bare'), embeddingModel: 'words' })
    for (const settle of [async () => {}, () => store().checkpoint()]) {
      await settle()
      expect(await own.entries.count({ where: WAITING })).toBe(3)
      expect(await chunks.get(leaves[0]!.id)).not.toHaveProperty('embedding')
    }
    expect((await store().stats()).cold!.unembedded).toBe(3)
    expect(await store().metrics()).toContain('thermocline_cold_unembedded 3')
    expect((await chunks.search({ text: 'one', by: 'words' })).hits).toHaveLength(1)
    held.open()
    await settled(own)
    const found = await own.entries.getMany([...leaves.map(({ id }) => id), node.id])
    expect(found.map((entry) => (entry as { embedding: Float32Array }).embedding)).toEqual(
      ['one', 'two', 'sum'].map((text) => wordVector(text)),
    )
    // A version of its own, and the same entry in all else.
    expect(found[0]!.version > leaves[0]!.version).toBe(true)
    await expect.poll(() => told.flatMap(({ entries }) => entries).length).toBe(3)
    expect(told[0]).toMatchObject({
      model: 'words',
      entries: expect.arrayContaining([{ id: leaves[0]!.id, namespace: own.path, version: found[0]!.version }]),
    })
    store().off('embed', listener)
    const query = wordVector('one')
    expect((await chunks.search({ embedding: query, k: 1 })).hits[0]!.entry.text).toBe('one')
    expect((await store().stats()).cold!.unembedded).toBe(0)
    model.before = () => {}
  })

  test('lands on no other text: what is put or changed meanwhile has a vector of its own', async () => {
    const own = view()
    const { chunks } = own
    const held = gate()
    model.before = () => held.closed
    const asked = model.calls.length
    const [put, updated, deleted, given, touched] = await chunks.putMany(
      ['first put', 'first update', 'deleted', 'given', 'touched'].map((text) => ({ text })),
    )
    await store().checkpoint()
    await expect.poll(() => model.calls.length).toBeGreaterThan(asked)
    await chunks.put({ id: put!.id, text: 'second put' })
    await chunks.update(updated!.id, { text: 'second update' })
    await chunks.delete(deleted!.id)
    await chunks.update(given!.id, { embedding: [1, 2], embeddingModel: 'own' })
    await chunks.update(touched!.id, { metadata: { read: true } })
    model.before = () => {}
    held.open()
    await settled(own)
    const vectors = await vectorsIn(own)
    expect(vectors.get(put!.id)).toEqual(wordVector('second put'))
    expect(vectors.get(updated!.id)).toEqual(wordVector('second update'))
    expect(vectors.get(given!.id)).toEqual(Float32Array.of(1, 2))
    expect(vectors.get(touched!.id)).toEqual(wordVector('touched'))
    expect(vectors.has(deleted!.id)).toBe(false)
    expect((await chunks.get(touched!.id))!.metadata).toEqual({ read: true })
  })

  test('goes on where single texts are refused, and says so until they are gone', async () => {
    const own = view()
    const { chunks } = own
    model.before = (texts) => {
      if (texts.includes('bad')) throw httpError(400)
    }
    const receipts = await chunks.putMany([...'abcdefghij', 'bad'].map((text) => ({ text })))
    await store().checkpoint()
    await expect.poll(() => own.entries.count({ where: WAITING })).toBe(1)
    await expect
      .poll(() => store().health().reasons)
      .toMatchObject([{ code: 'unembedded', message: expect.stringContaining('1 entries') }])
    expect(store().health()).toMatchObject({ live: true, ready: true, degraded: false })
    await chunks.update(receipts.at(-1)!.id, { text: 'better' })
    await settled(own)
    expect((await vectorsIn(own)).get(receipts.at(-1)!.id)).toEqual(wordVector('better'))
    await expect.poll(() => store().health().reasons).toEqual([])
    model.before = () => {}
  })

  test('goes on behind more refused texts than are looked at together', async () => {
    const own = view()
    model.before = (texts) => {
      if (texts.some((text) => text.startsWith('bad'))) throw httpError(400)
    }
    await own.chunks.putMany(Array.from({ length: 20 }, (_, i) => ({ text: `bad ${i}` })))
    const { id } = await own.chunks.put({ text: 'good' })
    await store().checkpoint()
    await expect.poll(async () => (await vectorsIn(own)).get(id)).toEqual(wordVector('good'))
    expect(await own.entries.count({ where: WAITING })).toBe(20)
    await own.deleteAll()
    await store().checkpoint()
    model.before = () => {}
  })

  test('a text that fails for a reason nobody knows keeps no other from its vector', async () => {
    const own = view()
    model.before = (texts) => {
      if (texts.includes('bad')) throw Object.assign(new Error('filtered'), { code: 'content_filter' })
    }
    const texts = ['bad', ...Array.from({ length: 40 }, (_, i) => `good ${i}`)]
    await own.chunks.putMany(texts.map((text) => ({ text })))
    await store().checkpoint()
    await expect.poll(() => own.entries.count({ where: WAITING })).toBe(1)
    await expect
      .poll(() => store().health().reasons)
      .toMatchObject([{ code: 'unembedded', message: expect.stringContaining('1 entries') }])
    await own.deleteAll()
    await store().checkpoint()
    model.before = () => {}
    await expect.poll(() => store().health().reasons).toEqual([])
  })

  test('leaves a model alone for as long as it asks, and comes back', async () => {
    const own = view()
    let refusals = 1
    const times: number[] = []
    model.before = () => {
      times.push(performance.now())
      if (refusals-- > 0) throw httpError(429, { 'retry-after-ms': '1200' })
    }
    await own.chunks.putMany([{ text: 'rate' }, { text: 'limited' }])
    await store().checkpoint()
    await expect
      .poll(() => store().health().reasons)
      .toMatchObject([{ code: 'unembedded', message: expect.stringContaining('all entries') }])
    await settled(own)
    expect([...(await vectorsIn(own)).values()]).toEqual(expect.arrayContaining([wordVector('rate')]))
    expect(times).toHaveLength(2)
    expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(1_190)
    await expect.poll(() => store().health().reasons).toEqual([])
    const { embedding } = await store().stats()
    expect(embedding).toMatchObject({ model: 'words', failedCalls: expect.any(Number) })
    model.before = () => {}
  })

  test('gives a document its vectors, and what waits already is written once', async () => {
    const own = view()
    const held = gate()
    model.before = () => held.closed
    const first = await own.chunks.replaceDocument('d', [{ text: 'a' }, { text: 'b' }])
    expect(first.unembedded).toEqual(first.ids)
    const second = await own.chunks.replaceDocument('d', [{ text: 'a' }, { text: 'c' }])
    expect(second.kept).toEqual([first.ids[0]])
    model.before = () => {}
    held.open()
    await settled(own)
    expect(await vectorsIn(own)).toEqual(new Map(second.ids.map((id, i) => [id, wordVector('ac'[i]!)])))
    const third = await own.chunks.replaceDocument('d', [{ text: 'a' }, { text: 'c' }])
    expect(third).toMatchObject({ kept: second.ids, unembedded: [] })
  })

  test('a query waits for its vector as at any store', async () => {
    const { chunks } = view()
    model.before = () => {
      throw new Error('away')
    }
    const refusal = await chunks.search({ text: 'x', by: 'vector' }).catch((error: unknown) => error)
    expect(isThermoclineError(refusal, 'ERR_EMBEDDING_FAILED')).toBe(true)
    model.before = () => {}
  })
})
