/** What a tier promises of a key of which cold is about to decide on the next version. */
import { describe, expect, it } from 'vitest'
import { justBelow, ZERO_VERSION } from '../../entry/version.ts'
import { freshHotTier, type HotTierDriver } from './fresh-hot-tier.ts'
import { keyOf, versionOf } from './hot-writes.ts'

const key = keyOf(1)

export function describeHotReservations(driver: HotTierDriver): void {
  describe('reserving', () => {
    const on = freshHotTier(driver)
    const { put, remove, readVersion } = on
    const reserve = async (newest: string, next: number) =>
      (await on.tier.reserve([{ key, newest, below: justBelow(versionOf(next)) }]))[0]

    it('drops what cold has, and hands over its reads', async () => {
      await put(1, 5, { reason: 'promotion', access: { accessCount: 40, lastAccessedAt: 1 } })
      const lastAccessedAt = on.tier.now() + 1_000
      await on.tier.touch([{ key, accesses: 2, lastAccessedAt }])
      expect(await reserve(versionOf(5), 9)).toEqual({ status: 'reserved', reads: { accessCount: 2, lastAccessedAt } })
      expect(await readVersion(1)).toBeUndefined()
      expect(await on.tier.size()).toEqual({ entries: 0, bytes: 0 })
    })

    it('leaves what cold lacks, and says so', async () => {
      await put(1, 6)
      expect(await reserve(versionOf(5), 9)).toEqual({ status: 'newer' })
      expect(await readVersion(1)).toBe(versionOf(6))
      expect(await put(1, 7)).toEqual({ status: 'stored' })
    })

    it.each([
      ['where it held the key', 5],
      ['where it did not', undefined],
    ])('has each new put stamped above what is to come, %s', async (_, held) => {
      if (held !== undefined) await put(1, held)
      expect(await reserve(versionOf(5), 9)).toMatchObject({ status: 'reserved' })
      expect(await put(1, 8)).toEqual({ status: 'refused', floor: justBelow(versionOf(9)) })
      expect(await put(1, 10)).toEqual({ status: 'stored' })
    })

    it('lets the version in for which it was made, and nothing from before', async () => {
      await put(1, 5)
      await reserve(versionOf(5), 9)
      expect(await put(1, 5, { reason: 'promotion' })).toMatchObject({ status: 'refused' })
      expect(await put(1, 5, { reason: 'repush' })).toMatchObject({ status: 'refused' })
      expect(await put(1, 9, { reason: 'promotion' })).toEqual({ status: 'stored' })
      expect(await readVersion(1)).toBe(versionOf(9))
    })

    it('changes nothing when it arrives once more, after the version has come', async () => {
      await reserve(ZERO_VERSION, 9)
      await put(1, 9, { reason: 'promotion' })
      expect(await reserve(ZERO_VERSION, 9)).toEqual({ status: 'newer' })
      expect(await readVersion(1)).toBe(versionOf(9))
      await remove(1, 9)
      await reserve(ZERO_VERSION, 9)
      expect(await put(1, 9, { reason: 'promotion' })).toEqual({ status: 'refused', floor: versionOf(9) })
    })

    it('answers for many at once, each by itself', async () => {
      const numbers = Array.from({ length: 200 }, (_, n) => n)
      for (const n of numbers) if (n % 3 < 2) await put(n, n % 3 === 0 ? 5 : 6)
      const below = justBelow(versionOf(9))
      const reserved = await on.tier.reserve(numbers.map((n) => ({ key: keyOf(n), newest: versionOf(5), below })))
      expect(reserved.map(({ status }) => status)).toEqual(numbers.map((n) => (n % 3 === 1 ? 'newer' : 'reserved')))
      for (const n of [0, 1, 2, 199]) {
        const isReserved = n % 3 !== 1
        expect(await readVersion(n)).toBe(isReserved ? undefined : versionOf(6))
        expect(await put(n, 8)).toMatchObject({ status: isReserved ? 'refused' : 'stored' })
      }
    })
  })
}
