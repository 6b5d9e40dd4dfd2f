/**
 * Stores pins, by which entries stay in hot while they live. A pin is inserted under the lock of its entry, which must
 * live. A trigger deletes it when the entry becomes a tombstone, or when something is put in place of an expired entry,
 * whoever writes that (rule P1 of flow/README.md). How many pins are allowed is decided in sync/pins.ts.
 */
import { type SQL, sql } from 'drizzle-orm'
import type { EntryKey } from '../../entry/entry-key.ts'
import type { EntryKind } from '../../entry/memory-entry.ts'
import type { ColdDriver, ColdReader, Row } from '../cold-driver.ts'
import type { PinLimits, PinnedAll, PinRequest } from '../cold-tier.ts'
import { DURABLY } from './durable-commit.ts'
import { unnestKeys } from './look-up-keys.ts'

const ALL_PINS = sql`SELECT count(*) AS entries, coalesce(sum(bytes), 0) AS bytes FROM thermocline.pins`
/** Where there is no limit, nothing is counted. */
const NO_PINS = sql`SELECT 0::int8 AS entries, 0::numeric AS bytes`

/**
 * Pins all of them or none. Its locks are taken in the order of keys, as those of batches.
 *
 * @param now the time, evaluated when a row is looked at.
 */
export async function pinEntries(
  driver: ColdDriver,
  pins: readonly PinRequest[],
  { entries, bytes }: PinLimits,
  now: SQL,
): Promise<PinnedAll> {
  if (pins.length === 0) return { status: 'pinned', added: [] }
  const isLimited = entries !== undefined || bytes !== undefined
  const sizes = sql.param(pins.map((pin) => pin.bytes))
  const rows = await driver.query(sql`
    WITH live AS MATERIALIZED (
      SELECT e.namespace, e.id, k.bytes
      FROM ${unnestKeys(pins, sql`${sizes}::int8[]`)} AS k (namespace, id, bytes)
      JOIN thermocline.memory_entries e ON e.namespace = k.namespace AND e.id = k.id
      WHERE e.deleted_at IS NULL AND (e.expires_at IS NULL OR e.expires_at > ${now})
      ORDER BY e.namespace, e.id FOR SHARE OF e
    ),
    fresh AS MATERIALIZED (
      SELECT l.namespace, l.id, l.bytes FROM live l LEFT JOIN ${pinOf(sql`l`)} ON true WHERE p.id IS NULL
    ),
    gate AS MATERIALIZED (
      SELECT (SELECT count(*) FROM live) = ${pins.length}::int8 AS is_whole,
        (SELECT count(*) FROM fresh) = 0 OR coalesce(
          held.entries + (SELECT count(*) FROM fresh) <= ${entries ?? null}::float8
          AND held.bytes + (SELECT sum(bytes) FROM fresh) <= ${bytes ?? null}::float8, true) AS has_room,
        held.entries, held.bytes
      FROM (${isLimited ? ALL_PINS : NO_PINS}) held
    ),
    added AS (
      INSERT INTO thermocline.pins (namespace, id, bytes, pinned_at)
      SELECT f.namespace, f.id, f.bytes, ${now} FROM fresh f CROSS JOIN gate WHERE gate.is_whole AND gate.has_room
      ORDER BY f.namespace, f.id
      ON CONFLICT (namespace, id) DO NOTHING
      RETURNING namespace, id
    )
    SELECT is_whole, has_room, entries::float8 AS entries, bytes::float8 AS bytes,
      (SELECT json_agg(json_build_array(namespace, id))::text FROM added) AS added,
      (SELECT json_agg(json_build_array(namespace, id))::text FROM live) AS live, ${DURABLY}
    FROM gate`)
  return answerOf(rows[0]!)
}

function answerOf(row: Row): PinnedAll {
  if (row.is_whole !== true) return { status: 'absent', live: keysOf(row.live) }
  if (row.has_room === true) return { status: 'pinned', added: keysOf(row.added) }
  return { status: 'full', entries: row.entries as number, bytes: row.bytes as number }
}

/** Returns those that were pinned. */
export async function unpinEntries(
  driver: ColdDriver,
  keys: readonly EntryKey[],
  kind: EntryKind | undefined,
): Promise<EntryKey[]> {
  if (keys.length === 0) return []
  const isOurs = kind === undefined ? sql`true` : sql`e.kind = ${kind}`
  const [row] = await driver.query(sql`
    -- Under the locks of the entries, as whoever makes tombstones of them and so takes pins away in any order.
    WITH key AS MATERIALIZED (
      SELECT e.namespace, e.id FROM ${unnestKeys(keys)} AS k (namespace, id)
      JOIN thermocline.memory_entries e ON e.namespace = k.namespace AND e.id = k.id
      WHERE ${isOurs} ORDER BY e.namespace, e.id FOR SHARE OF e
    ),
    -- Locked in the order of keys: each is looked up, however few pins there are said to be.
    held AS MATERIALIZED (
      SELECT p.place FROM key k CROSS JOIN LATERAL (
        SELECT pin.ctid AS place FROM thermocline.pins pin
        WHERE pin.namespace = k.namespace AND pin.id = k.id LIMIT 1 FOR UPDATE
      ) p
    ),
    gone AS (
      DELETE FROM thermocline.pins p WHERE p.ctid = ANY (ARRAY (SELECT place FROM held))
      RETURNING p.namespace, p.id
    )
    SELECT json_agg(json_build_array(namespace, id))::text AS gone, ${DURABLY} FROM gone`)
  return keysOf(row?.gone)
}

/** Most stores have no pin. Up to so many keys cost less to look up than it costs to ask that first. */
const FEW_KEYS = 16

/** Returns results in order. */
export async function arePinned(driver: ColdReader, keys: readonly EntryKey[]): Promise<boolean[]> {
  const answers = keys.map(() => false)
  if (keys.length === 0 || (keys.length > FEW_KEYS && (await listPins(driver, undefined, 1)).length === 0))
    return answers
  const rows = await driver.query(sql`
    SELECT k.nth::int4 AS nth FROM ${unnestKeys(keys)} WITH ORDINALITY AS k (namespace, id, nth)
    CROSS JOIN ${pinOf(sql`k`)}`)
  for (const row of rows) answers[(row.nth as number) - 1] = true
  return answers
}

/** The first pins in the order of keys, at most `limit`. */
export async function listPins(driver: ColdReader, after: EntryKey | undefined, limit: number): Promise<EntryKey[]> {
  const isAfter =
    after === undefined ? sql`true` : sql`(namespace, id) > (${after.namespace}::text COLLATE "C", ${after.id}::uuid)`
  const rows = await driver.query(sql`
    SELECT namespace, id::text AS id FROM thermocline.pins WHERE ${isAfter}
    ORDER BY namespace, id LIMIT ${limit}::int8`)
  return rows as unknown as EntryKey[]
}

/** To join after rows `k` of keys: the pin, as `p`, if there is one. */
function pinOf(k: SQL): SQL {
  return sql`LATERAL (
    SELECT * FROM thermocline.pins pin WHERE pin.namespace = ${k}.namespace AND pin.id = ${k}.id LIMIT 1
  ) p`
}

function keysOf(json: unknown): EntryKey[] {
  if (typeof json !== 'string') return []
  return (JSON.parse(json) as [string, string][]).map(([namespace, id]) => ({ namespace, id }))
}
