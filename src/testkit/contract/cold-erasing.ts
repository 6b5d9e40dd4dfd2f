import { describe, expect, it } from 'vitest'
import { chunkOf, keyOf, tombstone, versionOf } from './cold-records.ts'
import { type ColdTierDriver, freshNamespace, shareColdTier } from './fresh-cold-tier.ts'

export function describeColdErasing(driver: ColdTierDriver): void {
  describe('what is left of entries beside their rows', () => {
    const shared = shareColdTier(driver)

    it('is told of dead letters page by page, whether they are kept as records or as columns', async () => {
      const { tier } = shared
      const namespace = freshNamespace()
      const content = { text: 'refused', metadata: '{"b":1,"a":[2]}', embedding: Float32Array.of(1, -2.5) }
      await tier.upsert([1, 2, 3].map((n) => chunkOf(namespace, n, n, { ...content, position: -1 })))
      await tier.upsert([tombstone(namespace, 9, 50)])
      await tier.sweep({ graceMs: 0, limit: 10 })
      const below = chunkOf(namespace, 4, 4, { ...content, key: 'k', expiresAt: 4_000_000_000_000 })
      expect(await tier.upsert([below])).toEqual({ written: 0, rejected: 1 })

      const digests: string[] = []
      const found = new Map<string, unknown>()
      for (let after = ''; ; ) {
        const [letter, ...more] = await tier.deadLetters(after, 1)
        if (letter === undefined) break
        expect(more).toEqual([])
        after = letter.digest
        digests.push(letter.digest)
        found.set(letter.record!.id, letter.record)
      }
      expect(digests).toEqual([...digests].sort())
      expect(found.get(below.id)).toEqual(below)
      expect(found.get(keyOf(namespace, 2).id)).toEqual(chunkOf(namespace, 2, 2, { ...content, position: -1 }))

      expect(await tier.removeDeadLetters([])).toBe(0)
      expect(await tier.removeDeadLetters(digests.slice(1))).toBe(3)
      expect(await tier.removeDeadLetters(digests)).toBe(1)
      expect(await tier.stats()).toMatchObject({ deadLetters: 0 })
    })

    it('is not staged where nothing failed, and rows are left alone', async () => {
      const { tier } = shared
      const namespace = freshNamespace()
      await tier.upsert([chunkOf(namespace, 1, 100)])
      const query = { scope: { namespace, recursive: true }, filter: [], now: 0, exclude: [] }
      expect(await tier.eraseStaged([keyOf(namespace, 1)])).toBe(0)
      expect(await tier.eraseStagedWhere(query)).toBe(0)
      expect(await tier.versions([keyOf(namespace, 1)])).toEqual([versionOf(100)])
    })

    it.each(['plain', 'full'] as const)('is vacuumed, %s, and everything else is as it was', async (mode) => {
      const { tier } = shared
      const namespace = freshNamespace()
      await tier.upsert([1, 2].map((n) => chunkOf(namespace, n, 100 + n)))
      await tier.upsert([tombstone(namespace, 1, 200)])
      expect(await tier.vacuum(mode)).toEqual({ isDone: true, heldBy: [] })
      expect(await tier.versions([1, 2].map((n) => keyOf(namespace, n)))).toEqual([versionOf(200), versionOf(102)])
      const query = { scope: { namespace, recursive: false }, filter: [], now: 0, exclude: [] }
      expect(await tier.count(query, [])).toBe(1)
    })
  })
}
