/** Turns expired rows into tombstones, and collects old tombstones. When a sync does so is decided in sync/sweep.ts. */
import { type SQL, sql } from 'drizzle-orm'
import type { EntryKey } from '../../entry/entry-key.ts'
import type { ColdDriver } from '../cold-driver.ts'
import type { SweepResult } from '../cold-tier.ts'
import { forgetReads } from './entry-access.ts'
import { columnNames } from './entry-columns.ts'
import { gatherCounts } from './gather-counts.ts'
import { forgetKeys } from './idempotency-keys.ts'
import { unnestKeys } from './look-up-keys.ts'

const NO_CONTENT = sql.raw(
  columnNames('content')
    .map((column) => `${column} = NULL`)
    .join(', '),
)

/** Tombstones that are looked at for each one that may be collected, so that many that may not cost little. */
const LOOKED_AT_FOR_EACH = 10

export interface SweepOptions {
  readonly graceMs: number
  readonly limit: number
  /** Time that decides what has expired. */
  readonly now: SQL
  /** No others expire than those of these that have. @default whatever has */
  readonly expiring?: readonly EntryKey[] | undefined
}

/** A log that cold still expects old versions of. */
export interface Holder {
  readonly walId: string
  readonly place: string | undefined
}

export interface Swept extends SweepResult {
  /** The log that keeps tombstones past their grace from being collected, where one does. */
  readonly heldBy: Holder | undefined
}

export async function sweep(driver: ColdDriver, options: SweepOptions): Promise<Swept> {
  // First: whatever keeps the rest from going on may also be what makes ships fail, and staged rows pile up.
  await clearStaging(driver)
  const expired = await expire(driver, options)
  const forgotten = await forgetKeys(driver, options.limit, options.now)
  const { collectable, heldBy } = await findCollectable(driver, options)
  const collected = collectable.length === 0 ? 0 : await collect(driver, collectable, options)
  // Once a sweep, which is called for more while there is more.
  if (expired < options.limit && collected < options.limit) await gatherCounts(driver)
  return { expired, collected, forgotten, heldBy }
}

/** Returns keys of what a sweep would make tombstones of. */
export async function findExpired(
  driver: ColdDriver,
  { limit, now }: Pick<SweepOptions, 'limit' | 'now'>,
): Promise<EntryKey[]> {
  const rows = await driver.query(sql`
    SELECT namespace, id FROM thermocline.memory_entries e WHERE ${hasExpired(now)}
    ORDER BY expires_at LIMIT ${limit}::int8`)
  return rows as unknown as EntryKey[]
}

/** The tombstone keeps the version of what expired: a repeated ship of that version brings nothing back. */
async function expire(driver: ColdDriver, { limit, now, expiring }: SweepOptions): Promise<number> {
  if (expiring?.length === 0) return 0
  const from =
    expiring === undefined
      ? sql`thermocline.memory_entries e WHERE`
      : sql`${unnestKeys(expiring)} AS k (namespace, id)
        JOIN thermocline.memory_entries e ON e.namespace = k.namespace AND e.id = k.id WHERE`
  const [row] = await driver.query(sql`
    WITH due AS (
      SELECT e.ctid AS place FROM ${from} ${hasExpired(now)}
      ORDER BY e.expires_at LIMIT ${limit}::int8 FOR UPDATE OF e SKIP LOCKED
    ),
    emptied AS (
      UPDATE thermocline.memory_entries e SET ${NO_CONTENT}, deleted_at = ${now}, indexed = false
      WHERE e.ctid = ANY (ARRAY (SELECT place FROM due))
      RETURNING e.namespace, e.id
    ),
    ${forgetReads(sql`SELECT namespace, id FROM emptied`)}
    SELECT count(*)::int4 AS expired FROM emptied`)
  return row?.expired as number
}

