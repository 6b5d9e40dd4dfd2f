/** What is erased is in no file, no row, no key and no log, and does not come back. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type MemoryStore, type MemoryStoreOptions, openMemoryStore } from '../../src/index.ts'
import { longTest } from '../tools/budget.ts'
import { describeGated } from './gate.ts'
import { describePairs, QUIET, shareStore, temporaryFolder, vectorOf } from './stores.ts'
import { canaryOf, canaryVector, filesWith } from './traces.ts'

async function opened(options: MemoryStoreOptions): Promise<MemoryStore> {
  const store = await openMemoryStore(options)
  onTestFinished(async () => {
    await store.close()
  })
  return store
}

describePairs('erasing', (pair) => {
  const shared = shareStore(pair)
  const emptyView = () => shared.view().namespace('a/b', 'c%')

  /** A store that nothing has been erased in. */
  async function open() {
    const store = await opened(await pair.options())
    return { store, view: store.namespace('a/b', 'c%') }
  }

  test('takes every trace of what a query selects, and leaves the rest', async () => {
    const [store, view] = [shared.store(), emptyView()]
    const { id: other } = await view.chunks.put({ text: 'kept', metadata: { user: 'v' } })
    const elsewhere = await store.chunks.put({ text: 'kept', metadata: { user: 'u' } })
    const gone = await view.chunks.putMany([
      { text: 'one', key: 'one', metadata: { user: 'u' } },
      { text: 'two', metadata: { user: 'u' } },
    ])
    await store.checkpoint()
    await view.chunks.put({ text: 'three', metadata: { user: 'u' } })

    const progress: unknown[] = []
    const erased = await view.chunks.erase(
      { where: { 'metadata.user': 'u' } },
      { batchSize: 2, onProgress: (counts) => progress.push(counts) },
    )

    expect(erased).toMatchObject({ matched: 3, erased: 3, removed: { hot: 3, staged: 0, deadLetters: 0 } })
    expect(progress).toEqual([
      { matched: 2, erased: 2 },
      { matched: 3, erased: 3 },
    ])
    expect((await view.chunks.find()).items.map(({ id }) => id)).toEqual([other])
    expect(await store.chunks.get(elsewhere.id)).toMatchObject({ text: 'kept' })
    expect(await view.chunks.getByKey('one')).toBeUndefined()
    expect(await view.entries.explain(gone[0]!.id)).toMatchObject({ hot: undefined })
    const again = await view.chunks.erase({ where: { 'metadata.user': 'u' } })
    expect(again).toMatchObject({ matched: 0, erased: 0 })
  })

  test('takes ids of whatever kind, each once, whether there is such an entry or not', async () => {
    const [store, view] = [shared.store(), emptyView()]
    const { id } = await view.blobs.put({ bytes: Uint8Array.of(1, 2, 3) })
    const deleted = await view.chunks.put({ text: 'a' })
    await store.checkpoint()
    await view.chunks.delete(deleted.id)
    expect(await view.chunks.erase([id, id, deleted.id])).toMatchObject({ matched: 2, erased: 2 })
    expect(await view.blobs.has(id)).toBe(false)
    expect(await view.chunks.erase([])).toMatchObject({ matched: 0, erased: 0 })
  })

  test('takes idempotency keys along, which are free again, and leaves those of others', async () => {
    const view = emptyView()
    const [mine, kept] = [{ idempotencyKey: 'mine' }, { idempotencyKey: 'kept' }]
    const put = () => view.chunks.put({ text: 'a', metadata: { user: 'u' } }, mine)
    const other = await view.chunks.put({ text: 'b' }, kept)
    const first = await put()
    const [gone] = await view.write(
      [{ put: { kind: 'chunk', text: 'c', metadata: { user: 'u' } } }, { update: other.id, patch: { text: 'd' } }],
      { atomic: true, idempotencyKey: 'several' },
    )
    expect(await view.chunks.erase({ where: { 'metadata.user': 'u' } })).toMatchObject({
      erased: 2,
      removed: { idempotencyKeys: 2 },
    })
    for (const { id } of [first, gone!]) expect(await view.chunks.has(id)).toBe(false)
    expect(await view.chunks.put({ text: 'b' }, kept)).toEqual(other)
    expect((await put()).version > first.version).toBe(true)
    expect(await view.chunks.count()).toBe(2)
    expect(await view.chunks.erase([other.id])).toMatchObject({ removed: { idempotencyKeys: 1 } })
  })

  test('leaves what is put while it goes on', async () => {
    const { view } = await open()
    const put = () => view.chunks.put({ text: 'a', metadata: { user: 'u' } })
    await Promise.all(Array.from({ length: 5 }, put))
    const meanwhile: Promise<{ readonly id: string }>[] = []
    const onProgress = () => void (meanwhile.length === 0 && meanwhile.push(put()))
    const where = { 'metadata.user': 'u' }
    expect(await view.chunks.erase({ where }, { batchSize: 2, onProgress })).toMatchObject({ matched: 5, erased: 5 })
    const { id } = await meanwhile[0]!
    expect((await view.chunks.find({ where })).items.map((entry) => entry.id)).toEqual([id])
  })

  test('counts, and does nothing, where that is asked for', async () => {
    const { view } = await open()
    const { id } = await view.chunks.put({ text: 'a', documentId: 'd' })
    const nothing = { erased: 0, removed: { hot: 0, log: { segments: 0 } }, left: [] }
    expect(await view.chunks.erase({ where: { documentId: 'd' } }, { dryRun: true })).toMatchObject({
      matched: 1,
      ...nothing,
    })
    expect(await view.chunks.erase([id], { dryRun: true })).toMatchObject({ matched: 1, ...nothing })
    expect(await view.chunks.has(id)).toBe(true)
  })

  test('refuses what selects everything by mistake, and what it does not know', async () => {
    const { store, view } = await open()
    const { id } = await view.chunks.put({ text: 'a' })
    const bad: [unknown, object, string][] = [
      [{ where: {} }, {}, 'ERR_INVALID_QUERY'],
      [{}, {}, 'ERR_INVALID_QUERY'],
      [{ where: { text: 'a' }, ids: [id] }, {}, 'ERR_INVALID_QUERY'],
      [id, {}, 'ERR_INVALID_QUERY'],
      [[id], { recursive: true }, 'ERR_INVALID_QUERY'],
      [['x'], {}, 'ERR_INVALID_ENTRY'],
      [[id], { vacuum: 'FULL' }, 'ERR_INVALID_OPTIONS'],
      [[id], { durability: 'wal' }, 'ERR_INVALID_OPTIONS'],
    ]
    for (const [what, options, code] of bad)
      await expect(view.chunks.erase(what as never, options)).rejects.toMatchObject({ code })
    await expect(store.root.entries.erase([id])).rejects.toMatchObject({ code: 'ERR_INVALID_ENTRY' })
    expect(await view.chunks.has(id)).toBe(true)
    await view.chunks.put({ text: 'b' })
    expect(await store.root.entries.erase({ where: {} }, { all: true })).toMatchObject({ erased: 2 })
  })

  test('says how far it came where it is aborted, and goes on when it is called again', async () => {
    const view = emptyView()
    await view.chunks.putMany(Array.from({ length: 5 }, (_, i) => ({ text: `${i}`, documentId: 'd' })))
    const stop = new AbortController()
    const options = { batchSize: 2, signal: stop.signal, onProgress: () => stop.abort() }
    const what = { where: { documentId: 'd' } }
    await expect(view.chunks.erase(what, options)).rejects.toMatchObject({
      code: 'ERR_ABORTED',
      details: { outcome: 'partial', counts: { matched: 2, erased: 2 } },
    })
    expect(await view.chunks.count()).toBe(3)
    expect(await view.chunks.erase(what)).toMatchObject({ matched: 3, erased: 3 })
  })

  test('leaves what is put meanwhile', async () => {
    const view = emptyView()
    await view.chunks.putMany([{ text: 'a' }, { text: 'b' }])
    let put: Promise<{ id: string }> | undefined
    await view.chunks.erase(
      { where: {} },
      { all: true, batchSize: 1, onProgress: () => (put ??= view.chunks.put({ text: 'new' })) },
    )
    expect((await view.chunks.find()).items).toMatchObject([{ id: (await put!).id, text: 'new' }])
  })
})

