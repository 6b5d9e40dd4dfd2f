/**
 * Decides which version wins when a batch is written: the newest, those in cold included. ONE statement takes the batch
 * over from the staging table. It is one transaction without any session state, and writes nothing unless all rows are
 * there.
 *
 * The tables may have no statistics. A planner that expects too many rows compiles the statement anew each time (JIT, a
 * second of a core), and one that expects too few compares every row with every other. So each part is bounded by a
 * LIMIT, looked up through an index, or is a hash table by its form. The statement has no name, so it is planned each
 * time, which costs more than a few rows do: parts that can have nothing to do are left out.
 *
 *   gate      one row if the batch may be taken over: it is complete and, when shipping, the checkpoint moved
 *   staged    the batch, if the gate is open
 *   verdicts  per row whether it is newer than what cold holds, and whether it is missing at or below the horizon, gone
 *             by now (collected: nothing is left to do) or not
 *   written   upsert of the newer ones, in the order of keys (no deadlocks), guarded again by version
 *   missed    keys that the current generation of hot is not known to hold in this version, where a log ships them or
 *             a dead letter is written once more (retry-letters.ts)
 *   read, forgotten  counts of reads of what is now a tombstone, where the batch has any
 *   letters   entries that may not come back and rows that Postgres refused, as dead letters
 */
import { type SQL, sql } from 'drizzle-orm'
import type { EntryKey } from '../../entry/entry-key.ts'
import type { EntryRecord } from '../../entry/record.ts'
import type { ColdDriver } from '../cold-driver.ts'
import { type DeadLetter, lettersFrom } from './dead-letters.ts'
import { DURABLY } from './durable-commit.ts'
import { COLUMNS_SQL, REPLACEMENTS_SQL, STAGED_COLUMNS_SQL } from './entry-columns.ts'
import { type Batch, forgetReadsOf, type Staging } from './entry-staging.ts'
import { lookUp } from './look-up-keys.ts'
import { isRolledBack, rollBackUnless } from './roll-back.ts'

export interface Upserted {
  /** False: the gate was closed and nothing happened. */
  readonly moved: boolean
  readonly written: number
  /** Entries missing in cold at or below the horizon, now dead letters. */
  readonly belowHorizon: number
  /** Number of the hot generation that is current; undefined where none ever was. */
  readonly generationNumber: number | undefined
  readonly missed: readonly EntryKey[]
}

/** Whose rows a batch has, as far as that makes a difference. */
export interface Origin {
  /** Statement that answers one row where the batch may be taken over; it MUST include {@link isComplete}. */
  readonly gate: SQL
  /** Whether keys are noted of which hot may hold something older. */
  readonly notesMisses: boolean
  /** CTEs that the statement has besides, which may read `gate` and `verdicts`. */
  readonly besides: SQL
}

/** What a row of `verdicts` has beside the columns of its entry. */
const OF_NO_ENTRY = sql.raw(`'{batch_id,staged_at,hot_generation,cold_version,is_newer,is_below_horizon,is_collected}'`)

/**
 * @param gate statement that answers one row where the batch may be taken over; it MUST include {@link isComplete}.
 * @param walId log that the batch comes from, if any.
 */
export async function upsertNewer(
  driver: ColdDriver,
  batch: Batch,
  gate: SQL,
  letters: readonly DeadLetter[],
  walId: string | null,
): Promise<Upserted> {
  const besides = lettersSql(letters, walId)
  return takeOver(driver, batch, { gate, notesMisses: walId !== null, besides })
}

/** As {@link upsertNewer}, of rows from anywhere. */
export async function takeOver(driver: ColdDriver, batch: Batch, origin: Origin): Promise<Upserted> {
  const [row] = await driver.query(sql`${upsertNewerSql(batch, origin)}
    SELECT (SELECT count(*) FROM gate)::int4 AS moved, (SELECT count(*) FROM written)::int4 AS written,
      (SELECT count(*) FROM verdicts WHERE is_below_horizon)::int4 AS below_horizon,
      (SELECT hot_generation FROM store)::float8 AS generation_number,
      (SELECT json_agg(json_build_array(namespace, id))::text FROM missed) AS missed, ${DURABLY}`)
  return {
    moved: row?.moved === 1,
    written: row?.written as number,
    belowHorizon: row?.below_horizon as number,
    generationNumber: (row?.generation_number as number | null) ?? undefined,
    missed: keysOf(row?.missed as string | null),
  }
}

function keysOf(json: string | null): EntryKey[] {
  if (json === null) return []
  return (JSON.parse(json) as [string, string][]).map(([namespace, id]) => ({ namespace, id }))
}

const ROLLED_BACK = rollBackUnless(sql`count(*) < 0`)

