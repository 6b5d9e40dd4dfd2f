/**
 * Indexes a first load: where at least as many rows wait as an index holds, it is dropped, they are marked, and it is
 * built anew, which takes a sixth of the time of inserting them one by one. Searches compare all rows of these
 * dimensions meanwhile, so at most twice as many as before.
 *
 *     drop ──▶ mark all that wait ──▶ vacuum what that left dead ──▶ build
 *
 * A process that dies in between leaves the index missing: it is made by whoever declares it, may build it, and opens
 * the store next or syncs.
 */
import { type SQL, sql } from 'drizzle-orm'
import { withoutContent } from '../../errors.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { ColdDriver } from '../cold-driver.ts'
import { dimensionOf } from './stored-vector.ts'
import { indexDefinition, indexedType, isWaiting, markUnindexed, type VectorIndex } from './vector-index.ts'

export interface BulkIndexing {
  /** The schema that pgvector is in. */
  readonly schema: string
  /** Those that are there. */
  readonly indexes: readonly VectorIndex[]
  /** Those that this process declares, and would make where they are missing: it drops no others. */
  readonly declared: readonly VectorIndex[]
  readonly signal: AbortSignal
  readonly logger: Logger
}

/** Fewer rows are inserted. */
const LEAST_ROWS = 500
/** Of what an index holds of a row beside the vector, at the least: who its neighbors are. */
const NEIGHBOR_BYTES = 200

/** Returns how many rows were put into indexes. */
export async function indexInBulk(driver: ColdDriver, bulk: BulkIndexing): Promise<number> {
  let indexed = 0
  for (const dimension of new Set(bulk.declared.map((index) => index.dimension)))
    if (!bulk.signal.aborted) indexed += await indexDimension(driver, bulk, dimension)
  return indexed
}

async function indexDimension(driver: ColdDriver, bulk: BulkIndexing, dimension: number): Promise<number> {
  const { schema, indexes, declared, signal, logger } = bulk
  const own = declared.filter((index) => index.dimension === dimension)
  const there = indexes.filter((index) => index.dimension === dimension)
  const definitions = own.map((index) => indexDefinition(schema, index))
  const names = definitions.map(({ name }) => name)
  const areOwn = there.length === own.length && there.every((i) => names.includes(indexDefinition(schema, i).name))
  // An index of halves may refuse a row, which is found out by inserting it.
  if (!areOwn || own.some((index) => index.form === 'any' || indexedType(index) !== 'vector')) return 0
  const waiting = { schema, indexes: own }
  const rows = await rowsToBuild(driver, isWaiting(waiting), dimension, names)
  if (rows === 0) return 0
  const startedAt = performance.now()
  let indexed = 0
  const mark = async () => {
    indexed = await markUnindexed(driver, waiting, rows, signal)
    // Vacuuming a vector index that stays costs more than that spares.
    if (there.length === indexes.length && !signal.aborted) await vacuum(driver, signal, logger)
  }
  if ((await driver.rebuildIndexes(definitions, mark, signal)) && !signal.aborted)
    logger.info({ indexes: names, durationMs: Math.round(performance.now() - startedAt) }, 'vector indexes built anew')
  return indexed
}

/** Whoever may drop an index may not make another by that alone. */
const MAY_BUILD = sql`has_schema_privilege('thermocline', 'CREATE') AND (
  SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = 'thermocline.memory_entries'::regclass)`

/** How many wait, if they are enough to build the indexes of one dimension anew; else 0. */
async function rowsToBuild(
  driver: ColdDriver,
  isWaiting: SQL,
  dimension: number,
  names: readonly string[],
): Promise<number> {
  const most = driver.mostBuilt / dimension
  const [row] = await driver.query(sql`
    SELECT CASE WHEN (SELECT sum(unindexed) FROM thermocline.entry_counts) >= ${LEAST_ROWS}::int4
      AND ${MAY_BUILD} THEN (
      SELECT count(*) FROM (
        SELECT FROM thermocline.memory_entries e
        WHERE ${sql.raw(dimensionOf('any'))} = ${dimension}::int4 AND ${isWaiting}
        LIMIT ${Math.floor(most) + 1}::int8
      ) AS waiting
    ) ELSE 0 END::float8 AS waiting,
    (SELECT max(pg_relation_size(to_regclass('thermocline.' || name)))
      FROM unnest(${sql.param([...names])}::text[]) AS own (name))::float8 AS bytes`)
  const waiting = row?.waiting as number
  const held = Number(row?.bytes ?? 0) / (4 * dimension + NEIGHBOR_BYTES)
  return waiting < LEAST_ROWS || waiting < held || waiting + held > most ? 0 : waiting
}

/** Searches would pass over what is dead until the server vacuums by itself, and it has no statistics yet. */
async function vacuum(driver: ColdDriver, signal: AbortSignal, logger: Logger): Promise<void> {
  try {
    await driver.vacuum(['thermocline.memory_entries'], 'plain', signal)
  } catch (error) {
    logger.debug({ err: withoutContent(error) }, 'rows could not be vacuumed: the server does it later')
  }
}
