/** Entries that stay in hot while they live, on each pair of drivers. */
import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { expect, onTestFinished, test, vi } from 'vitest'
import { Pending } from '../../src/flow/pending.ts'
import { Pressure } from '../../src/flow/pressure.ts'
import { type NamespaceView, openMemoryStore } from '../../src/index.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { Demoter } from '../../src/sync/demoter.ts'
import { Telemetry } from '../../src/telemetry/telemetry.ts'
import { longTest } from '../tools/budget.ts'
import { ManualClock } from '../tools/manual-clock.ts'
import { clientOf } from '../tools/services.ts'
import { describeGated, GatedTiers } from './gate.ts'
import { allIdle, describeWithServers, embeddedPair, QUIET, shareStore, temporaryFolder, unpaced } from './stores.ts'

type Chunks = NamespaceView['chunks']

const texts = (count: number) => Array.from({ length: count }, (_, n) => ({ text: `text ${n}` }))
const putSome = async (chunks: Chunks, count: number) => (await chunks.putMany(texts(count))).map(({ id }) => id)
const areHot = (chunks: Chunks, ids: readonly string[]) =>
  Promise.all(ids.map(async (id) => (await chunks.explain(id)).hot !== undefined))
const arePinned = (chunks: Chunks, ids: readonly string[]) =>
  Promise.all(ids.map(async (id) => (await chunks.explain(id)).pinned))
const all = <T>(ids: readonly string[], value: T) => ids.map(() => value)

