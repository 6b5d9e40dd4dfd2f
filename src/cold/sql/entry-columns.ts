/** How a record leaves the database: the columns to select, and the record made of such a row. */
import { type SQL, sql } from 'drizzle-orm'
import type { EntryKey } from '../../entry/entry-key.ts'
import { inKeyOrder } from '../../entry/key-order.ts'
import type { EntryKind } from '../../entry/memory-entry.ts'
import type { EntryRecord } from '../../entry/record.ts'
import type { Row } from '../cold-driver.ts'
import type { ColdRow } from '../cold-tier.ts'
import { decodeFloatArray } from './copy-binary.ts'

/** Whole milliseconds: the columns keep three digits, and numeric arithmetic loses none of them. */
function millis(column: SQL): SQL {
  return sql`(extract(epoch FROM ${column}) * 1000)::float8`
}

/** For a statement in which `e` is a row of memory_entries and `a` its row of entry_access, if any. */
export const ROW_COLUMNS = sql`
  e.namespace, e.id::text AS id, e.key, e.version, e.kind, e.text, e.document_id, e.position, e.level,
  array_to_string(e.children, ',') AS children, e.metadata::text AS metadata, e.metadata_order, array_send(e.embedding) AS embedding,
  e.embedding_model, ${millis(sql`e.created_at`)} AS created_at, ${millis(sql`e.updated_at`)} AS updated_at,
  ${millis(sql`e.expires_at`)} AS expires_at, ${millis(sql`e.deleted_at`)} AS deleted_at,
  ${millis(sql`a.last_accessed_at`)} AS last_accessed_at, a.access_count::float8 AS access_count`

export const ACCESS_JOIN = sql`LEFT JOIN LATERAL (
    SELECT * FROM thermocline.entry_access t WHERE t.namespace = e.namespace AND t.id = e.id LIMIT 1
  ) a ON true`

export function toColdRow(row: Row): ColdRow {
  const { last_accessed_at: lastAccessedAt, access_count: accessCount } = row
  return {
    record: toRecord(row),
    access:
      typeof lastAccessedAt === 'number' && typeof accessCount === 'number'
        ? { lastAccessedAt, accessCount }
        : undefined,
  }
}

function toRecord(row: Row): EntryRecord {
  return {
    namespace: row.namespace as string,
    id: row.id as string,
    key: row.key as string | null,
    version: row.version as string,
    kind: row.kind as EntryKind | null,
    text: row.text as string | null,
    documentId: row.document_id as string | null,
    position: row.position as number | null,
    level: row.level as number | null,
    children: childrenOf(row.children as string | null),
    metadata: row.metadata === null ? null : inKeyOrder(row.metadata as string, row.metadata_order as string | null),
    embedding: row.embedding === null ? null : decodeFloatArray(row.embedding as Uint8Array),
    embeddingModel: row.embedding_model as string | null,
    createdAt: row.created_at as number,
    updatedAt: row.updated_at as number,
    expiresAt: row.expires_at as number | null,
    deletedAt: row.deleted_at as number | null,
  }
}

function childrenOf(joined: string | null): string[] | null {
  if (joined === null) return null
  return joined === '' ? [] : joined.split(',')
}

/**
 * Arrays of one length as rows, in as many parameters however long they are. A parameter by itself would tell the planner
 * its length, and the estimates that follow from it depend on statistics that a new table lacks: the subselects hide it,
 * so that every plan is made for few rows, each looked up through an index. Look them up by `LATERAL (… LIMIT 1)`.
 */
export function unnest(...arrays: readonly SQL[]): SQL {
  return sql`unnest(${sql.join(
    arrays.map((array) => sql`(SELECT ${array})`),
    sql`, `,
  )})`
}

/** The keys as rows of two columns, and more columns as {@link unnest} takes them. */
export function unnestKeys(keys: readonly EntryKey[], ...more: readonly SQL[]): SQL {
  const namespaces = sql.param(keys.map((key) => key.namespace))
  const ids = sql.param(keys.map((key) => key.id))
  return unnest(sql`${namespaces}::text[]`, sql`${ids}::uuid[]`, ...more)
}

/**
 * To join after rows `k` of keys: the row of memory_entries, as `e`. At most one, which the planner believes without
 * statistics, and found through the primary key whatever it believes about the table.
 */
export function lookUp(k: SQL): SQL {
  return sql`LATERAL (
    SELECT * FROM thermocline.memory_entries entry
    WHERE entry.namespace = ${k}.namespace AND entry.id = ${k}.id LIMIT 1
  ) e`
}

/**
 * CTEs that remove the counted reads of keys. They are locked in the order of keys first, as whoever counts reads locks
 * them; through arrays the planner expects few.
 * @param keys statement that answers (namespace, id).
 */
export function forgetReads(keys: SQL): SQL {
  return sql`read AS (
      SELECT a.namespace, a.id
      FROM ${unnest(sql`array_agg(g.namespace) FROM (${keys}) g`, sql`array_agg(g.id) FROM (${keys}) g`)} AS k (namespace, id)
      JOIN thermocline.entry_access a ON a.namespace = k.namespace AND a.id = k.id
      ORDER BY a.namespace, a.id FOR UPDATE OF a
    ),
    forgotten AS (
      DELETE FROM thermocline.entry_access a USING read WHERE a.namespace = read.namespace AND a.id = read.id
    )`
}

/** A time as a parameter. */
export function timeParameter(time: number): SQL {
  return sql`${new Date(time).toISOString()}::timestamptz`
}
