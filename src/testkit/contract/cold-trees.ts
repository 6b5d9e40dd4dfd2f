import { describe, expect, it } from 'vitest'
import type { ColdWalk } from '../../cold/cold-tier.ts'
import { IN_TREE, IS_NODE } from '../../query/filter.ts'
import type { OrderKeys } from '../../query/order.ts'
import { chunkOf, idOf, keyOf, PAST, tombstone, versionOf } from './cold-records.ts'
import { freshNamespace, type SharedColdTier } from './fresh-cold-tier.ts'

const NOW = PAST + 1_000_000

function nodeOf(namespace: string, n: number, level: number, children: readonly number[]) {
  const content = { kind: 'raptor', level, children: children.map(idOf), position: null } as const
  return chunkOf(namespace, n, n, content)
}

export function describeColdTrees(shared: SharedColdTier): void {
  describe('trees', () => {
    /** Entry `n` is of version `n`. */
    async function filled(): Promise<string> {
      const namespace = freshNamespace()
      await shared.tier.upsert([
        nodeOf(namespace, 1, 3, [2, 3, 3]),
        nodeOf(namespace, 2, 2, [4, 5, 9]),
        nodeOf(namespace, 3, 2, [5, 6, 1]),
        nodeOf(namespace, 4, 1, [7]),
        ...[5, 7].map((n) => chunkOf(namespace, n, n)),
        tombstone(namespace, 6, 6),
        // Of nothing above, and expired, with its way to 7.
        nodeOf(namespace, 8, 1, [7]),
        { ...nodeOf(namespace, 10, 1, [7, 8]), expiresAt: NOW },
        nodeOf(`${namespace}/x`, 11, 1, [7, 4]),
        chunkOf(`${namespace}/x`, 9, 9),
        // One id in both, above 7 in the other alone.
        nodeOf(namespace, 13, 1, []),
        nodeOf(`${namespace}/x`, 13, 1, [7]),
      ])
      return namespace
    }
    const walkOf = (namespace: string, from: number, overrides: Partial<ColdWalk> = {}): ColdWalk => ({
      ...{ scope: { namespace, recursive: false }, filter: IN_TREE, now: NOW, exclude: [] },
      ...{ from: idOf(from), direction: 'down', depth: 100, ...overrides },
    })
    const walked = async (query: ColdWalk, limit = 10) =>
      (await shared.tier.walk(query, limit)).map(({ depth, record }) => [
        depth,
        Number.parseInt(record.id.slice(-4), 16),
      ])

    it('are walked down, each entry once, and a cycle is no way back', async () => {
      const namespace = await filled()
      const all = [
        [1, 2],
        [1, 3],
        [2, 4],
        [2, 5],
        [3, 7],
      ]
      expect(await walked(walkOf(namespace, 1))).toEqual(all)
      expect(await walked(walkOf(namespace, 1), 3)).toEqual(all.slice(0, 3))
      expect(await walked(walkOf(namespace, 1, { depth: 1 }))).toEqual(all.slice(0, 2))
      expect(await walked(walkOf(namespace, 1, { after: { depth: 1, id: idOf(3) } }), 2)).toEqual(all.slice(2, 4))
      expect(await walked(walkOf(namespace, 1, { filter: IS_NODE, after: { depth: 2, id: idOf(3) } }))).toEqual([
        [2, 4],
      ])
      expect(await walked(walkOf(namespace, 2))).toEqual([
        [1, 4],
        [1, 5],
        [2, 7],
      ])
      for (const none of [5, 6, 10, 12]) expect(await walked(walkOf(namespace, none))).toEqual([])
    })

    it('are walked up', async () => {
      const namespace = await filled()
      const up = { direction: 'up' } as const
      expect(await walked(walkOf(namespace, 7, up))).toEqual([
        [1, 4],
        [1, 8],
        [2, 2],
        [3, 1],
        [4, 3],
      ])
      expect(await walked(walkOf(namespace, 7, { ...up, depth: 2 }))).toEqual([
        [1, 4],
        [1, 8],
        [2, 2],
      ])
      expect(await walked(walkOf(namespace, 7, up), 1)).toEqual([[1, 4]])
      expect(await walked(walkOf(`${namespace}/x`, 7, up))).toEqual([
        [1, 11],
        [1, 13],
      ])
    })

    it('begin where nothing live has it for a child', async () => {
      const namespace = await filled()
      const query = { scope: { namespace, recursive: false }, filter: IS_NODE, now: NOW, exclude: [] }
      const roots = async (
        exclude: readonly number[],
        { except = [], after, limit = 10 }: { except?: readonly number[]; after?: OrderKeys; limit?: number } = {},
      ) => {
        const excluded = exclude.map((n) => ({ ...keyOf(namespace, n), version: versionOf(n) }))
        const asked = { ...query, exclude: excluded, except: except.map(idOf), after }
        return (await shared.tier.roots(asked, limit)).map(({ record }) => Number.parseInt(record.id.slice(-4), 16))
      }
      // 1 is below 3, which is below 1.
      expect(await roots([])).toEqual([8, 13])
      expect(await roots([3])).toEqual([1, 8, 13])
      expect(await roots([2, 1])).toEqual([3, 4, 8, 13])
      expect(await roots([2, 1], { except: [8, 3, 13] })).toEqual([4])
      expect(await roots([2, 1], { limit: 2 })).toEqual([3, 4])
      expect(await roots([2, 1], { after: [1, namespace, idOf(4)] })).toEqual([8, 13])
      const parented = (exclude: readonly number[]) =>
        shared.tier.haveParents(
          { ...query, exclude: exclude.map((n) => ({ ...keyOf(namespace, n), version: versionOf(n) })) },
          [1, 4, 8, 12].map(idOf),
        )
      expect(await parented([])).toEqual(new Set([idOf(1), idOf(4)]))
      expect(await parented([2])).toEqual(new Set([idOf(1)]))
    })
  })
}
