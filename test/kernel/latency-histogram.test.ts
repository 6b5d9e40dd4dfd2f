import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LatencyHistogram } from '../../src/kernel/latency-histogram.ts'

test('percentiles are at most 3 % off, or a sixteenth of a microsecond', () => {
  const times = fc.array(fc.double({ min: 0, max: 130_000, noNaN: true }), { minLength: 1, maxLength: 50 })
  fc.assert(
    fc.property(times, fc.double({ min: 0, max: 1, noNaN: true }), (all, share) => {
      const histogram = new LatencyHistogram()
      for (const time of all) histogram.record(time)
      const exact = all.toSorted((a, b) => a - b)[Math.max(1, Math.ceil(share * all.length)) - 1]!
      expect(Math.abs(histogram.percentile(share) - exact)).toBeLessThanOrEqual(0.0323 * exact + 1 / 16_000)
    }),
  )
})

test('what is added is as if it had been recorded', () => {
  const [one, other, both] = [new LatencyHistogram(), new LatencyHistogram(), new LatencyHistogram()]
  for (const [i, time] of [0, 0.001, 0.5, 1, 1, 7, 3_000, 1e9].entries())
    for (const histogram of [i % 2 === 0 ? one : other, both]) histogram.record(time)
  one.add(other)
  expect([one.count, one.sum]).toEqual([both.count, both.sum])
  for (const share of [0, 0.1, 0.5, 0.9, 1]) expect(one.percentile(share)).toBe(both.percentile(share))
})

test('it tells how many took less than each bound, and nothing of none', () => {
  const histogram = new LatencyHistogram()
  const bounds = [0.016, 0.032, 1.024, 16_777.216]
  expect([histogram.percentile(0.5), histogram.below(bounds)]).toEqual([0, [0, 0, 0, 0]])
  for (const time of [0.01, 0.016, 0.031, 0.5, 1.024, 5, 20_000]) histogram.record(time)
  expect(histogram.below(bounds)).toEqual([1, 3, 4, 6])
})

test('what is repeated is as if it had been recorded again', () => {
  const [repeated, recorded] = [new LatencyHistogram(), new LatencyHistogram()]
  for (const time of [3, 7]) repeated.record(time)
  for (const time of [3, 7, 7]) recorded.record(time)
  repeated.repeat()
  expect([repeated.count, repeated.sum, repeated.below([4.096])]).toEqual([3, 17, [1]])
  expect(repeated.percentile(0.5)).toBe(recorded.percentile(0.5))
})
