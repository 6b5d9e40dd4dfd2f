/** What leaves: at its own version, or because cold has a newer one. */
import { describe, expect, it } from 'vitest'
import { freshHotTier, type HotTierDriver } from './fresh-hot-tier.ts'
import { keyOf, versionOf } from './hot-writes.ts'

const A = keyOf(1)
const B = keyOf(2)

export function describeHotRemoval(driver: HotTierDriver): void {
  describe('removing', () => {
    const on = freshHotTier(driver)
    const { put, remove, readVersion } = on

    it('drops a key only at the version given', async () => {
      await put(1, 5)
      expect(await remove(1, 4)).toBeUndefined()
      expect(await remove(1, 6)).toBeUndefined()
      expect(await readVersion(1)).toBe(versionOf(5))
      expect(await remove(1, 5)).toBeDefined()
      expect(await readVersion(1)).toBeUndefined()
    })

    it('answers in order, and undefined the second time', async () => {
      await put(1, 1)
      await put(2, 2)
      const removals = [
        { key: B, version: versionOf(2) },
        { key: keyOf(9), version: versionOf(2) },
        { key: A, version: versionOf(1) },
      ]
      const removed = await on.tier.remove(removals)
      expect(removed.map((stats) => stats?.accessCount)).toEqual([0, undefined, 0])
      expect(await on.tier.remove(removals)).toEqual([undefined, undefined, undefined])
    })

    it('hands over the reads since the key entered, and not those known before', async () => {
      const lastAccessedAt = on.tier.now() + 1_000
      await put(1, 5, { reason: 'promotion', access: { accessCount: 40, lastAccessedAt: 1 } })
      await on.tier.touch([{ key: A, accesses: 2, lastAccessedAt }])
      expect((await on.tier.read([A]))[0]?.accessCount).toBe(42)
      expect(await remove(1, 5)).toEqual({ accessCount: 2, lastAccessedAt })
    })
  })

  describe('repairing', () => {
    const on = freshHotTier(driver)
    const { put, readVersion } = on

    const repair = async (n: number, version: number) =>
      (await on.tier.repair([{ key: keyOf(n), version: versionOf(version) }]))[0]

    it('drops what is older, and hands over its reads', async () => {
      const lastAccessedAt = on.tier.now() + 1_000
      await put(1, 4)
      await on.tier.touch([{ key: A, accesses: 2, lastAccessedAt }])
      expect(await repair(1, 5)).toEqual({ accessCount: 2, lastAccessedAt })
      expect(await readVersion(1)).toBeUndefined()
      expect(await on.tier.size()).toEqual({ entries: 0, bytes: 0 })
      expect(await on.tier.candidates({ limit: 9, idleSince: Number.MAX_SAFE_INTEGER })).toEqual([])
    })

    it.each([5, 6])('leaves version %i where 5 is the least', async (version) => {
      await put(1, version)
      expect(await repair(1, 5)).toBeUndefined()
      expect(await readVersion(1)).toBe(versionOf(version))
    })

    it.each(['put', 'repush', 'promotion'] as const)('lets no older %s arrive late', async (reason) => {
      await repair(1, 5)
      expect(await put(1, 4, { reason })).toEqual({ status: 'refused', floor: versionOf(5) })
      expect(await put(1, 6, { reason })).toEqual({ status: 'stored' })
    })

    it('raises the floor for puts of other keys, and takes back no marker', async () => {
      await repair(1, 9)
      await repair(1, 5)
      expect(await put(1, 7, { reason: 'promotion' })).toEqual({ status: 'refused', floor: versionOf(9) })
      const floors = await Promise.all(Array.from({ length: 50 }, (_, n) => repair(n + 2, 9)))
      expect(floors).toEqual(floors.map(() => undefined))
      expect(await put(99, 8)).toEqual({ status: 'refused', floor: versionOf(9) })
    })
  })
}
