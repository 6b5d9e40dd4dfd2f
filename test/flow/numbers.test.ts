/** `stats()`: what each tier has, what this process did, and how far cold is behind. */
import { afterEach, expect, onTestFinished, test } from 'vitest'
import { ThermoclineError } from '../../src/index.ts'
import { ManualClock } from '../tools/manual-clock.ts'
import { describeGated, GatedTiers } from './gate.ts'
import { openInMemory, QUIET, shareStore, temporaryFolder } from './stores.ts'

describeGated('numbers', (tiers, pair) => {
  const { store, view, clock } = shareStore(tiers)
  afterEach(() => {
    tiers.hot.allow()
    tiers.cold.allow()
  })

  test('say which tier had what was read, and what it was asked', async () => {
    const { chunks } = view()
    await store().sync()
    store().resetStats()
    const { id } = await chunks.put({ text: 'x' })
    await chunks.get(id)
    await chunks.get(view().chunks.idOf('absent'))
    await store().sync()
    await chunks.get(id)
    const { tiers: of, calls, migrations } = await store().stats()
    expect(of.pending).toMatchObject({ entries: 0, bytes: 0, hits: 1, misses: 2, hitRatio: 1 / 3 })
    expect(of.hot).toMatchObject({ hits: 1, misses: 2 })
    expect(of.cold).toMatchObject({ hits: 1, misses: 1, hitRatio: 0.5 })
    expect(of.hot.operations).toMatchObject({ write: { failed: 0 }, remove: { count: 1 } })
    expect(of.cold.operations).toMatchObject({ ship: { count: 1, failed: 0 }, read: { count: 2 } })
    expect(calls).toMatchObject({ put: { count: 1, failed: 0 }, get: { count: 3, failed: 0 }, sync: { count: 1 } })
    expect(migrations).toMatchObject({ demoted: 1, early: 0 })
    for (const { p50, p95, p99 } of [calls.get!, of.cold.operations.ship!]) {
      expect(p50).toBeGreaterThan(0)
      expect(p95).toBeGreaterThanOrEqual(p50)
      expect(p99).toBeGreaterThanOrEqual(p95)
    }
  })

  test('count what moves, and calls that were refused', async () => {
    const { chunks } = view()
    await store().sync()
    const [first] = await chunks.putMany([{ text: 'a' }])
    await store().sync()
    await pair.expireMarkers(clock)
    store().resetStats()
    expect(await chunks.promote(first!.id)).toBe('promoted')
    expect(await chunks.demote(first!.id)).toBe('demoted')
    await expect(chunks.update(chunks.idOf('absent'), { text: 'x' })).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
    await expect(chunks.get('no id')).rejects.toMatchObject({ code: 'ERR_INVALID_ENTRY' })
    const { migrations, calls } = await store().stats()
    expect(migrations).toMatchObject({ promoted: 1, demoted: 1 })
    expect(calls).toMatchObject({ update: { count: 1, failed: 1 }, get: { count: 1, failed: 1 } })
  })

  test('of the last minutes stand beside those since the store was opened', async () => {
    const { chunks } = view()
    store().resetStats()
    const { since } = await store().stats()
    expect(since).toEqual(new Date(clock.now()))
    const { id } = await chunks.put({ text: 'x' })
    await chunks.get(id)
    const getsIn = async (): Promise<(number | undefined)[]> => {
      const { calls, windows } = await store().stats()
      return [windows.oneMinute.calls, windows.fiveMinutes.calls, calls].map(({ get }) => get?.count)
    }
    expect(await getsIn()).toEqual([1, 1, 1])
    // A clock that is set makes no minute pass: how they pass is in test/telemetry.
    for (const jump of [3_600_000, -3_600_000]) {
      clock.advance(jump)
      expect(await getsIn()).toEqual([1, 1, 1])
    }
  })

  test('say how far cold is behind, and who synced last', async () => {
    const { chunks } = view()
    const ended = await store().sync()
    const at = clock.now()
    await chunks.put({ text: 'x' })
    clock.advance(7_000)
    const behind = await store().stats()
    expect(behind.checkpoint).toMatchObject({ lagRecords: 1, lagBytes: behind.pending.bytes })
    expect(behind.checkpoint.lagSeconds).toBe(behind.wal.oldestUnshippedMs / 1_000)
    if (pair.name.startsWith('in-process')) expect(behind.checkpoint.lagSeconds).toBe(7)
    expect(behind.tiers.log).toMatchObject({ entries: 1 })
    const { startedAt, durationMs, synced, skipped, errors, bytes } = ended
    expect(behind.sync).toMatchObject({
      last: { startedAt, durationMs, synced, skipped, errors, bytes },
      failed: undefined,
    })
    tiers.cold.refuse('sweep')
    await expect(store().sync()).rejects.toMatchObject({ code: 'ERR_TIER_UNAVAILABLE' })
    tiers.cold.allow()
    const failed = await store().stats()
    expect(failed.sync.failed).toMatchObject({ code: 'ERR_TIER_UNAVAILABLE' })
    expect(failed.sync.failed!.at.getTime()).toBeGreaterThanOrEqual(at)
    expect(failed.sync.last).toEqual(behind.sync.last)
    expect(failed.checkpoint).toEqual({ lagRecords: 0, lagBytes: 0, lagSeconds: 0 })
    await store().sync()
    expect((await store().stats()).sync.failed).toBeUndefined()
  })

  test('wait for no tier that is away, and tell what it last said, with its age', async () => {
    await view().chunks.put({ text: 'x' })
    await store().sync()
    const before = await store().stats()
    expect(before.tiers.cold).toMatchObject({ ...before.cold, asOf: expect.any(Date) })
    expect(before.tiers.cold.bytes).toBeGreaterThan(0)
    tiers.hot.refuse()
    tiers.cold.refuse()
    // Notices that they are away.
    expect(await store().stats()).toMatchObject({ hot: undefined, cold: undefined })
    tiers.hot.allow()
    tiers.cold.allow()
    const hanging = [tiers.hot.hold('size'), tiers.cold.hold('stats')]
    onTestFinished(() => {
      for (const { release } of hanging) release()
    })
    const away = await store().stats()
    expect(away).toMatchObject({ hot: undefined, cold: undefined })
    expect(away.tiers.hot).toMatchObject({ entries: before.tiers.hot.entries, asOf: before.tiers.hot.asOf })
    expect(away.tiers.cold).toMatchObject({
      ...before.cold,
      bytes: before.tiers.cold.bytes,
      asOf: before.tiers.cold.asOf,
    })
    for (const { release } of hanging) release()
    await expect.poll(async () => (await store().stats()).cold).toEqual(before.cold)
    expect((await store().stats()).hot).toEqual(before.hot)
  })

  test('say what is local also where a tier refuses to tell, and why it does', async () => {
    await view().chunks.put({ text: 'x' })
    const before = await store().stats()
    expect(before.tiers.cold.errorCode).toBeUndefined()
    tiers.cold.onCall = (method) => {
      if (method === 'stats') throw new ThermoclineError('ERR_SCHEMA', 'a table is missing', {})
    }
    const refused = await store().stats()
    expect(refused).toMatchObject({ pending: before.pending, hot: before.hot, cold: undefined })
    expect(refused.tiers.cold).toMatchObject({ ...before.cold, asOf: before.tiers.cold.asOf, errorCode: 'ERR_SCHEMA' })
    expect(await store().metrics()).toMatch(/^thermocline_live 1$/m)
    tiers.cold.onCall = () => {
      throw new TypeError('a fault of the program')
    }
    await expect(store().stats()).rejects.toThrow()
    tiers.cold.onCall = () => {}
    expect(await store().stats()).toMatchObject({ cold: before.cold, tiers: { cold: { errorCode: undefined } } })
  })
})

