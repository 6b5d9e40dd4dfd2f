/** From the samples of a case to the lines of its table. */
import type { BenchCase, Goal, Row, Sample, Unit } from './bench-case.ts'

/** Samples by subject, one a round. */
export type Rounds = Readonly<Record<string, readonly Sample[]>>

export interface Line {
  readonly title: string
  readonly unit: Unit
  readonly figure: Range
  readonly reference: { readonly name: string; readonly figure: Range } | undefined
  readonly ratio: Range | undefined
  readonly goals: readonly Goal[]
  /** Undefined where there is no goal. */
  readonly isReached: boolean | undefined
}

/** The median of all rounds, the least and the greatest. */
export interface Range {
  readonly median: number
  readonly least: number
  readonly greatest: number
}

/** Of an even number the mean of the two in the middle. Throws on none. */
export function median(numbers: readonly number[]): number {
  if (numbers.length === 0) throw new RangeError('there is no median of nothing')
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

export function rangeOf(numbers: readonly number[]): Range {
  return { median: median(numbers), least: Math.min(...numbers), greatest: Math.max(...numbers) }
}

/** The value that the share `p` (0 to 1) of the sorted numbers does not exceed. */
export function quantile(sorted: ArrayLike<number>, p: number): number {
  return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)] ?? Number.NaN
}

export function isReached(goal: Goal, figure: number, ratio: number | undefined): boolean {
  const value = goal.of === 'figure' ? figure : ratio
  if (value === undefined) return false
  return 'atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost
}

export function linesOf({ title, rows }: Pick<BenchCase, 'title' | 'rows'>, rounds: Rounds): Line[] {
  return rows.map((row) => ({ title: row.title ?? title, ...lineOf(row, rounds) }))
}

function lineOf(row: Row, rounds: Rounds): Omit<Line, 'title'> {
  const subject = row.subject ?? Object.keys(rounds)[0]!
  const ours = figuresOf(rounds, subject, row.figure)
  const goals = row.goals ?? []
  const figure = rangeOf(ours)
  const plain = { unit: row.unit, figure, reference: undefined, ratio: undefined, goals }
  const settled = goals.length === 0 ? undefined : goals.some((goal) => isReached(goal, figure.median, undefined))
  if (row.reference === undefined) return { ...plain, isReached: settled }
  const { subject: other = subject, figure: name = row.figure } = row.reference
  const theirs = figuresOf(rounds, other, name)
  // Of each round, so that what slows the machine for a while slows both.
  const ratio = rangeOf(ours.map((value, round) => value / theirs[round]!))
  const reference = { name: other === subject ? name : other, figure: rangeOf(theirs) }
  const reached = goals.length === 0 ? undefined : goals.some((goal) => isReached(goal, figure.median, ratio.median))
  return { ...plain, reference, ratio, isReached: reached }
}

function figuresOf(rounds: Rounds, subject: string, figure: string): number[] {
  const samples = rounds[subject]
  if (samples === undefined) throw new Error(`there is no subject "${subject}"`)
  return samples.map(({ figures }) => {
    const value = figures[figure]
    if (value === undefined) throw new Error(`"${subject}" has no figure "${figure}"`)
    return value
  })
}
