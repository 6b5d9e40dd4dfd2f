/**
 * Chooses by maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998): one after the other, the remaining item
 * with the greatest `lambda × relevance − (1 − lambda) × likeness`, where likeness is that to the most similar item
 * chosen before. Which hits it is applied to is decided in flow/choose-unlike.ts.
 */
export interface MarginalRelevance {
  /** How many candidates there are at most. */
  readonly fetch: number
  /** From 0 to 1. */
  readonly lambda: number
}

/**
 * Returns which candidates, by their place, are chosen, one at a time: the caller may stop after each. Ties go to the
 * one that comes first.
 * @param relevance of each candidate, best first.
 * @param likeness of two candidates, by their places.
 */
export function* byMarginalRelevance(
  relevance: readonly number[],
  likeness: (a: number, b: number) => number,
  lambda: number,
): Generator<number, void, undefined> {
  const left = new Set(relevance.keys())
  const nearest = relevance.map(() => Number.NEGATIVE_INFINITY)
  for (let last: number | undefined; left.size > 0; ) {
    let best: number | undefined
    let most = Number.NEGATIVE_INFINITY
    for (const i of left) {
      if (last !== undefined) nearest[i] = Math.max(nearest[i]!, likeness(i, last))
      const redundancy = last === undefined ? 0 : nearest[i]!
      const margin = lambda * relevance[i]! - (1 - lambda) * redundancy
      if (best !== undefined && !(margin > most)) continue
      best = i
      most = margin
    }
    last = best!
    left.delete(last)
    yield last
  }
}