test('what leaves hot because that is full is counted as early', async () => {
  const sync = { ...QUIET.sync, batchSize: 1 }
  await using store = await openInMemory({ hot: { maxEntries: 2 }, sync })
  await store.chunks.putMany([{ text: 'a' }, { text: 'b' }, { text: 'c' }])
  await expect.poll(async () => (await store.stats()).migrations).toMatchObject({ early: 1, demoted: 0 })
})

test('expired and collected entries are counted by the process that syncs', async () => {
  const clock = new ManualClock()
  await using store = await openInMemory({ clock })
  await store.chunks.put({ text: 'x', ttl: '1h' })
  await store.sync()
  clock.advance(3_600_000)
  await store.sync()
  clock.advance(2 * 86_400_000)
  await store.sync()
  expect((await store.stats()).migrations).toMatchObject({ expired: 1, collected: 1 })
})

test('the log tells its segments and what they take, and how long its groups took', async () => {
  const dir = await temporaryFolder()
  await using store = await new GatedTiers().open({ dir, ...QUIET, wal: { segmentBytes: 4_096 } })
  for (let i = 0; i < 3; i++) await store.chunks.put({ text: 'x'.repeat(2_000) })
  const { log } = (await store.stats()).tiers
  expect(log).toMatchObject({ entries: 3, segments: 3, operations: { append: { count: 3, failed: 0 } } })
  expect(log.bytes).toBeGreaterThan(6_000)
  await store.checkpoint()
  expect((await store.stats()).tiers.log).toMatchObject({ entries: 0, segments: 1 })
})
