/**
 * Chooses the hits of a search among its candidates so that they are not all alike (`mmr`). The formula is in
 * query/marginal-relevance.ts.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Patience, throwIfAborted } from '../kernel/deadline.ts'
import { byMarginalRelevance } from '../query/marginal-relevance.ts'
import { similarity } from '../query/metric.ts'
import type { SearchQuery } from '../query/search-query.ts'
import type { RankedRow } from './rank-hits.ts'

/** Numbers that are multiplied in one turn of the event loop: some milliseconds. */
const SLICE = 4_000_000

/**
 * Returns `k` of the rows, which are those that a search for `mmr.fetch` answers, in the order in which they are
 * chosen, or all of them as they are where `mmr` was not asked for. A search by vector alone has its own measure for
 * relevance and likeness. The score of a fused one has no such measure: there relevance is the share of the best score,
 * and likeness is that of cosine. What has no embedding, or one of other dimensions or of another model, is unlike:
 * the likeness is 0.
 */
export async function chooseUnlike(
  ranked: readonly RankedRow[],
  { vector, others, text, k, mmr }: SearchQuery,
  { signal }: Patience,
): Promise<readonly RankedRow[]> {
  if (mmr === undefined || vector === undefined) return ranked
  const isFused = text !== undefined
  const metric = isFused ? 'cosine' : vector.metric
  const best = ranked[0]?.score || 1
  // What several models score cannot be compared: their places can.
  const relevance = ranked.map(({ score }, i) => (isFused ? score / best : others.length > 0 ? 1 / (i + 1) : score))
  const likeness = (a: number, b: number): number => {
    const [one, other] = [ranked[a]!.record, ranked[b]!.record]
    if (vector.model !== undefined && one.embeddingModel !== other.embeddingModel) return 0
    const [mine, its] = [one.embedding, other.embedding]
    return mine === null || mine.length !== its?.length ? 0 : similarity(metric, mine, its)
  }
  const chosen: RankedRow[] = []
  let work = 0
  for (const place of byMarginalRelevance(relevance, likeness, mmr.lambda)) {
    chosen.push(ranked[place]!)
    if (chosen.length === k) break
    work += ranked.length * vector.embedding.length
    if (work < SLICE) continue
    work = 0
    await nextTurn()
    throwIfAborted(signal)
  }
  return chosen
}
