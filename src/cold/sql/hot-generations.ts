/**
 * Records which generation of hot is current, and for which keys it may hold something older than cold. Every ship
 * reads the current number under a lock that entering a generation waits for, and lists each key whose shipped version
 * this generation is not known to hold (rules G3 to G7 of flow/README.md).
 */
import { sql } from 'drizzle-orm'
import { type Version, ZERO_VERSION } from '../../entry/version.ts'
import type { ColdDriver } from '../cold-driver.ts'
import type { EnteredGeneration, HotMiss, HotMisses } from '../cold-tier.ts'
import { lookUp, unnestKeys } from './look-up-keys.ts'
import { highestVersion } from './read-entries.ts'

/**
 * One row holds the current generation, so that of many processes that enter the same one at once only the first
 * changes it: the others wait for its lock and find their own id there. Its number is at least the time, so that a
 * database set back to an earlier state gives none twice.
 */
export async function enterHotGeneration(
  driver: ColdDriver,
  generationId: string,
): Promise<EnteredGeneration | undefined> {
  if (await hasEnded(driver, generationId)) return undefined
  await makeCurrent(driver, generationId, false)
  const number = await numberOf(driver, generationId)
  // Another may have become current in between, and this one again by a process that had not seen that.
  if (number === undefined || (await hasEnded(driver, generationId))) return undefined
  return { number, highestVersion: (await highestVersion(driver)) ?? ZERO_VERSION }
}

/**
 * Enters a generation that one process has for itself, and answers its number. It counts also where none came before: a
 * log that another process left may be shipped while it is current.
 */
export async function enterPrivateGeneration(driver: ColdDriver, generationId: string): Promise<number | undefined> {
  await makeCurrent(driver, generationId, true)
  return numberOf(driver, generationId)
}

async function makeCurrent(driver: ColdDriver, generationId: string, isPrivate: boolean): Promise<void> {
  await driver.query(sql`
    WITH entered AS (
      UPDATE thermocline.store_identity
      SET hot_generation_id = ${generationId}, hot_generation = greatest(coalesce(hot_generation, 0) + 1,
          (extract(epoch FROM clock_timestamp()) * 1000)::int8)
      WHERE hot_generation_id IS DISTINCT FROM ${generationId}
      RETURNING hot_generation
    ),
    -- Nobody enters one of those again.
    ended AS (
      DELETE FROM thermocline.hot_generations WHERE is_private AND number < (SELECT hot_generation FROM entered)
    )
    INSERT INTO thermocline.hot_generations (number, id, is_private)
    SELECT hot_generation, ${generationId}, ${isPrivate}::boolean FROM entered`)
}

/** Returns the number of the generation; undefined where another one is current. */
async function numberOf(driver: ColdDriver, generationId: string): Promise<number | undefined> {
  const [row] = await driver.query(sql`
    SELECT hot_generation::float8 AS number FROM thermocline.store_identity WHERE hot_generation_id = ${generationId}`)
  return row?.number as number | undefined
}

/**
 * A generation that another has followed may hold what is old, and nothing tells which keys: what was written meanwhile
 * was confirmed by its successor, and what was missing there was repaired there.
 */
async function hasEnded(driver: ColdDriver, generationId: string): Promise<boolean> {
  const [row] = await driver.query(sql`
    SELECT EXISTS (
      SELECT FROM thermocline.hot_generations
      WHERE id <> ${generationId} AND number > (SELECT min(number) FROM thermocline.hot_generations WHERE id = ${generationId})
    ) AS has_ended`)
  return row?.has_ended as boolean
}

/** Cold may have gone on since a row was written, and hot must not hold what is older than cold. */
export async function hotMisses(driver: ColdDriver, limit: number): Promise<HotMisses> {
  const rows = await driver.query(sql`
    SELECT s.hot_generation::float8 AS generation_number, m.namespace, m.id::text AS id, m.version AS recorded,
      greatest(m.version, e.version) AS version
    FROM (SELECT hot_generation FROM thermocline.store_identity LIMIT 1) s
    LEFT JOIN (SELECT * FROM thermocline.hot_misses ORDER BY namespace, id LIMIT ${limit}::int8) m ON true
    LEFT JOIN ${lookUp(sql`m`)} ON true
    ORDER BY m.namespace, m.id`)
  const misses = rows.flatMap(({ namespace, id, recorded, version }) =>
    id === null
      ? []
      : [
          {
            key: { namespace: namespace as string, id: id as string },
            version: version as Version,
            recorded: recorded as Version,
          },
        ],
  )
  return { generationNumber: (rows[0]?.generation_number as number | null) ?? undefined, misses }
}

export async function clearHotMisses(
  driver: ColdDriver,
  generationNumber: number,
  misses: readonly HotMiss[],
): Promise<number> {
  const keys = misses.map(({ key }) => key)
  const recorded = sql.param(misses.map((miss) => miss.recorded))
  const [row] = await driver.query(sql`
    WITH current AS MATERIALIZED (SELECT hot_generation AS number FROM thermocline.store_identity LIMIT 1 FOR SHARE),
    repaired AS (
      SELECT m.namespace, m.id
      FROM ${unnestKeys(keys, sql`${recorded}::text[]`)} AS k (namespace, id, version)
      JOIN thermocline.hot_misses m
        ON m.namespace = k.namespace COLLATE "C" AND m.id = k.id AND m.version = k.version COLLATE "C"
      WHERE (SELECT number FROM current) = ${generationNumber}::int8
      ORDER BY m.namespace, m.id FOR UPDATE OF m SKIP LOCKED
    ),
    cleared AS (
      DELETE FROM thermocline.hot_misses m USING repaired r WHERE m.namespace = r.namespace AND m.id = r.id RETURNING 1
    )
    SELECT count(*)::int4 AS cleared FROM cleared`)
  return row?.cleared as number
}
