/** `cold.precision`: embeddings are exact while hot or pending has them, and rounded once cold alone does. */

import { PassThrough } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { roundVector, widenVector } from '../../src/entry/rounded-vector.ts'
import { namespaceSegments, openMemoryStore } from '../../src/index.ts'
import { longTest } from '../tools/budget.ts'
import { describePairs, QUIET, shareStore, temporaryFolder, vectorOf } from './stores.ts'
import { canaryVector, filesWith } from './traces.ts'

const DIMENSIONS = 16
const byInt8 = (exact: Float32Array): Float32Array => widenVector(roundVector(exact, 'int8')!)
const byHalf = (exact: Float32Array): Float32Array => widenVector(roundVector(exact, 'half')!)

describePairs('embeddings that cold rounds', (pair) => {
  const precision = { '**': 'int8', 'exact/**': 'full', 'exact/but': 'half' } as const
  const { clock, store, view } = shareStore(pair, { cold: { dimensions: [DIMENSIONS], precision } })
  const leaveHot = async () => {
    await store().sync()
    await pair.expireMarkers(clock)
  }

  test('are read as they were put until cold alone has them', async () => {
    const places = [
      { view: view(), read: byInt8 },
      { view: store().namespace('exact', 'a'), read: (exact: Float32Array) => exact },
      { view: store().namespace('exact', 'but'), read: byHalf },
    ]
    for (const [n, { view, read }] of places.entries()) {
      const exact = vectorOf(n, DIMENSIONS)
      const { id } = await view.embeddings.put({ embedding: exact })
      expect((await view.embeddings.get(id))?.embedding).toEqual(exact)
      await store().checkpoint()
      expect((await view.embeddings.get(id))?.embedding).toEqual(exact)
      await view.embeddings.update(id, { metadata: { changed: false } })
      expect((await view.embeddings.get(id))?.embedding).toEqual(exact)
      await leaveHot()
      expect((await view.embeddings.get(id))?.embedding).toEqual(read(exact))
      // Written again as it was read, it stays what it is.
      await view.embeddings.update(id, { metadata: { changed: true } })
      await leaveHot()
      expect((await view.embeddings.get(id))?.embedding).toEqual(read(exact))
    }
  })

  test('are found in the same order wherever they are, by scores that are as good as the same', async () => {
    const { embeddings } = view()
    await embeddings.putMany(Array.from({ length: 12 }, (_, n) => ({ embedding: vectorOf(n, DIMENSIONS) })))
    const found = async () => (await embeddings.search({ embedding: vectorOf(3, DIMENSIONS), k: 5 })).hits
    const pending = await found()
    await store().sync()
    const cold = await found()
    expect(cold.map(({ entry }) => entry.id)).toEqual(pending.map(({ entry }) => entry.id))
    for (const [i, { score }] of cold.entries()) expect(score).toBeCloseTo(pending[i]!.score, 2)
    expect(cold.map(({ score }) => score)).not.toEqual(pending.map(({ score }) => score))
  })

  test('are not written again by a document that has them still', async () => {
    const { chunks } = view()
    const given = [0, 1].map((n) => ({ text: `chunk ${n}`, embedding: vectorOf(n, DIMENSIONS) }))
    const { ids } = await chunks.replaceDocument('d', given)
    await leaveHot()
    expect(await chunks.replaceDocument('d', given)).toMatchObject({ kept: ids, changed: [] })
    const other = given.map((chunk, n) => ({ ...chunk, embedding: vectorOf(n + 5, DIMENSIONS) }))
    expect(await chunks.replaceDocument('d', other)).toMatchObject({ kept: [], changed: ids })
  })

  test('are written by a document that has others, unless cold would keep the same', async () => {
    const given = (second: number) => [{ text: 'a', embedding: [1, second] }]
    const places = [
      { chunks: view().chunks, isWritten: false },
      { chunks: store().namespace('exact', 'document').chunks, isWritten: true },
      { chunks: store().namespace('exact', 'but').chunks, isWritten: true },
    ]
    for (const { chunks } of places) await chunks.replaceDocument('d', given(0))
    await leaveHot()
    for (const { chunks, isWritten } of places) {
      expect((await chunks.replaceDocument('d', given(0.003))).changed).toHaveLength(isWritten ? 1 : 0)
      const [chunk] = (await chunks.ofDocument('d')).items
      expect(chunk?.embedding).toEqual(new Float32Array([1, isWritten ? 0.003 : 0]))
    }
  })

  test('go out and come in as they are read', async () => {
    const from = view()
    const exact = vectorOf(7, DIMENSIONS)
    const { id } = await from.embeddings.put({ embedding: exact })
    await leaveHot()
    const to = new PassThrough()
    const [archive] = await Promise.all([buffer(to), from.export({ to })])
    const into = store().namespace('exact', 'imported')
    await into.import({ from: [archive] })
    await leaveHot()
    const { items } = await into.embeddings.find()
    expect(items.map((entry) => entry.embedding)).toEqual([byInt8(exact)])
    expect((await from.embeddings.get(id))?.embedding).toEqual(byInt8(exact))
  })
})

describe('a rounded embedding that was erased', () => {
  longTest('is in no file of the folder', async () => {
    const dir = await temporaryFolder()
    await using store = await openMemoryStore({ dir, ...QUIET, cold: { precision: 'half' } })
    const exact = canaryVector(DIMENSIONS)
    const needles = [Buffer.from(exact.buffer), Buffer.from(roundVector(exact, 'half')!.steps.buffer)]
    const { id } = await store.embeddings.put({ embedding: exact })
    await store.sync()
    expect(await filesWith(dir, needles.slice(1))).not.toEqual([])
    expect(await store.embeddings.erase([id], { vacuum: 'full' })).toMatchObject({ erased: 1, left: [] })
    expect(await filesWith(dir, needles)).toEqual([])
  })
})

longTest('embeddings of before are rounded where each is put again, as README has it', async () => {
  const dir = await temporaryFolder()
  const exact = vectorOf(1, DIMENSIONS)
  const full = await openMemoryStore({ dir, ...QUIET })
  const { id } = await full.namespace('of', 'before').embeddings.put({ embedding: exact })
  await full.close()
  await using store = await openMemoryStore({ dir, ...QUIET, cold: { precision: 'int8' } })
  const began = new Date()
  const { embeddings } = store.namespace('of', 'before')
  expect((await embeddings.peek(id))?.embedding).toEqual(exact)
  const again = async (): Promise<number> => {
    let count = 0
    for await (const entry of store.root.entries.findAll({ where: { updatedAt: { lt: began } } })) {
      const { entries } = store.namespace(...namespaceSegments(entry.namespace))
      await entries.put(entry, { expectedVersion: entry.version })
      count++
    }
    return count
  }
  expect(await again()).toBe(1)
  expect(await again()).toBe(0)
  await store.checkpoint()
  await embeddings.demote(id)
  expect((await embeddings.peek(id))?.embedding).toEqual(byInt8(exact))
})
