/** What each tier has of a namespace, wherever its entries are and whatever else there is. */
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import type { NamespaceStats, NamespaceView } from '../../src/index.ts'
import { describePairs, shareStore, vectorOf } from './stores.ts'

/** Entries of the kinds that there are, tier by tier. */
function entriesIn({ pending, hot, cold }: NamespaceStats): Record<string, Record<string, number>> {
  const tiers = Object.entries({ pending, hot: hot!, cold })
  return Object.fromEntries(
    tiers.map(([tier, { entries, bytes, kinds }]) => {
      const own = Object.entries(kinds).filter(([, kind]) => kind.entries > 0)
      const sums = [
        own.reduce((sum, [, kind]) => sum + kind.entries, 0),
        own.reduce((sum, [, kind]) => sum + kind.bytes, 0),
      ]
      expect(sums).toEqual([entries, bytes])
      return [tier, Object.fromEntries(own.map(([kind, { entries: n }]) => [kind, n]))]
    }),
  )
}

const NOTHING = { pending: {}, hot: {}, cold: {} }

describePairs('the statistics of a namespace', (pair) => {
  const { store, view, clock } = shareStore(pair)

  /** Two chunks, one of them with an embedding, and one of each of two other kinds. */
  async function filled(): Promise<{ own: NamespaceView; chunk: string }> {
    const own = view()
    const [chunk] = await own.chunks.putMany([{ text: 'a', embedding: vectorOf(1) }, { text: 'b' }])
    await own.embeddings.put({ embedding: vectorOf(1, 16) })
    await own.blobs.put({ bytes: randomBytes(5_000) })
    return { own, chunk: chunk!.id }
  }
  const KINDS = { chunk: 2, embedding: 1, blob: 1 }

  test('say where entries are, from when they are written until they are in cold alone', async () => {
    const { own } = await filled()
    const written = await own.stats()
    expect(written).toMatchObject({ entries: 4, dimensions: { 8: 1, 16: 1 } })
    expect(entriesIn(written)).toEqual({ pending: KINDS, hot: KINDS, cold: {} })
    await store().checkpoint()
    const shipped = await own.stats()
    expect(entriesIn(shipped)).toEqual({ pending: {}, hot: KINDS, cold: KINDS })
    clock.advance(1)
    await store().sync()
    const demoted = await own.stats()
    expect(entriesIn(demoted)).toEqual({ pending: {}, hot: {}, cold: KINDS })
    for (const { kinds } of [written.pending, written.hot!, shipped.cold]) {
      expect(kinds.blob.bytes).toBeGreaterThanOrEqual(5_000)
      expect(kinds.blob.bytes).toBeLessThan(5_300)
      expect(kinds.embedding.bytes).toBeGreaterThan(64)
    }
    expect(demoted).toEqual({ ...shipped, hot: demoted.hot })
    expect(shipped).toEqual({ ...written, pending: demoted.pending, cold: shipped.cold })
  })

  test('count the newest version of each entry alone, and nothing that is gone', async () => {
    const { own, chunk } = await filled()
    const short = await own.metadata.put({ metadata: {}, ttl: '1h' })
    await store().sync()
    await own.chunks.update(chunk, { embedding: vectorOf(1, 4) })
    const { items } = await own.blobs.find()
    await own.blobs.delete(items[0]!.id)
    const changed = await own.stats()
    expect(changed).toMatchObject({ entries: 4, dimensions: { 4: 1, 16: 1 } })
    expect(entriesIn(changed)).toMatchObject({
      pending: { chunk: 1 },
      hot: { chunk: 1 },
      cold: { chunk: expect.any(Number), embedding: 1, metadata: 1 },
    })
    expect(changed.cold.kinds.blob).toEqual({ entries: 0, bytes: 0 })
    clock.advance(3_600_000)
    const later = await own.stats()
    expect([later.entries, later.entries, later.cold.kinds.metadata.entries]).toEqual([3, await own.count(), 0])
    expect(await own.metadata.get(short.id)).toBeUndefined()
    await own.deleteAll()
    const gone = await own.stats()
    expect(gone).toMatchObject({ entries: 0, dimensions: {}, oldest: undefined, newest: undefined })
    expect(entriesIn(gone)).toEqual(NOTHING)
    await store().sync()
    expect(entriesIn(await own.stats())).toEqual(NOTHING)
  })

  test('are of what is below as well where that is said, and never of what begins alike', async () => {
    const { own } = await filled()
    await own.namespace('a').chunks.put({ text: 'a', createdAt: 86_400_000 })
    await own.namespace('a', 'b').chunks.put({ text: 'a' })
    await own.namespace('a-b').chunks.put({ text: 'a' })
    const a = own.namespace('a')
    for (const move of [async () => {}, () => store().sync()]) {
      await move()
      expect((await own.stats()).entries).toBe(4)
      expect((await own.stats({ recursive: true })).entries).toBe(7)
      expect(await a.stats()).toMatchObject({ entries: 1, oldest: new Date(86_400_000) })
      expect((await a.stats({ recursive: true })).entries).toBe(2)
      expect((await store().root.stats()).entries).toBe(await store().root.count())
    }
  })

  test('are of many batches, and end between two of them', async () => {
    const own = view()
    const texts = Array.from({ length: 2_500 }, (_, i) => ({ text: String(i) }))
    await own.chunks.putMany(texts)
    expect(entriesIn(await own.stats())).toEqual({ pending: { chunk: 2_500 }, hot: { chunk: 2_500 }, cold: {} })
    await store().checkpoint()
    await own.chunks.putMany(texts.slice(0, 10))
    const tiers = { pending: { chunk: 10 }, hot: { chunk: 2_510 }, cold: { chunk: 2_500 } }
    expect(entriesIn(await own.stats())).toEqual(tiers)
    await expect(own.stats({ timeout: 1 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    await expect(own.stats({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  })

  test('take no option that they do not know', async () => {
    await expect(view().stats({ deep: true } as object)).rejects.toMatchObject({ code: 'ERR_INVALID_OPTIONS' })
    await expect(view().stats({ recursive: 1 as never })).rejects.toMatchObject({ code: 'ERR_INVALID_QUERY' })
  })
})
