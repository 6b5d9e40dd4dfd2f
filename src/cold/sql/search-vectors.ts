/**
 * Finds the k nearest of the rows that a query selects. Rows in the vector index are found through it, rows not in it
 * yet are compared one by one, and both by one statement, so from one state of the database. A filter can leave fewer
 * than k of what the index finds (its search is bounded): then every row is compared, unless the index is empty.
 * Without pgvector plain SQL compares all rows, ten times slower or more.
 */
import { type SQL, sql } from 'drizzle-orm'
import { similarity } from '../../query/metric.ts'
import type { ColdDriver, Row } from '../cold-driver.ts'
import type { ColdHit, ColdSearch, ColdSearchResult } from '../cold-tier.ts'
import { ACCESS_JOIN } from './entry-access.ts'
import { selects } from './filter-sql.ts'
import { lookUp } from './look-up-keys.ts'
import { apart, ROW_COLUMNS, readVersions, toColdRow, versionsBeside, versionsColumn } from './read-entries.ts'
import { hasDimension, IS_UNINDEXED, typeOf, type VectorForm, vectorOf } from './stored-vector.ts'
import {
  distanceOperator,
  indexedType,
  MAX_HALF,
  type VectorIndex,
  type VectorSupport,
  ZERO_HALF,
} from './vector-index.ts'

export async function search(
  driver: Pick<ColdDriver, 'query'>,
  { schema, indexes }: VectorSupport,
  query: ColdSearch,
): Promise<ColdSearchResult> {
  if (query.k < 1) return { hits: [], exact: true, versions: await readVersions(driver, query.versionsOf ?? []) }
  const serving = indexes.filter((index) => canServe(index, query))
  // Where there are two, one holds all.
  const index = serving.find(({ form }) => form === 'any') ?? serving[0]
  if (schema === undefined || index === undefined) {
    const { rows, versions } = apart(await driver.query(exactSearch(query, schema)))
    return { hits: toHits(rows, query), exact: true, versions }
  }
  const found = apart(await driver.query(indexedSearch(query, schema, index.form)))
  const { rows } = found
  const enough = rows[0]?.is_index_empty === true || rows.filter((row) => row.from_index === true).length >= query.k
  // `exact` tells of a missing index; here the small remainder was compared although there is one.
  const nearest = enough ? found : apart(await driver.query(exactSearch(query, schema)))
  return { hits: toHits(nearest.rows.slice(0, query.k), query), exact: false, versions: nearest.versions }
}

/** Whether an index that is known can find these. */
export function canUseIndex({ schema, indexes }: VectorSupport, query: ColdSearch): boolean {
  return schema !== undefined && indexes.some((index) => canServe(index, query))
}

function canServe(index: VectorIndex, query: ColdSearch): boolean {
  if (index.dimension !== query.embedding.length || index.metric !== query.metric) return false
  if (indexedType(index) === 'vector') return true
  const sizes = query.embedding.map(Math.abs)
  return sizes.every((size) => size <= MAX_HALF) && sizes.some((size) => size > ZERO_HALF)
}

/**
 * All rows of the same dimensions. Without a condition on `indexed` the planner cannot use a vector index, which is
 * partial.
 */
export function exactSearch(query: ColdSearch, schema: string | undefined): SQL {
  const by = schema === undefined ? plainDistance(query) : distance(query, schema)
  return withColumns(
    query,
    schema,
    sql`
    SELECT e.namespace, e.id, ${by} AS distance, false AS from_index
    FROM thermocline.memory_entries e
    WHERE ${hasDimension('any', query.embedding.length)} AND ${selects(query)}
    ORDER BY distance, e.namespace, e.id LIMIT ${query.k}::int8`,
  )
}

/**
 * For this statement alone, evaluated once, before the index is walked: strict order lets a filtered search go on until
 * it has enough, or has seen a twentieth of the rows: a step of the walk costs as much as twenty rows read in passing,
 * so a filter that selects less is better served by these. Settings of a session would be lost behind pgbouncer.
 */
const SETTINGS = sql`(SELECT set_config('hnsw.iterative_scan', 'strict_order', true)
  || set_config('hnsw.ef_search', '100', true)
  || set_config('hnsw.max_scan_tuples', greatest(1000, least(20000, sum(entries) / 20))::int4::text, true)
  FROM thermocline.entry_counts) IS NOT NULL`

/**
 * Up to k from the index and up to k from the rest, nearest first. Where the index gave fewer than k, each row says
 * whether it holds any row at all, whatever the filter: before a first indexing, nothing is compared twice.
 * @param form of vectors that the index holds. Rounded ones that another index has, one not known yet, are compared.
 */
