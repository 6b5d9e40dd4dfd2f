import { describe, expect, it } from 'vitest'
import { chunkOf, keyOf, PAST, tombstone } from './cold-records.ts'
import { freshNamespace, type SharedColdTier } from './fresh-cold-tier.ts'

export function describeColdAccess(shared: SharedColdTier): void {
  describe('counted reads', () => {
    const touch = (namespace: string, n: number, lastAccessedAt: number, accesses: number) => ({
      ...keyOf(namespace, n),
      lastAccessedAt,
      accesses,
    })
    const accessOf = async (namespace: string, n: number) => (await shared.tier.read([keyOf(namespace, n)]))[0]?.access

    it('adds up, and keeps the latest time', async () => {
      const namespace = freshNamespace()
      await shared.tier.upsert([chunkOf(namespace, 1, 1), chunkOf(namespace, 2, 2)])
      await shared.tier.recordAccess([touch(namespace, 1, PAST + 50, 3), touch(namespace, 2, PAST + 7, 1)])
      await shared.tier.recordAccess([touch(namespace, 1, PAST + 20, 2)])
      await shared.tier.recordAccess([])
      expect(await accessOf(namespace, 1)).toEqual({ lastAccessedAt: PAST + 50, accessCount: 5 })
      expect(await accessOf(namespace, 2)).toEqual({ lastAccessedAt: PAST + 7, accessCount: 1 })
    })

    it('takes the same key twice in one call, and calls at once', async () => {
      const namespace = freshNamespace()
      await shared.tier.upsert([chunkOf(namespace, 1, 1)])
      const twice = [touch(namespace, 1, PAST + 1, 1), touch(namespace, 1, PAST + 2, 1)]
      await Promise.all([1, 2, 3].map(() => shared.tier.recordAccess(twice)))
      expect(await accessOf(namespace, 1)).toEqual({ lastAccessedAt: PAST + 2, accessCount: 6 })
    })

    it('is raised to what it was at least, once however often', async () => {
      const namespace = freshNamespace()
      await shared.tier.upsert([chunkOf(namespace, 1, 1), chunkOf(namespace, 2, 2), tombstone(namespace, 3, 3)])
      await shared.tier.recordAccess([touch(namespace, 1, PAST + 50, 3)])
      const raised = [touch(namespace, 1, PAST + 20, 7), touch(namespace, 2, PAST + 5, 2), touch(namespace, 3, PAST, 1)]
      for (const touches of [raised, raised, [touch(namespace, 1, PAST + 60, 1)]])
        await shared.tier.raiseAccess(touches)
      expect(await accessOf(namespace, 1)).toEqual({ lastAccessedAt: PAST + 60, accessCount: 7 })
      expect(await accessOf(namespace, 2)).toEqual({ lastAccessedAt: PAST + 5, accessCount: 2 })
      expect(await accessOf(namespace, 3)).toBeUndefined()
    })

    it('outlives a new version, and not a delete', async () => {
      const namespace = freshNamespace()
      await shared.tier.upsert([chunkOf(namespace, 1, 1)])
      await shared.tier.recordAccess([touch(namespace, 1, PAST, 4)])
      await shared.tier.upsert([chunkOf(namespace, 1, 2)])
      expect(await accessOf(namespace, 1)).toMatchObject({ accessCount: 4 })
      await shared.tier.upsert([tombstone(namespace, 1, 3)])
      await shared.tier.upsert([chunkOf(namespace, 1, 4)])
      expect(await accessOf(namespace, 1)).toBeUndefined()
    })

    it('leaves out what is not live', async () => {
      const namespace = freshNamespace()
      await shared.tier.upsert([tombstone(namespace, 1, 1), chunkOf(namespace, 2, 2, { expiresAt: PAST })])
      await shared.tier.recordAccess([1, 2, 3].map((n) => touch(namespace, n, PAST, 1)))
      for (const n of [1, 2, 3]) expect(await accessOf(namespace, n)).toBeUndefined()
      await shared.tier.upsert([chunkOf(namespace, 3, 3)])
      expect(await accessOf(namespace, 3)).toBeUndefined()
    })

    it('writes down what syncs did', async () => {
      const run = { startedAt: PAST, durationMs: 12.5, synced: 1, skipped: 2, errors: 0, bytes: 2 ** 40 }
      await shared.tier.recordSyncRun(run)
      await shared.tier.recordSyncRun(run)
    })
  })
}
