/**
 * When an entry expires, and that it reads as absent from then on: at its `ttl` or `expiresAt`, on every tier and
 * before anything has removed it. Queries say the same in SQL (cold/sql/filter-sql.ts); a sync makes a tombstone of
 * what has expired (cold/sql/expire-and-collect.ts).
 */
import { parseDuration } from './duration.ts'
import { invalid, optional, time } from './field-checks.ts'
import { MAX_TIME } from './limits.ts'
import type { EntryRecord } from './record.ts'

/** Deleted and expired entries read as absent, wherever they stand. */
export function isLive(record: Pick<EntryRecord, 'deletedAt' | 'expiresAt'>, now: number): boolean {
  return record.deletedAt === null && (record.expiresAt === null || record.expiresAt > now)
}

/** Answers a `ttl` that must be said, null for "never", as milliseconds. Throws `ERR_INVALID_ENTRY`. */
export function lifetimeOf(ttl: unknown): number | null {
  if (ttl === null) return null
  const lifetime = parseDuration(ttl)
  if (lifetime !== undefined && lifetime > 0) return lifetime
  throw invalid('ttl', "must be positive milliseconds or a text like '30m', or null: never")
}

/** Answers when an input expires, in milliseconds since the epoch; null: never. Throws `ERR_INVALID_ENTRY`. */
export function expiryOf(ttl: unknown, expiresAt: unknown, now: number): number | null {
  const at = optional('expiresAt', expiresAt, (value) => time('expiresAt', value))
  const lifetime = optional('ttl', ttl, (value) => parseDuration(value) ?? Number.NaN)
  if (lifetime !== null && at !== null) throw invalid('ttl', 'must not be given together with `expiresAt`')
  if (lifetime !== null) {
    if (!(lifetime > 0 && now + lifetime <= MAX_TIME))
      throw invalid('ttl', "must be positive milliseconds or a text like '30m'")
    return Math.ceil(now + lifetime)
  }
  if (at !== null && at <= now) throw invalid('expiresAt', 'is in the past')
  return at
}
