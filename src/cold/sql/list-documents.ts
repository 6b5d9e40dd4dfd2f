/**
 * Lists the documents of chunks, a page at a time in the order of their ids. The index over documents has that order,
 * so a page reads the chunks of its own documents and of no others.
 */
import { type SQL, sql } from 'drizzle-orm'
import type { ColdDriver } from '../cold-driver.ts'
import type { ColdDocument, ColdDocuments, OwnDocument } from '../cold-tier.ts'
import { TIME } from './column-types.ts'
import { selects } from './filter-sql.ts'
import { unnestKeys } from './look-up-keys.ts'

export async function listDocuments(driver: ColdDriver, query: ColdDocuments, limit: number): Promise<ColdDocument[]> {
  const rows = await driver.query(documentsSql(query, limit))
  return rows.map((row) => ({
    documentId: row.document_id as string,
    chunks: row.chunks as number,
    updatedAt: TIME.read(row.updated_at),
  }))
}

/** A document that is among the first of both lists together is among the first of each list that has it. */
export function documentsSql(query: ColdDocuments, limit: number): SQL {
  const own = query.own.filter(({ documentId }) => documentId !== null)
  const lists =
    own.length === 0 ? ofCold(query, limit) : sql`(${ofCold(query, limit)}) UNION ALL (${ofCaller(own, query.after)})`
  return sql`
    SELECT d.document_id, sum(d.chunks)::float8 AS chunks, ${TIME.select(sql`max(d.updated_at)`)} AS updated_at
    FROM (${lists}) AS d GROUP BY d.document_id ORDER BY d.document_id LIMIT ${limit}::int8`
}

function ofCold(query: ColdDocuments, limit: number): SQL {
  return sql`
    SELECT e.document_id, count(*) AS chunks, max(e.updated_at) AS updated_at FROM thermocline.memory_entries e
    WHERE ${selects({ ...query, exclude: query.own })} AND ${isAfter(sql`e.document_id`, query.after)}
    GROUP BY e.document_id ORDER BY e.document_id LIMIT ${limit}::int8`
}

/** Own chunks of which cold has nothing newer. */
function ofCaller(own: readonly OwnDocument[], after: string | undefined): SQL {
  const versions = sql.param(own.map(({ version }) => version))
  const documents = sql.param(own.map(({ documentId }) => documentId))
  const times = sql.param(own.map(({ updatedAt }) => new Date(updatedAt).toISOString()))
  const keys = unnestKeys(own, sql`${versions}::text[]`, sql`${documents}::text[]`, sql`${times}::timestamptz[]`)
  return sql`
    SELECT k.document_id COLLATE "C", count(*) AS chunks, max(k.updated_at) AS updated_at
    FROM ${keys} AS k (namespace, id, version, document_id, updated_at)
    LEFT JOIN LATERAL (
      SELECT m.version FROM thermocline.memory_entries m WHERE m.namespace = k.namespace AND m.id = k.id LIMIT 1
    ) e ON true
    WHERE (e.version IS NULL OR e.version <= k.version) AND ${isAfter(sql`k.document_id COLLATE "C"`, after)}
    GROUP BY 1`
}

function isAfter(documentId: SQL, after: string | undefined): SQL {
  return after === undefined ? sql`${documentId} IS NOT NULL` : sql`${documentId} > ${after}::text`
}
