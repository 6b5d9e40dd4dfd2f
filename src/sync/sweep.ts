/** Housekeeping in cold, in small batches so that queries get in between: expiry, old tombstones, the vector index. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ColdTier, SweepResult } from '../cold/cold-tier.ts'

/** How long a tombstone stays at least, so that late copies of what it deleted find it. */
export const TOMBSTONE_GRACE_MS = 24 * 3_600_000
/** Rows of one sweep statement. */
const SWEEP_ROWS = 1_000
/** Rows of one index statement: each costs 1-9 ms, and the embedded database does nothing else meanwhile. */
const INDEX_ROWS = 20

/**
 * Turns expired entries into tombstones and collects old tombstones until few are left or `signal` fires. Few, not
 * none: entries may go on expiring as fast as they are swept.
 */
export async function sweep(cold: ColdTier, signal: AbortSignal): Promise<SweepResult> {
  let expired = 0
  let collected = 0
  while (!signal.aborted) {
    const batch = await cold.sweep({ graceMs: TOMBSTONE_GRACE_MS, limit: SWEEP_ROWS })
    expired += batch.expired
    collected += batch.collected
    if (batch.expired < SWEEP_ROWS && batch.collected < SWEEP_ROWS) break
    await nextTurn()
  }
  return { expired, collected }
}

/**
 * Puts rows into the vector index, the oldest first, until every row is in it that was there at first, or `signal`
 * fires; answers how many. Rows may come faster than they can be indexed: those are left to the next run.
 */
export async function indexVectors(cold: ColdTier, signal: AbortSignal): Promise<number> {
  let indexed = 0
  const upTo = await cold.highestVersion()
  if (upTo === undefined) return 0
  while (!signal.aborted) {
    const batch = await cold.indexVectors(INDEX_ROWS, upTo)
    indexed += batch
    if (batch === 0) break
    await nextTurn()
  }
  return indexed
}
