/** The table that a run prints. */
import { textTable } from '../../demo/text-table.ts'
import type { Goal, Unit } from './bench-case.ts'
import type { Line, Range } from './figures.ts'
import { figure, number } from './text.ts'

/** The lines of all cases, and which goals are missed. */
export function tableOf(lines: readonly Line[]): string {
  const rows = lines.map((line) => [
    line.title,
    figure(line.figure.median, line.unit),
    line.reference === undefined ? '' : `${line.reference.name} ${figure(line.reference.figure.median, line.unit)}`,
    line.ratio === undefined ? '' : number(line.ratio.median),
    goalsText(line.goals, line.unit),
    spread(line),
    verdict(line),
  ])
  return textTable([['work', 'figure', 'reference', 'ratio', 'goal', 'spread', ''], ...rows])
}

/** What is said of the goals below the table. */
export function summary(lines: readonly Line[]): string {
  const held = lines.filter((line) => line.isReached !== undefined)
  const missed = held.filter((line) => line.isReached === false).length
  if (held.length === 0) return 'No goals among these.'
  return missed === 0 ? `All ${held.length} goals are reached.` : `${missed} of ${held.length} goals are missed.`
}

export function verdict({ isReached }: Line): string {
  return isReached === undefined ? '' : isReached ? 'reached' : 'MISSED'
}

/** Least to greatest of what the goal is about: the ratio, or the figure where there is none. */
export function spread(line: Line): string {
  const text = (value: number): string => (line.ratio === undefined ? figure(value, line.unit) : number(value))
  const { least, greatest }: Range = line.ratio ?? line.figure
  return `${text(least)} – ${text(greatest)}`
}

export function goalsText(goals: readonly Goal[], unit: Unit): string {
  return goals.map((goal) => goalText(goal, unit)).join(' or ')
}

function goalText(goal: Goal, unit: Unit): string {
  const text = (value: number): string => (goal.of === 'figure' ? figure(value, unit) : String(value))
  return 'atLeast' in goal ? `≥ ${text(goal.atLeast)}` : `≤ ${text(goal.atMost)}`
}
