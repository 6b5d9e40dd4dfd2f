/** How much of what is really nearest a search by the index of vectors finds. */
import { similarity } from '../../src/query/metric.ts'
import type { StoredChunk } from './demo-chunk.ts'
import type { DemoStore } from './store.ts'

/** What a search answers. */
const K = 10
const MOST_QUERIES = 100
/** The database sums in single precision, and may swap what is as near. */
const SAME = 1e-5

export interface Recall {
  /** From 0 to 1. */
  readonly share: number
  /** Searches, and those of them that an index of vectors served. */
  readonly searches: number
  readonly indexed: number
}

/**
 * Recall at 10: of the ten chunks that are nearest to each of up to 100 of them, by a look at all, the share that a
 * search has. Of chunks that are as near as the tenth, any will do.
 */
export async function recallAt10(chunks: readonly StoredChunk[], store: DemoStore): Promise<Recall> {
  const step = Math.max(1, Math.floor(chunks.length / MOST_QUERIES))
  const queries = chunks.filter((_, i) => i % step === 0).slice(0, MOST_QUERIES)
  const byId = new Map(chunks.map((chunk) => [chunk.id, chunk.embedding]))
  let [found, wanted, indexed] = [0, 0, 0]
  for (const { embedding } of queries) {
    const scores = chunks.map((chunk) => similarity('cosine', embedding, chunk.embedding)).sort((a, b) => b - a)
    const least = scores[Math.min(K, scores.length) - 1]! - SAME
    const { hits, exact } = await store.chunks.search({ embedding, k: K })
    if (!exact) indexed++
    const vectors = hits.map(({ entry }) => byId.get(entry.id)).filter((vector) => vector !== undefined)
    found += vectors.filter((vector) => similarity('cosine', embedding, vector) >= least).length
    wanted += Math.min(K, scores.length)
  }
  return { share: found / wanted, searches: queries.length, indexed }
}
