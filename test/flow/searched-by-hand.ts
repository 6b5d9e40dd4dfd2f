import type { PgliteClient } from '../../src/cold/pglite/pglite-client.ts'

/** What Postgres says of plain texts, as anybody would ask it. @param database any. */
export async function byHand(database: PgliteClient, language: string, texts: readonly string[], query: string) {
  const { rows } = await database.query(
    `SELECT t.nth::int4 AS nth, ts_rank_cd(to_tsvector('${language}', t.text), q, 33)::float8 AS score
     FROM unnest($1::text[]) WITH ORDINALITY AS t (text, nth), websearch_to_tsquery('${language}', $2) q
     WHERE to_tsvector('${language}', t.text) @@ q ORDER BY score DESC, nth`,
    [texts, query],
  )
  return (rows as { nth: number; score: number }[]).map(({ nth, score }) => ({ position: nth - 1, score }))
}
