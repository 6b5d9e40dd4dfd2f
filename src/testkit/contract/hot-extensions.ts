/** What lives on in cold expires later in hot as well. */
import { describe, expect, it } from 'vitest'
import { freshHotTier, type HotTierDriver } from './fresh-hot-tier.ts'
import { keyOf, payloadOf, versionOf } from './hot-writes.ts'

export function describeHotExtensions(driver: HotTierDriver): void {
  describe('extending', () => {
    const on = freshHotTier(driver)
    const { put } = on
    const END = 7_000_000_000_000
    const extend = (n: number, version: number, expiresAt: number) =>
      on.tier.extend([{ key: keyOf(n), version: versionOf(version), expiresAt }])
    const heldOf = async (n: number) => (await on.tier.read([keyOf(n)]))[0]

    it('moves the expiry of exactly the version on, and nothing else', async () => {
      await put(1, 3, { expiresAt: END })
      await on.tier.touch([{ key: keyOf(1), accesses: 2, lastAccessedAt: on.tier.now() }])
      const before = (await heldOf(1))!
      const size = await on.tier.size()
      await extend(1, 3, END + 5)
      expect(await heldOf(1)).toMatchObject({
        ...{ version: versionOf(3), expiresAt: END + 5, deleted: false, accessCount: 2 },
        lastAccessedAt: before.lastAccessedAt,
      })
      expect(new Uint8Array((await heldOf(1))!.content.payload)).toEqual(payloadOf(3))
      expect(await on.tier.size()).toEqual(size)
      await extend(1, 2, END + 9)
      await extend(1, 4, END + 9)
      await extend(1, 3, END + 4)
      expect((await heldOf(1))?.expiresAt).toBe(END + 5)
    })

    it('changes nothing of what never expires, is deleted, or is not held', async () => {
      await put(1, 1)
      await put(2, 2, { deleted: true })
      await on.tier.extend([1, 2, 3].map((n) => ({ key: keyOf(n), version: versionOf(n), expiresAt: END })))
      expect((await heldOf(1))?.expiresAt).toBeNull()
      expect((await heldOf(2))?.expiresAt).toBeNull()
      expect(await heldOf(3)).toBeUndefined()
    })

    it('keeps what lives on from leaving as expired', async () => {
      const past = on.tier.now() - 60_000
      await put(1, 1, { expiresAt: past })
      await put(2, 2, { expiresAt: past })
      const expired = { limit: 10, idleSince: 0 }
      expect(await on.tier.candidates(expired)).toHaveLength(2)
      await extend(1, 1, END)
      expect((await on.tier.candidates(expired)).map(({ key }) => key)).toEqual([keyOf(2)])
    })

    it('is done for many at once', async () => {
      const many = Array.from({ length: 600 }, (_, n) => n + 1)
      for (const n of many) await put(n, n, { expiresAt: END })
      await on.tier.extend(many.map((n) => ({ key: keyOf(n), version: versionOf(n), expiresAt: END + n })))
      const held = await on.tier.read(many.map(keyOf))
      expect(held.map((one) => one?.expiresAt)).toEqual(many.map((n) => END + n))
    })
  })
}
