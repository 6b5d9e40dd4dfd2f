/** Counts the rows of the database for `stats()`. */
import { type SQL, sql } from 'drizzle-orm'
import type { ColdDriver } from '../cold-driver.ts'
import type { ColdStats, SyncRun } from '../cold-tier.ts'
import { countUnembedded } from './embedding-models.ts'

/**
 * Expired entries, dead letters, pins and entries without a vector are counted up to here: no table is read from end to
 * end.
 */
export const MOST_COUNTED = 10_000

export async function stats(driver: ColdDriver, now: SQL): Promise<ColdStats> {
  const counted = (rows: SQL): SQL => sql`(SELECT count(*) FROM (${rows} LIMIT ${sql.raw(`${MOST_COUNTED}`)}) AS rows)`
  // By their index: without statistics the planner takes a third of all rows to have expired, and reads them all.
  const expired = sql`SELECT FROM thermocline.memory_entries WHERE expires_at IS NOT NULL AND expires_at <= ${now}
    ORDER BY expires_at`
  const [row] = await driver.query(sql`
    SELECT coalesce(sum(entries), 0)::float8 AS entries, coalesce(sum(tombstones), 0)::float8 AS tombstones,
      coalesce(sum(unindexed), 0)::float8 AS unindexed, ${counted(expired)}::float8 AS expired,
      ${counted(sql`SELECT FROM thermocline.dead_letters`)}::float8 AS dead_letters,
      ${counted(sql`SELECT FROM thermocline.pins`)}::float8 AS pinned,
      ${countUnembedded(MOST_COUNTED)}::float8 AS unembedded,
      pg_total_relation_size('thermocline.memory_entries')::float8 AS bytes,
      (SELECT json_build_object('startedAt', floor(extract(epoch FROM started_at) * 1000), 'durationMs', duration_ms,
          'synced', synced, 'skipped', skipped, 'errors', errors, 'bytes', bytes)
        FROM thermocline.sync_runs ORDER BY id DESC LIMIT 1)::text AS last_sync,
      (SELECT json_object_agg(name, holder) FROM thermocline.leases WHERE expires_at > now())::text AS leases
    FROM thermocline.entry_counts`)
  const { entries, ...rest } = row as Record<string, number>
  return {
    live: entries! - rest.expired!,
    tombstones: rest.tombstones!,
    unindexed: rest.unindexed!,
    deadLetters: rest.dead_letters!,
    pinned: rest.pinned!,
    unembedded: rest.unembedded!,
    bytes: rest.bytes!,
    lastSync: jsonOf<SyncRun>(row?.last_sync),
    leases: jsonOf<Record<string, string>>(row?.leases) ?? {},
  }
}

function jsonOf<T>(text: unknown): T | undefined {
  return typeof text === 'string' ? (JSON.parse(text) as T) : undefined
}
