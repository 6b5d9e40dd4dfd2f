import { expect, test } from 'vitest'
import { SHIP_LIMITS } from '../../src/recovery/batch-limits.ts'
import { CatchUp } from '../../src/sync/catch-up.ts'
import { GatedTiers } from '../flow/gate.ts'

function resting(fill = 0) {
  const waits: number[] = []
  let onWait = (): void => {}
  const wait = async (ms: number): Promise<void> => {
    waits.push(ms)
    onWait()
  }
  const catchUp = new CatchUp({ pendingFill: () => fill, wait })
  return { catchUp, waits, onWait: (act: () => void) => (onWait = act) }
}

test('rests for as long as a batch took, and no longer than a quarter of a second', async () => {
  const { catchUp, waits } = resting()
  await catchUp.rest(50)
  expect(waits).toEqual([20, 20, 10])
  waits.length = 0
  await catchUp.rest(60_000)
  expect(waits.reduce((a, b) => a + b)).toBe(250)
})

test('does not rest where pending is half full, nor while somebody waits, who ends a rest', async () => {
  const full = resting(0.5)
  await full.catchUp.rest(50)
  expect(full.waits).toEqual([])
  const { catchUp, waits, onWait } = resting()
  let done = (): void => {}
  const shipped = new Promise<void>((resolve) => {
    done = resolve
  })
  onWait(() => void catchUp.hurry(shipped))
  await catchUp.rest(200)
  await catchUp.rest(200)
  expect(waits).toEqual([20])
  onWait(() => {})
  done()
  await catchUp.hurry(shipped)
  await catchUp.rest(20)
  expect(waits).toEqual([20, 20])
})

test('batches are small where nobody waits and pending is not half full', async () => {
  const { catchUp } = resting()
  const calm = catchUp.limits
  expect(calm.rows).toBeLessThan(SHIP_LIMITS.rows / 2)
  expect(calm.bytes).toBeLessThan(SHIP_LIMITS.bytes / 2)
  expect(resting(0.5).catchUp.limits).toEqual(SHIP_LIMITS)
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
  // Six, and one of nothing, where nobody is known to wait.
  expect(batches).toBeLessThan(5)
})
