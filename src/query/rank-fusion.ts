/**
 * Merges two rankings by reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009): an item that is high in
 * either list is high in the merged one, however the scores are scaled. Default weights, and how many hits of each list
 * count, are decided in search-query.ts.
 */
export interface FusionWeights {
  readonly vector: number
  readonly text: number
  /** How little the first places count for more than those that follow. */
  readonly constant: number
}

interface Ranks {
  readonly vector?: { readonly rank: number }
  readonly text?: { readonly rank: number }
}

/** What an entry scores that has these ranks, from 1 on; a list that lacks it gives nothing. */
export function fuse({ vector, text }: Ranks, weights: FusionWeights): number {
  const { constant } = weights
  const byVector = vector === undefined ? 0 : weights.vector / (constant + vector.rank)
  const byText = text === undefined ? 0 : weights.text / (constant + text.rank)
  return byVector + byText
}
