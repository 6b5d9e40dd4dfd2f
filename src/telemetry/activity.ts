/** What a tally says, in the form that callers get. */
import type { Counts, OperationTally, Tally, Timed } from './tally.ts'

/**
 * Operations of one name. Times are milliseconds, about 3 % off at most; longer than two minutes counts as that. Of
 * what is answered in this process, as a `get` of what is hot there, one in 16 is timed, and those after it count as
 * having taken as long.
 */
export interface OperationStats {
  readonly count: number
  /** How many of them were refused or failed. */
  readonly failed: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

/** What this process did with a tier. */
export interface TierActivity {
  /** Keys that reads by id found there. What it knows to be deleted is found. */
  readonly hits: number
  /** Keys that it was asked for and lacked. */
  readonly misses: number
  /** Undefined where it was asked for nothing. */
  readonly hitRatio: number | undefined
  /** By what it was asked, as `read` or `write`; of the log `append`, a group that was written and synced together. */
  readonly operations: Readonly<Record<string, OperationStats>>
}

/** What moved, by this process. */
export interface Migrations {
  /** Entries that entered hot because they were read, or were to. */
  readonly promoted: number
  /** Entries that left hot because nobody read them, or were to; tombstones as well. */
  readonly demoted: number
  /** Entries that left hot because it was over its capacity. */
  readonly early: number
  /** Entries that a sweep made tombstones of, and tombstones that it removed. */
  readonly expired: number
  readonly collected: number
  /** Versions that cold already had, or had something newer of, when they were shipped. */
  readonly superseded: number
}

/** What this process did in a stretch of time. */
export interface Activity {
  readonly since: Date
  /** By name of the call. */
  readonly calls: Readonly<Record<string, OperationStats>>
  readonly tiers: {
    readonly pending: TierActivity
    readonly hot: TierActivity
    readonly cold: TierActivity
    readonly log: TierActivity
  }
  readonly migrations: Migrations
}

export function activityOf(tally: Tally): Activity {
  const { pendingHits, pendingMisses, hotHits, hotMisses, coldHits, coldMisses } = tally.counts
  return {
    since: new Date(tally.since),
    calls: operationsOf(tally, 'calls'),
    tiers: {
      pending: { ...lookups(pendingHits, pendingMisses), operations: {} },
      hot: { ...lookups(hotHits, hotMisses), operations: operationsOf(tally, 'hot') },
      cold: { ...lookups(coldHits, coldMisses), operations: operationsOf(tally, 'cold') },
      log: { ...lookups(0, 0), operations: operationsOf(tally, 'log') },
    },
    migrations: migrationsOf(tally.counts),
  }
}

function lookups(hits: number, misses: number): Omit<TierActivity, 'operations'> {
  const asked = hits + misses
  return { hits, misses, hitRatio: asked === 0 ? undefined : hits / asked }
}

function operationsOf(tally: Tally, timed: Timed): Record<string, OperationStats> {
  return Object.fromEntries([...tally.operations(timed)].map(([name, operation]) => [name, statsOf(operation)]))
}

function statsOf({ times, failed }: OperationTally): OperationStats {
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => times.percentile(share)) as [number, number, number]
  return { count: times.count, failed, p50, p95, p99 }
}

function migrationsOf({ promoted, demoted, early, expired, collected, superseded }: Counts): Migrations {
  return { promoted, demoted, early, expired, collected, superseded }
}
