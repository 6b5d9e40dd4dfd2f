/** What the studio answers about a store, and what it does to one where it may. */
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { ratesBetween } from '../../src/studio/rates.ts'
import { StoreWatcher } from '../../src/studio/store-watcher.ts'
import { describePairs, embeddedPair, type Pair, shareStore, vectorOf } from '../flow/stores.ts'
import { isThorough } from '../tools/budget.ts'
import { AskedStudio } from './ask-studio.ts'

/** What it asks of a store is the same on each pair: `npm test` has the one. */
function describeStudio(body: (pair: Pair) => void): void {
  if (isThorough) describePairs('a studio', body)
  else describe('a studio', () => body(embeddedPair))
}

describeStudio((pair) => {
  const { store, view } = shareStore(pair)
  const looking = (): AskedStudio => new AskedStudio(store())
  const writing = (): AskedStudio => new AskedStudio(store(), { write: true })

  test('tells what is where, what lags, and whether it may write', async () => {
    const own = view()
    await own.chunks.put({ text: 'pending' })
    const { status, body } = await looking().get('overview')
    expect(status).toBe(200)
    expect(body).toMatchObject({
      isWritable: false,
      live: true,
      tiers: { hot: { state: 'there' }, cold: { state: 'there' } },
    })
    expect(body.lag.records).toBeGreaterThan(0)
    expect(body.tiers.hot.entries).toBeGreaterThan(0)
    expect((await writing().get('overview')).body.isWritable).toBe(true)
    const log = (await looking().get('log')).body
    expect(log.sequence - log.checkpoint).toBeGreaterThan(0)
    const ownLog = { id: log.id, isOwn: true, owed: log.lagRecords, isDamaged: false, sequence: log.checkpoint }
    expect((await looking().get('logs')).body.logs).toMatchObject([ownLog])
    expect((await looking().get('sync')).body.history).toEqual([])
    expect((await looking().get('samples')).body).toEqual([])
  })

  test('counts an entry that is read once as one read, while it is pending and once it is not', async () => {
    const own = view()
    const { id } = await own.chunks.put({ text: 'read' })
    const readsOf = async (read: () => Promise<unknown>): Promise<number> => {
      const before = { at: 0, stats: await store().stats() }
      await read()
      return ratesBetween(before, { at: 1_000, stats: await store().stats() }).reads
    }
    expect(await readsOf(() => own.chunks.get(id))).toBe(1)
    await store().checkpoint()
    expect(await readsOf(() => own.chunks.get(id))).toBe(1)
    await own.chunks.demote(id)
    expect(await readsOf(() => own.chunks.get(id))).toBe(1)
  })

  test('asks once for those who look in the same second', async () => {
    const asked = looking()
    const callsOf = async () => (await store().stats()).calls
    const before = await callsOf()
    await Promise.all([asked.get('overview'), asked.get('overview'), asked.get('sync')])
    const after = await callsOf()
    // One of them is ours.
    expect(after.stats!.count - before.stats!.count).toBe(2)
    expect(after.alerts!.count - (before.alerts?.count ?? 0)).toBe(1)
  })

  test('goes on reading the numbers when the clock is set back', async () => {
    const watcher = new StoreWatcher(store())
    const { stats } = await watcher.read()
    const past = Date.now() - 3_600_000
    const clock = vi.spyOn(Date, 'now').mockReturnValue(past)
    onTestFinished(() => clock.mockRestore())
    await expect.poll(() => watcher.read().then((reading) => reading.stats === stats)).toBe(false)
  })

  test('lists by namespace, kind and condition, page by page, and says which tier has each', async () => {
    const own = view()
    const { namespace } = own.entries
    const at = { namespace }
    for (let rank = 0; rank < 3; rank++)
      await own.chunks.put({ key: `k${rank}`, text: `text ${rank}`, metadata: { rank } })
    await own.blobs.put({ bytes: new Uint8Array(2), contentType: 'image/png' })
    const asked = looking()
    const all = await asked.get('entries', { ...at, limit: '3' })
    expect(all.body.items).toHaveLength(3)
    const rest = await asked.get('entries', { ...at, limit: '3', cursor: all.body.nextCursor })
    expect(rest.body.items).toHaveLength(1)
    const one = await asked.get('entries', { ...at, kind: 'chunk', where: '{"metadata.rank":{"gte":2}}' })
    expect(one.body.items).toMatchObject([{ namespace, key: 'k2', kind: 'chunk', title: 'text 2', accessCount: 0 }])
    const since = await asked.get('entries', { ...at, where: '{"updatedAt":{"lt":"2001-01-01"}}' })
    expect(since.body.items).toEqual([])
    const [{ id }] = one.body.items
    const placed = await asked.get('placements', { entries: JSON.stringify([[namespace, id]]) })
    expect(placed.body).toEqual([{ namespace, id, pending: 'current', hot: 'current', cold: 'none', pinned: false }])
    const names = (await asked.get('namespaces')).body.items
    expect(names).toContainEqual(expect.objectContaining({ namespace, count: 4 }))
  })

  test('searches by text, by a vector and like an entry, with scores, and counts no read', async () => {
    const own = view()
    const at = { namespace: own.entries.namespace }
    const near = await own.chunks.put({ text: 'warm water floats', embedding: vectorOf(1) })
    const far = await own.chunks.put({ text: 'cold water sinks', embedding: vectorOf(9) })
    await store().checkpoint()
    const asked = looking()
    const byText = (await asked.get('search', { ...at, text: 'floats' })).body
    expect(byText.hits).toMatchObject([{ id: near.id, title: 'warm water floats' }])
    const byVector = (await asked.get('search', { ...at, embedding: JSON.stringify([...vectorOf(9)]) })).body
    expect(byVector).toMatchObject({ partial: false, hits: [{ id: far.id }, { id: near.id }] })
    expect(byVector.hits[0].score).toBeCloseTo(1, 5)
    const like = { like: near.id, likeNamespace: at.namespace }
    const byBoth = (await asked.get('search', { ...at, ...like, text: 'sinks or floats' })).body
    expect(byBoth.hits[0]).toMatchObject({ id: near.id, vector: { rank: 1 }, text: { rank: expect.any(Number) } })
    await asked.get('entry', { ...at, id: near.id })
    expect((await own.chunks.peek(near.id))?.accessCount).toBe(0)
  })

  test('shows an entry, where it is and why, and moves, pins, edits, deletes and erases it', async () => {
    const own = view()
    const { namespace } = own.entries
    const { id, version } = await own.chunks.put({ text: '<b>text</b>', metadata: { a: 1 }, embedding: vectorOf(1) })
    await store().checkpoint()
    const asked = writing()
    const at = { namespace, id }
    const placed = async () => (await asked.get('entry', at)).body
    const standings = async () => (await placed()).placements.map(({ standing }: { standing: string }) => standing)
    expect(await placed()).toMatchObject({
      entry: { text: '<b>text</b>', metadata: { a: 1 }, embedding: { dimensions: 8, length: expect.closeTo(1, 4) } },
      why: expect.arrayContaining([expect.stringMatching(/^Cold has its newest version/)]),
    })
    expect(await standings()).toEqual(['none', 'current', 'current'])
    expect((await asked.post('demote', at)).body).toEqual({ result: 'demoted' })
    expect(await standings()).toEqual(['none', 'none', 'current'])
    expect((await asked.post('promote', at)).body.result).toMatch(/^(promoted|refused)$/)
    expect((await asked.post('pin', at)).body).toEqual({ result: 'pinned' })
    expect((await placed()).why[0]).toMatch(/^It is pinned/)
    expect((await asked.post('unpin', at)).body).toEqual({ result: 'unpinned' })

    const edit = { ...at, patch: { text: 'other', metadata: { a: null, b: 2 } } }
    expect((await asked.post('update', { ...edit, expectedVersion: version })).status).toBe(200)
    expect(await own.chunks.peek(id)).toMatchObject({ text: 'other', metadata: { b: 2 } })
    expect(await asked.post('update', { ...edit, expectedVersion: version })).toMatchObject({
      ...{ status: 409, body: { error: { code: 'ERR_CONFLICT' } } },
    })
    expect((await asked.post('delete', at)).status).toBe(200)
    expect(await placed()).toMatchObject({ why: [expect.stringMatching(/^It was deleted/), expect.anything()] })
    const other = await own.chunks.put({ text: 'for good' })
    expect((await asked.post('erase', { namespace, id: other.id })).body).toMatchObject({ erased: 1 })
    expect(await own.chunks.peek(other.id)).toBeUndefined()
  })

  test('draws a tree, and marks what is stale', async () => {
    const own = view()
    const [a, b] = await own.chunks.putMany([
      { key: 'a', text: 'a' },
      { key: 'b', text: 'b' },
    ])
    const low = await own.raptorNodes.put({ level: 1, summary: 'low', children: [a!.id, b!.id] })
    const top = await own.raptorNodes.put({ level: 2, summary: 'top', children: [low.id] })
    await store().checkpoint()
    await own.chunks.put({ key: 'a', text: 'changed' })
    const at = { namespace: own.entries.namespace }
    const { body } = await looking().get('tree', at)
    expect(body).toMatchObject({ root: top.id, roots: [{ id: top.id, level: 2 }], isCut: false, isStaleCut: false })
    expect(body.nodes.map(({ title }: { title: string }) => title).sort()).toEqual(['b', 'changed', 'low', 'top'])
    expect(body.stale).toMatchObject([
      { id: low.id, changed: 1, below: 0 },
      { id: top.id, changed: 0, below: 1 },
    ])
    const part = (await looking().get('tree', { ...at, root: low.id })).body
    expect(part.nodes[0]).toMatchObject({ id: low.id, title: 'low' })
    expect(part.nodes).toHaveLength(3)
  })

  test('says that more nodes of a tree may be stale than it names', async () => {
    const own = view()
    const { id } = await own.chunks.put({ key: 'a', text: 'a' })
    const nodes = Array.from({ length: 200 }, (_, n) => ({ level: 1, summary: `node ${n}`, children: [id] }))
    await own.raptorNodes.putMany(nodes)
    await store().checkpoint()
    await own.chunks.put({ key: 'a', text: 'changed' })
    const { body } = await looking().get('tree', { namespace: own.entries.namespace })
    expect(body).toMatchObject({ isStaleCut: true, stale: { length: 200 } })
  })

  test('syncs by hand, and remembers what happened', async () => {
    const asked = writing()
    await view().chunks.put({ text: 'to ship' })
    expect((await asked.post('checkpoint', {})).body.shipped).toBeGreaterThan(0)
    expect((await asked.post('sync', {})).body).toMatchObject({ errors: 0 })
    const { history, last } = (await asked.get('sync')).body
    expect(history[0]).toMatchObject({ what: 'sync', isBad: false })
    expect(last?.durationMs).toBeGreaterThanOrEqual(0)
  })

  test('says what a sync would do, and does nothing of it', async () => {
    const own = view()
    const { id } = await own.chunks.put({ text: 'idle' })
    await store().checkpoint()
    const { demote } = (await looking().get('preview', { limit: '1000' })).body
    const why = expect.stringMatching(/^would leave: the policy/)
    expect(demote).toContainEqual(expect.objectContaining({ id, why }))
    expect((await own.chunks.explain(id)).hot).toBeDefined()
  })

  describe('refuses', () => {
    test.each([
      ['entries', { where: '{' }, 400, 'INVALID_INPUT'],
      ['entries', { where: '{"colour":1}' }, 400, 'ERR_INVALID_QUERY'],
      ['entries', { namespace: 'a//b' }, 400, 'ERR_INVALID_ENTRY'],
      ['entries', { limit: 'many' }, 400, 'INVALID_INPUT'],
      ['entries', { cursor: 'nonsense' }, 400, 'ERR_INVALID_QUERY'],
      ['search', {}, 400, 'INVALID_INPUT'],
      ['search', { embedding: '[1,"x"]' }, 400, 'ERR_INVALID_QUERY'],
      ['placements', { entries: '[["a"]]' }, 400, 'INVALID_INPUT'],
      ['entry', { namespace: 'default' }, 400, 'INVALID_INPUT'],
      ['entry', { namespace: 'default', id: 'no id' }, 400, 'ERR_INVALID_ENTRY'],
    ] as const)('%s with %o', async (route, parameters, status, code) => {
      const answer = await looking().get(route, parameters)
      expect({ status: answer.status, code: answer.body.error.code }).toEqual({ status, code })
    })

    test('a body that is no object, or too long', async () => {
      const asked = writing()
      const init = { method: 'POST', headers: { 'content-type': 'application/json' } }
      expect((await asked.request('/api/sync', { ...init, body: '[1]' })).status).toBe(400)
      expect((await asked.request('/api/sync', { ...init, body: ' '.repeat(9 * 1024 * 1024) })).status).toBe(413)
    })
  })
})
