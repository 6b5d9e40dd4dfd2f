/**
 * Merges the hits by vector and those by text into one ranking. The formula is in query/rank-fusion.ts; how a text is
 * ranked is decided in cold/sql/search-texts.ts.
 */
import type { ColdHit, ColdRow } from '../cold/cold-tier.ts'
import { keyText } from '../entry/entry-key.ts'
import { fuse } from '../query/rank-fusion.ts'
import type { SearchQuery } from '../query/search-query.ts'

/** Where an entry is in one of the lists. */
export interface Place {
  /** From 1 on. */
  readonly rank: number
  readonly score: number
}

export interface RankedRow extends ColdRow {
  readonly score: number
  readonly vector?: Place
  readonly text?: Place
}

/** Each best first; undefined where it was not asked for. */
interface Lists {
  readonly vector: readonly ColdHit[] | undefined
  readonly text: readonly ColdHit[] | undefined
}

/**
 * The nearest by each of several models in one list: the first of each, then the second, for what they score cannot be
 * compared. An entry that is being moved may be in two.
 */
export function alternating<H extends ColdHit>(lists: readonly (readonly H[])[]): readonly H[] {
  const [only] = lists
  if (lists.length === 1) return only!
  const first = new Map<string, H>()
  const ranked = lists.flatMap((list) => list.map((hit, rank) => ({ hit, rank }))).sort((a, b) => a.rank - b.rank)
  for (const { hit } of ranked) {
    const key = keyText(hit.record)
    if (!first.has(key)) first.set(key, hit)
  }
  return [...first.values()]
}

/**
 * The best `k`, or `mmr.fetch`: by the score of the only list, or by reciprocal rank fusion of both.
 */
export function rankHits(
  { vector, text }: Lists,
  { k, fusion, mmr, others, minScore = Number.NEGATIVE_INFINITY }: SearchQuery,
  order: (a: RankedRow, b: RankedRow) => number,
): RankedRow[] {
  const rows = new Map<string, RankedRow>()
  for (const [name, list] of Object.entries({ vector, text })) {
    for (const [i, { record, access, score }] of (list ?? []).entries()) {
      const key = keyText(record)
      const known = rows.get(key)
      // Each list is of its own moment: the newer version is shown.
      const newest = known !== undefined && known.record.version > record.version ? known : { record, access }
      const row = { ...known, record: newest.record, access: newest.access, score, [name]: { rank: i + 1, score } }
      rows.set(key, row)
    }
  }
  const isFused = vector !== undefined && text !== undefined
  const ranked = [...rows.values()].map((row) => (isFused ? { ...row, score: fuse(row, fusion) } : row))
  return ranked
    .filter(({ score }) => score >= minScore)
    .sort(!isFused && others.length > 0 ? byVectorRank : order)
    .slice(0, mmr?.fetch ?? k)
}

function byVectorRank(a: RankedRow, b: RankedRow): number {
  return a.vector!.rank - b.vector!.rank
}