export function indexedSearch(query: ColdSearch, schema: string, form: VectorForm = 'full'): SQL {
  const dimension = query.embedding.length
  const others = sql`
    UNION ALL
    (SELECT e.namespace, e.id, ${distance(query, schema)} AS distance, false AS from_index
     FROM thermocline.memory_entries e
     WHERE e.rounded_dimension = ${sql.raw(String(dimension))} AND e.rounded IS NOT NULL AND e.indexed
       AND ${selects(query)}
     ORDER BY distance LIMIT ${query.k}::int8)`
  const nearest = sql`
    (SELECT e.namespace, e.id, ${distance(query, schema, form)} AS distance, true AS from_index
     FROM thermocline.memory_entries e
     WHERE ${hasDimension(form, dimension)} AND e.indexed AND ${selects(query)} AND ${SETTINGS}
     ORDER BY ${indexedDistance(query, schema, form)} LIMIT ${query.k}::int8)
    UNION ALL
    (SELECT e.namespace, e.id, ${distance(query, schema)} AS distance, false AS from_index
     FROM thermocline.memory_entries e
     WHERE ${hasDimension('any', dimension)} AND ${IS_UNINDEXED} AND ${selects(query)}
     ORDER BY distance LIMIT ${query.k}::int8)${form === 'full' ? others : sql``}`
  const isIndexEmpty = sql`
    CASE WHEN (SELECT count(*) FROM nearest WHERE from_index) < ${query.k}::int8 THEN (
      SELECT true FROM thermocline.memory_entries e
      WHERE ${hasDimension(form, dimension)} AND e.indexed AND ${SETTINGS}
      ORDER BY ${indexedDistance(query, schema, form)} LIMIT 1
    ) IS NULL END`
  return withColumns(query, schema, nearest, sql`, ${isIndexEmpty} AS is_index_empty`)
}

/**
 * Fetches whole rows for the nearest only: comparing needs neither their text nor their metadata. What is searched for
 * is sent and read once, as long as it is.
 */
function withColumns(
  { embedding, versionsOf }: ColdSearch,
  schema: string | undefined,
  nearest: SQL,
  more = sql``,
): SQL {
  const type = sql.raw(schema === undefined ? 'real[]' : typeOf(schema, 'vector', embedding.length))
  const text = schema === undefined ? sql.param([...embedding]) : vectorText(embedding)
  return sql`
    WITH question AS MATERIALIZED (SELECT ${text}::${type} AS embedding),
    nearest AS MATERIALIZED (${nearest})
    SELECT ${ROW_COLUMNS}, nearest.from_index${more}${versionsColumn(versionsOf)} FROM nearest
    CROSS JOIN ${lookUp(sql`nearest`)} ${ACCESS_JOIN} ${versionsBeside(versionsOf)}
    ORDER BY nearest.distance, e.namespace, e.id`
}

/** Of {@link withColumns}. */
const QUESTION = sql`(SELECT embedding FROM question)`

function distance({ embedding, metric }: ColdSearch, schema: string, form: VectorForm = 'any'): SQL {
  const vector = sql.raw(vectorOf(form, schema, 'vector', embedding.length))
  return sql`(${vector} ${distanceOperator(schema, metric)} ${QUESTION})`
}

const IN_FULL = sql`coalesce(e.embedding, thermocline.widened(e.rounded, e.rounded_scale, e.rounded_dimension))`

/** The same figures from plain arrays. A vector of length zero has no direction: NaN, which sorts last. */
function plainDistance({ metric }: ColdSearch): SQL {
  const measures = {
    cosine: sql`coalesce(1 - sum(v.a * v.b) / nullif(sqrt(sum(v.a * v.a) * sum(v.b * v.b)), 0), 'NaN')`,
    l2: sql`sqrt(sum((v.a - v.b) * (v.a - v.b)))`,
    'inner-product': sql`-sum(v.a * v.b)`,
  } as const satisfies Record<ColdSearch['metric'], SQL>
  return sql`(SELECT ${measures[metric]} FROM
    (SELECT a::float8, b::float8 FROM unnest(${IN_FULL}, ${QUESTION}) AS u (a, b)) AS v)`
}

/** Exactly the expression that the index was built on. */
function indexedDistance({ embedding, metric }: ColdSearch, schema: string, form: VectorForm): SQL {
  const dimension = embedding.length
  const type = indexedType({ dimension, form }) ?? 'vector'
  const vector = sql.raw(vectorOf(form, schema, type, dimension))
  return sql`${vector} ${distanceOperator(schema, metric)} ${QUESTION}::${sql.raw(typeOf(schema, type, dimension))}`
}

/** The shortest decimals of the doubles, which read back as the same floats. */
function vectorText(embedding: Float32Array): string {
  return `[${embedding.join(',')}]`
}

/** Returns hits in the order of exact scores, which may differ from the database's where two are almost equal. */
function toHits(rows: readonly Row[], { metric, embedding }: ColdSearch): ColdHit[] {
  const hits = rows.map((row) => {
    const found = toColdRow(row)
    return { ...found, score: similarity(metric, embedding, found.record.embedding as Float32Array) }
  })
  return hits.sort((a, b) => b.score - a.score)
}