describeGated('erasing beside others', (tiers) => {
  const { view } = shareStore({ open: (options) => tiers.open(options) })

  test('takes idempotency keys along that came after it had looked for them', async () => {
    const { chunks } = view()
    const { id } = await chunks.put({ text: 'a' })
    const looked = tiers.cold.hold('eraseIdempotencyKeys')
    const erasing = chunks.erase([id])
    await looked.arrived
    await chunks.put({ id, text: 'b' }, { idempotencyKey: 'late' })
    looked.release()
    expect(await erasing).toMatchObject({ erased: 1, removed: { idempotencyKeys: 1 } })
    await chunks.put({ id, text: 'c' }, { idempotencyKey: 'late' })
    expect(await chunks.get(id)).toMatchObject({ text: 'c' })
  })

  test('leaves no idempotency key behind where it ends once the tombstones are there', async () => {
    const { chunks } = view()
    const put = () => chunks.put({ text: 'a', documentId: 'd' }, { idempotencyKey: 'early' })
    const first = await put()
    const looked = tiers.cold.hold('eraseIdempotencyKeys')
    const erasing = chunks.erase({ where: { documentId: 'd' } })
    await looked.arrived
    tiers.cold.refuse('eraseIdempotencyKeys')
    looked.release()
    await expect(erasing).rejects.toMatchObject({ details: { counts: { erased: 1 } } })
    tiers.cold.allow()
    expect(await chunks.erase({ where: { documentId: 'd' } })).toMatchObject({ matched: 0 })
    expect((await put()).id).not.toBe(first.id)
  })

  test('selects no more what came before its tombstone, whose idempotency key then goes by the id', async () => {
    const { chunks } = view()
    const { id } = await chunks.put({ text: 'a', documentId: 'd' })
    const looked = tiers.cold.hold('eraseIdempotencyKeys')
    const erasing = chunks.erase({ where: { documentId: 'd' } })
    await looked.arrived
    await chunks.update(id, { text: 'b' }, { idempotencyKey: 'late' })
    tiers.cold.refuse('eraseIdempotencyKeys')
    looked.release()
    await expect(erasing).rejects.toMatchObject({ details: { counts: { erased: 1 } } })
    tiers.cold.allow()
    expect(await chunks.erase({ where: { documentId: 'd' } })).toMatchObject({ matched: 0 })
    expect(await chunks.erase([id])).toMatchObject({ removed: { idempotencyKeys: 1 } })
  })
})

