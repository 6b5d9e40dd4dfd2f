/** Makes rates of two readings of a store's counters, and a sample for the charts. */
import type { OperationStats, StoreStats } from '../index.ts'
import type { Rates, Sample } from './answers.ts'

/** What a store's numbers were. */
export interface Reading {
  readonly at: number
  readonly stats: StoreStats
}

/** Which calls count as what. Those that the studio makes for its pages are among them. */
const READS = ['get', 'getMany', 'getByKey', 'getManyByKey', 'has', 'hasMany', 'peek']
const WRITES = ['put', 'putMany', 'update', 'upsert', 'write', 'delete', 'deleteMany', 'deleteByKey', 'expire', 'touch']
const QUERIES = ['find', 'findAll', 'count', 'search', 'searchMany', 'searchTree', 'documents', 'ofDocument']

export function ratesBetween(before: Reading, after: Reading): Rates {
  const perSecond = (of: (stats: StoreStats) => number): number => rate(before, after, of)
  return {
    writes: perSecond(({ wal }) => wal.sequence),
    reads: perSecond(lookups),
    queries: perSecond(({ calls }) => countOf(calls, QUERIES)),
    shipped: perSecond(({ wal }) => wal.checkpoint),
    promoted: perSecond(({ migrations }) => migrations.promoted),
    demoted: perSecond(({ migrations }) => migrations.demoted),
  }
}

export function sampleOf(before: Reading, after: Reading): Sample {
  const { writes, reads, queries } = ratesBetween(before, after)
  const { calls } = after.stats.windows.oneMinute
  return {
    ...{ at: after.at, writes, reads, queries },
    lagSeconds: after.stats.checkpoint.lagSeconds,
    hitRatio: hitRatioOf(after.stats.windows.oneMinute.tiers.hot),
    readP99: slowest(calls, READS),
    writeP99: slowest(calls, WRITES),
    queryP99: slowest(calls, QUERIES),
  }
}

/** Each entry that somebody wants is looked up in what is pending, and there once, whoever else is asked for it. */
function lookups({ tiers: { pending } }: StoreStats): number {
  return pending.hits + pending.misses
}

/** Counters may have begun anew, by `resetStats()`: then what they say is all since. */
function rate(before: Reading, after: Reading, of: (stats: StoreStats) => number): number {
  const seconds = (after.at - before.at) / 1_000
  const [from, to] = [of(before.stats), of(after.stats)]
  return seconds <= 0 ? 0 : (to >= from ? to - from : to) / seconds
}

function hitRatioOf({ hits, misses }: { readonly hits: number; readonly misses: number }): number | undefined {
  return hits + misses === 0 ? undefined : hits / (hits + misses)
}

type Calls = Readonly<Record<string, OperationStats>>

function countOf(calls: Calls, names: readonly string[]): number {
  return names.reduce((sum, name) => sum + (calls[name]?.count ?? 0), 0)
}

/** The greatest 99th percentile of these calls. */
function slowest(calls: Calls, names: readonly string[]): number | undefined {
  const all = names.flatMap((name) => ((calls[name]?.count ?? 0) > 0 ? [calls[name]!.p99] : []))
  return all.length === 0 ? undefined : Math.max(...all)
}
