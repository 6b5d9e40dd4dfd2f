/**
 * Stores the idempotency keys of writes, each with the answer that its write got. A key is inserted in the transaction
 * of its write, and remembered for 24 hours. What counts as the same write is decided in entry/idempotency-digest.ts;
 * when a key is looked up, and what a repeated one gets, in flow/compare-and-set.ts.
 */
import { type SQL, sql } from 'drizzle-orm'
import type { ColdDriver } from '../cold-driver.ts'
import type { IdempotencyKey, KeyedAnswer, NamedEntry, Replacing } from '../cold-tier.ts'
import { UUIDS } from './column-types.ts'
import { unnestKeys } from './look-up-keys.ts'

/** For how long a key gets the first answer again. */
const KEPT = sql.raw(`interval '24 hours'`)

/** What the key was answered, while that is kept. */
export async function answerTo(
  driver: Pick<ColdDriver, 'query'>,
  { namespace, key }: Pick<IdempotencyKey, 'namespace' | 'key'>,
  now: SQL,
): Promise<KeyedAnswer | undefined> {
  const [row] = await driver.query(sql`
    SELECT digest, ${UUIDS.select(sql`ids`)} AS ids, array_to_string(versions, ',') AS versions
    FROM thermocline.idempotency_keys
    WHERE namespace = ${namespace} AND key = ${key} AND created_at > ${now} - ${KEPT} LIMIT 1`)
  if (row === undefined) return undefined
  const versions = (row.versions as string).split(',')
  const receipts = UUIDS.read(row.ids).map((id, i) => ({ id, version: versions[i]! }))
  return { digest: new Uint8Array(row.digest as Uint8Array), receipts }
}

/**
 * A statement of a CTE that takes the key where the gate is open, and answers a row where nobody has it. A transaction
 * that is taking the same key is waited for. It comes before the entries, so that those who wait for a key hold no
 * entry.
 */
export function takeKey({ namespace, key, digest }: IdempotencyKey, changes: readonly Replacing[], now: SQL): SQL {
  const ids = sql.param(changes.map(({ record }) => record.id))
  const versions = sql.param(changes.map(({ record }) => record.version))
  return sql`
      INSERT INTO thermocline.idempotency_keys (namespace, key, digest, ids, versions, created_at)
      SELECT ${namespace}::text, ${key}::text, ${digest}::bytea, ${ids}::uuid[], ${versions}::text[], ${now} FROM gate
      ON CONFLICT (namespace, key) DO UPDATE SET digest = excluded.digest, ids = excluded.ids,
        versions = excluded.versions, created_at = excluded.created_at
      WHERE idempotency_keys.created_at <= ${now} - ${KEPT}
      RETURNING 1`
}

/**
 * Removes keys under which these entries were written, and with each what it has of others; returns how many. With a
 * version, only where that was written under it, or an older one.
 */
export async function eraseKeys(driver: ColdDriver, entries: readonly NamedEntry[]): Promise<number> {
  const ids = sql.param(entries.map(({ id }) => id))
  const upTo = sql.param(entries.map(({ version }) => version ?? null))
  const [row] = await driver.query(sql`
    WITH named AS MATERIALIZED (
      SELECT k.ctid AS place, k.namespace, unnest(k.ids) AS id, unnest(k.versions) AS version
      FROM thermocline.idempotency_keys k
      -- The planner, which lacks statistics, would take many ids that it sees for most of the table.
      WHERE k.ids && (SELECT ${ids}::uuid[])
    ),
    erased AS MATERIALIZED (
      SELECT * FROM ${unnestKeys(entries, sql`${upTo}::text[]`)} AS e (namespace, id, version)
    ),
    gone AS (
      DELETE FROM thermocline.idempotency_keys k WHERE k.ctid = ANY (ARRAY (
        SELECT n.place FROM named n JOIN erased e ON e.namespace = n.namespace AND e.id = n.id
        WHERE (n.version COLLATE "C" <= e.version COLLATE "C") IS NOT FALSE
      )) RETURNING 1
    )
    SELECT count(*)::int4 AS gone FROM gone`)
  return row?.gone as number
}

/** Removes up to `limit` keys that are kept no longer, the oldest first; returns how many. */
export async function forgetKeys(driver: ColdDriver, limit: number, now: SQL): Promise<number> {
  const [row] = await driver.query(sql`
    WITH old AS (
      SELECT ctid AS place FROM thermocline.idempotency_keys WHERE created_at <= ${now} - ${KEPT}
      ORDER BY created_at LIMIT ${limit}::int8 FOR UPDATE SKIP LOCKED
    ),
    gone AS (
      DELETE FROM thermocline.idempotency_keys k WHERE k.ctid = ANY (ARRAY (SELECT place FROM old)) RETURNING 1
    )
    SELECT count(*)::int4 AS forgotten FROM gone`)
  return row?.forgotten as number
}
