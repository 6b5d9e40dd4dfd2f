/** How a record leaves the database: the columns to select, and the record made of such a row. */
import { type SQL, sql } from 'drizzle-orm'
import type { EntryKind } from '../entry/memory-entry.ts'
import type { EntryKey, EntryRecord } from '../entry/record.ts'
import type { ColdRow } from './cold-tier.ts'
import { decodeFloatArray } from './copy-binary.ts'
import type { Row } from './driver.ts'

/** Whole milliseconds: the columns keep three digits, and numeric arithmetic loses none of them. */
function millis(column: SQL): SQL {
  return sql`(extract(epoch FROM ${column}) * 1000)::float8`
}

/** For a statement in which `e` is a row of memory_entries and `a` its row of entry_access, if any. */
export const ROW_COLUMNS = sql`
  e.namespace, e.id::text AS id, e.key, e.version, e.kind, e.text, e.document_id, e.position, e.level,
  array_to_string(e.children, ',') AS children, e.metadata::text AS metadata, array_send(e.embedding) AS embedding,
  e.embedding_model, ${millis(sql`e.created_at`)} AS created_at, ${millis(sql`e.updated_at`)} AS updated_at,
  ${millis(sql`e.expires_at`)} AS expires_at, ${millis(sql`e.deleted_at`)} AS deleted_at,
  ${millis(sql`a.last_accessed_at`)} AS last_accessed_at, a.access_count::float8 AS access_count`

export const ACCESS_JOIN = sql`LEFT JOIN thermocline.entry_access a ON a.namespace = e.namespace AND a.id = e.id`

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
    metadata: row.metadata as string | null,
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

/** The keys as rows of two columns, in two parameters however many they are. */
export function unnestKeys(keys: readonly EntryKey[]): SQL {
  const namespaces = sql.param(keys.map((key) => key.namespace))
  const ids = sql.param(keys.map((key) => key.id))
  return sql`unnest(${namespaces}::text[], ${ids}::uuid[])`
}

/** A time as a parameter. */
export function timeParameter(time: number): SQL {
  return sql`${new Date(time).toISOString()}::timestamptz`
}