describeGated('what is pinned', (tiers, pair) => {
  const { clock, store, view } = shareStore(
    { open: (options) => tiers.open(options) },
    {
      promote: false,
      sync: { ...QUIET.sync, batchSize: 5 },
    },
  )

  test('stays in hot while all else leaves it, and leaves as any other once it is unpinned', async () => {
    const { chunks } = view()
    // More than a batch of the demoter, and the first that it comes upon.
    const kept = await putSome(chunks, 12)
    expect(await chunks.pin(kept)).toEqual(all(kept, 'pinned'))
    clock.advance(1)
    const others = await putSome(chunks, 12)
    clock.advance(1)
    for (const _ of ['once', 'and again']) {
      await store().sync()
      expect(await areHot(chunks, kept)).toEqual(all(kept, true))
      expect(await areHot(chunks, others)).toEqual(all(others, false))
    }
    expect(await chunks.unpin([...kept, others[0]!])).toEqual([...all(kept, 'unpinned'), 'not-pinned'])
    clock.advance(1)
    await store().sync()
    expect(await areHot(chunks, kept)).toEqual(all(kept, false))
  })

  test('is told of, counts, is not demoted by hand, and has no new version', async () => {
    const { chunks, entries } = view()
    const { pinned: before } = (await store().stats()).cold!
    const { id, version } = await chunks.put({ text: 'x' })
    expect((await chunks.explain(id)).pinned).toBe(false)
    expect(await chunks.pin(id)).toBe('pinned')
    expect(await entries.pin([id, id])).toEqual(['already-pinned', 'already-pinned'])
    expect(await chunks.explain(id)).toMatchObject({ pinned: true, hot: { version }, cold: { version } })
    expect((await store().stats()).cold?.pinned).toBe(before + 1)
    expect(await chunks.demote([id, randomUUID()])).toEqual(['pinned', 'not-hot'])
    expect(await chunks.get(id)).toMatchObject({ version, text: 'x' })
    expect(await chunks.unpin(id)).toBe('unpinned')
    expect(await chunks.demote(id)).toBe('demoted')
  })

  test('stays pinned when it is written anew', async () => {
    const { chunks } = view()
    const { id } = await chunks.put({ key: 'a', text: 'one' })
    await chunks.pin(id)
    await chunks.update(id, { text: 'two' })
    await chunks.put({ key: 'a', text: 'three' })
    await store().sync()
    expect([await arePinned(chunks, [id]), await areHot(chunks, [id])]).toEqual([[true], [true]])
    expect((await chunks.get(id))?.text).toBe('three')
  })

  test('enters hot at once, from wherever it is', async () => {
    const { chunks } = view()
    const { id: shipped } = await chunks.put({ text: 'x' })
    await store().sync()
    await pair.expireMarkers(clock)
    tiers.hot.refuse('write')
    const { id: pending } = await chunks.put({ text: 'y' })
    tiers.hot.allow()
    expect(await areHot(chunks, [shipped, pending])).toEqual([false, false])
    expect(await chunks.pin([shipped, pending])).toEqual(['pinned', 'pinned'])
    expect(await areHot(chunks, [shipped, pending])).toEqual([true, true])
    await store().sync()
    expect(await areHot(chunks, [shipped, pending])).toEqual([true, true])
  })

  test('enters it by a later sync where hot is away, or does not take it now', async () => {
    const { chunks } = view()
    const ids = await putSome(chunks, 2)
    await store().sync()
    tiers.hot.refuse()
    expect(await chunks.pin(ids[0]!)).toBe('pinned')
    tiers.hot.allow()
    // Both left hot just now.
    expect(await chunks.pin(ids[1]!)).toBe('pinned')
    await store().sync()
    expect(await areHot(chunks, ids)).toEqual([false, false])
    await pair.expireMarkers(clock)
    await store().sync()
    expect(await areHot(chunks, ids)).toEqual([true, true])
  })

  test('is nothing of what is not there: then none of a call is pinned', async () => {
    const { chunks, metadata } = view()
    const [id, gone, ended] = (await putSome(chunks, 3)) as [string, string, string]
    const { id: other } = await metadata.put({ metadata: {} })
    await chunks.expire(ended, 1)
    await chunks.delete(gone)
    clock.advance(1)
    for (const missing of [gone, ended, other, randomUUID()]) {
      const refusal = { code: 'ERR_NOT_FOUND', details: { id: missing, outcome: 'none' } }
      await expect(chunks.pin([id, missing])).rejects.toMatchObject(refusal)
    }
    expect(await arePinned(chunks, [id, gone, ended, other])).toEqual([false, false, false, false])
    await metadata.pin(other)
    expect(await chunks.unpin([other, randomUUID()])).toEqual(['not-pinned', 'not-pinned'])
    expect(await arePinned(chunks, [other])).toEqual([true])
  })

  test('is nothing of what is deleted before cold pins it', async () => {
    const { chunks } = view()
    const { id } = await chunks.put({ text: 'x' })
    const looked = tiers.cold.hold('pin', 'before')
    const pinned = chunks.pin(id)
    await looked.arrived
    await chunks.delete(id)
    await store().checkpoint()
    looked.release()
    await expect(pinned).rejects.toMatchObject({ code: 'ERR_NOT_FOUND', details: { id } })
  })

  test('loses its pin with its life, and others keep theirs', async () => {
    const here = view()
    const { chunks } = here
    const beside = view().chunks
    const [deleted, erased, expired, kept] = (await putSome(chunks, 4)) as [string, string, string, string]
    await beside.putMany([deleted, kept].map((id) => ({ id, text: 'beside' })))
    const below = await here.namespace('child').chunks.put({ text: 'x' })
    const { pinned: before } = (await store().stats()).cold!
    await chunks.pin([deleted, erased, expired, kept])
    await beside.pin([deleted, kept])
    await here.namespace('child').chunks.pin(below.id)
    await chunks.expire(expired, 1)
    clock.advance(1)
    await chunks.delete(deleted)
    await chunks.erase([erased])
    await store().sync()
    if (pair === embeddedPair) expect((await store().stats()).cold?.pinned).toBe(before + 4)
    expect(await arePinned(chunks, [deleted, erased, kept])).toEqual([false, false, true])
    await here.deleteAll({ recursive: true })
    await store().checkpoint()
    expect(await arePinned(chunks, [kept])).toEqual([false])
    expect(await arePinned(here.namespace('child').chunks, [below.id])).toEqual([false])
    expect(await arePinned(beside, [deleted, kept])).toEqual([true, true])
    await chunks.put({ id: kept, text: 'new' })
    await store().sync()
    expect(await areHot(chunks, [kept])).toEqual([false])
  })

  test('leaves with all else where cold has lost some of it, and comes back', async () => {
    const { chunks } = view()
    const ids = await putSome(chunks, 3)
    await chunks.pin(ids)
    const { tier: hot } = tiers.hot
    const limits = { checkpointBytes: 1e9, maxPendingBytes: 1e9, timeout: 1_000 }
    const pressure = new Pressure(new Pending(), hot, limits, silentLogger)
    const choosing = { tiering: allIdle(hot, clock), pace: unpaced(), batchSize: 2 }
    const telemetry = new Telemetry(clock)
    const parts = { hot, cold: tiers.cold.tier, logger: silentLogger, pressure, telemetry, clock, ...choosing }
    const { isComplete } = await new Demoter(parts).demoteAll(new AbortController().signal)
    expect([isComplete, ...(await areHot(chunks, ids))]).toEqual([true, false, false, false])
    await pair.expireMarkers(clock)
    await store().sync()
    expect(await areHot(chunks, ids)).toEqual([true, true, true])
  })

  test('is not decided while cold is away, and nothing is half done', async () => {
    const { chunks } = view()
    const ids = await putSome(chunks, 3)
    for (const methods of [['versions'], ['upsert'], ['pin']] as const) {
      tiers.cold.refuse(...methods)
      const refusal = { code: 'ERR_TIER_UNAVAILABLE', details: { tier: 'cold' } }
      await expect(chunks.pin(ids)).rejects.toMatchObject(refusal)
      tiers.cold.allow()
      expect(await arePinned(chunks, ids)).toEqual([false, false, false])
    }
    await chunks.pin(ids)
    tiers.cold.refuse()
    await expect(chunks.unpin(ids)).rejects.toMatchObject({ code: 'ERR_TIER_UNAVAILABLE' })
    expect((await chunks.explain(ids[0]!)).pinned).toBeUndefined()
    tiers.cold.allow()
    expect(await arePinned(chunks, ids)).toEqual([true, true, true])
  })
})

