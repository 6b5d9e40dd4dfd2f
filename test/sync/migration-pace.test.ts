/** How fast entries leave hot, by a clock that is moved by hand. */
import { describe, expect, test } from 'vitest'
import { LatencyHistogram } from '../../src/kernel/latency-histogram.ts'
import { MigrationPace } from '../../src/sync/migration-pace.ts'
import { GatedTiers } from '../flow/gate.ts'
import { QUIET } from '../flow/stores.ts'

const never = new AbortController().signal

interface Callers {
  /** Milliseconds of the calls that are made until it is asked next. */
  p99: number
  /** Of those of which nothing is in the way. @default the same */
  between?: number
  calls?: number
  /** @default the same */
  callsBetween?: number
}

function paceOf(most: number, callers: Callers) {
  let now = 0
  let isBetween = false
  const waits: number[] = []
  const pace = new MigrationPace({
    most,
    takeCallTimes: () => {
      const times = new LatencyHistogram()
      const each = isBetween ? (callers.between ?? callers.p99) : callers.p99
      const { calls = 100, callsBetween = calls } = callers
      for (let n = 0; n < (isBetween ? callsBetween : calls); n++) times.record(each)
      isBetween = false
      return times
    },
    now: () => now,
    wait: async (ms) => {
      waits.push(ms)
      // The second half of what is waited for a batch.
      isBetween = waits.length % 2 === 0
      now += ms
    },
  })
  return { pace, waits, elapsed: () => now }
}

/** Moves so many, and returns how long it took. */
async function move({ pace, elapsed }: ReturnType<typeof paceOf>, entries: number): Promise<number> {
  const began = elapsed()
  for (let left = entries; left > 0; ) {
    await pace.turn(never)
    const batch = Math.min(left, pace.batchOf(100))
    pace.moved(batch)
    left -= batch
  }
  return elapsed() - began
}

