import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { ColdQuery } from '../../src/cold/cold-tier.ts'
import type { EntryRecord } from '../../src/entry/record.ts'
import { compareText } from '../../src/entry/text.ts'
import { type Condition, type Filter, type FilterField, matches, parseWhere } from '../../src/query/filter.ts'
import { chunkOf, FUTURE, idOf, keyOf, PAST, tombstone, versionOf } from './cold-records.ts'
import { type ColdTierDriver, freshNamespace, shareColdTier } from './cold-tier.ts'

const NOW = PAST + 1_000_000

function queryOf(namespace: string, overrides: Partial<ColdQuery> = {}): ColdQuery {
  return { scope: { namespace, recursive: false }, filter: [], now: NOW, exclude: [], ...overrides }
}

export function describeColdQueries(driver: ColdTierDriver): void {
  describe('querying', () => {
    const shared = shareColdTier(driver)

    it('finds live rows only, in the order of keys, up to the limit', async () => {
      const namespace = freshNamespace()
      await shared.tier.upsert([
        ...[5, 3, 1].map((n) => chunkOf(namespace, n, n)),
        chunkOf(namespace, 2, 2, { expiresAt: NOW }),
        chunkOf(namespace, 4, 4, { expiresAt: NOW + 1 }),
        tombstone(namespace, 6, 6),
      ])
      const found = await shared.tier.find(queryOf(namespace), 10)
      expect(found.map(({ record }) => record.id)).toEqual([1, 3, 4, 5].map(idOf))
      expect((await shared.tier.find(queryOf(namespace), 2)).map(({ record }) => record.id)).toEqual([1, 3].map(idOf))
      expect(await shared.tier.count(queryOf(namespace), [])).toBe(4)
    })

    it('sees exactly its scope', async () => {
      const root = freshNamespace()
      const paths = ['', '/x', '/x/y', '/\u{10ffff}', '-corp', '0', '.', '/', ' /x']
      await shared.tier.upsert(paths.map((path, n) => chunkOf(`${root}${path}`, n, n + 1)))
      const inside = async (recursive: boolean): Promise<string[]> => {
        const rows = await shared.tier.find(queryOf(root, { scope: { namespace: root, recursive } }), 100)
        return rows.map(({ record }) => record.namespace.slice(root.length))
      }
      expect(await inside(false)).toEqual([''])
      expect(await inside(true)).toEqual(['', '/', '/x', '/x/y', '/\u{10ffff}'])
    })

    it('orders namespaces by bytes', async () => {
      const root = freshNamespace()
      // U+FF5E is below the emoji by code point, and above it by UTF-16 unit.
      const names = ['a', 'B', 'é', 'z', '\uff5e', '😀', 'Z', 'á']
      await shared.tier.upsert(names.map((name, n) => chunkOf(`${root}/${name}`, n, n + 1)))
      const rows = await shared.tier.find(queryOf(root, { scope: { namespace: root, recursive: true } }), 100)
      const found = rows.map(({ record }) => record.namespace.slice(root.length + 1))
      expect(found).toEqual([...names].sort(compareText))
    })

    it('leaves out what the caller answers for, and nothing newer', async () => {
      const namespace = freshNamespace()
      await shared.tier.upsert([1, 2, 3, 4].map((n) => chunkOf(namespace, n, n + 10)))
      const own = (n: number, version: number) => ({ ...keyOf(namespace, n), version: versionOf(version) })
      const elsewhere = { ...keyOf(`${namespace}/other`, 1), version: versionOf(99) }
      const exclude = [own(1, 10), own(2, 12), own(3, 14), elsewhere, own(9, 99)]
      const found = await shared.tier.find(queryOf(namespace, { exclude }), 10)
      expect(found.map(({ record }) => record.id)).toEqual([1, 4].map(idOf))
    })

    it('counts each key once, by its newest version', async () => {
      const namespace = freshNamespace()
      await shared.tier.upsert([
        ...[1, 2, 3, 4].map((n) => chunkOf(namespace, n, 10)),
        tombstone(namespace, 5, 10),
        chunkOf(namespace, 6, 10, { documentId: 'other' }),
      ])
      const own = (n: number, version: number, matches: boolean) => {
        return { ...keyOf(namespace, n), version: versionOf(version), matches }
      }
      const filter: Filter = [{ field: 'position', operator: 'lte', value: 5 }]
      const count = (...versions: ReturnType<typeof own>[]) =>
        shared.tier.count(queryOf(namespace, { filter }), versions)
      expect(await count()).toBe(4)
      expect(await count(own(1, 11, true), own(2, 10, true), own(7, 1, true))).toBe(5)
      expect(await count(own(1, 11, false), own(2, 9, false), own(7, 1, false))).toBe(3)
      expect(await count(own(5, 9, true), own(5 + 1, 9, true))).toBe(4)
      expect(await count(own(5, 11, true), own(6, 11, true))).toBe(6)
    })

    it('answers reads counted so far', async () => {
      const namespace = freshNamespace()
      await shared.tier.upsert([chunkOf(namespace, 1, 1)])
      await shared.tier.recordAccess([{ ...keyOf(namespace, 1), lastAccessedAt: PAST + 9, accesses: 2 }])
      const [row] = await shared.tier.find(queryOf(namespace), 1)
      expect(row?.access).toEqual({ lastAccessedAt: PAST + 9, accessCount: 2 })
    })

    describe('filters select what `matches` selects', () => {
      const namespace = freshNamespace()
      const records = sampleRecords(namespace)
      beforeAll(async () => {
        await shared.tier.upsert(records)
      })
      const selected = async (filter: Filter): Promise<string[]> =>
        (await shared.tier.find(queryOf(namespace, { filter }), 1_000)).map(({ record }) => record.id)
      const expected = (filter: Filter): string[] =>
        records.filter((record) => matches(record, filter)).map(({ id }) => id)

      it('for any conditions', async () => {
        await fc.assert(
          fc.asyncProperty(arbitraryFilter, async (filter) => {
            expect(await selected(filter)).toEqual(expected(filter))
            expect(await shared.tier.count(queryOf(namespace, { filter }), [])).toBe(expected(filter).length)
          }),
          { numRuns: 300 },
        )
      })

      it.each([
        [{ position: { gt: 1.5, lt: 2.5 } }, 1],
        [{ position: { eq: 2.5 } }, 0],
        [{ position: { gte: -1e300, lte: 1e300 } }, 3],
        [{ createdAt: { gt: -1e14 } }, 3],
        [{ createdAt: { in: [PAST + 0.5, -5] } }, 0],
        [{ expiresAt: { lte: FUTURE + 0.5 } }, 1],
        [{ text: { in: [] } }, 0],
      ])('at the edges of three rows: %j', async (where, count) => {
        const filter = parseWhere({ id: { in: EDGE_IDS }, ...where })
        expect(await selected(filter)).toEqual(expected(filter))
        expect(expected(filter)).toHaveLength(count)
      })
    })
  })
}

