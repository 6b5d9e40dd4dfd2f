/**
 * Decides when a read extends the expiry of an entry with a sliding ttl: when less than three quarters of the ttl are
 * left. In this process flow/sliding-expiry.ts acts on that; cold/sql/slide-expiry.ts checks it again in SQL.
 *
 * Cold alone extends an entry, under the same version and only while the entry lives. Every other copy of the version
 * learns of it afterwards. So a copy that has expired is not certain, and cold is asked (rules S1 to S3 of
 * flow/README.md).
 */
import { isLive } from './expiry.ts'
import type { EntryRecord } from './record.ts'

/** The part of a sliding ttl below which a counted read extends it. Most reads so write nothing. */
export const EXTENDED_BELOW = 3 / 4

/** Whether a counted read at this time extends the entry. */
export function isDueToSlide({ expiresAt, slidingTtl }: Pick<EntryRecord, 'expiresAt' | 'slidingTtl'>, now: number) {
  if (slidingTtl === null || expiresAt === null) return false
  return expiresAt > now && expiresAt - now < slidingTtl * EXTENDED_BELOW
}

/** Whether an entry that has expired by this copy may still live in cold, which may have extended it since. */
export function mayHaveSlid(copy: Pick<EntryRecord, 'deletedAt' | 'expiresAt' | 'slidingTtl'>, now: number): boolean {
  return copy.slidingTtl !== null && copy.deletedAt === null && !isLive(copy, now)
}