describe('what was erased', () => {
  test('is in no file of the folder', async () => {
    const dir = await temporaryFolder()
    const store = await opened({ dir, ...QUIET, cold: { dimensions: [16] } })
    const [canary, vector] = [canaryOf(), canaryVector(16)]
    const needles = [canary, Buffer.from(vector.buffer)]
    const view = store.namespace('tenant')
    const ids: string[] = []
    for (let i = 0; i < 20; i++) {
      const text = `${canary} text ${i} ${randomBytes(2_000 * i).toString('base64')}`
      const input = {
        text,
        key: `${canary}-${i}`,
        documentId: canary,
        metadata: { [canary]: canary },
        embedding: vector,
      }
      // A key makes each write a transaction of its own: one in five has one.
      const options = i % 5 === 0 ? { idempotencyKey: `${canary} asks ${i}` } : {}
      ids.push((await view.chunks.put(input, options)).id)
    }
    await store.sync()
    // In several versions, of which some are pending.
    await view.chunks.update(ids[0]!, { text: `${canary} anew` }, { idempotencyKey: `${canary} asks anew` })
    await view.chunks.delete(ids[1]!)
    await view.chunks.expire(ids[2]!, 1)
    const { id: kept } = await view.chunks.put({ text: 'kept', embedding: vectorOf(1, 16) })
    expect(await filesWith(dir, needles)).not.toEqual([])

    const erased = await view.chunks.erase(ids, { vacuum: 'full' })

    expect(erased).toMatchObject({ matched: 20, erased: 20, removed: { idempotencyKeys: 5 }, left: [] })
    expect(erased.removed.log.segments).toBeGreaterThan(0)
    expect(await filesWith(dir, needles)).toEqual([])
    await view.chunks.put({ text: 'later' })
    await store.close()
    expect(await filesWith(dir, needles)).toEqual([])
    const again = await opened({ dir, ...QUIET, cold: { dimensions: [16] } })
    expect((await again.namespace('tenant').chunks.find()).items.map(({ text }) => text).sort()).toEqual([
      'kept',
      'later',
    ])
    expect(await again.namespace('tenant').chunks.search({ embedding: vector, k: 10 })).toMatchObject({
      hits: [{ entry: { id: kept } }],
    })
  })

  longTest('is told to be left in files of the database, unless they are written anew', async () => {
    const dir = await temporaryFolder()
    const store = await opened({ dir, ...QUIET })
    const canary = canaryOf()
    const { id } = await store.chunks.put({ text: canary })
    await store.sync()
    const { left } = await store.chunks.erase([id])
    expect(left.map(({ place }) => place)).toEqual(['database-files', 'database-log'])
    expect((await filesWith(dir, [canary])).every((path) => path.startsWith(join(dir, 'cold')))).toBe(true)
    expect((await store.chunks.erase([id], { vacuum: 'full' })).left).toEqual([])
    expect(await filesWith(dir, [canary])).toEqual([])
  })
})
