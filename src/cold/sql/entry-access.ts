/** Stores counts of reads, as rows of entry_access, apart from the entries that were read. */
import { type SQL, sql } from 'drizzle-orm'
import type { EntryKey } from '../../entry/entry-key.ts'
import type { AccessStats } from '../../entry/record.ts'
import type { ColdDriver, Row } from '../cold-driver.ts'
import { TIME } from './column-types.ts'
import { inOnePiece } from './compile-statement.ts'
import { lookUp, unnest, unnestKeys } from './look-up-keys.ts'

export interface Touch extends EntryKey {
  readonly lastAccessedAt: number
  readonly accesses: number
}

/** Joins to `e`, a row of memory_entries, its row here as `a`, if there is one. */
export const ACCESS_JOIN = sql`LEFT JOIN LATERAL (
    SELECT * FROM thermocline.entry_access t WHERE t.namespace = e.namespace AND t.id = e.id LIMIT 1
  ) a ON true`

/** What {@link accessOf} takes of `a`. */
export const ACCESS_COLUMNS = inOnePiece(
  sql`${TIME.select(sql`a.last_accessed_at`)} AS last_accessed_at, a.access_count::float8 AS access_count`,
)

export function accessOf({
  last_accessed_at: lastAccessedAt,
  access_count: accessCount,
}: Row): AccessStats | undefined {
  if (typeof lastAccessedAt !== 'number' || typeof accessCount !== 'number') return undefined
  return { lastAccessedAt, accessCount }
}

/** A key may be given several times; one without a live row is left out. */
export function recordAccess(driver: ColdDriver, touches: readonly Touch[], now: SQL): Promise<void> {
  return write(driver, touches, now, sql`entry_access.access_count + excluded.access_count`)
}

/** As {@link recordAccess}, which says how often it was at least: doing it twice is doing it once. */
export function raiseAccess(driver: ColdDriver, touches: readonly Touch[], now: SQL): Promise<void> {
  return write(driver, touches, now, sql`greatest(entry_access.access_count, excluded.access_count)`)
}

/** @param count of a row that is there. */
async function write(driver: ColdDriver, touches: readonly Touch[], now: SQL, count: SQL): Promise<void> {
  if (touches.length === 0) return
  const times = sql.param(touches.map((touch) => new Date(touch.lastAccessedAt).toISOString()))
  const accesses = sql.param(touches.map((touch) => touch.accesses))
  await driver.query(sql`
    WITH touch AS (
      SELECT k.namespace COLLATE "C" AS namespace, k.id, max(k.at) AS last_at, sum(k.accesses)::int8 AS accesses
      FROM ${unnestKeys(touches, sql`${times}::timestamptz[]`, sql`${accesses}::int8[]`)} AS k (namespace, id, at, accesses)
      GROUP BY 1, 2
    )
    INSERT INTO thermocline.entry_access (namespace, id, last_accessed_at, access_count)
    SELECT touch.namespace, touch.id, touch.last_at, touch.accesses
    FROM touch CROSS JOIN ${lookUp(sql`touch`)}
    WHERE e.deleted_at IS NULL AND (e.expires_at IS NULL OR e.expires_at > ${now})
    ORDER BY touch.namespace, touch.id
    ON CONFLICT (namespace, id) DO UPDATE SET
      access_count = ${count},
      last_accessed_at = greatest(entry_access.last_accessed_at, excluded.last_accessed_at)`)
}

/**
 * CTEs that remove the counted reads of keys. They are locked in the order of keys first, as whoever counts reads locks
 * them; through arrays the planner expects few.
 * @param keys statement that answers (namespace, id).
 */
export function forgetReads(keys: SQL): SQL {
  return sql`read AS (
      SELECT a.namespace, a.id
      FROM ${unnest(sql`array_agg(g.namespace) FROM (${keys}) g`, sql`array_agg(g.id) FROM (${keys}) g`)} AS k (namespace, id)
      JOIN thermocline.entry_access a ON a.namespace = k.namespace AND a.id = k.id
      ORDER BY a.namespace, a.id FOR UPDATE OF a
    ),
    forgotten AS (
      DELETE FROM thermocline.entry_access a USING read WHERE a.namespace = read.namespace AND a.id = read.id
      RETURNING 1
    )`
}
