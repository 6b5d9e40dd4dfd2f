/** Charts of a page, as inline SVG. */
import { CURVE_SHARES } from './bench-case.ts'
import { type Line, median } from './figures.ts'
import type { CaseReport } from './report.ts'
import { escapeHtml, figure, number } from './text.ts'

const WIDTH = 560
const HEIGHT = 210
/** Left of a chart, for the numbers of its axis. */
const LEFT = 80
const BAR = 20
const STEP = 28
const NAMES = 230
const RATIO_NAMES = 460
const COLORS = ['#1f6f8b', '#d9822b', '#7a5195', '#5c8a3a', '#a23b4a'] as const

/** A bar for each line, from 1 to its ratio, with a mark where the goal is. By powers of ten, from 0.01 to 100. */
export function ratioBars(lines: readonly Line[]): string {
  const x = (ratio: number): number =>
    RATIO_NAMES + ((Math.log10(Math.min(100, Math.max(0.01, ratio))) + 2) / 4) * WIDTH
  const shown = lines.filter((line) => line.ratio !== undefined)
  const height = shown.length * STEP
  const bars = shown.map((line, nth) => {
    const y = nth * STEP
    const ratio = line.ratio!.median
    const name = `${line.title} / ${line.reference!.name}`
    const goal = line.goals.find(({ of }) => of === 'ratio')
    const wanted = goal && x('atLeast' in goal ? goal.atLeast : goal.atMost)
    const from = Math.min(x(1), x(ratio))
    const tone = line.isReached === undefined ? 'plain' : line.isReached ? 'reached' : 'missed'
    return tag('g', {}, [
      tag('title', {}, [escapeHtml(`${name}: ${number(ratio)}`)]),
      label(0, y + 14, shorten(name, 68), { class: 'name' }),
      tag('rect', { class: tone, x: from, y, width: Math.abs(x(ratio) - x(1)), height: BAR }),
      wanted === undefined ? '' : straight('goal', [wanted, y - 2], [wanted, y + BAR + 2]),
      label(RATIO_NAMES + WIDTH + 8, y + 14, number(ratio)),
    ])
  })
  const one = straight('axis', [x(1), 0], [x(1), height])
  return svg(RATIO_NAMES + WIDTH + 60, height, 'ratio of each figure to its reference', [one, ...bars])
}

/** Bars of what lines with one figure hold against each other, in their unit. */
export function pairBars(lines: readonly Line[]): string {
  const { title, unit, figure: ours } = lines[0]!
  const references = lines.flatMap(({ reference }) =>
    reference === undefined ? [] : [{ name: reference.name, value: reference.figure.median }],
  )
  const bars = [{ name: 'thermocline', value: ours.median }, ...references]
  const most = Math.max(...bars.map(({ value }) => value))
  const drawn = bars.flatMap(({ name, value }, nth) => {
    const y = nth * STEP
    const width = (value / most) * WIDTH
    return [
      label(0, y + 14, shorten(name, 36), { class: 'name' }),
      tag('rect', { fill: COLORS[nth === 0 ? 0 : 1], x: NAMES, y, width, height: BAR }),
      label(NAMES + width + 8, y + 14, figure(value, unit)),
    ]
  })
  return svg(NAMES + WIDTH + 120, bars.length * STEP, `${title}, as bars`, drawn)
}

/** Milliseconds that a share of the calls did not exceed, by powers of ten; undefined where no subject has a curve. */
export function latencyCurves({ title, rounds }: Pick<CaseReport, 'title' | 'rounds'>): string | undefined {
  const curves = Object.entries(rounds).flatMap(([name, samples]) => {
    const found = samples.flatMap(({ curve }) => (curve === undefined ? [] : [curve]))
    if (found.length === 0) return []
    return [{ name, values: CURVE_SHARES.map((_, nth) => median(found.map((curve) => curve[nth]!))) }]
  })
  if (curves.length === 0) return undefined
  const all = curves.flatMap(({ values }) => values).filter((value) => value > 0)
  const low = Math.floor(Math.log10(Math.min(...all)))
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...all))))
  const x = (share: number): number => LEFT + share * WIDTH
  const y = (ms: number): number => bottomUp((Math.log10(Math.max(ms, 10 ** low)) - low) / (high - low))
  const powers = Array.from({ length: high - low + 1 }, (_, nth) => 10 ** (low + nth))
  return svg(LEFT + WIDTH + 300, HEIGHT + 36, `${title}, latencies`, [
    ...powers.flatMap((ms) => gridLine(y(ms), `${number(ms)} ms`, 'axis')),
    ...[0, 0.5, 0.9, 0.99].map((share) => below(x(share), `${100 * share} %`)),
    ...curves.flatMap(({ name, values }, nth) =>
      polyline(
        nth,
        name,
        values.map((ms, i) => [x(CURVE_SHARES[i]!), y(ms)]),
      ),
    ),
  ])
}

/**
 * Each figure of subjects like `100,000 entries`, as a share of that of the smallest: what stays at 1 costs no more for
 * having grown. Undefined where no subject is named so.
 */
