/** `mmr` of a search chooses as the formula says, on what is pending and on what is shipped. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ChunkEntry, NamespaceView, SearchHit } from '../../src/index.ts'
import { byMarginalRelevance } from '../../src/query/marginal-relevance.ts'
import { budget } from '../tools/budget.ts'
import { describePairs, embeddedPair, shareStore, vectorOf } from './stores.ts'

type Likeness = (a: number, b: number) => number

/** The formula as it stands in the paper: all of it anew for each choice. */
function byHand(relevance: readonly number[], likeness: Likeness, lambda: number, k: number): number[] {
  const chosen: number[] = []
  while (chosen.length < Math.min(k, relevance.length)) {
    const left = relevance.map((_, i) => i).filter((i) => !chosen.includes(i))
    const margins = left.map((i) => {
      const redundancy = chosen.length === 0 ? 0 : Math.max(...chosen.map((j) => likeness(i, j)))
      return lambda * relevance[i]! - (1 - lambda) * redundancy
    })
    chosen.push(left[margins.indexOf(Math.max(...margins))]!)
  }
  return chosen
}

const cosine = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  const product = (x: ArrayLike<number>, y: ArrayLike<number>) =>
    Array.from(x).reduce((sum, v, i) => sum + v * y[i]!, 0)
  return product(a, b) / Math.sqrt(product(a, a) * product(b, b))
}
const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.hypot(...Array.from(a, (v, i) => v - b[i]!))

describe('maximal marginal relevance', () => {
  it('chooses as by hand, ties by what comes first', () => {
    // Few values, so that many are tied.
    const number = fc.integer({ min: -4, max: 4 }).map((n) => n / 4)
    const candidates = fc.array(fc.tuple(number, fc.array(number, { minLength: 12, maxLength: 12 })), { maxLength: 12 })
    const property = fc.property(candidates, fc.constantFrom(0, 0.25, 0.5, 1), (given, lambda) => {
      const relevance = given.map(([score]) => score).sort((a, b) => b - a)
      const likeness: Likeness = (a, b) => given[Math.min(a, b)]![1][Math.max(a, b)]!
      const expected = byHand(relevance, likeness, lambda, relevance.length)
      expect([...byMarginalRelevance(relevance, likeness, lambda)]).toEqual(expected)
    })
    fc.assert(property, { numRuns: budget({ short: 100, long: 5_000 }) })
  })
})

describePairs('a search with mmr', (pair) => {
  const shared = shareStore(pair)
  const question = vectorOf(1, 4)
  const idsOf = (hits: readonly SearchHit[]) => hits.map(({ entry }) => entry.id)

  /** Half of them shipped. */
  async function fill(view: NamespaceView): Promise<void> {
    const chunkOf = (n: number) => ({ text: n % 3 === 0 ? 'deep water' : 'water', embedding: vectorOf(n % 17, 4) })
    await view.chunks.putMany(Array.from({ length: 30 }, (_, n) => chunkOf(n)))
    await shared.store().checkpoint()
    await view.chunks.putMany(Array.from({ length: 30 }, (_, n) => chunkOf(n + 30)))
  }

  it.each(['cosine', 'l2', 'inner-product'] as const)(
    'chooses as by hand by %s, and reports the relevance',
    async (metric) => {
      const view = shared.view()
      await fill(view)
      const { hits: all } = await view.chunks.search({ embedding: question, metric, k: 20 })
      const likeness: Likeness = (a, b) => {
        const [one, other] = [a, b].map((i) => all[i]!.entry.embedding!) as [Float32Array, Float32Array]
        if (metric === 'l2') return -distance(one, other)
        return metric === 'cosine' ? cosine(one, other) : one.reduce((sum, v, i) => sum + v * other[i]!, 0)
      }
      for (const lambda of [0.1, 0.6, 1]) {
        const { hits } = await view.chunks.search({ embedding: question, metric, k: 7, mmr: { fetch: 20, lambda } })
        const chosen = hits.map(({ entry }) => all.findIndex((hit) => hit.entry.id === entry.id))
        expect(chosen).toEqual(
          byHand(
            all.map(({ score }) => score),
            likeness,
            lambda,
            7,
          ),
        )
        expect(hits.map(({ score }) => score)).toEqual(chosen.map((i) => all[i]!.score))
      }
    },
  )

  it('by vector and text weighs the share of the best score; what has no vector is like nothing', async () => {
    const view = shared.view()
    await fill(view)
    await view.chunks.putMany([{ text: 'deep deep' }, { text: 'deep', embedding: [1, 0] }])
    const query = { embedding: question, text: 'deep', metric: 'l2' } as const
    const { hits: all } = await view.chunks.search({ ...query, k: 40 })
    const vectors = all.map(({ entry }) => (entry as ChunkEntry).embedding)
    const likeness: Likeness = (a, b) =>
      vectors[a]?.length === 4 && vectors[b]?.length === 4 ? cosine(vectors[a], vectors[b]) : 0
    const relevance = all.map(({ score }) => score / all[0]!.score)
    const { hits } = await view.chunks.search({ ...query, k: 10, mmr: { fetch: 40, lambda: 0.4 } })
    expect(idsOf(hits)).toEqual(byHand(relevance, likeness, 0.4, 10).map((i) => all[i]!.entry.id))
    expect(hits.filter(({ entry }) => (entry as ChunkEntry).embedding?.length !== 4)).toHaveLength(2)
  })

  it('looks at four times as many as it answers, at no less than minScore, and counts what it answers', async () => {
    const view = shared.view()
    await fill(view)
    const { hits: all } = await view.chunks.search({ embedding: question, k: 12 })
    const chosen = await view.chunks.search({ embedding: question, k: 3, mmr: { lambda: 0 } })
    const same = await view.chunks.search({ embedding: question, k: 3, mmr: { lambda: 0, fetch: 12 } })
    expect(idsOf(chosen.hits)).toEqual(idsOf(same.hits))
    for (const id of idsOf(chosen.hits)) expect(idsOf(all)).toContain(id)
    const minScore = all[4]!.score
    const cut = await view.chunks.search({ embedding: question, k: 10, minScore, mmr: { lambda: 0, fetch: 40 } })
    expect(idsOf(cut.hits).sort()).toEqual(idsOf(all.filter(({ score }) => score >= minScore)).sort())
    const counted = (await view.chunks.find({ where: { accessCount: { gte: 1 } }, limit: 100 })).items
    expect(counted.length).toBeLessThanOrEqual(12)
  })
})

describe('an mmr that is refused', () => {
  const { view } = shareStore(embeddedPair)
  it.each<[object, string]>([
    [{ text: 'a', mmr: {} }, 'mmr'],
    [{ embedding: [1], mmr: { fetch: 9 } }, 'mmr'],
    [{ embedding: [1], mmr: { fetch: 10.5 } }, 'mmr'],
    [{ embedding: [1], mmr: { fetch: 1_001 } }, 'mmr'],
    [{ embedding: [1], mmr: { lambda: 1.1 } }, 'mmr'],
    [{ embedding: [1], mmr: { lambda: Number.NaN } }, 'mmr'],
    [{ embedding: [1], mmr: { k: 1 } }, 'mmr'],
    [{ embedding: [1], mmr: true }, 'mmr'],
  ])('is that of %j', async (options, field) => {
    await expect(view().chunks.search(options as never)).rejects.toMatchObject({
      code: 'ERR_INVALID_QUERY',
      details: { field },
    })
  })
})
