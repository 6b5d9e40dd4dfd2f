import { describe, expect, it } from 'vitest'
import type { ColdQuery } from '../../cold/cold-tier.ts'
import { compareText } from '../../entry/text.ts'
import type { Filter } from '../../query/filter.ts'
import { chunkOf, idOf, keyOf, PAST, tombstone, versionOf } from './cold-records.ts'
import { freshNamespace, type SharedColdTier } from './fresh-cold-tier.ts'

const NOW = PAST + 1_000_000

function queryOf(namespace: string, overrides: Partial<ColdQuery> = {}): ColdQuery {
  return { scope: { namespace, recursive: false }, filter: [], now: NOW, exclude: [], ...overrides }
}

export function describeColdQueries(shared: SharedColdTier): void {
  describe('querying', () => {
    it('finds live rows only, in the order of keys, up to the limit', async () => {
      const namespace = freshNamespace()
      await shared.tier.upsert([
        ...[5, 3, 1].map((n) => chunkOf(namespace, n, n)),
        chunkOf(namespace, 2, 2, { expiresAt: NOW }),
        chunkOf(namespace, 4, 4, { expiresAt: NOW + 1 }),
        tombstone(namespace, 6, 6),
      ])
      const { rows: found } = await shared.tier.find(queryOf(namespace), 10)
      expect(found.map(({ record }) => record.id)).toEqual([1, 3, 4, 5].map(idOf))
      expect((await shared.tier.find(queryOf(namespace), 2)).rows.map(({ record }) => record.id)).toEqual(
        [1, 3].map(idOf),
      )
      expect(await shared.tier.count(queryOf(namespace), [])).toBe(4)
    })

    it('sees exactly its scope', async () => {
      const root = freshNamespace()
      const paths = ['', '/x', '/x/y', '/\u{10ffff}', '-corp', '0', '.', '/', ' /x']
      await shared.tier.upsert(paths.map((path, n) => chunkOf(`${root}${path}`, n, n + 1)))
      const inside = async (recursive: boolean): Promise<string[]> => {
        const { rows } = await shared.tier.find(queryOf(root, { scope: { namespace: root, recursive } }), 100)
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
      const { rows } = await shared.tier.find(queryOf(root, { scope: { namespace: root, recursive: true } }), 100)
      const found = rows.map(({ record }) => record.namespace.slice(root.length + 1))
      expect(found).toEqual([...names].sort(compareText))
    })

    it('finds rows together with the versions of keys, whatever either has', async () => {
      const namespace = freshNamespace()
      await shared.tier.upsert([
        ...[1, 2, 3].map((n) => chunkOf(namespace, n, n + 10)),
        tombstone(namespace, 4, 14),
        chunkOf(`${namespace}/other`, 1, 15),
      ])
      const keys = [keyOf(namespace, 4), keyOf(namespace, 9), keyOf(`${namespace}/other`, 1), keyOf(namespace, 2)]
      const versions = [versionOf(14), undefined, versionOf(15), versionOf(12)]
      const order = [{ field: 'version' as const, isDescending: true }]
      const fields = new Set(['namespace', 'id', 'version'] as const)
      for (const [query, limit, ids] of [
        [queryOf(namespace), 2, [1, 2]],
        [{ ...queryOf(namespace), order, fields, withReads: false }, 2, [3, 2]],
        [queryOf(namespace, { exclude: [{ ...keyOf(namespace, 1), version: versionOf(11) }] }), 10, [2, 3]],
        [queryOf(`${namespace}/nothing`), 10, []],
      ] as const) {
        const found = await shared.tier.find({ ...query, versionsOf: keys }, limit)
        expect(await shared.tier.find(query, limit)).toEqual({ rows: found.rows, versions: [] })
        expect(found.rows.map(({ record }) => record.id)).toEqual(ids.map(idOf))
        expect(found.versions).toEqual(versions)
      }
    })

    it('leaves out what the caller answers for, and nothing newer', async () => {
      const namespace = freshNamespace()
      await shared.tier.upsert([1, 2, 3, 4].map((n) => chunkOf(namespace, n, n + 10)))
      const own = (n: number, version: number) => ({ ...keyOf(namespace, n), version: versionOf(version) })
      const elsewhere = { ...keyOf(`${namespace}/other`, 1), version: versionOf(99) }
      const exclude = [own(1, 10), own(2, 12), own(3, 14), elsewhere, own(9, 99)]
      const { rows: found } = await shared.tier.find(queryOf(namespace, { exclude }), 10)
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
      const [row] = (await shared.tier.find(queryOf(namespace), 1)).rows
      expect(row?.access).toEqual({ lastAccessedAt: PAST + 9, accessCount: 2 })
    })
  })
}
