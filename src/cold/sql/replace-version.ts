/**
 * Replaces exactly one version of an entry by another (compare-and-set), or several versions together. Between writers
 * at the same time the lock of the row decides, or, where there is no row, its primary key (rule K3 of flow/README.md).
 * Where one of several cannot be replaced, none of them is (K8). The same holds for the idempotency key that a write
 * may have (K9).
 *
 * A statement may bring several replacements, each of which is whole or not there. Which of them find what they are to
 * replace is looked up before anything is written; where one of those is then kept from it by somebody who came in
 * between, the statement fails and nothing is written.
 */
import { type SQL, sql } from 'drizzle-orm'
import type { EntryRecord } from '../../entry/record.ts'
import type { Version } from '../../entry/version.ts'
import { isThermoclineError, retold, ThermoclineError, unforeseen } from '../../errors.ts'
import { sqlStateOf } from '../cold-errors.ts'
import type { Replaced, ReplacedOfMany, Replacement, Replacing } from '../cold-tier.ts'
import { timeParameter } from './column-types.ts'
import { DURABLY } from './durable-commit.ts'
import { COLUMNS_SQL, REPLACEMENTS_SQL, STAGED_COLUMNS_SQL } from './entry-columns.ts'
import { type Batch, forgetReadsOf, isComplete, type Staging } from './entry-staging.ts'
import { takeKey } from './idempotency-keys.ts'
import { lookUp, unnestKeys } from './look-up-keys.ts'
import { readVersions } from './read-entries.ts'
import { isRolledBack, rollBackUnless } from './roll-back.ts'

/** SQLSTATEs after which a statement may have taken effect all the same: the connection or the server went away. */
const IN_DOUBT = /^(08|40003|57P|58)/

/**
 * Several wait for no lock that somebody holds for long: one of them must not keep the others from what they share. For
 * the transaction, which is this statement; a shorter limit of the role stays.
 */
const IN_HASTE = sql`
  CASE WHEN current_setting('lock_timeout')::interval BETWEEN interval '1ms' AND interval '250ms' THEN true
    ELSE set_config('lock_timeout', '250ms', true) IS NOT NULL END`

/** @param now the time at which it is evaluated; asked for once the rows are staged, which may have had to wait. */
export async function replace(staging: Staging, replacement: Replacement, now: () => SQL): Promise<Replaced> {
  let isSent = false
  try {
    return await staging.through(recordsOf([replacement]), undefined, async (batch) => {
      isSent = true
      const { isOpen, rows } = await run(staging, batch, [replacement], now())
      if (rows === batch.rows) return 'replaced'
      return isOpen ? 'other' : 'closed'
    })
  } catch (error) {
    if (isRolledBack(error)) return 'other'
    if (!isSent || isRefused(error)) throw withOutcome(error, 'none')
    const [hasArrived] = await haveArrived(staging, [replacement])
    if (hasArrived) return 'replaced'
    throw withOutcome(error, 'unknown')
  }
}

/** As {@link replace} of each, in one statement. Whatever may be the fault of one of them leaves all `apart`. */
export async function replaceEach(
  staging: Staging,
  replacements: readonly Replacement[],
  now: () => SQL,
): Promise<ReplacedOfMany[]> {
  let isSent = false
  try {
    return await staging.through(recordsOf(replacements), undefined, async (batch) => {
      isSent = true
      const { isOpen, rows, free } = await run(staging, batch, replacements, now())
      // The gate or the time is over, perhaps that of one alone.
      if (!isOpen || (rows === 0 && free.size > 0)) return replacements.map(() => 'apart')
      return replacements.map((_, part) => (free.has(part) ? 'replaced' : 'other'))
    })
  } catch (error) {
    if (isRolledBack(error) || isRefused(error)) return replacements.map(() => 'apart')
    // What could not be staged, for no fault of a row, could not be staged by each alone either.
    if (!isSent && isThermoclineError(error, 'ERR_TIER_UNAVAILABLE'))
      return replacements.map(() => withOutcome(error, 'none'))
    if (!isSent) return replacements.map(() => 'apart')
    const have = await haveArrived(staging, replacements)
    return have.map((hasArrived) => (hasArrived ? 'replaced' : withOutcome(error, 'unknown')))
  }
}

