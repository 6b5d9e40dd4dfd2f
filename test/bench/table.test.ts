import { expect, test } from 'vitest'
import { figureAtLeast, ratioAtLeast } from './harness/bench-case.ts'
import type { Line } from './harness/figures.ts'
import { goalsText, summary, tableOf } from './harness/table.ts'
import { figure, number } from './harness/text.ts'

const range = (median: number) => ({ median, least: median / 2, greatest: median * 2 })
const missed: Line = {
  title: 'put on servers',
  unit: '/s',
  figure: range(4_800),
  reference: { name: 'Redis', figure: range(10_600) },
  ratio: range(0.453),
  goals: [ratioAtLeast(2)],
  isReached: false,
}
const alone: Line = {
  ...missed,
  title: 'open',
  unit: 'ms',
  reference: undefined,
  ratio: undefined,
  goals: [],
  isReached: undefined,
}

test('the table has work, figure, reference, ratio, goal, spread and what became of the goal', () => {
  expect(
    tableOf([missed, alone])
      .split('\n')
      .map((line) => line.trim().split(/ {2,}/)),
  ).toEqual([
    ['work', 'figure', 'reference', 'ratio', 'goal', 'spread'],
    [expect.stringMatching(/^─+$/)],
    ['put on servers', '4,800/s', 'Redis 10,600/s', '0.453', '≥ 2', '0.227 – 0.906', 'MISSED'],
    ['open', '4,800 ms', '2,400 ms – 9,600 ms'],
  ])
})

test('the summary counts what is missed', () => {
  const reached = { ...missed, isReached: true }
  expect(summary([missed, reached, alone])).toBe('1 of 2 goals are missed.')
  expect(summary([reached])).toBe('All 1 goals are reached.')
  expect(summary([alone])).toBe('No goals among these.')
})

test('one of several goals is enough', () => {
  expect(goalsText([ratioAtLeast(20), figureAtLeast(300_000)], '/s')).toBe('≥ 20 or ≥ 300,000/s')
})

test.each([
  [0.04531, '0.0453'],
  [1.5, '1.5'],
  [99.96, '100'],
  [1234.5, '1,235'],
  [Number.NaN, '–'],
])('%d is written %s', (value, text) => {
  expect(number(value)).toBe(text)
})

test('units stand beside the number', () => {
  expect([figure(3, 'ms'), figure(3, '/s'), figure(3, '×')]).toEqual(['3 ms', '3/s', '3×'])
})
