/** What the demo found out, as the tables at its end and as the verdict. */
import type { StoreStats } from '../../src/index.ts'
import type { Survival } from './crash.ts'
import type { Latencies } from './latencies.ts'
import type { Recall } from './recall.ts'
import type { SearchPlan } from './search-plan.ts'
import { textTable } from './text-table.ts'
import type { Staleness } from './tree.ts'

export interface Findings {
  readonly documents: number
  readonly chunks: number
  readonly questions: number
  /** Questions whose document was among the nearest five. */
  readonly right: number
  /** How much of the ten nearest of a chunk, by a look at all, a search had. */
  readonly recall: Recall
  /** Of such a search, by the database. */
  readonly plan: SearchPlan
  /** Summaries after a chunk below them changed. */
  readonly stale: Staleness
  /** What was put → what became of it after the kill. */
  readonly survivals: Readonly<Record<string, Survival>>
  /** Moment → where the entries lived then. */
  readonly residence: Readonly<Record<string, StoreStats>>
  readonly latencies: Readonly<Record<string, Latencies>>
}

/** What the default corpus must reach. */
const LEAST = { documents: 10, chunks: 400, right: 16 }
/** Of any corpus. */
const LEAST_RECALL = 0.95

export function printTables({ survivals, residence, latencies }: Findings): void {
  const rows = Object.entries(survivals).map(([name, { written, acknowledged, recovered, lost }]) => [
    name,
    written,
    acknowledged,
    recovered,
    lost,
  ])
  print([['entries', 'written', 'acknowledged', 'recovered', 'lost'], ...rows])

  const places = Object.entries(residence).map(([moment, { pending, hot, cold }]) => [
    moment,
    pending.entries,
    hot?.entries ?? 0,
    cold?.entries ?? 0,
  ])
  print([['where entries live', 'pending', 'hot', 'cold'], ...places])

  const times = Object.entries(latencies).map(([call, each]) => [
    call,
    each.count,
    millis(each.percentile(0.5)),
    millis(each.percentile(0.99)),
  ])
  print([['latency', 'calls', 'p50 ms', 'p99 ms'], ...times])
}

/** Why the demo failed; empty when it did not. */
export function shortcomings(findings: Findings, isDefaultCorpus: boolean): string[] {
  const lost = Object.values(findings.survivals).reduce((sum, survival) => sum + survival.lost, 0)
  const { recall, plan, stale } = findings
  const { share, searches, indexed } = recall
  const listed = (ids: readonly string[]): string => [...ids].sort().join(', ') || 'none'
  const all = [
    lost > 0 && `${lost} acknowledged entries are lost`,
    share < LEAST_RECALL && `a search has ${share.toFixed(3)} of the ten nearest, not at least ${LEAST_RECALL}`,
    plan.hasPgvector && indexed < searches && `${indexed} searches of ${searches} went by the HNSW index`,
    listed(stale.told) !== listed(stale.above) &&
      `the stale summaries are ${listed(stale.told)}, not those above the changed chunk: ${listed(stale.above)}`,
  ]
  if (isDefaultCorpus)
    all.push(
      findings.documents < LEAST.documents && `${findings.documents} documents, not at least ${LEAST.documents}`,
      findings.chunks < LEAST.chunks && `${findings.chunks} chunks, not at least ${LEAST.chunks}`,
      findings.right < LEAST.right && `${findings.right} questions answered, not at least ${LEAST.right}`,
      // A planner may well compare all of fewer.
      plan.hasPgvector && plan.byIndex === undefined && 'the plan of a search does not have the HNSW index',
    )
  return all.filter((reason) => reason !== false)
}

function print(rows: (string | number)[][]): void {
  console.log(`\n${textTable(rows)}`)
}

function millis(value: number | undefined): string {
  return value === undefined ? '–' : value.toFixed(2)
}
