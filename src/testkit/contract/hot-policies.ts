/** What policies ask of a hot tier: who waits for a turn, and how active an entry is. */
import { describe, expect, it } from 'vitest'
import { ACTIVATION_HALF_LIFE, freshHotTier, type HotTierDriver } from './fresh-hot-tier.ts'
import { keyOf, versionOf } from './hot-writes.ts'

const A = keyOf(1)
const B = keyOf(2)

export function describeHotPolicies(driver: HotTierDriver): void {
  describe('for policies', () => {
    const on = freshHotTier(driver)
    const { put, remove } = on

    it('has what is postponed wait as if it had been accessed then, and tells its last access as it was', async () => {
      await put(1, 1)
      await put(2, 2)
      const soon = on.tier.now() + 5_000
      const idle = async (idleSince: number) =>
        (await on.tier.candidates({ limit: 9, idleSince })).map(({ key }) => key.id).sort()
      const before = (await on.tier.read([A]))[0]!.lastAccessedAt
      await on.tier.postpone([
        { key: A, asIfAccessedAt: soon + 1_000 },
        { key: keyOf(3), asIfAccessedAt: soon },
        { key: B, asIfAccessedAt: 1 },
      ])
      expect(await idle(soon)).toEqual([B.id])
      expect(await idle(soon + 1_000)).toEqual([A.id, B.id].sort())
      expect((await on.tier.read([A]))[0]!.lastAccessedAt).toBe(before)
      expect(await on.tier.size()).toMatchObject({ entries: 2 })
      await remove(1, 1)
      expect(await idle(soon + 1_000)).toEqual([B.id])
    })

    it('keeps how active an entry is, which fades', async () => {
      await put(1, 1)
      await put(2, 2)
      const entered = (await on.tier.read([A]))[0]!.lastAccessedAt
      expect(await on.tier.activations([A, keyOf(9)], entered + 2 * ACTIVATION_HALF_LIFE)).toEqual([
        undefined,
        undefined,
      ])
      const touch = (after: number, accesses: number) =>
        on.tier.touch([{ key: A, lastAccessedAt: entered + after, accesses }])
      await touch(ACTIVATION_HALF_LIFE, 3)
      await touch(2 * ACTIVATION_HALF_LIFE, 1)
      // One of having entered and three reads, by then a quarter and a half, and one more.
      const [active, other] = await on.tier.activations([A, B], entered + 2 * ACTIVATION_HALF_LIFE)
      expect(active).toBeCloseTo(0.25 + 1.5 + 1, 4)
      expect(other).toBeUndefined()
      await put(1, 3)
      expect((await on.tier.activations([A], entered + 2 * ACTIVATION_HALF_LIFE))[0]).toBeCloseTo(2.75, 4)
      await remove(1, 3)
      await put(1, 4)
      expect(await on.tier.activations([A], entered + 2 * ACTIVATION_HALF_LIFE)).toEqual([undefined])
      await touch(2 * ACTIVATION_HALF_LIFE, 1)
      await on.tier.repair([{ key: A, version: versionOf(9) }])
      await put(1, 10)
      expect(await on.tier.activations([A], entered + 2 * ACTIVATION_HALF_LIFE)).toEqual([undefined])
    })
  })
}