/** Rejects as these rows would, and changes nothing: it is rolled back once every row was written. */
export function checkRows(staging: Staging, records: readonly EntryRecord[]): Promise<void> {
  const { driver } = staging
  return staging.through(records, undefined, async (batch) => {
    try {
      const origin = { gate: sql`SELECT`, notesMisses: false, besides: lettersSql([], null) }
      await driver.query(sql`${upsertNewerSql(batch, origin)} SELECT ${ROLLED_BACK} FROM written`)
    } catch (error) {
      if (!isRolledBack(error)) throw error
      await driver.query(sql`DELETE FROM thermocline.entry_staging WHERE batch_id = ${batch.id}::uuid`)
    }
  })
}

function upsertNewerSql(batch: Batch, { gate, notesMisses, besides }: Origin): SQL {
  return sql`
    WITH gate AS (${gate}),
    staged AS MATERIALIZED (
      SELECT s.* FROM thermocline.entry_staging s WHERE s.batch_id = ${batch.id}::uuid AND EXISTS (SELECT FROM gate)
      LIMIT ${batch.rows}::int8
    ),
    -- Waits for a sweep that is raising the horizon, and for a generation of hot that is becoming current.
    store AS MATERIALIZED (SELECT collected_version, hot_generation FROM thermocline.store_identity LIMIT 1 FOR SHARE),
    verdicts AS MATERIALIZED (
      SELECT s.*, e.version AS cold_version, e.version IS NULL OR e.version < s.version AS is_newer,
        o.is_old AND NOT o.is_gone AS is_below_horizon, o.is_old AND o.is_gone AS is_collected
      FROM staged s LEFT JOIN store ON true
      LEFT JOIN ${lookUp(sql`s`)} ON true
      CROSS JOIN LATERAL (
        SELECT e.version IS NULL AND s.version <= store.collected_version IS TRUE AS is_old,
          s.deleted_at IS NOT NULL OR s.expires_at <= ${batch.now} IS TRUE AS is_gone
      ) AS o
    ),
    written AS (
      INSERT INTO thermocline.memory_entries (${COLUMNS_SQL}, indexed)
      SELECT ${STAGED_COLUMNS_SQL}, false FROM verdicts s
      WHERE s.is_newer AND NOT s.is_below_horizon AND NOT s.is_collected
      ORDER BY s.namespace, s.id
      ON CONFLICT (namespace, id) DO UPDATE SET ${REPLACEMENTS_SQL}, indexed = false
      WHERE memory_entries.version < excluded.version
      RETURNING namespace, id, deleted_at
    ),
    ${missedSql(notesMisses)},
    ${forgetReadsOf(batch, sql`SELECT namespace, id FROM written WHERE deleted_at IS NOT NULL`)}
    ${besides},
    cleared AS (DELETE FROM thermocline.entry_staging WHERE batch_id = ${batch.id}::uuid)`
}

/**
 * Notes for hot's repair. What cold has newer, hot may hold older, whoever confirmed this; what may not come back, hot
 * may hold itself.
 */
function missedSql(notesMisses: boolean): SQL {
  return sql`missed AS (
    INSERT INTO thermocline.hot_misses (namespace, id, version)
    SELECT s.namespace, s.id, greatest(s.version, s.cold_version,
      CASE WHEN s.is_below_horizon OR s.is_collected THEN store.collected_version END)
    FROM verdicts s CROSS JOIN store
    WHERE ${notesMisses}::boolean AND store.hot_generation IS NOT NULL
      AND (s.hot_generation IS DISTINCT FROM store.hot_generation
        OR (s.cold_version IS DISTINCT FROM s.version
          AND (s.namespace, s.id) NOT IN (SELECT namespace, id FROM written)))
    ORDER BY s.namespace, s.id
    ON CONFLICT (namespace, id) DO UPDATE SET version = greatest(hot_misses.version, excluded.version)
    RETURNING namespace, id
  )`
}

function refusedSql(letters: readonly DeadLetter[], walId: string | null): SQL {
  return sql`UNION ALL
    SELECT sha256(l.record), l.reason, ${walId}::uuid, l.record, NULL
    FROM ${lettersFrom(letters)} AS l WHERE EXISTS (SELECT FROM gate)`
}

/** Rows that may not come back, as their columns, and those that Postgres refused, as the log encodes them. */
function lettersSql(letters: readonly DeadLetter[], walId: string | null): SQL {
  return sql`letters AS (
    INSERT INTO thermocline.dead_letters (digest, reason, wal_id, record, fields)
    SELECT sha256(convert_to(fields::text, 'UTF8')), 'below-horizon', ${walId}::uuid, NULL, fields
    FROM (
      SELECT to_jsonb(s) - ${OF_NO_ENTRY}::text[] AS fields FROM verdicts s WHERE s.is_below_horizon
    ) AS missing
    ${letters.length > 0 ? refusedSql(letters, walId) : sql``}
    ON CONFLICT (digest) DO NOTHING
  )`
}
