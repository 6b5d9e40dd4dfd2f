/**
 * Replaces exactly one version of an entry by another (compare-and-set), or several versions together. Between writers
 * at the same time the lock of the row decides, or, where there is no row, its primary key (rule K3 of flow/README.md).
 * Where one of several cannot be replaced, the statement fails and nothing is written (K8). The same holds for the
 * idempotency key that a write may have (K9).
 */
import { type SQL, sql } from 'drizzle-orm'
import type { Version } from '../../entry/version.ts'
import { retold, ThermoclineError, unforeseen } from '../../errors.ts'
import { sqlStateOf } from '../cold-errors.ts'
import type { Replaced, Replacement, Replacing } from '../cold-tier.ts'
import { timeParameter } from './column-types.ts'
import { DURABLY } from './durable-commit.ts'
import { forgetReads } from './entry-access.ts'
import { COLUMNS_SQL, replacementsFrom, STAGED_COLUMNS_SQL } from './entry-columns.ts'
import { type Batch, isComplete, type Staging } from './entry-staging.ts'
import { takeKey } from './idempotency-keys.ts'
import { lookUp, unnestKeys } from './look-up-keys.ts'
import { readVersions } from './read-entries.ts'
import { isRolledBack, rollBackUnless } from './roll-back.ts'

const REPLACEMENTS = replacementsFrom('excluded')

/** SQLSTATEs after which a statement may have taken effect all the same: the connection or the server went away. */
const IN_DOUBT = /^(08|40003|57P|58)/

/** @param now the time, evaluated when a row is written. */
export async function replace(staging: Staging, replacement: Replacement, now: SQL): Promise<Replaced> {
  const { driver } = staging
  const records = replacement.changes.map(({ record }) => record)
  let isSent = false
  try {
    return await staging.through(records, undefined, async (batch) => {
      isSent = true
      const [row] = await driver.query(replaceSql(batch, replacement, now))
      if (row?.replaced === batch.rows) return 'replaced'
      return row?.open === 1 ? 'other' : 'closed'
    })
  } catch (error) {
    if (isRolledBack(error)) return 'other'
    if (!isSent || isRefused(error)) throw withOutcome(error, 'none')
    if (await hasArrived(staging, replacement)) return 'replaced'
    throw withOutcome(error, 'unknown')
  }
}

function replaceSql(batch: Batch, replacement: Replacement, now: SQL): SQL {
  const { changes, generationNumber, until, log, idempotency } = replacement
  const isInTime = sql`${now} <= ${timeParameter(until)}`
  return sql`
    WITH replacement AS MATERIALIZED (
      SELECT s.* FROM thermocline.entry_staging s WHERE s.batch_id = ${batch.id}::uuid LIMIT ${batch.rows}::int8
    ),
    base AS MATERIALIZED (${basesOf(changes)}),
    -- Waits for a sweep that is raising the horizon, and for a generation of hot that is becoming current.
    store AS MATERIALIZED (SELECT collected_version, hot_generation FROM thermocline.store_identity LIMIT 1 FOR SHARE),
    gate AS MATERIALIZED (
      SELECT FROM store
      WHERE ${isComplete(batch)} AND ${isInTime}
        AND hot_generation IS NOT DISTINCT FROM ${generationNumber ?? null}::int8
        AND (collected_version < ${lowestOf(changes)} COLLATE "C") IS NOT FALSE
        AND EXISTS (SELECT FROM thermocline.wal_checkpoints
          WHERE wal_id = ${log.walId}::uuid AND epoch = ${log.epoch}::int8 AND sequence >= ${log.sequence}::int8)
    ),
    keyed AS (${
      idempotency === undefined ? sql`SELECT true AS in_time FROM gate` : takeKey(idempotency, changes, now, isInTime)
    }),
    replaced AS (${takeTheirPlaceSql(isInTime)}),
    missed AS (
      INSERT INTO thermocline.hot_misses (namespace, id, version)
      SELECT r.namespace, r.id, r.version FROM replaced r CROSS JOIN store
      WHERE store.hot_generation IS NOT NULL
      ORDER BY r.namespace, r.id
      ON CONFLICT (namespace, id) DO UPDATE SET version = greatest(hot_misses.version, excluded.version)
    ),
    ${forgetReads(sql`SELECT namespace, id FROM replaced WHERE deleted_at IS NOT NULL`)},
    cleared AS (DELETE FROM thermocline.entry_staging WHERE batch_id = ${batch.id}::uuid)
    SELECT (SELECT count(*) FROM gate)::int4 AS open, count(*)::int4 AS replaced,
      ${sql.raw(rollBackUnless(isWhole(batch, idempotency !== undefined)))} AS whole, ${DURABLY}
    FROM replaced`
}

