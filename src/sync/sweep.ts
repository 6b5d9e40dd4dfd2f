/**
 * Decides how long tombstones stay, and how much a whole sync sweeps at a time, so that queries can run in between. By
 * which clock an entry has expired is decided in cold/cold-store.ts (`#now`), and which tombstones may go in
 * cold/sql/expire-and-collect.ts.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ColdTier, SweepResult } from '../cold/cold-tier.ts'

/** How long a tombstone stays at least, so that late copies of what it deleted find it. */
const TOMBSTONE_GRACE_MS = 24 * 3_600_000
/** Rows of one sweep statement. */
const SWEEP_ROWS = 1_000

/**
 * Turns expired entries into tombstones, collects old tombstones and forgets idempotency keys until few are left or
 * `signal` fires. Few, not none: entries may go on expiring as fast as they are swept.
 */
export async function sweep(cold: ColdTier, signal: AbortSignal): Promise<Omit<SweepResult, 'forgotten'>> {
  let expired = 0
  let collected = 0
  while (!signal.aborted) {
    const batch = await cold.sweep({ graceMs: TOMBSTONE_GRACE_MS, limit: SWEEP_ROWS })
    expired += batch.expired
    collected += batch.collected
    if (Math.max(batch.expired, batch.collected, batch.forgotten) < SWEEP_ROWS) break
    await nextTurn()
  }
  return { expired, collected }
}
