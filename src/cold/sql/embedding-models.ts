/**
 * Finds entries that wait for a vector of their model, by an index that has those alone, and keeps which models there
 * are.
 */
import { type SQL, sql } from 'drizzle-orm'
import type { ColdDriver } from '../cold-driver.ts'
import type { EmbeddingModel, Unembedded, WaitingTexts } from '../cold-tier.ts'

/** As the index says it: the planner compares the words. */
const IS_UNEMBEDDED = sql`
  e.embedding_model IS NOT NULL AND e.text IS NOT NULL AND e.embedding IS NULL AND e.rounded IS NULL`

/** Rows without a vector that name a model. @param limit counted up to here. */
export function countUnembedded(limit: number): SQL {
  return sql`(SELECT count(*) FROM (
    SELECT FROM thermocline.memory_entries e WHERE ${IS_UNEMBEDDED} AND e.text <> ''
    LIMIT ${sql.raw(String(limit))}) AS rows)`
}

/** How long a text is, is known without reading it. */
export async function findUnembedded(
  driver: Pick<ColdDriver, 'query'>,
  { model, after, limit, bytes }: WaitingTexts,
  now: SQL,
): Promise<Unembedded[]> {
  const isAfter = after === undefined ? sql`` : sql` AND e.version > ${after}`
  const rows = await driver.query(sql`
    SELECT s.namespace, s.id, s.version, s.text FROM (
      SELECT e.*, sum(octet_length(e.text)) OVER (ORDER BY e.version) - octet_length(e.text) AS before
      FROM (
        SELECT e.namespace, e.id::text AS id, e.version, e.text FROM thermocline.memory_entries e
        WHERE ${IS_UNEMBEDDED} AND e.embedding_model = ${model} AND e.text <> ''${isAfter}
          AND (e.expires_at IS NULL OR e.expires_at > ${now})
        ORDER BY e.version LIMIT ${limit}::int8
      ) e
    ) s WHERE s.before < ${bytes}::int8 ORDER BY s.version`)
  return rows as unknown as Unembedded[]
}

/** Returns all of them, this one as it was registered first. */
export async function registerModel(
  driver: Pick<ColdDriver, 'query'>,
  { model, dimensions }: EmbeddingModel,
): Promise<EmbeddingModel[]> {
  const rows = await driver.query(sql`
    WITH added AS (
      INSERT INTO thermocline.embedding_models (model, dimensions) VALUES (${model}, ${dimensions}::int4)
      ON CONFLICT (model) DO UPDATE SET registered_at = now() RETURNING model, dimensions
    )
    SELECT model, dimensions FROM added
    UNION SELECT model, dimensions FROM thermocline.embedding_models ORDER BY model`)
  return rows as unknown as EmbeddingModel[]
}

/**
 * Reads every row where none has it. By what was registered within a day somebody may have written what is not shipped
 * yet.
 */
export async function isModelUsed(driver: Pick<ColdDriver, 'query'>, model: string): Promise<boolean> {
  const [row] = await driver.query(sql`
    WITH used AS MATERIALIZED (
      SELECT FROM thermocline.memory_entries e WHERE e.embedding_model = ${model} AND e.text <> '' LIMIT 1
    ), forgotten AS (
      DELETE FROM thermocline.embedding_models
      WHERE model = ${model} AND registered_at < now() - interval '1 day' AND NOT EXISTS (SELECT FROM used)
    )
    SELECT EXISTS (SELECT FROM used) AS is_used`)
  return row?.is_used === true
}
