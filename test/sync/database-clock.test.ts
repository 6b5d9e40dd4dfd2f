/** The time of a database as a process tells it while the database cannot be asked. */
import { expect, test } from 'vitest'
import { DatabaseClock } from '../../src/sync/database-clock.ts'
import { ManualClock } from '../tools/manual-clock.ts'

const HOUR = 3_600_000
const AHEAD = 2_000

/** A machine that shares a database's time, each of its clocks movable. */
function openMachine() {
  const [own, steady, sinceBoot] = [new ManualClock(), new ManualClock(5), new ManualClock(7)]
  const all = [own, steady, sinceBoot]
  const time = async () => own.now() + AHEAD
  return {
    own,
    clock: new DatabaseClock({ time }, own, { steady, sinceBoot }),
    pass: (milliseconds: number) => all.forEach((clock) => void clock.advance(milliseconds)),
    /** The steady clock of a machine stands still meanwhile. */
    sleep: (milliseconds: number) => [own, sinceBoot].forEach((clock) => void clock.advance(milliseconds)),
  }
}

test('time is the own clock, however that is set, until the time of the database was measured', async () => {
  const { own, clock, pass } = openMachine()
  pass(1_000)
  own.advance(HOUR)
  expect(clock.now()).toBe(own.now())
  expect(await clock.measure()).toBe(AHEAD)
  expect(clock.now()).toBe(own.now() + AHEAD)
})

test('time went on while the machine slept, before anything was measured anew', async () => {
  const { own, clock, pass, sleep } = openMachine()
  await clock.measure()
  sleep(HOUR)
  pass(10)
  expect(clock.now()).toBe(own.now() + AHEAD)
  expect(clock.isDue).toBe(true)
  sleep(HOUR)
  expect(clock.now()).toBe(own.now() + AHEAD)
  expect(await clock.measure()).toBe(AHEAD)
  expect(clock.isDue).toBe(false)
  expect(clock.now()).toBe(own.now() + AHEAD)
})

test.each([HOUR, -HOUR])(
  'time does not follow the own clock that is set by %d ms, but is due to be measured',
  async (step) => {
    const { own, clock, pass } = openMachine()
    await clock.measure()
    const before = clock.now()
    own.advance(step)
    pass(10)
    expect(clock.now()).toBe(before + 10)
    expect(clock.isDue).toBe(true)
  },
)