interface Outcome {
  readonly isOpen: boolean
  readonly rows: number
  /** Numbers of those that found what they are to replace, and did so where any row was written. */
  readonly free: ReadonlySet<number>
}

async function run(
  { driver }: Staging,
  batch: Batch,
  replacements: readonly Replacement[],
  now: SQL,
): Promise<Outcome> {
  const [row] = await driver.query(replaceSql(batch, replacements, now))
  const free = (row?.free as string | null | undefined)?.split(',') ?? []
  return { isOpen: row?.open === 1, rows: row?.replaced as number, free: new Set(free.map(Number)) }
}

export function recordsOf(replacements: readonly Replacement[]): EntryRecord[] {
  return replacements.flatMap(({ changes }) => changes.map(({ record }) => record))
}

function replaceSql(batch: Batch, replacements: readonly Replacement[], now: SQL): SQL {
  const [{ generationNumber, log, idempotency }] = replacements as [Replacement]
  const until = Math.min(...replacements.map((one) => one.until))
  // What cold had it has, unless it was set back.
  const sequence = Math.max(...replacements.map((one) => one.log.sequence))
  const changes = replacements.flatMap((one) => one.changes)
  const isInTime = sql`${now} <= ${timeParameter(until)}`
  return sql`
    WITH replacement AS MATERIALIZED (
      SELECT s.* FROM thermocline.entry_staging s WHERE s.batch_id = ${batch.id}::uuid LIMIT ${batch.rows}::int8
    ),
    base AS MATERIALIZED (${basesOf(replacements, batch)}),
    -- Waits for a sweep that is raising the horizon, and for a generation of hot that is becoming current.
    store AS MATERIALIZED (
      SELECT collected_version, hot_generation FROM thermocline.store_identity
      WHERE ${replacements.length === 1 ? sql`true` : IN_HASTE} LIMIT 1 FOR SHARE
    ),
    gate AS MATERIALIZED (
      SELECT FROM store
      WHERE ${isComplete(batch)} AND ${isInTime}
        AND hot_generation IS NOT DISTINCT FROM ${generationNumber ?? null}::int8
        AND (collected_version < ${lowestOf(changes)} COLLATE "C") IS NOT FALSE
        AND EXISTS (SELECT FROM thermocline.wal_checkpoints
          WHERE wal_id = ${log.walId}::uuid AND epoch = ${log.epoch}::int8 AND sequence >= ${sequence}::int8)
    ),
    keyed AS (${idempotency === undefined ? sql`SELECT FROM gate` : takeKey(idempotency, changes, now)}),
    replaced AS (${TAKE_THEIR_PLACE}),
    missed AS (
      INSERT INTO thermocline.hot_misses (namespace, id, version)
      SELECT r.namespace, r.id, r.version FROM replaced r CROSS JOIN store
      WHERE store.hot_generation IS NOT NULL
      ORDER BY r.namespace, r.id
      ON CONFLICT (namespace, id) DO UPDATE SET version = greatest(hot_misses.version, excluded.version)
      RETURNING 1
    ),
    ${forgetReadsOf(batch, sql`SELECT namespace, id FROM replaced WHERE deleted_at IS NOT NULL`)}
    cleared AS (DELETE FROM thermocline.entry_staging WHERE batch_id = ${batch.id}::uuid)
    SELECT (SELECT count(*) FROM gate)::int4 AS open, count(*)::int4 AS replaced,
      (SELECT string_agg(DISTINCT part::text, ',') FROM base WHERE is_free) AS free,
      ${rollBackUnless(isWhole(batch, idempotency !== undefined))} AS whole,
      ${rollBackUnless(sql`count(*) = 0 OR ${atTheEnd(batch, isInTime)}`)} AS in_time, ${DURABLY}
    FROM replaced`
}

/**
 * All of those that found what they are to replace, or nothing at all. A key that was taken goes with the rows, and is
 * left where they could not be written.
 */
function isWhole({ rows }: Batch, hasKey: boolean): SQL {
  if (hasKey) return sql`count(*) = CASE WHEN EXISTS (SELECT FROM keyed) THEN ${rows}::int8 ELSE 0 END`
  return sql`count(*) IN (0, (SELECT count(*) FROM base WHERE is_free))`
}

