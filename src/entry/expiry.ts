/**
 * Decides when an entry expires: at its `ttl` or `expiresAt`. From then on it reads as absent, on every tier and before
 * anything has removed it. Queries decide the same in SQL (cold/sql/filter-sql.ts); a sync turns expired entries into
 * tombstones (cold/sql/expire-and-collect.ts). When a read extends the expiry (`sliding: true`) is decided in
 * sliding.ts.
 */
import { parseDuration } from './duration.ts'
import { invalid, optional, time } from './field-checks.ts'
import { MAX_TIME } from './limits.ts'
import type { EntryRecord } from './record.ts'

/** Deleted and expired entries read as absent, wherever they stand. */
export function isLive(record: Pick<EntryRecord, 'deletedAt' | 'expiresAt'>, now: number): boolean {
  return record.deletedAt === null && (record.expiresAt === null || record.expiresAt > now)
}

/** Returns a required `ttl` in milliseconds, or null for "never". Throws `ERR_INVALID_ENTRY`. */
export function lifetimeOf(ttl: unknown): number | null {
  if (ttl === null) return null
  const lifetime = parseDuration(ttl)
  if (lifetime !== undefined && lifetime > 0) return lifetime
  throw invalid('ttl', "must be positive milliseconds or a text like '30m', or null: never")
}

interface GivenLife {
  readonly ttl?: unknown
  readonly sliding?: unknown
  readonly expiresAt?: unknown
  readonly slidingTtl?: unknown
}

/**
 * Returns when an input expires, and by how much reads extend it. Throws `ERR_INVALID_ENTRY`.
 * @param earliest an entry that expires by then is refused.
 */
export function lifeOf(given: GivenLife, now: number, earliest = now): Pick<EntryRecord, 'expiresAt' | 'slidingTtl'> {
  const { sliding = false } = given
  if (typeof sliding !== 'boolean') throw invalid('sliding', 'must be true or false')
  const expiresAt = expiryOf(given.ttl, given.expiresAt, now)
  refuseExpired(expiresAt, earliest)
  const kept = optional('slidingTtl', given.slidingTtl, (value) => slidingTtl(value, now))
  if (kept !== null) {
    if (given.expiresAt === undefined || sliding)
      throw invalid('slidingTtl', 'goes with the `expiresAt` of an entry that was read: else give `ttl` and `sliding`')
    return { expiresAt, slidingTtl: kept }
  }
  if (!sliding) return { expiresAt, slidingTtl: null }
  if (given.ttl === undefined) throw invalid('sliding', 'needs a `ttl`, which reads then extend')
  return { expiresAt, slidingTtl: expiresAt! - now }
}

function slidingTtl(value: unknown, now: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0 && now + value <= MAX_TIME) return value
  throw invalid('slidingTtl', 'must be whole milliseconds, and end before the year 10000')
}

/** In milliseconds since the epoch; null: never. */
function expiryOf(ttl: unknown, expiresAt: unknown, now: number): number | null {
  const at = optional('expiresAt', expiresAt, (value) => time('expiresAt', value))
  const lifetime = optional('ttl', ttl, (value) => parseDuration(value) ?? Number.NaN)
  if (lifetime !== null && at !== null) throw invalid('ttl', 'must not be given together with `expiresAt`')
  if (lifetime !== null) {
    if (!(lifetime > 0 && now + lifetime <= MAX_TIME))
      throw invalid('ttl', "must be positive milliseconds or a text like '30m'")
    return Math.ceil(now + lifetime)
  }
  return at
}

/** Throws `ERR_INVALID_ENTRY` where `expiresAt` is not after this time. */
export function refuseExpired(expiresAt: number | null, by: number): void {
  if (expiresAt !== null && expiresAt <= by) throw invalid('expiresAt', 'is in the past')
}