test('is left in hot by early demotion', async () => {
  await using store = await embeddedPair.open({ hot: { maxEntries: 20 }, sync: { hotToColdAge: '1h' } })
  const { chunks } = store
  const kept = await putSome(chunks, 10)
  await chunks.pin(kept)
  for (let round = 0; round < 10; round++) await putSome(chunks, 20)
  await store.sync()
  expect(await areHot(chunks, kept)).toEqual(all(kept, true))
  expect((await store.stats()).hot?.entries).toBeLessThanOrEqual(20)
})

test.each([
  ['entries', { maxEntries: 20 }, 10],
  ['bytes', { maxBytes: 100_000 }, 4],
])('is at most half of the %s that hot may hold', async (_, hot, most) => {
  await using store = await embeddedPair.open({ hot })
  const { chunks } = store
  const given = Array.from({ length: 14 }, () => ({ text: 'x'.repeat(10_000) }))
  const ids = (await chunks.putMany(given)).map(({ id }) => id)
  const refusal = { code: 'ERR_BACKPRESSURE', message: expect.stringMatching(/unpin .*hot\.max/) }
  await expect(chunks.pin(ids)).rejects.toMatchObject(refusal)
  expect((await store.stats()).cold?.pinned).toBe(0)
  const outcomes = await Promise.allSettled(ids.map((id) => chunks.pin(id)))
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(most)
  const pinned = ids.filter((_, i) => outcomes[i]!.status === 'fulfilled')
  expect(await chunks.pin(pinned)).toEqual(all(pinned, 'already-pinned'))
  await chunks.unpin(pinned[0]!)
  expect(await chunks.pin(ids.find((id) => !pinned.includes(id))!)).toBe('pinned')
})

test('is at most half of hot, whichever of two calls reaches cold first', async () => {
  const tiers = new GatedTiers()
  await using store = await tiers.open({ hot: { maxEntries: 2 } })
  const { chunks } = store
  const [first, second] = (await putSome(chunks, 2)) as [string, string]
  await store.checkpoint()
  const held = tiers.cold.hold('pin', 'before')
  const one = chunks.pin(first)
  await held.arrived
  const other = chunks.pin(second).catch((error: unknown) => error)
  // Whatever the other call asks of the database by itself is answered before these.
  for (let round = 0; round < 3; round++) await store.stats()
  held.release()
  expect(await one).toBe('pinned')
  expect(await other).toMatchObject({ code: 'ERR_BACKPRESSURE' })
})

test('leaves hot where it alone is too much for it, as once it has grown: writes go on', async () => {
  const clock = new ManualClock()
  const hot = { maxBytes: 100_000 }
  await using store = await embeddedPair.open({ clock, hot, sync: { ...QUIET.sync, hotToColdAge: '1h' } })
  const { chunks } = store
  const ids = await putSome(chunks, 20)
  await chunks.pin(ids)
  for (const id of ids) await chunks.put({ id, text: 'x'.repeat(10_000) })
  await store.sync()
  expect((await store.stats()).hot!.bytes).toBeLessThanOrEqual(hot.maxBytes)
  const { id } = await chunks.put({ text: 'goes on' }, { timeout: 2_000 })
  await store.sync()
  expect((await store.stats()).hot!.bytes).toBeLessThanOrEqual(hot.maxBytes)
  expect((await chunks.getMany([...ids, id])).map((entry) => entry?.text.length)).toEqual([...all(ids, 10_000), 7])
})

longTest('fills no more than half of a hot that is smaller than before', async () => {
  const dir = await temporaryFolder()
  const open = (maxEntries: number) => openMemoryStore({ dir, ...QUIET, hot: { maxEntries } })
  const before = await open(1_000)
  const ids = await putSome(before.chunks, 300)
  await before.chunks.pin(ids)
  await before.close()
  await using store = await open(200)
  for (const _ of ['once', 'and again']) {
    await store.sync()
    const { entries } = (await store.stats()).hot!
    expect(entries).toBeGreaterThanOrEqual(100)
    expect(entries).toBeLessThanOrEqual(150)
  }
  await store.chunks.put({ text: 'goes on' }, { timeout: 2_000 })
})

