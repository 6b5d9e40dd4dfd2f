/**
 * Maintains the HNSW indexes (pgvector), one per declared dimension and metric, over rows whose `indexed` flag is set.
 * Inserting into one costs milliseconds a row. So rows are written with the flag off, and {@link indexVectors} sets it
 * in the background (sync/index-vectors.ts).
 */
import { type SQL, sql } from 'drizzle-orm'
import type { Version } from '../../entry/version.ts'
import type { Metric } from '../../query/metric.ts'
import type { ColdDriver } from '../cold-driver.ts'
import { isRowFault } from './dead-letters.ts'
import { unnest } from './look-up-keys.ts'

export interface VectorIndex {
  readonly dimension: number
  readonly metric: Metric
}

/** What a database can do for a search. */
export interface VectorSupport {
  /** Where pgvector is, which compares vectors many times faster than plain SQL; undefined where there is none. */
  readonly schema: string | undefined
  readonly indexes: readonly VectorIndex[]
}

/** pgvector indexes `vector` up to here … */
const MAX_VECTOR = 2_000
/** … and `halfvec` up to here. */
const MAX_HALFVEC = 4_000

const METRICS = {
  cosine: { distance: '<=>', operators: 'cosine_ops', name: 'cosine' },
  l2: { distance: '<->', operators: 'l2_ops', name: 'l2' },
  'inner-product': { distance: '<#>', operators: 'ip_ops', name: 'inner_product' },
} as const satisfies Record<Metric, { distance: string; operators: string; name: string }>

/** @param schema of pgvector, which need not be on the search path of the role. */
export function distanceOperator(schema: string, metric: Metric): SQL {
  return sql.raw(`OPERATOR(${quoted(schema)}.${METRICS[metric].distance})`)
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** Type on whose cast the index of these dimensions is built; undefined where none can be. */
export function indexedType(dimension: number): 'vector' | 'halfvec' | undefined {
  if (dimension <= MAX_VECTOR) return 'vector'
  return dimension <= MAX_HALFVEC ? 'halfvec' : undefined
}

/** `vector(N)` in SQL. A type takes no parameter, and the planner only matches an index by a literal. */
export function typeOf(schema: string, type: 'vector' | 'halfvec', dimension: number): SQL {
  return sql.raw(`${quoted(schema)}.${type}(${Math.trunc(dimension)})`)
}

/** Rows with vectors of these dimensions; the literal again lets the planner use partial indexes. */
export function hasDimension(dimension: number): SQL {
  return sql`cardinality(e.embedding) = ${sql.raw(String(Math.trunc(dimension)))}`
}

function indexName({ dimension, metric }: VectorIndex): string {
  return `memory_entries_hnsw_${METRICS[metric].name}_${Math.trunc(dimension)}`
}

/** Declared dimensions that no index can serve. */
export function unindexable(dimensions: readonly number[]): number[] {
  return dimensions.filter((dimension) => indexedType(dimension) === undefined)
}

/** The indexes that can be built for these declarations. */
export function wantedIndexes(dimensions: readonly number[], metrics: readonly Metric[]): VectorIndex[] {
  return dimensions
    .filter((dimension) => indexedType(dimension) !== undefined)
    .flatMap((dimension) => metrics.map((metric) => ({ dimension, metric })))
}

/** Indexes that are there and usable. */
export async function existingIndexes(driver: ColdDriver): Promise<VectorIndex[]> {
  const rows = await driver.query(sql`
    SELECT c.relname::text AS name FROM pg_index i
    JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indisvalid AND i.indrelid = to_regclass('thermocline.memory_entries')
      AND c.relname LIKE 'memory\_entries\_hnsw\_%'`)
  return rows.flatMap(({ name }) => {
    const [, metricName, dimension] = /_hnsw_(.+)_(\d+)$/.exec(String(name)) ?? []
    const metric = (Object.keys(METRICS) as Metric[]).find((known) => METRICS[known].name === metricName)
    return metric === undefined ? [] : [{ metric, dimension: Number(dimension) }]
  })
}

export async function createIndex(driver: ColdDriver, schema: string, index: VectorIndex): Promise<void> {
  const type = indexedType(index.dimension)
  if (type === undefined) return
  const dimension = Math.trunc(index.dimension)
  const operators = `${quoted(schema)}.${type}_${METRICS[index.metric].operators}`
  // Index predicates take no parameters; every part is a number, one of our own names or quoted.
  await driver.buildIndex(
    indexName(index),
    `thermocline.memory_entries USING hnsw ((embedding::${quoted(schema)}.${type}(${dimension})) ${operators})
      WHERE cardinality(embedding) = ${dimension} AND indexed`,
  )
}

/** Which rows {@link indexVectors} takes. */
export interface IndexingBatch {
  /** The schema that pgvector is in. */
  readonly schema: string
  readonly dimensions: readonly number[]
  readonly limit: number
  /** No newer rows than this. @default all */
  readonly upTo?: Version | undefined
}

/**
 * Sets the flag of up to `limit` rows, the oldest first, and answers how many. A row that an index refuses is marked
 * so.
 */
export async function indexVectors(driver: ColdDriver, batch: IndexingBatch): Promise<number> {
  if (batch.dimensions.length === 0) return 0
  try {
    return await markIndexed(driver, batch, sql`CASE WHEN ${hasNoHalf(batch)} THEN NULL ELSE true END`)
  } catch (error) {
    if (!isRowFault(error)) throw error
    if (batch.limit > 1) return indexVectors(driver, { ...batch, limit: batch.limit >>> 1 })
    // halfvec takes no component above 65 504. NULL: compared exactly from now on, never tried again.
    return await markIndexed(driver, { ...batch, limit: 1 }, sql`NULL`)
  }
}

/** An index of halves leaves out a vector whose components are all zero as halves. */
function hasNoHalf({ schema, dimensions }: IndexingBatch): SQL {
  if (dimensions.every((dimension) => indexedType(dimension) === 'vector')) return sql`false`
  const pgvector = sql.raw(quoted(schema))
  return sql`cardinality(e.embedding) > ${MAX_VECTOR}::int4
    AND ${pgvector}.l2_norm(e.embedding::${pgvector}.halfvec) = 0`
}

/** Rows that others are writing are left to the next batch: ships lock many, in another order. */
async function markIndexed(driver: ColdDriver, { dimensions, limit, upTo }: IndexingBatch, flag: SQL): Promise<number> {
  const isOld = upTo === undefined ? sql`true` : sql`e.version <= ${upTo}`
  const [row] = await driver.query(sql`
    WITH oldest AS (
      SELECT candidate.* FROM ${unnest(sql`${sql.param([...dimensions])}::int4[]`)} AS d (dimension)
      CROSS JOIN LATERAL (
        SELECT e.ctid AS place, e.version FROM thermocline.memory_entries e
        WHERE cardinality(e.embedding) = d.dimension AND e.embedding IS NOT NULL AND e.indexed IS NOT TRUE
          AND e.indexed = false AND ${isOld}
        ORDER BY e.version LIMIT ${limit}::int8 FOR UPDATE SKIP LOCKED
      ) AS candidate
      ORDER BY candidate.version LIMIT ${limit}::int8
    ),
    marked AS (
      UPDATE thermocline.memory_entries e SET indexed = ${flag}
      WHERE e.ctid = ANY (ARRAY (SELECT place FROM oldest))
      RETURNING 1
    )
    SELECT count(*)::int4 AS marked FROM marked`)
  return row?.marked as number
}
