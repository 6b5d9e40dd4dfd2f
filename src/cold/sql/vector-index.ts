/**
 * Maintains the HNSW indexes (pgvector), one per declared dimension and metric, over rows whose `indexed` flag is set.
 * Inserting into one costs milliseconds a row. So rows are written with the flag off, and {@link WaitingRows} sets it
 * in the background (sync/index-vectors.ts), or many at once where an index is built anew (bulk-index.ts). An index
 * holds vectors in full, or, once somebody rounds embeddings, any: these as halves, so it takes half the space, and
 * what one search finds is in one index. The other one may be left.
 */
import { type SQL, sql } from 'drizzle-orm'
import type { Version } from '../../entry/version.ts'
import { slices } from '../../kernel/slices.ts'
import type { Metric } from '../../query/metric.ts'
import type { ColdDriver, IndexDefinition } from '../cold-driver.ts'
import { isRowFault } from './dead-letters.ts'
import { unnest } from './look-up-keys.ts'
import { dimensionOf, IS_UNINDEXED, quoted, type VectorForm, vectorOf } from './stored-vector.ts'

export interface VectorIndex {
  readonly dimension: number
  readonly metric: Metric
  readonly form: VectorForm
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
/** Largest half-precision float: a larger component cannot be cast for an index of halves. */
export const MAX_HALF = 65_504
/** Components up to here are zero as halves, and a vector of zeros is near to nothing. */
export const ZERO_HALF = 2 ** -25

const METRICS = {
  cosine: { distance: '<=>', operators: 'cosine_ops', name: 'cosine' },
  l2: { distance: '<->', operators: 'l2_ops', name: 'l2' },
  'inner-product': { distance: '<#>', operators: 'ip_ops', name: 'inner_product' },
} as const satisfies Record<Metric, { distance: string; operators: string; name: string }>

/** @param schema of pgvector, which need not be on the search path of the role. */
export function distanceOperator(schema: string, metric: Metric): SQL {
  return sql.raw(`OPERATOR(${quoted(schema)}.${METRICS[metric].distance})`)
}

/** Type on whose cast the index is built; undefined where none can be. */
export function indexedType({ dimension, form }: Omit<VectorIndex, 'metric'>): 'vector' | 'halfvec' | undefined {
  if (dimension <= MAX_VECTOR && form === 'full') return 'vector'
  return dimension <= MAX_HALFVEC ? 'halfvec' : undefined
}

function indexName({ dimension, metric, form }: VectorIndex): string {
  return `memory_entries_hnsw_${form === 'any' ? 'any_' : ''}${METRICS[metric].name}_${Math.trunc(dimension)}`
}

/** Declared dimensions that no index can serve. */
export function unindexable(dimensions: readonly number[]): number[] {
  return dimensions.filter((dimension) => dimension > MAX_HALFVEC)
}

/** The indexes that can be built for these declarations. */
export function wantedIndexes(
  dimensions: readonly number[],
  metrics: readonly Metric[],
  form: VectorForm,
): VectorIndex[] {
  return dimensions
    .filter((dimension) => dimension <= MAX_HALFVEC)
    .flatMap((dimension) => metrics.map((metric) => ({ dimension, metric, form })))
}

/** Indexes that are there and usable. */
export async function existingIndexes(driver: ColdDriver): Promise<VectorIndex[]> {
  const rows = await driver.query(sql`
    SELECT c.relname::text AS name FROM pg_index i
    JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indisvalid AND i.indrelid = to_regclass('thermocline.memory_entries')
      AND c.relname LIKE 'memory\_entries\_hnsw\_%'`)
  return rows.flatMap(({ name }) => {
    const [, any, metricName, dimension] = /_hnsw_(any_)?(.+)_(\d+)$/.exec(String(name)) ?? []
    const metric = (Object.keys(METRICS) as Metric[]).find((known) => METRICS[known].name === metricName)
    if (metric === undefined) return []
    return [{ metric, dimension: Number(dimension), form: any === undefined ? 'full' : 'any' }]
  })
}

export async function createIndex(
  driver: ColdDriver,
  schema: string,
  index: VectorIndex,
  signal?: AbortSignal,
): Promise<void> {
  if (index.form === 'any') await leaveOutNoHalves(driver, schema, index.dimension)
  await driver.buildIndex(indexDefinition(schema, index), signal)
}

/** Of one that can be built. */
export function indexDefinition(schema: string, index: VectorIndex): IndexDefinition {
  const { dimension, metric, form } = index
  const type = indexedType(index)!
  const vector = vectorOf(form, schema, type, dimension, '')
  const operators = `${quoted(schema)}.${type}_${METRICS[metric].operators}`
  // Index predicates take no parameters; every part is a number, one of our own names or quoted.
  const definition = `thermocline.memory_entries USING hnsw ((${vector}) ${operators})
      WHERE ${dimensionOf(form, '')} = ${Math.trunc(dimension)} AND indexed`
  return { name: indexName(index), definition }
}

/** What an index of full vectors holds may be too large or too small for one of halves: it is compared exactly then. */
async function leaveOutNoHalves(driver: ColdDriver, schema: string, dimension: number): Promise<void> {
  const length = `${quoted(schema)}.vector_norm(${vectorOf('full', schema, 'vector', dimension)})`
  await driver.build(
    sql.raw(`
    UPDATE thermocline.memory_entries e SET indexed = NULL
    WHERE cardinality(e.embedding) = ${Math.trunc(dimension)} AND e.indexed
      AND NOT ${length} BETWEEN ${ZERO_HALF * Math.sqrt(dimension)} AND ${MAX_HALF}`),
  )
}

/** Which rows wait to be marked. */
export interface Waiting {
  /** The schema that pgvector is in. */
  readonly schema: string
  readonly indexes: readonly Omit<VectorIndex, 'metric'>[]
  /** No newer rows than this. @default all */
  readonly upTo?: Version | undefined
}

/** Where a row lies, as `ctid` names it: another row may have come there since, which the condition has to fit. */
type RowPlace = string

/** Rows that are looked for together, or more: to find the oldest, the database may sort all that wait. */
const ROWS_FOUND = 1_000

/** Rows that are marked by one statement, which has a deadline, while no vectors are indexed: the text of each is. */
const ROWS_MARKED = 250

/** Marks rows that wait, the oldest first, so that the indexes take them. */
export class WaitingRows {
  readonly #driver: ColdDriver
  #found: RowPlace[] = []
  /** Among which they were found. */
  #among: string | undefined

