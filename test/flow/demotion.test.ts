/** What leaves hot, when, and what must not come back behind it. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ColdTier } from '../../src/cold/cold-tier.ts'
import { encodeRecord } from '../../src/entry/codec.ts'
import type { EntryRecord } from '../../src/entry/record.ts'
import { Pending } from '../../src/flow/pending.ts'
import { Pressure } from '../../src/flow/pressure.ts'
import { Tiering } from '../../src/flow/tiering.ts'
import type { HotTier } from '../../src/hot/hot-tier.ts'
import { InProcessHotTier } from '../../src/hot/in-process/in-process-hot-tier.ts'
import type { NamespaceView, TieringPolicy } from '../../src/index.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { PolicyTable } from '../../src/policy/policy-table.ts'
import { Demoter } from '../../src/sync/demoter.ts'
import { Telemetry } from '../../src/telemetry/telemetry.ts'
import { chunkOf } from '../../src/testkit/contract/cold-records.ts'
import { longTest } from '../tools/budget.ts'
import { describeGated, Gate, GatedTiers } from './gate.ts'
import { allIdle, QUIET, shareStore, temporaryFolder, unpaced } from './stores.ts'

const AMPLE = { maxPendingBytes: 1_000_000, checkpointBytes: 1_000_000, timeout: 1_000 }

const placeOf = async (chunks: NamespaceView['chunks'], id: string) => {
  const { pending, hot, cold } = await chunks.explain(id)
  return { pending: pending !== undefined, hot: hot !== undefined, cold: cold !== undefined }
}

describeGated('demotion', (tiers, pair) => {
  const { store, view, clock } = shareStore(tiers)

  beforeEach(() => store().sync())
  afterEach(() => tiers.cold.allow())

  test('an entry leaves hot only after cold has it', async () => {
    const { chunks } = view()
    const { id } = await chunks.put({ text: 'x' })
    tiers.cold.refuse('ship', 'upsert')
    const hot = tiers.hot.tier
    const demoter = new Demoter({
      hot,
      cold: tiers.cold.around(tiers.cold.tier),
      logger: silentLogger,
      pressure: new Pressure(new Pending(), hot, AMPLE, silentLogger),
      telemetry: new Telemetry(clock),
      clock,
      ...{ tiering: allIdle(hot, clock), pace: unpaced() },
      batchSize: 10,
    })
    const never = new AbortController().signal
    await expect(demoter.demoteIdle(never)).rejects.toMatchObject({ code: 'ERR_TIER_UNAVAILABLE' })
    expect(await placeOf(chunks, id)).toEqual({ pending: true, hot: true, cold: false })
    tiers.cold.refuse('ship')
    expect(await demoter.demoteIdle(never)).toMatchObject({ demoted: 1 })
    expect(await placeOf(chunks, id)).toEqual({ pending: true, hot: false, cold: true })
  })

  test('an entry that is written while it is to leave stays, in its new version', async () => {
    const { chunks } = view()
    const { id } = await chunks.put({ text: 'old', key: 'k' })
    await store().checkpoint()
    const checked = tiers.cold.hold('versions')
    const sync = store().sync()
    await checked.arrived
    const { version } = await chunks.put({ text: 'new', key: 'k' })
    checked.release()
    expect(await sync).toMatchObject({ synced: 0, skipped: 1 })
    expect((await chunks.explain(id)).hot?.version).toBe(version)
    expect((await chunks.get(id))?.text).toBe('new')
  })

  test('an entry that is read once its key was asked for stays', async ({ skip }) => {
    const hot = tiers.hot.tier
    if (hot.examine === undefined) return skip('keys alone are never asked for')
    const { chunks, path } = view()
    const [read, idle] = await chunks.putMany([{ text: 'read' }, { text: 'idle' }])
    await store().checkpoint()
    const gate = new Gate<HotTier>('hot')
    const examined = gate.hold('examine', 'before')
    const parts = { logger: silentLogger, telemetry: new Telemetry(clock), clock, pace: unpaced(), batchSize: 10 }
    const pressure = new Pressure(new Pending(), hot, AMPLE, silentLogger)
    const tiering = allIdle(hot, clock)
    const demoter = new Demoter({ ...parts, hot: gate.around(hot), cold: tiers.cold.tier, pressure, tiering })
    const demoting = demoter.demoteIdle(new AbortController().signal)
    await examined.arrived
    const lastAccessedAt = Math.max(clock.now(), hot.now()) + 60_000
    await hot.touch([{ key: { namespace: path, id: read!.id }, lastAccessedAt, accesses: 1 }])
    examined.release()
    expect(await demoting).toMatchObject({ demoted: 1, skipped: 0 })
    expect(await placeOf(chunks, read!.id)).toMatchObject({ hot: true })
    expect(await placeOf(chunks, idle!.id)).toMatchObject({ hot: false })
  })

  test('a read of cold that began before a write does not put the older version into hot behind it', async () => {
    const { chunks } = view()
    const { id } = await chunks.put({ text: 'old', key: 'k' })
    await store().sync()
    await pair.expireMarkers(clock)
    const read = tiers.cold.hold('read')
    const slow = chunks.get(id)
    await read.arrived
    await chunks.put({ text: 'new', key: 'k' })
    await store().sync()
    expect(await placeOf(chunks, id)).toEqual({ pending: false, hot: false, cold: true })
    read.release()
    await slow
    expect(await placeOf(chunks, id)).toMatchObject({ hot: false })
    expect((await chunks.get(id))?.text).toBe('new')
  })

  test('a tombstone leaves hot even after cold has collected it', async () => {
    const { chunks } = view()
    const { id } = await chunks.put({ text: 'x' })
    await chunks.delete(id)
    await store().checkpoint()
    expect(await tiers.cold.tier.sweep({ graceMs: -2 * 86_400_000, limit: 1_000 })).toMatchObject({ collected: 1 })
    expect(await placeOf(chunks, id)).toEqual({ pending: false, hot: true, cold: false })
    expect(await store().sync()).toMatchObject({ synced: 1, errors: 0 })
    expect(await placeOf(chunks, id)).toMatchObject({ hot: false })
    expect(await chunks.get(id)).toBeUndefined()
  })

  describe('counted reads', () => {
    test('go along to cold', async () => {
      const { chunks } = view()
      const { id } = await chunks.put({ text: 'x' })
      for (let i = 0; i < 3; i++) await chunks.get(id)
      await store().sync()
      expect(await placeOf(chunks, id)).toMatchObject({ hot: false })
      expect((await chunks.peek(id))?.accessCount).toBe(3)
      await chunks.get(id)
      await store().sync()
      expect((await chunks.peek(id))?.accessCount).toBe(4)
    })
  })
})

longTest('closing costs what was read, not what hot holds: counted reads alone are handed over', async () => {
  const tiers = new GatedTiers()
  const dir = await temporaryFolder()
  const store = await tiers.open({ dir, sync: { ...QUIET.sync, hotToColdAge: '1h' } })
  const receipts = await store.chunks.putMany(Array.from({ length: 1_500 }, (_, n) => ({ text: String(n) })))
  const read = receipts.slice(0, 3).map(({ id }) => id)
  await store.chunks.getMany(read)
  await store.chunks.get(read[0]!)
  const calls: string[] = []
  for (const gate of [tiers.cold, tiers.hot]) gate.onCall = (method: string) => calls.push(method)
  await store.close()
  expect(calls.filter((method) => ['candidates', 'remove', 'versions', 'upsert'].includes(method))).toEqual([])
  expect(calls.filter((method) => method === 'recordAccess')).toHaveLength(1)
  await using again = await tiers.open({ dir })
  expect((await Promise.all(read.map((id) => again.chunks.peek(id)))).map((entry) => entry?.accessCount)).toEqual([
    2, 1, 1,
  ])
})

describe('demotion from a hot tier in this process', () => {
  const tiers = new GatedTiers()
  const { store, view, clock } = shareStore(tiers)

  test('a read of cold that took long does not promote: what left meanwhile may be forgotten', async () => {
    const { chunks } = view()
    const { id } = await chunks.put({ text: 'x' })
    await store().sync()
    clock.advance(tiers.hot.tier.markerTtl)
    const read = tiers.cold.hold('read')
    const slow = chunks.get(id)
    await read.arrived
    clock.advance(tiers.hot.tier.markerTtl)
    read.release()
    await slow
    expect(await placeOf(chunks, id)).toMatchObject({ hot: false })
  })

  let written = 0
  const fill = (hot: HotTier, namespace: string, given: Partial<EntryRecord> = {}) => {
    const version = `ffffffff${(++written).toString(16).padStart(16, '0')}`
    const record = chunkOf(namespace, written, written, { ...given, version })
    const payload = encodeRecord(record)
    return hot.write([
      { key: record, version, expiresAt: null, payload, deleted: false, reason: 'put', startedAt: hot.now() },
    ])
  }
  const pressureOf = (hot: HotTier) => new Pressure(new Pending(), hot, AMPLE, silentLogger)
  const demoterOf = (
    hot: HotTier,
    tiering: Tiering,
    batchSize: number,
    cold: ColdTier = tiers.cold.tier,
    pressure = pressureOf(hot),
  ) =>
    new Demoter({
      ...{ hot, tiering, batchSize, clock, logger: silentLogger, telemetry: new Telemetry(clock), pace: unpaced() },
      ...{ cold, pressure },
    })

  test.each(['demoteIdle', 'demoteOverflow'] as const)(
    '%s ends although hot is filled as fast as it is emptied',
    async (demotion) => {
      const hot = new InProcessHotTier({ maxEntries: 2, maxBytes: 1_000_000 })
      const emptied = new Gate<HotTier>('hot')
      const enough = new AbortController()
      emptied.onCall = (method) => {
        if (method !== 'remove') return
        if (written > 1_000) enough.abort()
        return fill(hot, 'filling')
      }
      const demoter = demoterOf(emptied.around(hot), allIdle(hot, clock), 1)
      for (let i = 0; i < 6; i++) await fill(hot, 'filling')
      expect(await demoter[demotion](enough.signal)).toMatchObject({ demoted: 6 })
    },
  )

  test.each(['demoteIdle', 'demoteOverflow'] as const)(
    '%s goes on behind more than a batch that cold refuses',
    async (demotion) => {
      let time = clock.now() - 2
      const hot = new InProcessHotTier({ maxEntries: 8, maxBytes: 1_000_000, clock: { now: () => time } })
      for (let n = 0; n < 6; n++) await fill(hot, 'refused', { position: -1 })
      time += 1
      for (let n = 0; n < 10; n++) await fill(hot, 'taken')
      time += 2
      const done = await demoterOf(hot, allIdle(hot, clock), 2)[demotion](new AbortController().signal)
      const demoted = demotion === 'demoteIdle' ? 10 : 8
      expect(done).toMatchObject({ demoted, errors: 6 })
    },
  )

  test('three batches leave at a time where nothing holds the pace down, and none begins once ended', async () => {
    const hot = new InProcessHotTier({ maxEntries: 100, maxBytes: 1_000_000 })
    for (let n = 0; n < 10; n++) await fill(hot, 'many')
    const gate = new Gate<ColdTier>('cold')
    const held = Array.from({ length: 4 }, () => gate.hold('arePinned'))
    const [first, ...others] = held as [(typeof held)[0], ...typeof held]
    let begun = 0
    gate.onCall = (method) => method === 'arePinned' && begun++
    const ending = new AbortController()
    const demoting = demoterOf(hot, allIdle(hot, clock), 2, gate.around(tiers.cold.tier)).demoteIdle(ending.signal)
    await Promise.all(held.slice(0, 3).map(({ arrived }) => arrived))
    expect(begun).toBe(3)
    first.release()
    await held[3]!.arrived
    expect((await hot.size()).entries).toBe(8)
    ending.abort()
    for (const { release } of others) release()
    expect(await demoting).toMatchObject({ demoted: 8 })
    expect(begun).toBe(4)
  })

  test('who waits for room hears of a batch that left, also where the one beside it fails', async () => {
    const hot = new InProcessHotTier({ maxEntries: 100, maxBytes: 1_000_000 })
    for (let n = 0; n < 4; n++) await fill(hot, 'beside')
    const gate = new Gate<ColdTier>('cold')
    let begun = 0
    gate.onCall = (method) => {
      if (method === 'arePinned' && ++begun === 2) throw new Error('away')
    }
    const pressure = pressureOf(hot)
    const told = vi.spyOn(pressure, 'hotChanged')
    const demoter = demoterOf(hot, allIdle(hot, clock), 2, gate.around(tiers.cold.tier), pressure)
    await expect(demoter.demoteIdle(new AbortController().signal)).rejects.toThrow('away')
    expect((await hot.size()).entries).toBe(2)
    expect(told).toHaveBeenCalledTimes(1)
  })

  test('what is pinned leaves behind more than a batch that cold refuses, where hot is over its capacity', async () => {
    const { chunks, path } = view()
    // What is moved to the back of the queue is behind what was before.
    let time = 0
    const hot = new InProcessHotTier({ maxEntries: 4, maxBytes: 1_000_000, clock: { now: () => ++time } })
    for (let n = 0; n < 6; n++) await fill(hot, 'refused', { position: -1 })
    const receipts = await chunks.putMany(Array.from({ length: 4 }, (_, n) => ({ text: `${n}` })))
    await store().checkpoint()
    await chunks.pin(receipts.map(({ id }) => id))
    const rows = await tiers.cold.tier.read(receipts.map(({ id }) => ({ namespace: path, id })))
    for (const row of rows) await fill(hot, row!.record.namespace, row!.record)
    const asked: string[] = []
    const gate = new Gate<ColdTier>('cold')
    gate.onCall = (method) => void asked.push(method)
    const demoter = demoterOf(hot, allIdle(hot, clock), 2, gate.around(tiers.cold.tier))
    const { signal } = new AbortController()
    expect(await demoter.demoteOverflow(signal)).toMatchObject({ demoted: 4, errors: 6 })
    const calls = asked.length
    expect(await demoter.demoteOverflow(signal)).toMatchObject({ demoted: 0, errors: 6 })
    expect(asked.slice(calls)).not.toContain('upsert')
    // Who asks for one of them is told what cold says now.
    await demoter.demote(await hot.candidates({ limit: 1, idleSince: Number.POSITIVE_INFINITY }))
    expect(asked.slice(calls)).toContain('upsert')
  })

  test('what cold refuses does not keep hot over its capacity, though its policy wants that least', async () => {
    const hot = new InProcessHotTier({ maxEntries: 8, maxBytes: 1_000_000 })
    const policy: TieringPolicy = {
      ...{ name: 'refused first', decide: () => 'stay' },
      rank: ({ namespace }) => (namespace === 'refused' ? 1 : 0),
    }
    const policies = new PolicyTable([{ scope: { segments: [], below: true }, policy }], policy)
    const tiering = new Tiering({ hot, clock, policies, pressure: { latestFill: 0 }, halfLifeMs: 60_000 })
    for (let n = 0; n < 10; n++) await fill(hot, 'taken')
    for (let n = 0; n < 6; n++) await fill(hot, 'refused', { position: -1 })
    const left = await demoterOf(hot, tiering, 2).demoteOverflow(new AbortController().signal)
    expect(left).toMatchObject({ demoted: 8, errors: 6 })
  })
})
