import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ColdSearch, ColdTier } from '../../cold/cold-tier.ts'
import type { EntryRecord } from '../../entry/record.ts'
import { silentLogger } from '../../kernel/logger.ts'
import type { Metric } from '../../query/metric.ts'
import { similarity } from '../../query/metric.ts'
import { chunkOf, FUTURE, idOf, keyOf, PAST, seeded, tombstone, vectorOf, versionOf } from './cold-records.ts'
import { type ColdTierDriver, freshNamespace, shareColdTier } from './fresh-cold-tier.ts'
import { PATIENCE_MS } from './patience.ts'

const DIMENSION = 32
const METRICS: readonly Metric[] = ['cosine', 'l2', 'inner-product']

export function describeColdSearch(driver: ColdTierDriver): void {
  describe('searching', () => {
    const random = seeded(42)
    const indexed = driver.indexedVectors ?? 1_500
    const all = indexed * 1.2
    const records = Array.from({ length: all }, (_, n) =>
      chunkOf('big', n, n + 1, { embedding: vectorOf(DIMENSION, random), documentId: n % 100 === 7 ? 'rare' : null }),
    )
    const small = Array.from({ length: 7 }, (_, n) =>
      chunkOf('small', n, 5_000 + n, { embedding: vectorOf(DIMENSION, random) }),
    )
    const unlisted = Array.from({ length: 20 }, (_, n) =>
      chunkOf('big', 10_000 + n, 6_000 + n, { embedding: vectorOf(DIMENSION + 1, random) }),
    )
    let tier: ColdTier

    beforeAll(async () => {
      tier = await driver.open({ dimensions: [DIMENSION], metrics: ['cosine', 'l2'], logger: silentLogger })
      await tier.upsert([...records.slice(0, indexed), ...unlisted])
      await tier.upsert(small)
      while ((await tier.indexVectors(500)) > 0);
      const inTheIndex = driver.indexesVectors ? indexed + small.length : 0
      await tier.upsert(records.slice(indexed))
      expect((await tier.stats()).unindexed).toBe(records.length + small.length + unlisted.length - inTheIndex)
    }, PATIENCE_MS)
    afterAll(() => tier.close(), PATIENCE_MS)

    const queryOf = (embedding: Float32Array, overrides: Partial<ColdSearch> = {}): ColdSearch => ({
      scope: { namespace: 'big', recursive: false },
      filter: [],
      now: FUTURE,
      exclude: [],
      metric: 'cosine',
      embedding,
      k: 10,
      ...overrides,
    })
    const idsOf = async (query: ColdSearch): Promise<string[]> =>
      (await tier.search(query)).hits.map(({ record }) => record.id)

    it.each(METRICS)('scores by %s, nearest first, as plain arithmetic does', async (metric) => {
      const query = queryOf(vectorOf(DIMENSION, random), { metric })
      const { hits, exact } = await tier.search(query)
      expect(exact).toBe(metric === 'inner-product' || !driver.indexesVectors)
      const scores = hits.map(({ score }) => score)
      expect(scores).toEqual([...scores].sort((a, b) => b - a))
      for (const { record, score } of hits) expect(score).toBeCloseTo(scoreOf(record, query), 4)
    })

    it('finds what a comparison with every row finds, indexed or not', async () => {
      let found = 0
      let fromRest = 0
      for (let round = 0; round < 40; round++) {
        const query = queryOf(vectorOf(DIMENSION, random))
        const nearest = bruteForce(records, query)
        const ids = await idsOf(query)
        expect(ids).toHaveLength(10)
        found += nearest.filter((id) => ids.includes(id)).length
        fromRest += ids.filter((id) => id >= idOf(indexed)).length
      }
      // The index is approximate; the rest is not.
      expect(found / 400).toBeGreaterThan(0.95)
      expect(fromRest).toBeGreaterThan(20)
    })

    it('finds each row by its own vector', async () => {
      for (const n of [0, 1, indexed - 1, indexed, all - 1]) {
        const [hit] = (await tier.search(queryOf(records[n]!.embedding!, { k: 1 }))).hits
        expect(hit?.record).toEqual(records[n])
        expect(hit?.score).toBeCloseTo(1, 5)
      }
    })

    it('finds all of a small namespace inside a large table', async () => {
      const query = queryOf(vectorOf(DIMENSION, random), { scope: { namespace: 'small', recursive: false } })
      expect(await idsOf(query)).toEqual(bruteForce(small, query))
    })

    it('is not starved by a filter', async () => {
      const query = queryOf(vectorOf(DIMENSION, random), {
        filter: [{ field: 'documentId', operator: 'eq', value: 'rare' }],
      })
      const rare = records.filter(({ documentId }) => documentId === 'rare')
      expect(rare).toHaveLength(all / 100)
      expect(await idsOf({ ...query, k: all / 100 })).toEqual(bruteForce(rare, { ...query, k: all / 100 }))
      expect(await idsOf({ ...query, k: 50 })).toEqual(bruteForce(rare, { ...query, k: 50 }))
    })

    it('leaves out what the caller answers for', async () => {
      const query = queryOf(records[3]!.embedding!)
      const nearest = await idsOf({ ...query, k: 12 })
      expect(nearest[0]).toBe(idOf(3))
      const exclude = [nearest[0], nearest[1]].map((id) => ({ namespace: 'big', id: id!, version: versionOf(9_999) }))
      expect(await idsOf({ ...query, exclude })).toEqual(nearest.slice(2))
    })

    it('answers more than the index looks at once', async () => {
      const query = queryOf(vectorOf(DIMENSION, random), { k: 1_000 })
      expect(await idsOf(query)).toHaveLength(Math.min(1_000, all))
      expect(new Set(await idsOf({ ...query, k: 5_000 })).size).toBe(records.length)
    })

    it('compares only vectors of the same dimensions, with or without an index', async () => {
      const query = queryOf(vectorOf(DIMENSION + 1, random), { k: 50 })
      const { hits, exact } = await tier.search(query)
      expect(exact).toBe(true)
      expect(hits.map(({ record }) => record.id)).toEqual(bruteForce(unlisted, query))
      expect(await tier.search(queryOf(vectorOf(7, random)))).toEqual({ hits: [], exact: true, versions: [] })
      expect((await tier.search({ ...query, k: 0 })).hits).toEqual([])
    })

    it('finds them together with the versions of keys, whatever either has', async () => {
      const keys = [keyOf('big', 3), keyOf('big', 999_999), keyOf('nowhere', 1), keyOf('big', 0)]
      const versions = await tier.versions(keys)
      expect(versions.map((version) => version !== undefined)).toEqual([true, false, false, true])
      const embedding = vectorOf(DIMENSION, random)
      for (const query of [
        ...METRICS.map((metric) => queryOf(embedding, { metric })),
        // Of a filter, the index finds none.
        queryOf(embedding, { filter: [{ field: 'documentId', operator: 'eq', value: 'nowhere' }] }),
        queryOf(embedding, { filter: [{ field: 'id', operator: 'in', values: [idOf(1)] }] }),
        queryOf(vectorOf(DIMENSION + 1, random), { k: 50 }),
        queryOf(embedding, { k: 0 }),
      ]) {
        const found = await tier.search(query)
        expect(found.versions).toEqual([])
        expect(await tier.search({ ...query, versionsOf: keys })).toEqual({ ...found, versions })
      }
    })

    it('sees a new version at once, and a deleted or expired row no more', async () => {
      const [first, second, third] = [1, 2, 3].map(() => vectorOf(DIMENSION, random)) as [
        Float32Array,
        Float32Array,
        Float32Array,
      ]
      const scope = { namespace: 'changing', recursive: false }
      await tier.upsert([1, 2].map((n) => chunkOf('changing', n, 9_000 + n, { embedding: n === 1 ? first : second })))
      while ((await tier.indexVectors(500)) > 0);
      await tier.upsert([
        chunkOf('changing', 1, 9_010, { embedding: third, text: 'new' }),
        chunkOf('changing', 3, 9_011, { embedding: first, expiresAt: PAST }),
      ])
      const { hits } = await tier.search(queryOf(third, { scope }))
      expect(hits.map(({ record }) => record.text)).toEqual(['new', 'version 9002'])
      await tier.upsert([tombstone('changing', 1, 9_020)])
      expect(await idsOf(queryOf(third, { scope }))).toEqual([idOf(2)])
      await tier.recordAccess([{ ...keyOf('changing', 2), lastAccessedAt: PAST, accesses: 1 }])
      expect((await tier.search(queryOf(third, { scope }))).hits[0]?.access).toEqual({
        lastAccessedAt: PAST,
        accessCount: 1,
      })
    })
  })

  if (!driver.indexesVectors) return
  describe('indexing', () => {
    it('takes no newer rows than it is asked to, and leaves what others are writing', async () => {
      const tier = await driver.open({ dimensions: [4], metrics: ['cosine'], logger: silentLogger })
      const random = seeded(3)
      const rows = Array.from({ length: 5 }, (_, n) => chunkOf('ns', n, n + 1, { embedding: vectorOf(4, random) }))
      await tier.upsert(rows)
      expect(await tier.indexVectors(10, versionOf(2))).toBe(2)
      expect(await tier.indexVectors(10, versionOf(2))).toBe(0)
      expect(await tier.indexVectors(2)).toBe(2)
      expect((await tier.stats()).unindexed).toBe(1)
      await tier.close()
    })
  })

  describe('indexing a first load', () => {
    it('takes all that wait at once, where the index holds no more, and inserts what comes then', async () => {
      const tier = await driver.open({ dimensions: [8, 9], metrics: ['cosine'], logger: silentLogger })
      const random = seeded(4)
      const rows = Array.from({ length: 700 }, (_, n) => chunkOf('ns', n, n + 1, { embedding: vectorOf(8, random) }))
      const { signal } = new AbortController()
      const query: ColdSearch = {
        ...{ scope: { namespace: 'ns', recursive: false }, filter: [], now: PAST, exclude: [], k: 3 },
        ...{ metric: 'cosine', embedding: rows[7]!.embedding! },
      }
      await tier.upsert(rows.slice(0, 100))
      expect(await tier.indexInBulk(signal)).toBe(0)
      await tier.upsert(rows)
      expect(await tier.indexInBulk(signal)).toBe(700)
      expect((await tier.stats()).unindexed).toBe(0)
      const { hits, exact } = await tier.search(query)
      expect({ exact, nearest: hits[0]?.record.id }).toEqual({ exact: false, nearest: idOf(7) })
      const more = rows.slice(0, 550).map((row, n) => ({ ...row, id: idOf(1_000 + n) }))
      await tier.upsert(more)
      expect(await tier.indexInBulk(signal)).toBe(0)
      expect(await tier.indexVectors(1_000)).toBe(550)
      expect((await tier.search({ ...query, k: 2 })).hits.map(({ record }) => record.id).sort()).toEqual([
        idOf(7),
        idOf(1_007),
      ])
      await tier.close()
    })
  })

  describe('scores', () => {
    const shared = shareColdTier(driver, { dimensions: [2], metrics: METRICS })

    it.each([1e-18, 1, 1e18])('are those of the vectors, in double precision, at length %d', async (length) => {
      const namespace = freshNamespace()
      const ofLength = (...components: number[]) => Float32Array.from(components.map((component) => component * length))
      const rows = [ofLength(0.6, 0.8), ofLength(1, 0), ofLength(-1, 0)].map((embedding, n) => {
        return chunkOf(namespace, n, n + 1, { embedding })
      })
      await shared.tier.upsert(rows)
      for (const metric of METRICS) {
        const query: ColdSearch = {
          ...{ scope: { namespace, recursive: false }, filter: [], now: PAST, exclude: [], k: 3 },
          ...{ metric, embedding: ofLength(0.6, 0.8) },
        }
        const { hits } = await shared.tier.search(query)
        expect(hits.map(({ record }) => record.id)).toEqual([0, 1, 2].map(idOf))
        for (const { record, score } of hits) expect(score).toBe(similarity(metric, query.embedding, record.embedding!))
      }
    })
  })

  describe('searching vectors above 2 000 dimensions', () => {
    it('indexes them by halves, scores them in full, and compares those that have no half', async () => {
      const tier = await driver.open({ dimensions: [2_048], metrics: ['cosine'], logger: silentLogger })
      const random = seeded(7)
      const fine = Array.from({ length: 12 }, (_, n) => chunkOf('ns', n, n + 2, { embedding: vectorOf(2_048, random) }))
      // A half-precision float ends at 65 504.
      const huge = chunkOf('ns', 50, 1, { embedding: vectorOf(2_048, random).map((component) => component * 1e6) })
      await tier.upsert([...fine, huge])
      let indexed = 0
      for (let n = -1; n !== 0; indexed += n) n = await tier.indexVectors(5)
      expect(indexed).toBe(13)
      expect((await tier.stats()).unindexed).toBe(1)
      const query: ColdSearch = {
        scope: { namespace: 'ns', recursive: false },
        filter: [],
        now: PAST,
        exclude: [],
        metric: 'cosine',
        k: 3,
        embedding: huge.embedding!,
      }
      const { hits, exact } = await tier.search(query)
      expect(exact).toBe(true)
      expect(hits.map(({ record }) => record.id)).toEqual(bruteForce([...fine, huge], query))
      const byHalves = { ...query, embedding: fine[3]!.embedding! }
      const result = await tier.search(byHalves)
      expect(result.exact).toBe(false)
      expect(result.hits.map(({ record }) => record.id)).toEqual(bruteForce([...fine, huge], byHalves))
      for (const { record, score } of result.hits) expect(score).toBeCloseTo(scoreOf(record, byHalves), 5)
      // Half-precision floats begin at 6e-8: an index by cosine leaves out what has no other component.
      const tiny = chunkOf('ns', 60, 20, { embedding: vectorOf(2_048, random).map((component) => component * 1e-9) })
      await tier.upsert([tiny])
      expect(await tier.indexVectors(5)).toBe(1)
      expect((await tier.stats()).unindexed).toBe(2)
      for (const scale of [1, 1e9]) {
        const embedding = tiny.embedding!.map((component) => component * scale)
        const found = await tier.search({ ...query, embedding })
        expect(found.exact).toBe(scale === 1)
        expect(found.hits[0]?.record.id).toBe(tiny.id)
      }
      await tier.close()
    })
  })
}

function bruteForce(records: readonly EntryRecord[], query: ColdSearch): string[] {
  return records
    .map((record) => ({ id: record.id, score: scoreOf(record, query) }))
    .sort((a, b) => b.score - a.score)
    .slice(0, query.k)
    .map(({ id }) => id)
}

function scoreOf({ embedding }: EntryRecord, query: ColdSearch): number {
  let product = 0
  let squares = 0
  let own = 0
  let others = 0
  for (const [i, a] of embedding!.entries()) {
    const b = query.embedding[i]!
    product += a * b
    squares += (a - b) ** 2
    own += a * a
    others += b * b
  }
  if (query.metric === 'inner-product') return product
  return query.metric === 'l2' ? -Math.sqrt(squares) : product / Math.sqrt(own * others)
}