const TEXTS = ['', 'a', 'B', 'Z', 'é', 'z', '\uff5e', '😀', 'ab', "'", '%']
const NUMBERS = [0, 1, 2, 3, 2_147_483_647]
const TIMES = [0, PAST - 1, PAST, PAST + 1, NOW, 253_402_300_799_999]
const EDGE_IDS = [idOf(900), idOf(901), idOf(902)]

/** Every combination of neighbours, in the order of ids; rows that `find` can see at NOW. */
function sampleRecords(namespace: string): EntryRecord[] {
  const pick = <T>(values: readonly T[], n: number): T => values[n % values.length]!
  const samples = Array.from({ length: 120 }, (_, n): EntryRecord => {
    const common = {
      key: n % 4 === 0 ? null : pick(TEXTS.slice(1), n >> 1),
      embeddingModel: n % 3 === 0 ? null : pick(TEXTS.slice(1), n),
      createdAt: pick(TIMES, n),
      updatedAt: pick(TIMES, n >> 2),
      expiresAt: n % 2 === 0 ? null : pick([NOW + 1, FUTURE, 253_402_300_799_999], n),
    }
    if (n % 5 === 0)
      return chunkOf(namespace, n, n + 1, {
        ...common,
        kind: 'raptor',
        text: pick(TEXTS, n),
        position: null,
        level: pick(NUMBERS, n),
        children: [],
      })
    if (n % 7 === 0)
      return chunkOf(namespace, n, n + 1, { ...common, kind: 'metadata', text: null, position: null, metadata: '{}' })
    return chunkOf(namespace, n, n + 1, {
      ...common,
      text: pick(TEXTS, n >> 1),
      documentId: n % 3 === 0 ? null : pick(TEXTS.slice(1), n >> 3),
      position: n % 6 === 0 ? null : pick(NUMBERS, n),
    })
  })
  const edges = [1, 2, 3].map((position, n) =>
    chunkOf(namespace, 900 + n, 900 + n, {
      position,
      expiresAt: position === 2 ? FUTURE : null,
      version: versionOf(900 + n),
    }),
  )
  return [...samples, ...edges]
}

const VALUES: Record<FilterField, fc.Arbitrary<string | number>> = {
  kind: fc.constantFrom('embedding', 'chunk', 'metadata', 'raptor'),
  id: fc.integer({ min: 0, max: 130 }).map(idOf),
  key: fc.constantFrom(...TEXTS),
  text: fc.constantFrom(...TEXTS),
  documentId: fc.constantFrom(...TEXTS),
  position: fc.constantFrom(...NUMBERS, -1, 0.5, 2.5, 1e20),
  level: fc.constantFrom(...NUMBERS, -0, 1.5, -1e9),
  embeddingModel: fc.constantFrom(...TEXTS),
  createdAt: fc.constantFrom(...TIMES, -1, 0.5, PAST + 0.5, -253_402_300_799_999),
  updatedAt: fc.constantFrom(...TIMES, PAST - 0.5),
  expiresAt: fc.constantFrom(NOW + 1, NOW + 1.5, FUTURE, 253_402_300_799_999),
}

const arbitraryCondition: fc.Arbitrary<Condition> = fc
  .constantFrom(...(Object.keys(VALUES) as FilterField[]))
  .chain((field) =>
    fc.oneof(
      fc.record({
        field: fc.constant(field),
        operator: fc.constantFrom('eq', 'gt', 'gte', 'lt', 'lte'),
        value: VALUES[field],
      }),
      fc.record({
        field: fc.constant(field),
        operator: fc.constant('in' as const),
        values: fc.array(VALUES[field], { maxLength: 4 }),
      }),
    ),
  )

const arbitraryFilter: fc.Arbitrary<Filter> = fc.array(arbitraryCondition, { maxLength: 3 })
