/**
 * Extends the expiry of entries that were read and have a sliding ttl, in one statement: under the version that they
 * have, and only while they live (rule S1 of flow/README.md). A transaction that is deleting, replacing or expiring a
 * row has its lock, and is waited for. How much of the ttl must have run out is decided in entry/sliding.ts.
 */
import { type SQL, sql } from 'drizzle-orm'
import { keyText } from '../../entry/entry-key.ts'
import { MAX_TIME } from '../../entry/limits.ts'
import { EXTENDED_BELOW } from '../../entry/sliding.ts'
import type { ColdDriver } from '../cold-driver.ts'
import type { Slid, SlidingRead } from '../cold-tier.ts'
import { TIME, timeParameter } from './column-types.ts'
import { DURABLY } from './durable-commit.ts'
import { lookUp, unnestKeys } from './look-up-keys.ts'

/** @param now the time, evaluated when a row is looked at. */
export async function slide(
  driver: ColdDriver,
  reads: readonly SlidingRead[],
  now: SQL,
): Promise<(Slid | undefined)[]> {
  if (reads.length === 0) return []
  const rows = await driver.query(slideSql(reads, now))
  const slid = new Map(
    rows.map((row): [string, Slid] => {
      const key = { namespace: row.namespace as string, id: row.id as string }
      return [keyText(key), { key, version: row.version as string, expiresAt: row.expires_at as number }]
    }),
  )
  return reads.map((read) => slid.get(keyText(read)))
}

function slideSql(reads: readonly SlidingRead[], now: SQL): SQL {
  const versions = sql.param(reads.map(({ version }) => version ?? null))
  const times = sql.param(reads.map(({ readAt }) => new Date(readAt).toISOString()))
  const keys = unnestKeys(reads, sql`${versions}::text[]`, sql`${times}::timestamptz[]`)
  const isAsked = sql.raw('(r.version IS NULL OR e.version = r.version)')
  return sql`
    WITH read AS MATERIALIZED (
      SELECT k.namespace COLLATE "C" AS namespace, k.id, k.version COLLATE "C" AS version, k.read_at
      FROM ${keys} AS k (namespace, id, version, read_at)
    ),
    -- Locked in the order of keys, as batches lock rows.
    due AS MATERIALIZED (
      SELECT e.namespace, e.id, e.version,
        least(r.read_at + e.sliding_ttl * interval '1 millisecond', ${timeParameter(MAX_TIME)}) AS expires_at
      FROM read r JOIN thermocline.memory_entries e ON e.namespace = r.namespace AND e.id = r.id
      WHERE ${isAsked} AND e.sliding_ttl IS NOT NULL AND e.deleted_at IS NULL
        AND e.expires_at > r.read_at AND e.expires_at > ${now}
        AND e.expires_at - r.read_at < e.sliding_ttl * ${EXTENDED_BELOW}::float8 * interval '1 millisecond'
      ORDER BY e.namespace, e.id FOR UPDATE OF e
    ),
    moved AS (
      -- A vector goes into its index once more, which takes milliseconds: in the background, not under these locks.
      UPDATE thermocline.memory_entries e
      SET expires_at = due.expires_at, indexed = CASE WHEN e.indexed THEN false ELSE e.indexed END FROM due
      WHERE e.namespace = due.namespace AND e.id = due.id AND e.version = due.version
      RETURNING e.namespace, e.id, e.version, e.expires_at
    )
    SELECT e.namespace, e.id::text AS id, e.version, ${TIME.select(sql`e.expires_at`)} AS expires_at, ${DURABLY}
    FROM (
      -- As they were before, and those that moved: the later of both is the one that counts.
      SELECT e.namespace, e.id, e.version, e.expires_at FROM read r CROSS JOIN ${lookUp(sql`r`)}
      WHERE ${isAsked} AND e.sliding_ttl IS NOT NULL AND e.deleted_at IS NULL
      UNION ALL SELECT namespace, id, version, expires_at FROM moved
    ) e
    ORDER BY e.version, e.expires_at`
}
