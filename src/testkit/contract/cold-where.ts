/**
 * `where` selects the same from cold, from pending and by what the manual says: random trees over random entries.
 *
 *   FAULT_RUNS=5000 npx vitest run test/cold/pglite/pglite-driver.test.ts -t where
 *   FAULT_RUNS=5000 npx vitest run test/cold/postgres/postgres-driver.test.ts -t where
 */

import { beforeAll, describe, expect, it } from 'vitest'
import type { EntryRecord } from '../../entry/record.ts'
import { matches } from '../../query/filter.ts'
import { parseWhere, type Where } from '../../query/where.ts'
import { fc } from '../load-fast-check.ts'
import { arbitraryTree, sampleRecords, selectedBy, type Tree, whereOf } from './arbitrary-where.ts'
import { chunkOf, FUTURE, idOf, keyOf, PAST, versionOf } from './cold-records.ts'
import { type ColdTierDriver, freshNamespace, type SharedColdTier } from './fresh-cold-tier.ts'
import { PATIENCE_MS } from './patience.ts'

const ENTRIES = 150
/** Trees that are tried on the same entries. */
const TREES = 250

export function describeColdWhere(driver: ColdTierDriver, shared: SharedColdTier): void {
  describe('where', () => {
    const { runs, seed = Math.floor(Math.random() * 2 ** 31) } = driver

    it.each(Array.from({ length: Math.ceil(runs / TREES) }, (_, round) => seed + round))(
      'selects by any tree what the manual says, seed %i',
      async (own) => {
        const namespace = freshNamespace()
        const records = sampleRecords(namespace, ENTRIES, own)
        expect(await shared.tier.upsert(records)).toEqual({ written: ENTRIES, rejected: 0 })
        const property = fc.asyncProperty(arbitraryTree, (tree) => agree(shared, records, tree))
        await fc.assert(property, { seed: own, numRuns: Math.min(runs, TREES) })
      },
    )

    describe('at the edges of three rows', () => {
      const namespace = freshNamespace()
      const rows = [1, 2, 3].map((position, n) =>
        chunkOf(namespace, n, n + 1, { position, expiresAt: position === 2 ? FUTURE + 1 : null, metadata: EDGES[n]! }),
      )
      beforeAll(async () => {
        await shared.tier.upsert(rows)
        await shared.tier.recordAccess([{ ...keyOf(namespace, 1), lastAccessedAt: FUTURE, accesses: 2 }])
      }, PATIENCE_MS)

      it.each<[Where, number]>([
        [{ position: { gt: 1.5, lt: 2.5 } }, 1],
        [{ position: { eq: 2.5 } }, 0],
        [{ position: { gte: -1e300, lte: 1e300 } }, 3],
        [{ createdAt: { gt: -1e14 } }, 3],
        [{ createdAt: { in: [PAST + 0.5, -5] } }, 0],
        [{ expiresAt: { lte: FUTURE + 1.5 } }, 1],
        [{ text: { in: [] } }, 0],
        [{ id: { nin: [idOf(0)] } }, 2],
        [{ version: { gt: versionOf(1) } }, 2],
        [{ 'metadata.n': { in: Array.from({ length: 10_000 }, (_, n) => n) } }, 1],
        [{ 'metadata.n.0': { exists: true } }, 0],
        [{ 'metadata.n': { gt: '' } }, 1],
        [{ 'metadata.n': { contains: 1 } }, 1],
        [{ not: { not: { 'metadata.n': { contains: [1] } } } }, 1],
      ])('%j', async (where, count) => {
        const filter = parseWhere(where)
        expect(await selected(shared, namespace, filter)).toHaveLength(count)
        expect(rows.filter((record) => matches(record, filter))).toHaveLength(count)
      })

      it('knows reads as cold knows them', async () => {
        const filter = parseWhere({ accessCount: { gte: 2 }, lastAccessedAt: { gt: PAST } })
        expect(await selected(shared, namespace, filter)).toEqual([idOf(1)])
        expect(matches(rows[1]!, filter, { accessCount: 2, lastAccessedAt: FUTURE })).toBe(true)
        expect(matches(rows[1]!, filter)).toBe(false)
      })

      it('as much of it as may be said at once', async () => {
        const one: Where = { 'metadata.a.b.c.d': { startsWith: 'a', gt: 'b', contains: 'c', nin: ['d'] } }
        const filter = parseWhere({ not: { or: Array.from({ length: 250 }, () => one) } })
        expect(await selected(shared, namespace, filter)).toHaveLength(3)
        await shared.tier.count(query(namespace, filter), [])
      })
    })
  })
}

const EDGES = ['{"n":[1,2]}', '{"n":"1"}', '{"n":1}']

function query(namespace: string, filter: ReturnType<typeof parseWhere>) {
  return { scope: { namespace, recursive: false }, filter, now: FUTURE, exclude: [] }
}

async function selected({ tier }: SharedColdTier, namespace: string, filter: ReturnType<typeof parseWhere>) {
  return (await tier.find(query(namespace, filter), 1_000)).rows.map(({ record }) => record.id)
}

async function agree(shared: SharedColdTier, records: readonly EntryRecord[], tree: Tree): Promise<void> {
  const filter = parseWhere(whereOf(tree) as Where)
  const expected = records.filter((record) => selectedBy(tree, record)).map(({ id }) => id)
  expect(records.filter((record) => matches(record, filter)).map(({ id }) => id)).toEqual(expected)
  const { namespace } = records[0]!
  expect(await selected(shared, namespace, filter)).toEqual(expected)
  expect(await shared.tier.count(query(namespace, filter), [])).toBe(expected.length)
}