export function growthLines({ title, rounds }: Pick<CaseReport, 'title' | 'rounds'>): string | undefined {
  const sizes = Object.keys(rounds).flatMap((name) => {
    const size = /^([\d,]+) entries$/.exec(name)?.[1]
    return size === undefined ? [] : [{ name, size: Number(size.replaceAll(',', '')) }]
  })
  const [first, last] = [sizes[0], sizes.at(-1)]
  if (first === undefined || last === undefined || sizes.length < 2) return undefined
  const value = (name: string, key: string): number => median(rounds[name]!.map(({ figures }) => figures[key]!))
  const x = (size: number): number =>
    LEFT + (Math.log10(size / first.size) / Math.log10(last.size / first.size)) * WIDTH
  const y = (share: number): number => bottomUp(Math.min(share, 1.5) / 1.5)
  const keys = Object.keys(rounds[first.name]![0]!.figures)
  return svg(LEFT + WIDTH + 300, HEIGHT + 36, `${title}, as shares of the smallest`, [
    ...[0, 0.5, 1, 1.5].flatMap((share) => gridLine(y(share), number(share), 'axis')),
    ...gridLine(y(0.85), '0.85', 'goal'),
    ...sizes.map(({ name, size }) => below(x(size), name)),
    ...keys.flatMap((key, nth) =>
      polyline(
        nth,
        key,
        sizes.map(({ name, size }) => [x(size), y(value(name, key) / value(first.name, key))]),
      ),
    ),
  ])
}

/**
 * Shares in percent, as bars: for each figure one of each subject that has it. Undefined where no line is in percent.
 */
export function shareBars({ title, rounds, lines }: CaseReport): string | undefined {
  if (!lines.some(({ unit }) => unit === '%')) return undefined
  const subjects = Object.entries(rounds)
  const bars = Object.keys(subjects[0]![1][0]!.figures).flatMap((key) => [
    { key, name: undefined, share: 0, color: '' },
    ...subjects.map(([name, samples], nth) => {
      const share = median(samples.map(({ figures }) => figures[key]!))
      return { key, name, share, color: COLORS[nth % COLORS.length]! }
    }),
  ])
  const drawn = bars.flatMap(({ key, name, share, color }, nth) => {
    const y = nth * STEP
    if (name === undefined) return [label(0, y + 18, key, { 'font-weight': 'bold' })]
    const width = (share / 100) * WIDTH
    return [
      label(0, y + 14, shorten(name, 36), { class: 'name' }),
      tag('rect', { fill: color, x: NAMES, y, width, height: BAR }),
      label(NAMES + width + 8, y + 14, figure(share, '%')),
    ]
  })
  return svg(NAMES + WIDTH + 120, bars.length * STEP, `${title}, in percent`, drawn)
}

type Point = readonly [x: number, y: number]

/** Where a share of the height is. */
function bottomUp(share: number): number {
  return 10 + HEIGHT - share * HEIGHT
}

function gridLine(y: number, text: string, tone: 'axis' | 'goal'): string[] {
  return [straight(tone, [LEFT, y], [LEFT + WIDTH, y]), label(LEFT - 4, y + 4, text, { 'text-anchor': 'end' })]
}

function below(x: number, text: string): string {
  return label(x, HEIGHT + 28, text, { 'text-anchor': 'middle' })
}

/** With its name at the right, in its color. */
function polyline(nth: number, name: string, points: readonly Point[]): string[] {
  const color = COLORS[nth % COLORS.length]
  const path = points.map(([x, y]) => `${rounded(x)},${rounded(y)}`).join(' ')
  return [
    tag('polyline', { fill: 'none', stroke: color, 'stroke-width': 2, points: path }),
    label(LEFT + WIDTH + 20, 24 + 18 * nth, shorten(name, 40), { class: 'name', fill: color }),
  ]
}

function straight(tone: 'axis' | 'goal', [x1, y1]: Point, [x2, y2]: Point): string {
  return tag('line', { class: tone, x1, y1, x2, y2 })
}

function label(x: number, y: number, text: string, attributes: Attributes = {}): string {
  return tag('text', { class: 'value', x, y, ...attributes }, [escapeHtml(text)])
}

/** The name says in words what it shows, for whoever cannot see it. */
function svg(width: number, height: number, name: string, content: readonly string[]): string {
  const box = { viewBox: `0 0 ${width} ${height}`, width }
  return tag('svg', { role: 'img', 'aria-label': name, ...box }, ['\n', ...content.flatMap((part) => [part, '\n'])])
}

type Attributes = Readonly<Record<string, string | number | undefined>>

/** @param content as it stands: texts in it are escaped already. */
function tag(name: string, attributes: Attributes, content: readonly string[] = []): string {
  const said = Object.entries(attributes).flatMap(([key, value]) => {
    if (value === undefined) return []
    return [` ${key}="${typeof value === 'number' ? rounded(value) : escapeHtml(value)}"`]
  })
  return content.length === 0 ? `<${name}${said.join('')}/>` : `<${name}${said.join('')}>${content.join('')}</${name}>`
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10
}

function shorten(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`
}
