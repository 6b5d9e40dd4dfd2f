/** Embeddings that cold keeps rounded: what reads give, and that searches find and score exactly that. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ColdHit, ColdSearch, ColdTier } from '../../cold/cold-tier.ts'
import type { EntryRecord } from '../../entry/record.ts'
import { PRECISIONS, type Precision, roundVector, widenVector } from '../../entry/rounded-vector.ts'
import { silentLogger } from '../../kernel/logger.ts'
import { type Metric, similarity } from '../../query/metric.ts'
import { chunkOf, FUTURE, PAST, seeded, tombstone, vectorOf } from './cold-records.ts'
import type { ColdTierDriver } from './fresh-cold-tier.ts'
import { PATIENCE_MS } from './patience.ts'

const METRICS: readonly Metric[] = ['cosine', 'l2', 'inner-product']
/** Of an index, of an odd number, and of one. */
const DIMENSIONS = [24, 7, 1]
const ROWS = 60
const K = 10

/** What becomes of a vector. */
function kept(embedding: Float32Array, precision: Precision): Float32Array {
  return precision === 'full' ? embedding : widenVector(roundVector(embedding, precision)!)
}

export function describeColdPrecision(driver: ColdTierDriver): void {
  describe('embeddings by precision', () => {
    const random = seeded(11)
    const vectors = DIMENSIONS.flatMap((dimension) => Array.from({ length: ROWS }, () => vectorOf(dimension, random)))
    const recordsOf = (namespace: string, from: number) =>
      vectors.map((embedding, n) => chunkOf(namespace, from + n, from + n + 1, { embedding }))
    const records: Readonly<Record<Precision, readonly EntryRecord[]>> = {
      full: recordsOf('all', 0),
      half: recordsOf('all/half', 1_000),
      int8: recordsOf('all/int8', 2_000),
    }
    let tier: ColdTier

    beforeAll(async () => {
      const precision = { 'all/half': 'half', 'all/int8': 'int8', 'ranges/**': 'int8' } as const
      tier = await driver.open({ dimensions: [24], metrics: METRICS, precision, logger: silentLogger })
      await tier.upsert(PRECISIONS.flatMap((each) => records[each]))
    }, PATIENCE_MS)
    afterAll(() => tier.close(), PATIENCE_MS)

    const queryOf = (embedding: Float32Array, overrides: Partial<ColdSearch> = {}): ColdSearch => ({
      ...{ scope: { namespace: 'all', recursive: true }, filter: [], now: FUTURE, exclude: [] },
      ...{ metric: 'cosine', embedding, k: K, ...overrides },
    })
    const keptRecords = (precision: Precision) =>
      records[precision].map((record) => ({ ...record, embedding: kept(record.embedding!, precision) }))
    const nearest = (among: readonly EntryRecord[], { metric, embedding }: ColdSearch) =>
      among
        .filter((record) => record.embedding!.length === embedding.length)
        .map((record) => ({ record, score: similarity(metric, embedding, record.embedding!) }))
        .sort((a, b) => b.score - a.score)
        .slice(0, K)
    /** An index of halves, and a database that sums in single precision, may swap what is as near. */
    const expectNearest = (hits: readonly ColdHit[], among: readonly EntryRecord[], query: ColdSearch): void => {
      const wanted = nearest(among, query)
      expect(hits).toHaveLength(wanted.length)
      for (const [i, { record, score }] of hits.entries()) {
        expect(record).toEqual(among.find(({ id }) => id === record.id))
        expect(score).toBe(similarity(query.metric, query.embedding, record.embedding!))
        expect(Math.abs(score - wanted[i]!.score)).toBeLessThan(2e-3)
      }
    }

    it.each(PRECISIONS)('are read as %s keeps them', async (precision) => {
      const rows = await tier.read(records[precision])
      expect(rows.map((row) => row?.record)).toEqual(keptRecords(precision))
      const scope = { namespace: precision === 'full' ? 'all' : `all/${precision}`, recursive: false }
      const measured = await tier.measure({ scope, after: undefined }, 1_000)
      expect(measured.map(({ dimension }) => dimension)).toEqual(vectors.map(({ length }) => length))
      const bytes = measured.slice(0, ROWS).map((each) => each.bytes)
      const alike = await tier.measure({ scope: { namespace: 'all', recursive: false }, after: undefined }, ROWS)
      if (precision !== 'full') for (const [i, each] of bytes.entries()) expect(each).toBeLessThan(alike[i]!.bytes)
    })

    describe.each([false, true])('are searched: through an index %s', (isIndexed) => {
      beforeAll(async () => {
        if (!isIndexed) return
        while ((await tier.indexVectors(50)) > 0);
        const others = vectors.length - ROWS
        expect((await tier.stats()).unindexed).toBe(3 * (driver.indexesVectors ? others : vectors.length))
      }, PATIENCE_MS)

      it.each(METRICS)('by %s, each by itself and all together', async (metric) => {
        for (const dimension of DIMENSIONS) {
          const query = queryOf(vectorOf(dimension, random), { metric })
          for (const precision of PRECISIONS) {
            const filter = [{ field: 'position', operator: 'in', values: records[precision].map((r) => r.position!) }]
            const { hits } = await tier.search({ ...query, filter: filter as ColdSearch['filter'] })
            expectNearest(hits, keptRecords(precision), query)
          }
          const { hits, exact } = await tier.search(query)
          expectNearest(hits, PRECISIONS.flatMap(keptRecords), query)
          expect(exact).toBe(!driver.indexesVectors || dimension !== 24)
        }
      })
    })

    it.each(PRECISIONS)('rank as the exact ones do, nearly: %s', async (precision) => {
      let found = 0
      const scope = { namespace: precision === 'full' ? 'all' : `all/${precision}`, recursive: false }
      for (let n = 0; n < 20; n++) {
        const query = queryOf(vectorOf(24, random), { scope })
        const ids = (await tier.search(query)).hits.map(({ record }) => record.id)
        found += nearest(records[precision], query).filter(({ record }) => ids.includes(record.id)).length
      }
      expect(found / (20 * K)).toBeGreaterThan(0.95)
    })

    it('have a range as wide as that of full ones', async () => {
      const scales = [1e-18, 1e-9, 1, 1e6, 1e17]
      const rows = scales.map((scale, n) =>
        chunkOf('ranges/a', n, 9_000 + n, { embedding: vectorOf(24, random).map((component) => component * scale) }),
      )
      await tier.upsert(rows)
      while ((await tier.indexVectors(2)) > 0);
      for (const [n, { embedding }] of rows.entries()) {
        const scope = { namespace: 'ranges', recursive: true }
        for (const scale of [1, 1 / scales[n]!]) {
          const query = queryOf(
            embedding!.map((component) => component * scale),
            { scope, k: 1 },
          )
          const { hits } = await tier.search(query)
          expect(hits).toMatchObject([{ record: { id: rows[n]!.id, embedding: kept(embedding!, 'int8') } }])
          expect(hits[0]?.score).toBeCloseTo(1, 3)
        }
      }
    })

    it('go with the entry', async () => {
      const { unindexed } = await tier.stats()
      await tier.upsert([chunkOf('ranges/b', 1, 9_100, { embedding: vectorOf(24, random) })])
      expect((await tier.stats()).unindexed).toBe(unindexed + 1)
      await tier.upsert([chunkOf('ranges/b', 1, 9_101)])
      expect((await tier.read([chunkOf('ranges/b', 1, 0)]))[0]?.record.embedding).toBeNull()
      await tier.upsert([tombstone('ranges/b', 1, 9_102, PAST)])
      expect((await tier.stats()).unindexed).toBe(unindexed)
    })
  })
}