  constructor(driver: ColdDriver) {
    this.#driver = driver
  }

  /** Marks up to `limit`, and answers how many. A row that an index refuses is marked so. */
  async mark(waiting: Waiting, limit: number): Promise<number> {
    if (waiting.indexes.length === 0) return 0
    const among = JSON.stringify(waiting)
    if (among !== this.#among) this.#found = []
    this.#among = among
    let marked = 0
    let isNew = false
    while (marked === 0) {
      if (this.#found.length === 0) {
        // Those that are left are being written by others.
        if (isNew) break
        this.#found = await findWaiting(this.#driver, waiting, Math.max(limit, ROWS_FOUND))
        isNew = true
        if (this.#found.length === 0) break
      }
      marked = await mark(this.#driver, waiting, this.#found.splice(0, limit))
    }
    return marked
  }
}

async function mark(driver: ColdDriver, waiting: Waiting, places: readonly RowPlace[]): Promise<number> {
  try {
    return await markPlaces(driver, waiting, places, sql`CASE WHEN ${hasNoHalf(waiting)} THEN NULL ELSE true END`)
  } catch (error) {
    if (!isRowFault(error)) throw error
    const half = places.length >>> 1
    // halfvec takes no component above 65 504. NULL: compared exactly from now on, never tried again.
    if (half === 0) return await markPlaces(driver, waiting, places, sql`NULL`)
    return (await mark(driver, waiting, places.slice(0, half))) + (await mark(driver, waiting, places.slice(half)))
  }
}

/**
 * Marks up to `limit` rows, the oldest first, while no index takes them, until the signal fires; answers how many. The
 * indexes that are to take them MUST be of full vectors, of which they refuse none.
 */
export async function markUnindexed(
  driver: ColdDriver,
  waiting: Waiting,
  limit: number,
  signal: AbortSignal,
): Promise<number> {
  let marked = 0
  for (const places of slices(await findWaiting(driver, waiting, limit), ROWS_MARKED)) {
    if (signal.aborted) break
    marked += await markPlaces(driver, waiting, places, sql`true`)
  }
  return marked
}

/**
 * An index of halves leaves out a vector whose components are all zero as halves. Of a rounded one, the largest has the
 * most steps that there are (entry/rounded-vector.ts).
 */
function hasNoHalf({ schema, indexes }: Waiting): SQL {
  const inHalves = indexes.filter((index) => indexedType(index) === 'halfvec').map(({ dimension }) => dimension)
  if (inHalves.length === 0) return sql`false`
  const pgvector = sql.raw(quoted(schema))
  return sql`CASE WHEN e.rounded IS NOT NULL THEN e.rounded_scale
      * CASE WHEN cardinality(e.rounded) = e.rounded_dimension THEN 32767 ELSE 127 END <= ${ZERO_HALF}::float8
    WHEN cardinality(e.embedding) = ANY (${sql.param(inHalves)}::int4[])
      THEN ${pgvector}.l2_norm(e.embedding::${pgvector}.halfvec) = 0 END`
}

/** Rounded ones wait for nothing where no index takes them. */
export function isWaiting({ indexes, upTo }: Waiting): SQL {
  const ofAny = indexes.filter(({ form }) => form === 'any').map(({ dimension }) => dimension)
  const isOld = upTo === undefined ? sql`true` : sql`e.version <= ${upTo}`
  return sql`${IS_UNINDEXED} AND e.indexed = false AND ${isOld}
    AND (e.rounded IS NULL OR e.rounded_dimension = ANY (${sql.param(ofAny)}::int4[]))`
}

/** The oldest. */
async function findWaiting(driver: ColdDriver, waiting: Waiting, limit: number): Promise<RowPlace[]> {
  const rows = await driver.query(sql`
    SELECT candidate.place FROM ${unnest(sql`${sql.param(dimensionsOf(waiting))}::int4[]`)} AS d (dimension)
    CROSS JOIN LATERAL (
      SELECT e.ctid::text AS place, e.version FROM thermocline.memory_entries e
      WHERE ${sql.raw(dimensionOf('any'))} = d.dimension AND ${isWaiting(waiting)}
      ORDER BY e.version LIMIT ${limit}::int8
    ) AS candidate
    ORDER BY candidate.version LIMIT ${limit}::int8`)
  return rows.map(({ place }) => place as RowPlace)
}

/** Rows that others are writing are left to the next batch: ships lock many, in another order. */
async function markPlaces(
  driver: ColdDriver,
  waiting: Waiting,
  places: readonly RowPlace[],
  flag: SQL,
): Promise<number> {
  const [row] = await driver.query(sql`
    WITH taken AS (
      SELECT e.ctid AS place FROM thermocline.memory_entries e
      WHERE e.ctid = ANY (${sql.param([...places])}::tid[])
        AND ${sql.raw(dimensionOf('any'))} = ANY (${sql.param(dimensionsOf(waiting))}::int4[]) AND ${isWaiting(waiting)}
      FOR UPDATE SKIP LOCKED
    ),
    marked AS (
      UPDATE thermocline.memory_entries e SET indexed = ${flag}
      WHERE e.ctid = ANY (ARRAY (SELECT place FROM taken))
      RETURNING 1
    )
    SELECT count(*)::int4 AS marked FROM marked`)
  return row?.marked as number
}

function dimensionsOf({ indexes }: Waiting): number[] {
  return [...new Set(indexes.map(({ dimension }) => dimension))]
}
