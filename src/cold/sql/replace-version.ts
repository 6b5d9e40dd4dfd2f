/**
 * Compare-and-set: one version of an entry takes the place of exactly the one before. The lock of the row decides
 * between those who ask at the same time, or, where there is no row, its primary key (rule K3 of flow/README.md).
 */
import { type SQL, sql } from 'drizzle-orm'
import type { EntryRecord } from '../../entry/record.ts'
import { retold, ThermoclineError, unforeseen } from '../../errors.ts'
import { sqlStateOf } from '../cold-errors.ts'
import type { Replaced, Replacement } from '../cold-tier.ts'
import { timeParameter } from './column-types.ts'
import { DURABLY } from './durable-commit.ts'
import { COLUMNS_SQL, replacementsFrom, STAGED_COLUMNS_SQL } from './entry-columns.ts'
import { type Batch, isComplete, type Staging } from './entry-staging.ts'
import { readVersions } from './read-entries.ts'

const REPLACEMENTS = replacementsFrom('s')

/** SQLSTATEs after which a statement may have taken effect all the same: the connection or the server went away. */
const IN_DOUBT = /^(08|40003|57P|58)/

/** @param now the time, evaluated when a row is written. */
export async function replace(staging: Staging, replacement: Replacement, now: SQL): Promise<Replaced> {
  const { driver } = staging
  let isSent = false
  try {
    return await staging.through([replacement.record], undefined, async (batch) => {
      isSent = true
      const [row] = await driver.query(replaceSql(batch, replacement, now))
      if (row?.replaced === 1) return 'replaced'
      return row?.open === 1 ? 'other' : 'closed'
    })
  } catch (error) {
    if (!isSent || isRefused(error)) throw withOutcome(error, 'none')
    if (await hasArrived(staging, replacement.record)) return 'replaced'
    throw withOutcome(error, 'unknown')
  }
}

function replaceSql(batch: Batch, { record, base, generationNumber, until, log }: Replacement, now: SQL): SQL {
  const isInTime = sql`${now} <= ${timeParameter(until)}`
  return sql`
    WITH replacement AS MATERIALIZED (
      SELECT s.* FROM thermocline.entry_staging s WHERE s.batch_id = ${batch.id}::uuid LIMIT 1
    ),
    -- Waits for a sweep that is raising the horizon, and for a generation of hot that is becoming current.
    store AS MATERIALIZED (SELECT collected_version, hot_generation FROM thermocline.store_identity LIMIT 1 FOR SHARE),
    gate AS MATERIALIZED (
      SELECT FROM store
      WHERE ${isComplete(batch)} AND ${isInTime}
        AND hot_generation IS NOT DISTINCT FROM ${generationNumber ?? null}::int8
        AND (collected_version < ${record.version} COLLATE "C") IS NOT FALSE
        AND EXISTS (SELECT FROM thermocline.wal_checkpoints
          WHERE wal_id = ${log.walId}::uuid AND epoch = ${log.epoch}::int8 AND sequence >= ${log.sequence}::int8)
    ),
    replaced AS (${base === undefined ? insertSql() : updateSql(base, isInTime)}),
    missed AS (
      INSERT INTO thermocline.hot_misses (namespace, id, version)
      SELECT r.namespace, r.id, ${record.version} FROM replaced r CROSS JOIN store
      WHERE store.hot_generation IS NOT NULL
      ON CONFLICT (namespace, id) DO UPDATE SET version = greatest(hot_misses.version, excluded.version)
    ),
    cleared AS (DELETE FROM thermocline.entry_staging WHERE batch_id = ${batch.id}::uuid)
    SELECT (SELECT count(*) FROM gate)::int4 AS open, (SELECT count(*) FROM replaced)::int4 AS replaced, ${DURABLY}`
}

function insertSql(): SQL {
  return sql`
    INSERT INTO thermocline.memory_entries (${COLUMNS_SQL}, indexed)
    SELECT ${STAGED_COLUMNS_SQL}, false FROM replacement s WHERE EXISTS (SELECT FROM gate)
    ON CONFLICT (namespace, id) DO NOTHING
    RETURNING namespace, id`
}

/** Once the lock of the row was waited for, version and time are looked at again. */
function updateSql(base: string, isInTime: SQL): SQL {
  return sql`
    UPDATE thermocline.memory_entries e SET ${REPLACEMENTS}, indexed = false FROM replacement s
    WHERE e.namespace = s.namespace AND e.id = s.id AND e.version = ${base} AND ${isInTime}
      AND EXISTS (SELECT FROM gate)
    RETURNING e.namespace, e.id`
}

/** Whether the database answered that it did not run the statement to its end. */
function isRefused(error: unknown): boolean {
  const state = sqlStateOf(error)
  // Codes of Node and of drivers are of connections.
  return state !== undefined && /^[0-9][0-9A-Z]{4}$/.test(state) && !IN_DOUBT.test(state)
}

/** Whoever replaced it since would have had to see it first, so nothing is known where cold has another version. */
async function hasArrived({ driver }: Staging, record: EntryRecord): Promise<boolean> {
  try {
    const [version] = await readVersions(driver, [record])
    return version === record.version
  } catch {
    // Nobody can say; the caller gets the first error, which says why.
    return false
  }
}

function withOutcome(error: unknown, outcome: 'none' | 'unknown'): ThermoclineError {
  if (!(error instanceof ThermoclineError)) return unforeseen(error, { outcome })
  return retold(error, { ...error.details, outcome })
}
