import { describe, expect, it } from 'vitest'
import type { ColdMeasure, ColdNamespaces } from '../../cold/cold-tier.ts'
import type { Scope } from '../../query/scope.ts'
import { chunkOf, keyOf, PAST, tombstone, versionOf } from './cold-records.ts'
import { type ColdTierDriver, freshNamespace, shareColdTier } from './fresh-cold-tier.ts'

const NOW = PAST + 1_000_000

export function describeColdNamespaces(driver: ColdTierDriver): void {
  describe('namespaces', () => {
    const shared = shareColdTier(driver)

    async function counted(namespace: string, asked: Partial<ColdNamespaces> = {}): Promise<Record<string, number>> {
      const query = { prefix: namespace.split('/'), suffix: [], now: NOW, own: [], ...asked }
      const found = await shared.tier.namespaces(query, 10)
      return Object.fromEntries(found.map(({ namespace: path, entries }) => [path.slice(namespace.length), entries]))
    }

    it('are counted by what they have, and are gone with it, however often counts are gathered', async () => {
      const namespace = freshNamespace()
      const b = `${namespace}/b`
      await shared.tier.upsert([chunkOf(namespace, 1, 1), chunkOf(namespace, 2, 2), chunkOf(b, 1, 1)])
      await shared.tier.upsert([chunkOf(namespace, 1, 3), chunkOf(namespace, 2, 1), chunkOf(b, 2, 1)])
      expect(await counted(namespace)).toEqual({ '': 2, '/b': 2 })
      for (let i = 0; i < 2; i++) await shared.tier.sweep({ graceMs: 1e13, limit: 10 })
      expect(await counted(namespace)).toEqual({ '': 2, '/b': 2 })
      await shared.tier.upsert([tombstone(b, 1, 5), tombstone(b, 2, 5), tombstone(namespace, 3, 5)])
      expect(await counted(namespace)).toEqual({ '': 2 })
      await shared.tier.sweep({ graceMs: 1e13, limit: 10 })
      await shared.tier.upsert([chunkOf(b, 7, 7)])
      expect(await counted(namespace)).toEqual({ '': 2, '/b': 1 })
      expect(await counted(namespace, { depth: 2 })).toEqual({ '': 3 })
    })

    it('are measured row by row, in order, those below them after them', async () => {
      const namespace = freshNamespace()
      const embedding = Float32Array.from({ length: 700 }, (_, i) => Math.sin(i))
      const rows = [
        chunkOf(namespace, 1, 5, { text: 'a'.repeat(100), embedding, expiresAt: NOW }),
        tombstone(namespace, 2, 6),
        chunkOf(`${namespace}/b`, 1, 7),
        chunkOf(`${namespace}/b`, 3, 8, { text: 'a'.repeat(50_000) }),
      ]
      await shared.tier.upsert([...rows, chunkOf(`${namespace}-b`, 1, 9), chunkOf(`${namespace}0`, 1, 9)])
      const found = await measured({ namespace, recursive: true })
      expect(found).toMatchObject(
        rows.map(({ namespace: path, id, version, kind, createdAt, updatedAt, expiresAt, deletedAt, embedding }) => {
          const times = { createdAt, updatedAt, expiresAt, deletedAt }
          return { namespace: path, id, version, kind, ...times, dimension: embedding?.length }
        }),
      )
      const [large, deleted, small, compressed] = found.map(({ bytes }) => bytes)
      expect(large).toBeGreaterThan(2_800)
      expect(large).toBeLessThan(3_100)
      expect(small! - deleted!).toBeLessThan(60)
      expect(compressed).toBeLessThan(2_000)
      expect(await measured({ namespace, recursive: false })).toEqual(found.slice(0, 2))
      const below = (await measured({ namespace: '', recursive: true })).filter(({ namespace: path }) =>
        path.startsWith(`${namespace}/`),
      )
      expect(below).toEqual(found.slice(2))
    })

    /** A row at a time, then all at once. */
    async function measured(scope: Scope): Promise<ColdMeasure[]> {
      const whole = await shared.tier.measure({ scope }, 100_000)
      const single: ColdMeasure[] = []
      for (let after: ColdMeasure | undefined; ; single.push(after)) {
        ;[after] = await shared.tier.measure({ scope, after }, 1)
        if (after === undefined) break
      }
      expect(single).toEqual(whole)
      return whole
    }

    it('count each key once, by its newest version', async () => {
      const namespace = freshNamespace()
      await shared.tier.upsert([
        chunkOf(namespace, 1, 5),
        chunkOf(namespace, 2, 5, { expiresAt: NOW }),
        tombstone(namespace, 3, 5),
      ])
      const own = (n: number, version: number, matches: boolean) => {
        return { ...keyOf(namespace, n), version: versionOf(version), matches }
      }
      const asked = (...versions: ReturnType<typeof own>[]) => counted(namespace, { own: versions })
      expect(await asked()).toEqual({ '': 1 })
      for (const n of [1, 2, 3, 4]) {
        const others = n === 1 ? 0 : 1
        expect(await asked(own(n, 6, true))).toEqual({ '': others + 1 })
        expect(await asked(own(n, 6, false))).toEqual(others === 0 ? {} : { '': others })
        if (n < 4) expect(await asked(own(n, 4, n !== 1))).toEqual({ '': 1 })
      }
    })
  })
}
