/** Reads are counted, and name what has been idle for the longest. */
import { describe, expect, it } from 'vitest'
import { freshHotTier, type HotTierDriver } from './fresh-hot-tier.ts'
import { keyOf, versionOf } from './hot-writes.ts'

const A = keyOf(1)
const B = keyOf(2)
/** Held by no test. */
const NOWHERE = keyOf(900)

export function describeHotAccess(driver: HotTierDriver): void {
  describe('counting accesses', () => {
    const on = freshHotTier(driver)
    const { put, remove } = on

    it('adds touches and answers those it could not count', async () => {
      await put(1, 1)
      const later = on.tier.now() + 5_000
      const touchA = { key: A, accesses: 3, lastAccessedAt: later }
      const touchB = { key: B, accesses: 1, lastAccessedAt: later }
      expect(await on.tier.touch([touchA, touchB, touchA])).toEqual([touchB])
      expect((await on.tier.read([A]))[0]).toMatchObject({ accessCount: 6, lastAccessedAt: later })
    })

    it('takes back no time of access', async () => {
      await put(1, 1)
      const later = on.tier.now() + 5_000
      await on.tier.touch([{ key: A, accesses: 1, lastAccessedAt: later }])
      await on.tier.touch([{ key: A, accesses: 1, lastAccessedAt: later - 4_000 }])
      await put(1, 2)
      expect((await on.tier.read([A]))[0]).toMatchObject({ accessCount: 2, lastAccessedAt: later })
    })

    it('keeps counts over a new version, and drops them with the key', async () => {
      await put(1, 1, { reason: 'promotion', access: { accessCount: 10, lastAccessedAt: 1 } })
      await on.tier.touch([{ key: A, accesses: 3, lastAccessedAt: on.tier.now() }])
      await put(1, 2)
      expect((await on.tier.read([A]))[0]?.accessCount).toBe(13)
      expect((await remove(1, 2))?.accessCount).toBe(3)
      await put(1, 3)
      expect((await on.tier.read([A]))[0]?.accessCount).toBe(0)
    })

    it('counts nothing for a key that left', async () => {
      await put(1, 1)
      await remove(1, 1)
      const touch = { key: A, accesses: 1, lastAccessedAt: on.tier.now() }
      expect(await on.tier.touch([touch])).toEqual([touch])
    })
  })

  describe('candidates', () => {
    const on = freshHotTier(driver)
    const { put, remove } = on

    /**
     * Keys 1..count, the first the longest idle, a second apart, all in the future so that writing counts for less.
     */
    const fill = async (count: number): Promise<number> => {
      const start = on.tier.now() + 60_000
      for (let n = 1; n <= count; n++) await put(n, n)
      const touches = Array.from({ length: count }, (_, i) => ({
        key: keyOf(i + 1),
        accesses: 1,
        lastAccessedAt: start + (i + 1) * 1_000,
      }))
      await on.tier.touch(touches.toReversed())
      return start
    }
    /** Both ways to ask answer the same. */
    const ids = async (query: { limit: number; idleSince: number }): Promise<string[]> => {
      const candidates = await on.tier.candidates(query)
      if (on.tier.candidateKeys !== undefined) {
        const keys = [NOWHERE, ...(await on.tier.candidateKeys(query)).toReversed()]
        const [nothing, ...found] = (await on.tier.examine?.(keys)) ?? []
        expect(nothing).toBeUndefined()
        expect(found.map((candidate) => candidate?.key)).toEqual(keys.slice(1))
        const inOrder = found.toSorted((a, b) => a!.lastAccessedAt - b!.lastAccessedAt)
        expect(inOrder.slice(0, query.limit)).toEqual(candidates)
      }
      return candidates.map((candidate) => candidate.key.id)
    }
    const idsOf = (...numbers: number[]): string[] => numbers.map((n) => keyOf(n).id)

    it('are the least recently accessed, in that order, up to the limit', async () => {
      await fill(9)
      expect(await ids({ limit: 4, idleSince: Number.MAX_SAFE_INTEGER })).toEqual(idsOf(1, 2, 3, 4))
    })

    it('are only those idle since then', async () => {
      const start = await fill(9)
      expect(await ids({ limit: 100, idleSince: start + 3_000 })).toEqual(idsOf(1, 2, 3))
      expect(await ids({ limit: 100, idleSince: start })).toEqual([])
    })

    it('move back when they are touched', async () => {
      const start = await fill(4)
      await on.tier.touch([{ key: A, accesses: 1, lastAccessedAt: start + 9_000 }])
      expect(await ids({ limit: 2, idleSince: Number.MAX_SAFE_INTEGER })).toEqual(idsOf(2, 3))
    })

    it('are gone once removed, and stay when merely named', async () => {
      await fill(3)
      await on.tier.candidates({ limit: 3, idleSince: Number.MAX_SAFE_INTEGER })
      await remove(2, 2)
      expect(await ids({ limit: 3, idleSince: Number.MAX_SAFE_INTEGER })).toEqual(idsOf(1, 3))
      await put(4, 4, { expiresAt: 1 })
      await remove(4, 4)
      expect(await ids({ limit: 3, idleSince: 0 })).toEqual([])
    })

    it('include what has expired, however lately it was read', async () => {
      await put(1, 1, { expiresAt: 1 })
      await put(2, 2, { expiresAt: 4_000_000_000_000 })
      await put(3, 3)
      expect(await ids({ limit: 9, idleSince: 0 })).toEqual(idsOf(1))
      await put(1, 4)
      expect(await ids({ limit: 9, idleSince: 0 })).toEqual([])
    })

    it('are not what has just been written or promoted', async () => {
      const before = on.tier.now() - 10_000
      await put(1, 1)
      await put(2, 2, { reason: 'promotion', access: { accessCount: 7, lastAccessedAt: 1 } })
      expect(await ids({ limit: 9, idleSince: before })).toEqual([])
    })

    it('carry what a demotion needs', async () => {
      const lastAccessedAt = on.tier.now() + 1_000
      await put(1, 1, { deleted: true, expiresAt: 4_000_000_000_000 })
      await on.tier.touch([{ key: A, accesses: 2, lastAccessedAt }])
      const [candidate] = await on.tier.candidates({ limit: 1, idleSince: Number.MAX_SAFE_INTEGER })
      expect(candidate).toEqual({
        key: A,
        version: versionOf(1),
        deleted: true,
        expiresAt: 4_000_000_000_000,
        accessCount: 2,
        lastAccessedAt,
      })
    })
  })
}