describe('the pace of migration', () => {
  test('is at most the limit, in batches of a fifth of a second or of 50, where callers do not notice', async () => {
    const callers = { p99: 1 }
    const paced = paceOf(1_000, callers)
    paced.pace.begin()
    await move(paced, 5_000)
    expect(paced.pace.rate).toBe(1_000)
    expect(paced.pace.batchOf(1_000)).toBe(200)
    expect(paced.pace.batchOf(100)).toBe(100)
    expect(await move(paced, 5_000)).toBeCloseTo(5_000, -2)
    expect(paceOf(100, callers).pace.batchOf(100)).toBe(50)
    expect(paceOf(0.5, callers).pace.batchOf(100)).toBe(1)
  })

  test('falls while callers wait longer than between two batches, as far as they do, and rises again', async () => {
    const callers = { p99: 1, between: 1 }
    const paced = paceOf(1_000, callers)
    paced.pace.begin()
    await move(paced, 5_000)
    callers.p99 = 1.5
    await move(paced, 1_000)
    expect(paced.pace.rate).toBeGreaterThan(700)
    callers.p99 = 10
    await move(paced, 1_000)
    expect(paced.pace.rate).toBeLessThan(600)
    await move(paced, 2_500)
    expect(paced.pace.rate).toBe(20)
    callers.p99 = 1
    await move(paced, 6_000)
    expect(paced.pace.rate).toBe(1_000)
  })

  test('goes by all calls: what takes fewer than one in a hundred of them longer is not noticed', async () => {
    const callers = { p99: 20, between: 1, calls: 1, callsBetween: 500 }
    const paced = paceOf(1_000, callers)
    paced.pace.begin()
    await move(paced, 5_000)
    expect(paced.pace.rate).toBe(1_000)
  })

  test('is not held down by what slows callers down whether entries leave or not', async () => {
    const callers = { p99: 1 }
    const paced = paceOf(1_000, callers)
    paced.pace.begin()
    callers.p99 = 10
    await move(paced, 5_000)
    expect(paced.pace.rate).toBe(1_000)
  })

  test('falls all the same while others slow callers down, where entries that leave do so too', async () => {
    const callers = { p99: 1, between: 1 }
    const paced = paceOf(1_000, callers)
    paced.pace.begin()
    await move(paced, 2_000)
    Object.assign(callers, { p99: 20, between: 10 })
    await move(paced, 4_000)
    expect(paced.pace.rate).toBe(20)
  })

  test('is not held down by calls that are late once in four seconds, by chance', async () => {
    const callers = { p99: 1, between: 1 }
    const paced = paceOf(1_000, callers)
    paced.pace.begin()
    for (let n = 0; n < 10; n++) {
      callers.p99 = 10
      await move(paced, 1)
      callers.p99 = 1
      await move(paced, 4 * paced.pace.rate)
    }
    expect(paced.pace.rate).toBeGreaterThan(700)
  })

  test('goes by what is usual before it begins, and by enough calls', async () => {
    const callers = { p99: 5, calls: 100 }
    const paced = paceOf(1_000, callers)
    paced.pace.begin()
    callers.calls = 1
    callers.p99 = 50
    await move(paced, 900)
    expect(paced.pace.rate).toBe(500)
    callers.calls = 100
    callers.p99 = 5.5
    await move(paced, 5_000)
    expect(paced.pace.rate).toBe(1_000)
  })

  test('goes by few calls only where nothing is known yet', async () => {
    const callers = { p99: 5, calls: 300 }
    const paced = paceOf(1_000, callers)
    paced.pace.begin()
    // Before a later migration a few calls happened to be quick; and between batches are as few.
    Object.assign(callers, { p99: 1, calls: 40 })
    paced.pace.begin()
    Object.assign(callers, { p99: 5.5, calls: 20 })
    await move(paced, 1_000)
    expect(paced.pace.rate).toBeGreaterThan(500)
  })

  test('forgets what was beside batches of an earlier migration', async () => {
    const callers = { p99: 1, calls: 300 }
    const paced = paceOf(1_000, callers)
    paced.pace.begin()
    // Too few to be judged.
    Object.assign(callers, { p99: 50, calls: 5 })
    await move(paced, 200)
    Object.assign(callers, { p99: 1, calls: 10 })
    paced.pace.begin()
    await move(paced, 1_000)
    expect(paced.pace.rate).toBeGreaterThan(500)
  })

  test('is none where there is no limit', async () => {
    const paced = paceOf(Number.POSITIVE_INFINITY, { p99: 1 })
    paced.pace.begin()
    expect(await move(paced, 100_000)).toBe(0)
    expect(paced.pace.batchOf(100)).toBe(100)
  })

  test('rests after a failure, longer each time, and no more after what went well', async () => {
    const { pace, waits, elapsed } = paceOf(1_000, { p99: 1 })
    await pace.rested(never)
    for (let n = 0; n < 7; n++) {
      pace.failed()
      await pace.rested(never)
    }
    expect(waits).toEqual([100, 200, 400, 800, 1_600, 2_000, 2_000])
    pace.succeeded()
    pace.failed()
    const before = elapsed()
    await pace.rested(never)
    expect(elapsed() - before).toBe(100)
  })
})

test('while cold is away, early demotion is tried now and then, not with each write', async () => {
  const tiers = new GatedTiers()
  const sync = { ...QUIET.sync, hotToColdAge: '1h' } as const
  await using store = await tiers.open({ sync, hot: { kind: 'memory', maxEntries: 1_000 } })
  const texts = (count: number) => Array.from({ length: count }, (_, n) => ({ text: `${n}` }))
  await store.chunks.putMany(texts(1_000))
  tiers.cold.refuse()
  let tried = 0
  tiers.cold.onCall = (method) => {
    if (method === 'arePinned') tried++
  }
  for (const input of texts(200)) await store.chunks.put(input)
  expect(tried).toBeGreaterThan(0)
  expect(tried).toBeLessThan(20)
  tiers.cold.allow()
  await store.checkpoint()
  await expect.poll(async () => (await store.stats()).hot?.entries).toBeLessThanOrEqual(1_000)
})

test('a limit has a sync move all that is idle all the same', async () => {
  const tiers = new GatedTiers()
  await using store = await tiers.open({ sync: { ...QUIET.sync, maxMigrationsPerSecond: 1_000 } })
  await store.chunks.putMany(Array.from({ length: 250 }, (_, n) => ({ text: `${n}` })))
  const batches: number[] = []
  tiers.hot.onCall = (method) => {
    if (method === 'remove') batches.push(1)
  }
  expect(await store.sync()).toMatchObject({ synced: 250 })
  // Of a fifth of what leaves in a second, where it begins with half of what may.
  expect(batches.length).toBeGreaterThanOrEqual(3)
})
