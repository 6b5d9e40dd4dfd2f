/**
 * Erases what the database holds of an entry besides its row: copies that failed attempts left in staging, and dead
 * letters. Also vacuums, so that the files of the tables no longer hold deleted rows. Idempotency keys are erased in
 * idempotency-keys.ts.
 */
import { type SQL, sql } from 'drizzle-orm'
import { decodeRecord } from '../../entry/codec.ts'
import type { EntryKey } from '../../entry/entry-key.ts'
import type { EntryRecord } from '../../entry/record.ts'
import type { ColdDriver, Row } from '../cold-driver.ts'
import type { ColdQuery, StoredLetter, Vacuumed, Vacuuming } from '../cold-tier.ts'
import { recordOf, selectedColumns } from './entry-columns.ts'
import { selects } from './filter-sql.ts'
import { unnestKeys } from './look-up-keys.ts'

/** Who ships a batch of which rows go stages it once more. */
export async function eraseStaged(driver: ColdDriver, keys: readonly EntryKey[]): Promise<number> {
  const [row] = await driver.query(sql`
    WITH gone AS (
      DELETE FROM thermocline.entry_staging s USING ${unnestKeys(keys)} AS k (namespace, id)
      WHERE s.namespace = k.namespace AND s.id = k.id RETURNING 1
    )
    SELECT count(*)::int4 AS gone FROM gone`)
  return row?.gone as number
}

/** As {@link eraseStaged}, of what a query selects. */
export async function eraseStagedWhere(driver: ColdDriver, query: ColdQuery): Promise<number> {
  const [row] = await driver.query(sql`
    WITH gone AS (DELETE FROM thermocline.entry_staging e WHERE ${selects(query)} RETURNING 1)
    SELECT count(*)::int4 AS gone FROM gone`)
  return row?.gone as number
}

/** Letters have a record as the log encodes it, or columns of a row, as JSON. */
export async function readLetters(
  driver: ColdDriver,
  after: string,
  limit: number,
  among?: readonly string[],
): Promise<StoredLetter[]> {
  const isAmong = among === undefined ? sql`true` : sql`digest IN (${digestsIn(among)})`
  const rows = await driver.query(sql`
    SELECT encode(d.digest, 'hex') AS digest, d.record AS encoded, d.reason AS refused_for, d.wal_id::text AS wal_id,
      (extract(epoch FROM d.recorded_at) * 1000)::float8 AS recorded_at,
      coalesce(octet_length(d.record), octet_length(d.fields::text))::float8 AS kept_bytes, ${selectedColumns()}
    FROM (
      SELECT digest, reason, wal_id, recorded_at, record, fields FROM thermocline.dead_letters
      WHERE digest > decode(${after}::text, 'hex') AND ${isAmong} ORDER BY digest LIMIT ${limit}::int8
    ) d
    LEFT JOIN LATERAL jsonb_populate_record(NULL::thermocline.entry_staging, d.fields) e ON d.fields IS NOT NULL
    ORDER BY d.digest`)
  return rows.map((row) => ({
    digest: row.digest as string,
    record: letterOf(row),
    reason: row.refused_for as string,
    walId: (row.wal_id as string | null) ?? undefined,
    recordedAt: row.recorded_at as number,
    bytes: row.kept_bytes as number,
  }))
}

/** The record is there because something is wrong with it. */
function letterOf(row: Row): EntryRecord | undefined {
  try {
    return row.encoded === null ? recordOf(row) : decodeRecord(row.encoded as Uint8Array)
  } catch {
    return undefined
  }
}

/** @param digests as hex. */
export async function removeLetters(driver: ColdDriver, digests: readonly string[]): Promise<number> {
  if (digests.length === 0) return 0
  const [row] = await driver.query(sql`
    WITH gone AS (
      DELETE FROM thermocline.dead_letters
      WHERE digest IN (${digestsIn(digests)})
      RETURNING 1
    )
    SELECT count(*)::int4 AS gone FROM gone`)
  return row?.gone as number
}

function digestsIn(digests: readonly string[]): SQL {
  return sql`SELECT decode(hex, 'hex') FROM unnest(${sql.param([...digests])}::text[]) AS given (hex)`
}

/** Every table that had content of entries or names of namespaces. */
const TABLES = [
  ...['memory_entries', 'entry_staging', 'dead_letters', 'entry_access', 'hot_misses', 'namespace_counts'],
  ...['idempotency_keys', 'pins'],
]

/** A role that does not own the tables would be told by a notice alone that nothing was done. */
export async function vacuum(driver: ColdDriver, mode: Vacuuming): Promise<Vacuumed> {
  const [row] = await driver.query(sql`
    SELECT bool_and(pg_has_role(c.relowner, 'USAGE')) AS may, pg_current_xact_id()::text AS begins FROM pg_class c
    WHERE c.oid IN (
      SELECT format('thermocline.%I', name)::regclass FROM unnest(${sql.param(TABLES)}::text[]) AS given (name)
    )`)
  if (row?.may !== true) return { isDone: false, heldBy: [] }
  await driver.vacuum(
    TABLES.map((table) => `thermocline.${table}`),
    mode,
  )
  return { isDone: true, heldBy: await holdersSince(driver, row.begins as string) }
}

/**
 * Who could read, before the vacuuming began and still now, rows that were dead by then: those stayed. A role that may
 * not look at sessions of others hears of its own alone.
 */
async function holdersSince(driver: ColdDriver, begins: string): Promise<string[]> {
  const rows = await driver.query(sql`
    SELECT holder FROM (
      SELECT 'session ' || pid, backend_xmin FROM pg_stat_activity WHERE datname = current_database()
      UNION ALL
      SELECT 'prepared transaction ' || gid, transaction FROM pg_prepared_xacts WHERE database = current_database()
      UNION ALL
      SELECT 'replication slot ' || slot_name, xmin FROM pg_replication_slots
      UNION ALL
      SELECT 'replica ' || pid, backend_xmin FROM pg_stat_replication
    ) AS h (holder, since)
    WHERE age(since) > age(${begins}::xid8::xid) ORDER BY holder`)
  return rows.map(({ holder }) => holder as string)
}