/** All of it, or none. A key that was taken goes with the rows, and is left where they could not be written. */
function isWhole({ rows }: Batch, hasKey: boolean): string {
  return hasKey ? `count(*) = CASE WHEN EXISTS (SELECT FROM keyed) THEN ${rows} ELSE 0 END` : `count(*) IN (0, ${rows})`
}

/** Rows (namespace, id, version) of what is to be there; none of a key that cold is to have no row of. */
function basesOf(changes: readonly Replacing[]): SQL {
  const replaced = changes.filter(({ base }) => base !== undefined)
  const versions = sql.param(replaced.map(({ base }) => base))
  const keys = unnestKeys(
    replaced.map(({ record }) => record),
    sql`${versions}::text[]`,
  )
  return sql`SELECT k.namespace COLLATE "C" AS namespace, k.id, k.version COLLATE "C" AS version
    FROM ${keys} AS k (namespace, id, version)`
}

/**
 * In the order of keys, as batches are written, so that nobody waits in a circle. Once an idempotency key was waited
 * for, the time is looked at again; once the lock of a row was, its version too.
 */
function takeTheirPlaceSql(isInTime: SQL): SQL {
  const isBase = (row: string): SQL =>
    sql`(${sql.raw(`${row}.namespace, ${row}.id, ${row}.version`)}) IN (SELECT namespace, id, version FROM base)`
  return sql`
    INSERT INTO thermocline.memory_entries (${COLUMNS_SQL}, indexed)
    SELECT ${STAGED_COLUMNS_SQL}, false FROM replacement s LEFT JOIN ${lookUp(sql`s`)} ON true
    WHERE EXISTS (SELECT FROM keyed WHERE in_time) AND (${isBase('e')}
      OR (e.version IS NULL AND (s.namespace, s.id) NOT IN (SELECT namespace, id FROM base)))
    ORDER BY s.namespace, s.id
    ON CONFLICT (namespace, id) DO UPDATE SET ${REPLACEMENTS}, indexed = false
    WHERE ${isBase('memory_entries')} AND ${isInTime}
    RETURNING namespace, id, version, deleted_at`
}

function lowestOf(changes: readonly Replacing[]): Version {
  return changes.map(({ record }) => record.version).sort()[0]!
}

/** Whether the database answered that it did not run the statement to its end. */
function isRefused(error: unknown): boolean {
  const state = sqlStateOf(error)
  // Codes of Node and of drivers are of connections. P0: a trigger.
  return state !== undefined && /^([0-9][0-9A-Z]|P0)[0-9A-Z]{3}$/.test(state) && !IN_DOUBT.test(state)
}

/** Whoever replaced one since would have had to see it first, so nothing is known where cold has none of them. */
async function hasArrived({ driver }: Staging, { changes }: Replacement): Promise<boolean> {
  const records = changes.map(({ record }) => record)
  try {
    const versions = await readVersions(driver, records)
    return records.some(({ version }, i) => versions[i] === version)
  } catch {
    // Nobody can say; the caller gets the first error, which says why.
    return false
  }
}

function withOutcome(error: unknown, outcome: 'none' | 'unknown'): ThermoclineError {
  if (!(error instanceof ThermoclineError)) return unforeseen(error, { outcome })
  return retold(error, { ...error.details, outcome })
}
