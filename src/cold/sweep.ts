/** What makes old rows go away, by the database's clock: expiry, and the collection of tombstones. */
import { sql } from 'drizzle-orm'
import type { SweepResult } from './cold-tier.ts'
import type { ColdDriver } from './driver.ts'

export async function sweep(
  driver: ColdDriver,
  { graceMs, limit }: { readonly graceMs: number; readonly limit: number },
): Promise<SweepResult> {
  const expired = await expire(driver, limit)
  const collected = await collect(driver, graceMs, limit)
  await clearStaging(driver)
  return { expired, collected }
}

/** The tombstone keeps the version of what expired: a repeated ship of that version brings nothing back. */
async function expire(driver: ColdDriver, limit: number): Promise<number> {
  const [row] = await driver.query(sql`
    WITH due AS (
      SELECT namespace, id FROM thermocline.memory_entries
      WHERE expires_at IS NOT NULL AND expires_at <= now()
      ORDER BY expires_at LIMIT ${limit}::int8 FOR UPDATE SKIP LOCKED
    ),
    emptied AS (
      UPDATE thermocline.memory_entries e SET kind = NULL, text = NULL, document_id = NULL, position = NULL,
        level = NULL, children = NULL, metadata = NULL, embedding = NULL, embedding_model = NULL,
        expires_at = NULL, deleted_at = now(), indexed = false
      FROM due WHERE e.namespace = due.namespace AND e.id = due.id
      RETURNING e.namespace, e.id
    ),
    forgotten AS (
      DELETE FROM thermocline.entry_access a USING emptied WHERE a.namespace = emptied.namespace AND a.id = emptied.id
    )
    SELECT count(*)::int4 AS expired FROM emptied`)
  return row?.expired as number
}

/**
 * A tombstone may go only when no log can still bring an older version of its key, and hot holds none. The horizon rises in the same
 * statement, under a lock taken first, so that no ship inserts below it in between.
 */
async function collect(driver: ColdDriver, graceMs: number, limit: number): Promise<number> {
  const [row] = await driver.query(sql`
    WITH held AS MATERIALIZED (SELECT FROM thermocline.store_identity FOR UPDATE),
    ripe AS (
      SELECT namespace, id FROM thermocline.memory_entries e
      WHERE EXISTS (SELECT FROM held)
        AND deleted_at IS NOT NULL AND deleted_at <= now() - ${graceMs}::float8 * interval '1 millisecond'
        AND version <= ALL (SELECT shipped_version FROM thermocline.wal_checkpoints)
        AND NOT EXISTS (SELECT FROM thermocline.hot_misses m WHERE m.namespace = e.namespace AND m.id = e.id)
      ORDER BY deleted_at LIMIT ${limit}::int8 FOR UPDATE OF e SKIP LOCKED
    ),
    gone AS (
      DELETE FROM thermocline.memory_entries e USING ripe
      WHERE e.namespace = ripe.namespace AND e.id = ripe.id AND e.deleted_at IS NOT NULL
      RETURNING e.namespace, e.id, e.version
    ),
    raised AS (
      UPDATE thermocline.store_identity
      SET collected_version = greatest(collected_version, (SELECT max(version) FROM gone))
      WHERE EXISTS (SELECT FROM gone)
    ),
    forgotten AS (
      DELETE FROM thermocline.entry_access a USING gone WHERE a.namespace = gone.namespace AND a.id = gone.id
    )
    SELECT count(*)::int4 AS collected FROM gone`)
  return row?.collected as number
}

/** Batches whose process died between COPY and statement. */
async function clearStaging(driver: ColdDriver): Promise<void> {
  await driver.query(sql`DELETE FROM thermocline.entry_staging WHERE staged_at < now() - interval '1 hour'`)
}
