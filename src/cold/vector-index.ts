/**
 * HNSW indexes (pgvector), one per declared dimension and metric, over rows whose `indexed` flag is set. Inserting into
 * one costs milliseconds a row, so rows are written with the flag off and {@link indexVectors} sets it in the background.
 */
import { type SQL, sql } from 'drizzle-orm'
import type { Metric } from './cold-tier.ts'
import { isRowFault } from './dead-letters.ts'
import type { ColdDriver } from './driver.ts'

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

/** Sets the flag of up to `limit` rows, the oldest first, and answers how many. A row that an index refuses is marked so. */
export async function indexVectors(driver: ColdDriver, dimensions: readonly number[], limit: number): Promise<number> {
  if (dimensions.length === 0) return 0
  try {
    return await markIndexed(driver, dimensions, limit, sql`true`)
  } catch (error) {
    if (!isRowFault(error)) throw error
    if (limit > 1) return indexVectors(driver, dimensions, limit >>> 1)
    // halfvec takes no component above 65 504. NULL: compared exactly from now on, never tried again.
    return await markIndexed(driver, dimensions, 1, sql`NULL`)
  }
}

async function markIndexed(
  driver: ColdDriver,
  dimensions: readonly number[],
  limit: number,
  flag: SQL,
): Promise<number> {
  const [row] = await driver.query(sql`
    WITH oldest AS (
      SELECT candidate.* FROM unnest(${sql.param([...dimensions])}::int4[]) AS d (dimension)
      CROSS JOIN LATERAL (
        SELECT e.namespace, e.id, e.version FROM thermocline.memory_entries e
        WHERE cardinality(e.embedding) = d.dimension AND e.embedding IS NOT NULL AND e.indexed IS NOT TRUE
          AND e.indexed = false
        ORDER BY e.version LIMIT ${limit}::int8
      ) AS candidate
      ORDER BY candidate.version LIMIT ${limit}::int8
    ),
    marked AS (
      UPDATE thermocline.memory_entries e SET indexed = ${flag} FROM oldest
      WHERE e.namespace = oldest.namespace AND e.id = oldest.id AND e.version = oldest.version
      RETURNING 1
    )
    SELECT count(*)::int4 AS marked FROM marked`)
  return row?.marked as number
}
