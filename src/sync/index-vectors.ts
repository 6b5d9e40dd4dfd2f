/**
 * Decides when rows enter the vector index: at each whole sync, many at once where the index holds fewer than wait, and
 * else in small batches, so that queries can run in between.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ColdTier } from '../cold/cold-tier.ts'

/** Rows of one statement: each costs 1-9 ms, and the embedded database does nothing else meanwhile. */
const INDEX_ROWS = 20

/**
 * Puts rows into the vector index, the oldest first, until every row is in it that was there at first, or `signal`
 * fires; returns how many. Rows may come faster than they can be indexed: those are left to the next run.
 */
export async function indexVectors(cold: ColdTier, signal: AbortSignal): Promise<number> {
  let indexed = await cold.indexInBulk(signal)
  const upTo = await cold.highestVersion()
  if (upTo === undefined) return indexed
  while (!signal.aborted) {
    const batch = await cold.indexVectors(INDEX_ROWS, upTo)
    indexed += batch
    if (batch === 0) break
    await nextTurn()
  }
  return indexed
}
