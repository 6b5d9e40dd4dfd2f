/** Counted reads, sync runs and figures for people. */
import { type SQL, sql } from 'drizzle-orm'
import type { EntryKey } from '../../entry/entry-key.ts'
import type { ColdDriver } from '../cold-driver.ts'
import type { ColdStats, SyncRun } from '../cold-tier.ts'
import { lookUp, timeParameter, unnestKeys } from './entry-columns.ts'

/** Sync runs that are kept; at one a minute, about a week. */
const KEPT_SYNC_RUNS = 10_000

export interface Touch extends EntryKey {
  readonly lastAccessedAt: number
  readonly accesses: number
}

/** Drawn by the first who opens a database that has none, as one from an image has none. */
export async function storeId(driver: ColdDriver): Promise<string> {
  for (;;) {
    const [row] = await driver.query(sql`SELECT store_id::text AS store_id FROM thermocline.store_identity`)
    if (row !== undefined) return row.store_id as string
    await driver.query(sql`INSERT INTO thermocline.store_identity DEFAULT VALUES ON CONFLICT DO NOTHING`)
  }
}

/** A key may be given several times; one without a live row is left out. */
export async function recordAccess(driver: ColdDriver, touches: readonly Touch[], now: SQL): Promise<void> {
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
      access_count = entry_access.access_count + excluded.access_count,
      last_accessed_at = greatest(entry_access.last_accessed_at, excluded.last_accessed_at)`)
}

export async function recordSyncRun(driver: ColdDriver, run: SyncRun): Promise<void> {
  await driver.query(sql`
    WITH added AS (
      INSERT INTO thermocline.sync_runs (started_at, duration_ms, synced, skipped, errors, bytes)
      VALUES (${timeParameter(run.startedAt)}, ${run.durationMs}::float8, ${run.synced}::int8, ${run.skipped}::int8,
        ${run.errors}::int8, ${run.bytes}::int8)
      RETURNING id
    )
    DELETE FROM thermocline.sync_runs WHERE id <= (SELECT id FROM added) - ${KEPT_SYNC_RUNS}::int8`)
}

export async function stats(driver: ColdDriver, now: SQL): Promise<ColdStats> {
  const [row] = await driver.query(sql`
    SELECT coalesce(sum(entries), 0)::float8 AS entries, coalesce(sum(tombstones), 0)::float8 AS tombstones,
      coalesce(sum(unindexed), 0)::float8 AS unindexed,
      (SELECT count(*) FROM thermocline.memory_entries
        WHERE expires_at IS NOT NULL AND expires_at <= ${now})::float8 AS expired,
      (SELECT count(*) FROM thermocline.dead_letters)::float8 AS dead_letters
    FROM thermocline.entry_counts`)
  return {
    live: (row?.entries as number) - (row?.expired as number),
    tombstones: row?.tombstones as number,
    unindexed: row?.unindexed as number,
    deadLetters: row?.dead_letters as number,
  }
}

export async function time(driver: ColdDriver): Promise<number> {
  const [row] = await driver.query(sql`SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS now`)
  return row?.now as number
}