test('is so many at most of one call', async () => {
  await using store = await embeddedPair.open()
  const tooMany = store.chunks.pin(Array.from({ length: 10_001 }, () => randomUUID()))
  await expect(tooMany).rejects.toMatchObject({ code: 'ERR_INVALID_ENTRY', message: expect.stringContaining('10000') })
})

test('comes back into hot by the first sync after the store was opened anew', async () => {
  const dir = await temporaryFolder()
  const clock = new ManualClock()
  const open = () => openMemoryStore({ dir, clock, ...QUIET, sync: { ...QUIET.sync, hotToColdAge: '1h' } })
  const before = await open()
  const ids = await putSome(before.chunks, 3)
  await before.chunks.pin(ids[1]!)
  await before.close()
  await using store = await open()
  expect(await areHot(store.chunks, ids)).toEqual([false, false, false])
  await store.sync()
  expect(await areHot(store.chunks, ids)).toEqual([false, true, false])
})

describeWithServers('what is pinned on servers', (servers) => {
  test('comes back into a Redis that was flushed, or restarted empty', async () => {
    await using store = await servers.openStore({ promote: false })
    const { chunks } = store
    const ids = await putSome(chunks, 4)
    await chunks.pin(ids.slice(0, 2))
    await store.sync()
    const client = new Redis(servers.redisUrl)
    await client.flushall()
    await client.quit()
    expect((await chunks.getMany(ids)).map((entry) => entry?.text)).toEqual(texts(4).map(({ text }) => text))
    expect(await areHot(chunks, ids)).toEqual([false, false, false, false])
    await store.sync()
    expect(await areHot(chunks, ids)).toEqual([true, true, false, false])
  })

  test('is nothing of what another process is about to delete', async () => {
    const shared = await servers.shared()
    await using store = await openMemoryStore({ ...shared, ...QUIET, dir: await servers.folder() })
    const { id } = await store.chunks.put({ text: 'x' })
    await store.checkpoint()
    const [deleter, watcher] = [clientOf(shared.cold.url), clientOf(shared.cold.url)]
    onTestFinished(async () => void (await Promise.all([deleter.end(), watcher.end()])))
    let isSettled = false
    const settle = (outcome: unknown) => {
      isSettled = true
      return outcome
    }
    let pinned: Promise<unknown> | undefined
    await deleter.begin(async (transaction) => {
      await transaction`UPDATE thermocline.memory_entries SET deleted_at = now(), kind = NULL, text = NULL
        WHERE id = ${id}`
      pinned = store.chunks.pin(id).then(settle, settle)
      const waiting = () => watcher`SELECT FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%thermocline.pins%'`
      await vi.waitUntil(async () => isSettled || (await waiting()).length > 0, { timeout: 20_000, interval: 5 })
    })
    expect(await pinned).toMatchObject({ code: 'ERR_NOT_FOUND' })
    expect((await store.stats()).cold?.pinned).toBe(0)
  })

  test('is pinned and unpinned by several processes at once, and each answer is true', async () => {
    const shared = { ...(await servers.shared()), ...QUIET }
    await using one = await openMemoryStore({ ...shared, dir: await servers.folder() })
    await using other = await openMemoryStore({ ...shared, dir: await servers.folder() })
    const ids = await putSome(one.chunks, 20)
    await one.checkpoint()
    const calls = [one, other, one, other].map(({ chunks }, i) =>
      chunks.pin(i < 2 ? ids : [...ids].reverse()).then((outcomes) => (i < 2 ? outcomes : outcomes.reverse())),
    )
    const pinned = await Promise.all(calls)
    for (const i of ids.keys()) expect(pinned.filter((outcomes) => outcomes[i] === 'pinned')).toHaveLength(1)
    const [mine, theirs] = await Promise.all([one.chunks.unpin(ids), other.chunks.unpin([...ids].reverse())])
    expect(mine).toEqual(theirs.reverse().map((outcome) => (outcome === 'unpinned' ? 'not-pinned' : 'unpinned')))
    const deletes = Promise.all(ids.map((id) => one.chunks.delete(id)))
    await Promise.allSettled([deletes, ...ids.map((id) => other.chunks.pin(id)), other.chunks.unpin(ids)])
    await one.checkpoint()
    await other.checkpoint()
    expect((await one.stats()).cold?.pinned).toBe(0)
  })
})
