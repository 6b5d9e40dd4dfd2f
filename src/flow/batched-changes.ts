/**
 * Holds what the calls share that change all that a filter selects, batch by batch (where-changer.ts, eraser.ts): what
 * was there when they began, and what is known of reads. What they say where they end half-way is decided in
 * failed-writes.ts.
 */
import type { ColdRow } from '../cold/cold-tier.ts'
import type { AccessStats } from '../entry/record.ts'
import { type Version, ZERO_VERSION } from '../entry/version.ts'
import type { Patience } from '../kernel/deadline.ts'
import { slices } from '../kernel/slices.ts'
import { asksForReads, type Filter } from '../query/filter.ts'
import { atOnce } from './deleter.ts'
import type { Reader } from './reader.ts'

/** Entries of a batch, where the call does not say how many. */
export const WHERE_BATCH = 500

/** Holds for what has this version or an older one, and for what was put before that time. */
export function thereBy(time: number, highest: Version = ZERO_VERSION): Filter[number] {
  return {
    or: [
      [{ field: 'version', operator: 'lte', value: highest }],
      [{ field: 'createdAt', operator: 'lt', value: time }],
    ],
  }
}

/**
 * Rows with the reads that hot and this process know of as well, where the filter asks for reads: what is used while it
 * is hot MUST not be judged as if nobody had read it.
 */
export async function withFreshReads(
  rows: readonly ColdRow[],
  filter: Filter,
  reader: Pick<Reader, 'reads'>,
  patience: Patience,
): Promise<readonly ColdRow[]> {
  if (rows.length === 0 || !asksForReads(filter)) return rows
  const keys = rows.map(({ record }) => record)
  const reads: (AccessStats | undefined)[] = []
  // Whole entries are read.
  for (const some of slices(keys, atOnce(keys))) reads.push(...(await reader.reads(some, patience)))
  return rows.map((row, i) => ({ ...row, access: laterOf(row.access, reads[i]) }))
}

/** Each counts on from what the other knew once. */
function laterOf(one: AccessStats | undefined, other: AccessStats | undefined): AccessStats | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return {
    accessCount: Math.max(one.accessCount, other.accessCount),
    lastAccessedAt: Math.max(one.lastAccessedAt, other.lastAccessedAt),
  }
}

/** A signal ends the call between two batches: what a batch did is known then. */
export function untilItsEnd({ timeout, wholeTimeout }: Patience): Patience {
  return { timeout, wholeTimeout }
}
