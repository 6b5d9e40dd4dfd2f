import { describe, expect, test } from 'vitest'
import { CURVE_SHARES, ratioAtLeast, type Sample } from './harness/bench-case.ts'
import { growthLines, latencyCurves, pairBars, ratioBars, shareBars } from './harness/charts.ts'
import { linesOf } from './harness/figures.ts'

const title = 'get <fast>'
const sample = (perSecond: number): Sample => ({
  figures: { perSecond },
  curve: CURVE_SHARES.map((share) => share * perSecond),
})
const rounds = { thermocline: [sample(50)], 'raw & bare': [sample(100)] }
const lines = linesOf(
  {
    title,
    rows: [{ figure: 'perSecond', unit: '/s', reference: { subject: 'raw & bare' }, goals: [ratioAtLeast(0.7)] }],
  },
  rounds,
)

/** Every tag that is opened is closed, and every number is one. */
function expectSound(drawn: string | undefined): string {
  const open: string[] = []
  for (const [, slash, name, self] of (drawn ?? '').matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
    if (slash === '/') expect(open.pop()).toBe(name)
    else if (self === '') open.push(name!)
  }
  expect(open).toEqual([])
  expect(drawn).toMatch(/^<svg role="img" aria-label="[^"]+"/)
  expect(drawn).not.toMatch(/NaN|Infinity|undefined/)
  return drawn!
}

test('bars of ratios say what is missed, and where the goal is', () => {
  const drawn = expectSound(ratioBars(lines))
  expect(drawn).toContain('class="missed"')
  expect(drawn).toContain('class="goal"')
  expect(drawn).toContain('get &lt;fast&gt; / raw &amp; bare: 0.5')
})

test('bars of figures have the longest for the greatest', () => {
  const widths = [...expectSound(pairBars(lines)).matchAll(/<rect [^>]*?width="([\d.]+)"/g)].map(([, width]) =>
    Number(width),
  )
  expect(widths[0]! * 2).toBeCloseTo(widths[1]!)
})

describe('curves of latencies', () => {
  test('have a line for each subject that has one', () => {
    expect(expectSound(latencyCurves({ title, rounds })).match(/<polyline/g)).toHaveLength(2)
  })

  test('are left out where nothing has one', () => {
    expect(latencyCurves({ title, rounds: { a: [{ figures: { perSecond: 1 } }] } })).toBeUndefined()
  })
})

describe('lines of growth', () => {
  test('have a line for each figure, level where it stays', () => {
    const grown = { '10,000 entries': [sample(50)], '100,000 entries': [sample(50)] }
    const [, points] = /points="([^"]+)"/.exec(expectSound(growthLines({ title, rounds: grown })))!
    const heights = points!.split(' ').map((point) => point.split(',')[1])
    expect(heights[0]).toBe(heights[1])
  })

  test('are left out where there is one size alone', () => {
    expect(growthLines({ title, rounds })).toBeUndefined()
  })
})

test('bars of shares have one of each subject for each figure, and are drawn where lines are in percent', () => {
  const shares = { ours: [{ figures: { 'a & b': 50, c: 25 } }], LRU: [{ figures: { 'a & b': 40, c: 20 } }] }
  const inPercent = linesOf({ title, rows: [{ figure: 'c', unit: '%' }] }, shares)
  const drawn = expectSound(shareBars({ title, rounds: shares, lines: inPercent }))
  expect(drawn).toContain('a &amp; b')
  expect(drawn.match(/<rect/g)).toHaveLength(4)
  expect(drawn).toContain('25 %')
  expect(shareBars({ title, rounds, lines })).toBeUndefined()
})
