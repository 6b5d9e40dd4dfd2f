/**
 * Finds and ranks the best texts of a query, among stored rows and among the caller's pending texts, which cold does
 * not have yet. Both are ranked by the same function ({@link rank}) over the same vector (text-vector.ts), in one
 * statement where the pending texts are few. So the rank of an entry does not change when it is shipped.
 */
import { type SQL, sql } from 'drizzle-orm'
import type { ColdDriver, Row } from '../cold-driver.ts'
import type { ColdHit, ColdTextResult, ColdTextSearch, OwnText } from '../cold-tier.ts'
import { ACCESS_JOIN } from './entry-access.ts'
import { selects } from './filter-sql.ts'
import { lookUp, unnestKeys } from './look-up-keys.ts'
import { rowColumns, toColdRow } from './read-entries.ts'
import { type QualifiedLanguage, textVector, wordsSought } from './text-vector.ts'

/** Characters of pending texts that are sent with one statement. */
const MOST_CHARACTERS = 2 * 1024 * 1024
const MOST_TEXTS = 5_000

/** Flags of ts_rank_cd: divided by 1 + the logarithm of the length, then made a number from 0 to 1. */
const BY_LENGTH_FROM_0_TO_1 = 1 | 32

export async function searchTexts(
  driver: Pick<ColdDriver, 'query'>,
  language: QualifiedLanguage,
  query: ColdTextSearch,
): Promise<ColdTextResult> {
  const own = new Map<OwnText, number>()
  const batches = batchesOf(query.own)
  const last = batches.pop() ?? []
  // Stored rows are read last: an entry that became newer in cold after its pending text was ranked is still found.
  for (const batch of batches) await rankTogether(batch, false)
  return { hits: await rankTogether(last, true), own }

  async function rankTogether(texts: readonly OwnText[], withRows: boolean): Promise<ColdHit[]> {
    const rows = await driver.query(withRows ? searchBoth(language, query, texts) : rankOwn(language, query, texts))
    for (const { nth, score } of rows.filter(isOwn)) own.set(texts[(nth as number) - 1]!, score as number)
    return rows.filter((row) => !isOwn(row)).map((row) => ({ ...toColdRow(row), score: row.score as number }))
  }
}

function isOwn({ nth }: Row): boolean {
  return typeof nth === 'number'
}

/** Best first, ties by namespace and id. A row of a pending text has its number in `texts` as `nth`. */
export function searchBoth(language: QualifiedLanguage, query: ColdTextSearch, texts: readonly OwnText[]): SQL {
  const vector = textVector(language, 'e.text')
  const sought = wordsSought(language, query.text)
  const own = texts.length === 0 ? sql`` : sql`UNION ALL (${rankOwn(language, query, texts)})`
  return sql`
    WITH best AS MATERIALIZED (
      (SELECT e.namespace, e.id, ${rank(vector, sought)} AS score, NULL::int4 AS nth
       FROM thermocline.memory_entries e
       WHERE e.text IS NOT NULL AND ${vector} @@ ${sought} AND ${selects(query)}
       ORDER BY score DESC, e.namespace, e.id LIMIT ${query.k}::int8)
      ${own}
    )
    SELECT ${rowColumns(query.fields)}, best.score, best.nth FROM best
    LEFT JOIN ${lookUp(sql`best`)} ON best.nth IS NULL ${ACCESS_JOIN}
    ORDER BY best.score DESC, e.namespace, e.id`
}

/** Ranks the pending texts that match, and of whose entries cold has no newer version. */
function rankOwn(language: QualifiedLanguage, query: ColdTextSearch, texts: readonly OwnText[]): SQL {
  const sought = wordsSought(language, query.text)
  const versions = sql.param(texts.map(({ version }) => version))
  const contents = sql.param(texts.map(({ text }) => text))
  return sql`
    SELECT NULL::text AS namespace, NULL::uuid AS id, ${rank(sql`o.vector`, sought)} AS score, o.nth::int4 AS nth
    FROM (
      SELECT k.nth, k.namespace, k.id, k.version, ${textVector(language, 'k.text COLLATE "C"')} AS vector
      FROM ${unnestKeys(texts, sql`${versions}::text[]`, sql`${contents}::text[]`)}
        WITH ORDINALITY AS k (namespace, id, version, text, nth)
      OFFSET 0
    ) o
    WHERE o.vector @@ ${sought} AND coalesce((
      SELECT m.version FROM thermocline.memory_entries m WHERE m.namespace = o.namespace AND m.id = o.id LIMIT 1
    ), '') <= o.version
    ORDER BY score DESC, o.namespace COLLATE "C", o.id LIMIT ${query.k}::int8`
}

/** From 0 to 1, higher where the words are near to each other and the text is short. */
function rank(vector: SQL, sought: SQL): SQL {
  return sql`ts_rank_cd(${vector}, ${sought}, ${sql.raw(String(BY_LENGTH_FROM_0_TO_1))})::float8`
}

function batchesOf(texts: readonly OwnText[]): OwnText[][] {
  const batches: OwnText[][] = []
  let characters = Number.POSITIVE_INFINITY
  for (const own of texts) {
    characters += own.text.length
    if (characters > MOST_CHARACTERS || batches.at(-1)!.length === MOST_TEXTS) {
      batches.push([])
      characters = own.text.length
    }
    batches.at(-1)!.push(own)
  }
  return batches
}
