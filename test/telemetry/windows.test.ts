import { expect, test } from 'vitest'
import { silentLogger } from '../../src/kernel/logger.ts'
import { SLOT_MS, Telemetry } from '../../src/telemetry/telemetry.ts'
import { ManualClock } from '../tools/manual-clock.ts'

function observed() {
  const clock = new ManualClock()
  const steady = new ManualClock(0)
  const telemetry = new Telemetry(clock, silentLogger, steady)
  return {
    ...{ clock, telemetry },
    get: () => telemetry.record('calls', 'get', 1, false),
    getsIn: () =>
      [telemetry.last('oneMinute'), telemetry.last('fiveMinutes'), telemetry.total()].map(
        (tally) => tally.operations('calls').get('get')?.times.count,
      ),
    /** A timer of each store looks as often. */
    pass: (milliseconds: number): void => {
      for (let left = milliseconds; left > 0; left -= SLOT_MS) {
        clock.advance(SLOT_MS)
        steady.advance(SLOT_MS)
        telemetry.turn()
      }
    },
  }
}

test('what happened leaves the window of one minute, then that of five', () => {
  const { get, getsIn, pass } = observed()
  get()
  expect(getsIn()).toEqual([1, 1, 1])
  pass(45_000)
  get()
  expect(getsIn()).toEqual([2, 2, 2])
  pass(45_000)
  expect(getsIn()).toEqual([1, 2, 2])
  pass(120_000)
  expect(getsIn()).toEqual([undefined, 2, 2])
  pass(150_000)
  expect(getsIn()).toEqual([undefined, undefined, 2])
})

test.each([-3_600_000, 3_600_000])('a clock that is set by %i ms makes no window shorter or longer', (jump) => {
  const { clock, get, getsIn, pass, telemetry } = observed()
  get()
  pass(30_000)
  clock.advance(jump)
  get()
  expect(getsIn()).toEqual([2, 2, 2])
  pass(60_000)
  expect(getsIn()).toEqual([1, 2, 2])
  telemetry.reset()
  expect(getsIn()).toEqual([undefined, undefined, undefined])
  expect(telemetry.total().since).toBe(clock.now())
})

test('of calls that are answered at once one in 16 is timed, and each is counted', () => {
  const { telemetry } = observed()
  const answer = (isFailed = false): boolean => {
    const operation = telemetry.operation('calls', 'get')
    const { isDue } = operation
    if (isDue) telemetry.record('calls', 'get', 1, isFailed, true)
    else operation.repeat(isFailed)
    return isDue
  }
  const isTimed = Array.from({ length: 33 }, (_, nth) => answer(nth === 5))
  expect(isTimed.flatMap((is, nth) => (is ? [nth] : []))).toEqual([0, 16, 32])
  const { times, failed } = telemetry.total().operations('calls').get('get')!
  expect([times.count, failed]).toEqual([33, 1])
  // One that was answered later may be followed by another.
  telemetry.record('calls', 'get', 5_000, false)
  expect(answer()).toBe(true)
  expect(answer()).toBe(false)
  expect(telemetry.total().operations('calls').get('get')!.times.percentile(1)).toBeGreaterThan(4_800)
  // Who goes by how long they take gets all of them.
  telemetry.takeCallTimes()
  for (let nth = 0; nth < 15; nth++) answer()
  telemetry.takeCallTimes()
  expect([answer(), answer(), answer()]).toEqual([true, true, true])
  expect(telemetry.takeCallTimes().count).toBe(3)
})