/** Looks for old tombstones without a lock, so that nobody waits; {@link collect} looks at what it finds again. */
async function findCollectable(driver: ColdDriver, options: SweepOptions) {
  const { limit } = options
  const [row] = await driver.query(sql`
    WITH oldest AS MATERIALIZED (
      SELECT namespace, id, version FROM thermocline.memory_entries
      WHERE deleted_at IS NOT NULL AND deleted_at <= ${endOfGrace(options)}
      ORDER BY deleted_at LIMIT ${limit * LOOKED_AT_FOR_EACH}::int8
    ),
    slowest AS MATERIALIZED (
      SELECT wal_id, place, shipped_version FROM thermocline.wal_checkpoints ORDER BY shipped_version LIMIT 1
    ),
    collectable AS MATERIALIZED (
      SELECT e.namespace, e.id FROM oldest e
      WHERE coalesce(e.version <= (SELECT shipped_version FROM slowest), true) AND ${hotHasNoOlder} LIMIT ${limit}::int8
    )
    SELECT (SELECT json_agg(json_build_array(namespace, id))::text FROM collectable) AS collectable,
      (SELECT wal_id::text FROM slowest) AS wal_id, (SELECT place FROM slowest) AS place,
      EXISTS (SELECT FROM oldest WHERE version > (SELECT shipped_version FROM slowest)) AS is_held`)
  const collectable = JSON.parse((row?.collectable as string | null) ?? '[]') as [namespace: string, id: string][]
  const holder = { walId: row?.wal_id as string, place: (row?.place as string | null) ?? undefined }
  return {
    collectable: collectable.map(([namespace, id]) => ({ namespace, id })),
    heldBy: row?.is_held === true ? holder : undefined,
  }
}

/**
 * A tombstone may go only when no log can still bring an older version of its key, and hot holds none. The horizon
 * (`collected_version`: nothing older is inserted anew) rises in the same statement, under a lock taken first, so that
 * no ship inserts below it in between.
 */
async function collect(driver: ColdDriver, keys: readonly EntryKey[], options: SweepOptions): Promise<number> {
  const [row] = await driver.query(sql`
    WITH held AS MATERIALIZED (SELECT FROM thermocline.store_identity LIMIT 1 FOR UPDATE),
    collectable AS (
      SELECT e.ctid AS place FROM ${unnestKeys(keys)} AS k (namespace, id)
      JOIN thermocline.memory_entries e ON e.namespace = k.namespace AND e.id = k.id
      WHERE EXISTS (SELECT FROM held)
        AND e.deleted_at IS NOT NULL AND e.deleted_at <= ${endOfGrace(options)}
        AND coalesce(e.version <= (SELECT min(shipped_version) FROM thermocline.wal_checkpoints), true)
        AND ${hotHasNoOlder}
      FOR UPDATE OF e SKIP LOCKED
    ),
    gone AS (
      DELETE FROM thermocline.memory_entries e WHERE e.ctid = ANY (ARRAY (SELECT place FROM collectable))
      RETURNING e.namespace, e.id, e.version
    ),
    raised AS (
      UPDATE thermocline.store_identity
      SET collected_version = greatest(collected_version, (SELECT max(version) FROM gone))
      WHERE EXISTS (SELECT FROM gone)
    ),
    ${forgetReads(sql`SELECT namespace, id FROM gone`)}
    SELECT count(*)::int4 AS collected FROM gone`)
  return row?.collected as number
}

function hasExpired(now: SQL): SQL {
  return sql`e.expires_at IS NOT NULL AND e.expires_at <= ${now}`
}

function endOfGrace({ graceMs, now }: SweepOptions): SQL {
  return sql`${now} - ${graceMs}::float8 * interval '1 millisecond'`
}

/**
 * Hot is not known to hold anything older of key `e`. `OFFSET` keeps it a look-up a row: rows are few, misses may not
 * be.
 */
const hotHasNoOlder = sql`NOT EXISTS (
  SELECT FROM thermocline.hot_misses m WHERE m.namespace = e.namespace AND m.id = e.id OFFSET 0
)`

/** Batches whose process died between COPY and statement; by the clock that dated them. */
async function clearStaging(driver: ColdDriver): Promise<void> {
  await driver.query(sql`DELETE FROM thermocline.entry_staging WHERE staged_at < now() - interval '1 hour'`)
}