/**
 * The condition, looked at once all else is written: what reads nothing of a CTE does not wait for it, and each of
 * these may wait for a lock. What triggers do comes later yet.
 */
function atTheEnd({ hasTombstones }: Batch, condition: SQL): SQL {
  const forgotten = hasTombstones ? sql`AND (SELECT count(*) FROM forgotten) >= 0` : sql``
  return sql`(SELECT count(*) FROM missed) >= 0 ${forgotten} AND ${condition}`
}

/**
 * Rows (namespace, id, version, part, is_free) of what is to be there; the version of a key that cold is to have no row
 * of is NULL. `part` is the number of the replacement, and `is_free` says whether all of that is there.
 */
function basesOf(replacements: readonly Replacement[], { rows }: Batch): SQL {
  const changes = replacements.flatMap((one, part) => one.changes.map((change) => ({ ...change, part })))
  const versions = sql.param(changes.map(({ base }) => base ?? null))
  const parts = sql.param(changes.map(({ part }) => part))
  const keys = unnestKeys(
    changes.map(({ record }) => record),
    sql`${versions}::text[]`,
    sql`${parts}::int4[]`,
  )
  return sql`
      SELECT k.namespace COLLATE "C" AS namespace, k.id, k.version COLLATE "C" AS version, k.part,
        bool_and(e.version IS NOT DISTINCT FROM k.version COLLATE "C") OVER (PARTITION BY k.part) AS is_free
      FROM ${keys} AS k (namespace, id, version, part) LEFT JOIN ${lookUp(sql`k`)} ON true LIMIT ${rows}::int8`
}

/**
 * In the order of keys, as batches are written, so that nobody waits in a circle. Once the lock of a row was waited
 * for, its version is looked at again; once all is written, the time is, which went by in whatever wait.
 */
const TAKE_THEIR_PLACE = sql`
    INSERT INTO thermocline.memory_entries (${COLUMNS_SQL}, indexed)
    SELECT ${STAGED_COLUMNS_SQL}, false FROM replacement s
    WHERE EXISTS (SELECT FROM keyed)
      -- Else a planner that knows how few rows there are would read them anew for each.
      AND ((s.namespace, s.id) IN (SELECT namespace, id FROM base WHERE is_free)) IS TRUE
    ORDER BY s.namespace, s.id
    ON CONFLICT (namespace, id) DO UPDATE SET ${REPLACEMENTS_SQL}, indexed = false
    WHERE (memory_entries.namespace, memory_entries.id, memory_entries.version) IN (
      SELECT namespace, id, version FROM base WHERE is_free AND version IS NOT NULL)
    RETURNING namespace, id, version, deleted_at`

function lowestOf(changes: readonly Replacing[]): Version {
  return changes.map(({ record }) => record.version).sort()[0]!
}

/** Whether the database answered that it did not run the statement to its end. */
function isRefused(error: unknown): boolean {
  const state = sqlStateOf(error)
  // Codes of Node and of drivers are of connections. P0: a trigger.
  return state !== undefined && /^([0-9][0-9A-Z]|P0)[0-9A-Z]{3}$/.test(state) && !IN_DOUBT.test(state)
}

/**
 * In order. Whoever replaced one since would have had to see it first, so of a replacement of which cold has nothing,
 * nothing is known.
 */
async function haveArrived({ driver }: Staging, replacements: readonly Replacement[]): Promise<boolean[]> {
  try {
    const records = recordsOf(replacements)
    const versions = await readVersions(driver, records)
    const arrived = new Set(records.filter(({ version }, i) => versions[i] === version))
    return replacements.map(({ changes }) => changes.some(({ record }) => arrived.has(record)))
  } catch {
    // Nobody can say; the caller gets the first error, which says why.
    return replacements.map(() => false)
  }
}

function withOutcome(error: unknown, outcome: 'none' | 'unknown'): ThermoclineError {
  if (!(error instanceof ThermoclineError)) return unforeseen(error, { outcome })
  return retold(error, { ...error.details, outcome })
}
