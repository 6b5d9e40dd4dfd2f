import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { SingleFlight } from '../../src/kernel/single-flight.ts'

/** Counts runs, and the most that ran at once. */
function counted() {
  const seen = { runs: 0, running: 0, most: 0 }
  const flight = new SingleFlight(async () => {
    const run = ++seen.runs
    seen.most = Math.max(seen.most, ++seen.running)
    await nextTurn()
    seen.running--
    return run
  })
  return { seen, flight }
}

test('a call that comes during a run shares the one run after it', async () => {
  const { seen, flight } = counted()
  expect(await Promise.all([flight.run(), flight.run(), flight.run()])).toEqual([1, 2, 2])
  expect(seen).toMatchObject({ runs: 2, most: 1 })
})

test('a call made the moment a run ends does not overlap the one that waits', async () => {
  const { seen, flight } = counted()
  const first = flight.run()
  const onItsHeels = first.then(() => flight.run())
  await Promise.all([first, flight.run(), onItsHeels])
  await flight.idle()
  expect(seen.most).toBe(1)
})

test('a run that fails fails its own callers only', async () => {
  let runs = 0
  const flight = new SingleFlight(async () => {
    if (++runs === 1) throw new Error('first')
  })
  const [first, second] = await Promise.allSettled([flight.run(), flight.run()])
  expect([first.status, second.status]).toEqual(['rejected', 'fulfilled'])
})

test('it is idle only when nothing runs and nothing waits to', async () => {
  const { seen, flight } = counted()
  void flight.run()
  void flight.run()
  await flight.idle()
  expect(seen).toMatchObject({ runs: 2, running: 0 })
})
