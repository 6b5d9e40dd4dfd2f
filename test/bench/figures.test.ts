import { describe, expect, test } from 'vitest'
import { figureAtMost, type Row, ratioAtLeast, ratioAtMost, type Sample } from './harness/bench-case.ts'
import { isReached, linesOf, median, quantile, rangeOf } from './harness/figures.ts'

const samples = (...values: number[]): Sample[] => values.map((perSecond) => ({ figures: { perSecond } }))

test.each([
  [[3], 3],
  [[1, 9, 2], 2],
  [[4, 1, 3, 2], 2.5],
  [[10, 9, 100], 10],
])('the median of %j is %d', (numbers, expected) => {
  expect(median(numbers)).toBe(expected)
})

test('there is no median of nothing, and the numbers stay as they are', () => {
  expect(() => median([])).toThrow(RangeError)
  const numbers = [3, 1, 2]
  expect(rangeOf(numbers)).toEqual({ median: 2, least: 1, greatest: 3 })
  expect(numbers).toEqual([3, 1, 2])
})

test.each([
  [0.5, 2],
  [0.51, 3],
  [0.99, 4],
  [1, 4],
  [0, 1],
])('the share %d of four numbers does not exceed %d', (share, expected) => {
  expect(quantile([1, 2, 3, 4], share)).toBe(expected)
})

test.each([
  [ratioAtLeast(2), 9, 2, true],
  [ratioAtLeast(2), 9, 1.99, false],
  [ratioAtMost(1.5), 9, 1.5, true],
  [ratioAtMost(1.5), 9, 1.51, false],
  [figureAtMost(10), 9, 100, true],
  [ratioAtLeast(2), 9, undefined, false],
])('of the goal %j, a figure of %d and a ratio of %s', (goal, figure, ratio, expected) => {
  expect(isReached(goal, figure, ratio)).toBe(expected)
})

describe('a line', () => {
  const line = (row: Row, rounds = { ours: samples(20, 30, 90), theirs: samples(10, 10, 90) }) =>
    linesOf({ title: 'put', rows: [row] }, rounds)[0]!

  test('has the ratio of each round, since what slows the machine for a while slows both', () => {
    const found = line({ figure: 'perSecond', unit: '/s', reference: { subject: 'theirs' }, goals: [ratioAtLeast(2)] })
    expect(found).toMatchObject({
      title: 'put',
      figure: { median: 30, least: 20, greatest: 90 },
      reference: { name: 'theirs', figure: { median: 10 } },
      ratio: { median: 2, least: 1, greatest: 3 },
      isReached: true,
    })
  })

  test('is about the first subject, without a reference too', () => {
    expect(line({ figure: 'perSecond', unit: '/s' })).toMatchObject({ figure: { median: 30 }, isReached: undefined })
    expect(line({ figure: 'perSecond', unit: '/s', goals: [figureAtMost(10)] }).isReached).toBe(false)
  })

  test('may hold one figure of a subject against another, or against any of its goals', () => {
    const rounds = { ours: [{ figures: { busy: 6, idle: 2 } }] }
    const row: Row = {
      figure: 'busy',
      unit: 'ms',
      reference: { figure: 'idle' },
      goals: [ratioAtMost(1), figureAtMost(6)],
    }
    expect(line(row, rounds as never)).toMatchObject({
      reference: { name: 'idle' },
      ratio: { median: 3 },
      isReached: true,
    })
  })

  test('names a subject or a figure that is not there', () => {
    expect(() => line({ figure: 'p50', unit: 'ms' })).toThrow('"ours" has no figure "p50"')
    expect(() => line({ figure: 'perSecond', unit: '/s', subject: 'nobody' })).toThrow('no subject "nobody"')
  })
})
