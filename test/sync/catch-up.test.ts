import { expect, test } from 'vitest'
import { SHIP_LIMITS } from '../../src/recovery/batch-limits.ts'
import { CatchUp } from '../../src/sync/catch-up.ts'
import { GatedTiers } from '../flow/gate.ts'

function resting({ fill = 0, waiting = [] as number[] } = {}) {
  const waits: number[] = []
  let onWait = (): void => {}
  const wait = async (ms: number): Promise<void> => {
    waits.push(ms)
    onWait()
  }
  const catchUp = new CatchUp({ pendingFill: () => fill, pendingRecords: () => waiting.shift() ?? 0, wait })
  const rested = async (batch: { rows: number; ms: number }): Promise<number> => {
    waits.length = 0
    await catchUp.rest(batch)
    return waits.reduce((a, b) => a + b, 0)
  }
  return { catchUp, waits, rested, onWait: (act: () => void) => (onWait = act) }
}

test('rests for thrice as long as a batch took, and no longer than a quarter of a second', async () => {
  const { rested, waits } = resting()
  expect(await rested({ rows: 100, ms: 17 })).toBe(51)
  expect(waits).toEqual([20, 20, 11])
  expect(await resting().rested({ rows: 100, ms: 60_000 })).toBe(250)
})

test('batches are larger and rests shorter where what waits does not become less', async () => {
  const { catchUp, rested } = resting({ waiting: [1_000, 900, 851, 790, 665, 800] })
  const gentle = catchUp.limits
  const batch = { rows: 100, ms: 20 }
  expect([await rested(batch), await rested(batch)]).toEqual([60, 60])
  expect(catchUp.limits).toBe(gentle)
  // By 49 of a hundred.
  expect(await rested(batch)).toBe(20)
  const calm = catchUp.limits
  expect(calm.rows).toBeGreaterThan(gentle.rows)
  expect(calm.bytes).toBeGreaterThan(gentle.bytes)
  // By 61, and then by 125, of 250.
  expect([await rested({ rows: 250, ms: 20 }), await rested({ rows: 250, ms: 20 })]).toEqual([20, 60])
  expect(catchUp.limits).toBe(gentle)
  // More than before.
  expect(await rested(batch)).toBe(20)
})

test('does not rest where pending is half full, nor while somebody waits, who ends a rest', async () => {
  expect(await resting({ fill: 0.5 }).rested({ rows: 100, ms: 50 })).toBe(0)
  const { catchUp, rested, waits, onWait } = resting()
  let done = (): void => {}
  const shipped = new Promise<void>((resolve) => {
    done = resolve
  })
  onWait(() => void catchUp.hurry(shipped))
  await rested({ rows: 100, ms: 200 })
  expect(waits).toEqual([20])
  expect(await rested({ rows: 100, ms: 200 })).toBe(0)
  onWait(() => {})
  done()
  await catchUp.hurry(shipped)
  expect(await rested({ rows: 100, ms: 20 })).toBeGreaterThan(0)
})

test('batches are small where nobody waits and pending is not half full', async () => {
  const { catchUp, rested } = resting()
  await rested({ rows: 100, ms: 20 })
  await rested({ rows: 100, ms: 20 })
  // The largest of those.
  const calm = catchUp.limits
  expect(calm.rows).toBeLessThan(SHIP_LIMITS.rows / 2)
  expect(calm.bytes).toBeLessThan(SHIP_LIMITS.bytes / 2)
  expect(resting({ fill: 0.5 }).catchUp.limits).toEqual(SHIP_LIMITS)
  await catchUp.hurry(Promise.resolve().then(() => expect(catchUp.limits).toEqual(SHIP_LIMITS)))
  expect(catchUp.limits).toEqual(calm)
})

test('a backlog is shipped with rests where nobody waits for it', async () => {
  const tiers = new GatedTiers()
  await using store = await tiers.open({ sync: false, checkpoint: { every: 20 } })
  const arrivals: number[] = []
  tiers.cold.refuse('ship')
  await store.chunks.putMany(Array.from({ length: 1_500 }, (_, n) => ({ text: `waits ${n}` })))
  const first = tiers.cold.hold('ship')
  tiers.cold.onCall = (method) => method === 'ship' && arrivals.push(performance.now())
  tiers.cold.allow()
  await first.arrived
  // The batch takes as long as this at least.
  const arrived = performance.now()
  await expect.poll(() => performance.now() - arrived).toBeGreaterThan(100)
  const released = performance.now()
  first.release()
  await expect.poll(async () => (await store.stats()).pending.entries).toBe(0)
  const next = arrivals.find((at) => at > released)!
  expect(next - released).toBeGreaterThanOrEqual(99)
})

test('a backlog that a sync ships leaves in large batches, without rests, once the store is closed', async () => {
  const tiers = new GatedTiers()
  const store = await tiers.open({ sync: false, checkpoint: { every: '1h' } })
  await store.chunks.putMany(Array.from({ length: 1_500 }, (_, n) => ({ text: `waits ${n}` })))
  let batches = 0
  tiers.cold.onCall = (method) => method === 'ship' && batches++
  const first = tiers.cold.hold('ship')
  const synced = store.sync()
  await first.arrived
  const closed = store.close()
  first.release()
  await synced
  expect(await closed).toMatchObject({ remaining: 0 })
  // Fifteen, and one of nothing, where nobody is known to wait.
  expect(batches).toBeLessThan(5)
})
