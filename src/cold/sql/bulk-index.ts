/**
 * Indexes a first load: where at least as many rows wait as an index holds, it is dropped, they are marked, and it is
 * built anew, which takes a sixth of the time of inserting them one by one. Searches compare all rows of these
 * dimensions meanwhile, so at most twice as many as before.
 *
 *     drop ──▶ mark all that wait ──▶ vacuum what that left dead ──▶ build
 *
 * A process that dies in between leaves the index missing: it is made by whoever opens the store next, or syncs, and
 * declares it.
 */
import { sql } from 'drizzle-orm'
import { withoutContent } from '../../errors.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { ColdDriver } from '../cold-driver.ts'
import { dimensionOf } from './stored-vector.ts'
import {
  indexDefinition,
  indexedType,
  isWaiting,
  leaveOutNoHalves,
  markUnindexed,
  type VectorIndex,
  type Waiting,
} from './vector-index.ts'

export interface BulkIndexing {
  /** The schema that pgvector is in. */
  readonly schema: string
  /** Those that are there. */
  readonly indexes: readonly VectorIndex[]
  /** Those that this process declares, which it makes where they are missing: it drops no others. */
  readonly declared: readonly VectorIndex[]
  readonly missing: readonly VectorIndex[]
  readonly signal: AbortSignal
  readonly logger: Logger
}

/** Fewer rows are inserted. */
const LEAST_ROWS = 500
/** Rows that are marked by one statement, which has a deadline: the text of each is indexed anew. */
const MARKED_ROWS = 250
/** Of what an index holds of a row beside the vector, at the least: who its neighbors are. */
const NEIGHBOR_BYTES = 200

/** Returns how many rows were put into indexes. */
export async function indexInBulk(driver: ColdDriver, bulk: BulkIndexing): Promise<number> {
  const { declared, indexes, missing, schema } = bulk
  const leaveOut = async () => {
    for (const { dimension } of missing.filter(isOfHalves)) await leaveOutNoHalves(driver, schema, dimension)
  }
  if (missing.length > 0) await rebuild(driver, bulk, missing, true, leaveOut)
  let indexed = 0
  for (const dimension of new Set(declared.map((index) => index.dimension))) {
    if (bulk.signal.aborted) break
    const own = declared.filter((index) => index.dimension === dimension)
    const there = indexes.filter((index) => index.dimension === dimension)
    const areOwn = there.length === own.length && there.every((index) => own.some((other) => isSame(index, other)))
    // An index of halves may refuse a row, which is found out by inserting it.
    const rows =
      areOwn && own.every((index) => index.form === 'full' && !isOfHalves(index))
        ? await rowsToBuild(driver, schema, own)
        : 0
    if (rows === 0) continue
    const mark = async () => {
      indexed += await markAll(driver, { schema, indexes: own }, rows, bulk.signal)
      // Vacuuming a vector index that stays costs more than that spares.
      if (there.length === indexes.length) await vacuum(driver, bulk)
    }
    await rebuild(driver, bulk, own, false, mark)
  }
  return indexed
}

async function rebuild(
  driver: ColdDriver,
  { schema, signal, logger }: BulkIndexing,
  indexes: readonly VectorIndex[],
  onlyMissing: boolean,
  work: () => Promise<void>,
): Promise<void> {
  const startedAt = performance.now()
  const definitions = indexes.map((index) => indexDefinition(schema, index))
  const isDone = await driver.rebuildIndexes({ indexes: definitions, onlyMissing, work, signal })
  if (!isDone || signal.aborted) return
  const durationMs = Math.round(performance.now() - startedAt)
  logger.info({ indexes: definitions.map(({ name }) => name), durationMs }, 'vector indexes built anew')
}

/** Whoever may drop an index may not make another by that alone. */
const MAY_BUILD = sql`has_schema_privilege('thermocline', 'CREATE') AND (
  SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = 'thermocline.memory_entries'::regclass)`

/** How many wait, if they are enough to build the indexes of one dimension anew; else 0. */
async function rowsToBuild(driver: ColdDriver, schema: string, own: readonly VectorIndex[]): Promise<number> {
  const [{ dimension }] = own as [VectorIndex]
  const most = driver.mostBuilt / dimension
  const names = own.map((index) => `thermocline.${indexDefinition(schema, index).name}`)
  const [row] = await driver.query(sql`
    SELECT CASE WHEN (SELECT sum(unindexed) FROM thermocline.entry_counts) >= ${LEAST_ROWS}::int4
      AND ${MAY_BUILD} THEN (
      SELECT count(*) FROM (
        SELECT FROM thermocline.memory_entries e
        WHERE ${sql.raw(dimensionOf('any'))} = ${dimension}::int4 AND ${isWaiting({ schema, indexes: own })}
        LIMIT ${Math.floor(most) + 1}::int8
      ) AS waiting
    ) ELSE 0 END::float8 AS waiting,
    (SELECT max(pg_relation_size(to_regclass(name)))
      FROM unnest(${sql.param(names)}::text[]) AS own (name))::float8 AS bytes`)
  const waiting = row?.waiting as number
  const bytesOfRow = Math.min(...own.map((index) => (isOfHalves(index) ? 2 : 4))) * dimension + NEIGHBOR_BYTES
  const held = Number(row?.bytes ?? 0) / bytesOfRow
  return waiting < LEAST_ROWS || waiting < held || waiting + held > most ? 0 : waiting
}

/** No more than were there at first: others may come as fast. */
async function markAll(driver: ColdDriver, waiting: Waiting, rows: number, signal: AbortSignal): Promise<number> {
  let marked = 0
  while (marked < rows && !signal.aborted) {
    const batch = await markUnindexed(driver, waiting, MARKED_ROWS)
    marked += batch
    if (batch === 0) break
  }
  return marked
}

/** Searches would pass over what is dead until the server vacuums by itself, and it has no statistics yet. */
async function vacuum(driver: ColdDriver, { signal, logger }: BulkIndexing): Promise<void> {
  if (signal.aborted) return
  try {
    await driver.vacuum(['thermocline.memory_entries'], 'plain', signal)
  } catch (error) {
    logger.debug({ err: withoutContent(error) }, 'rows could not be vacuumed: the server does it later')
  }
}

function isOfHalves(index: VectorIndex): boolean {
  return indexedType(index) === 'halfvec'
}

function isSame(one: VectorIndex, other: VectorIndex): boolean {
  return one.dimension === other.dimension && one.metric === other.metric && one.form === other.form
}
