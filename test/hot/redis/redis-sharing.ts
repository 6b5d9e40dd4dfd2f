/** What processes that share a Redis see of each other, and what stays in it of what left. */
import { randomUUID } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { keyOf, versionOf } from '../../../src/testkit/contract/hot-writes.ts'
import { EMPTY, PATIENT, put, useRedis, versionIn } from './use-redis.ts'

export function describeRedisSharing(): void {
  describe('shared by processes', () => {
    const on = useRedis()
    const { releases, connected, client } = on

    it('shows one what the other wrote, in one generation that is entered by each', async () => {
      const entered: string[] = []
      const enterGeneration = async (generation: string) => {
        entered.push(generation)
        return EMPTY
      }
      const [a, b] = [await connected({ enterGeneration }), await connected({ enterGeneration })]
      expect(a.tier.generationId).toMatch(/^[0-9a-f]{24}$/)
      expect(entered).toEqual([a.tier.generationId, a.tier.generationId])
      expect(b.generations).toEqual([a.tier.generationId])
      await put(a.tier, 1, 5)
      expect(await versionIn(b.tier, 1)).toBe(versionOf(5))
      await b.tier.remove([{ key: keyOf(1), version: versionOf(5) }])
      expect(await put(a.tier, 1, 4)).toEqual([{ status: 'refused', floor: versionOf(5) }])
    })

    it('is entered by many at once, in one generation', async () => {
      const all = await Promise.all(Array.from({ length: 8 }, () => connected()))
      expect(new Set(all.map(({ tier }) => tier.generationId)).size).toBe(1)
    })

    it('keeps stores apart', async () => {
      const [a, b] = [await connected(), await connected({ storeId: randomUUID() })]
      await put(a.tier, 1, 5)
      expect(await versionIn(b.tier, 1)).toBeUndefined()
      expect(await b.tier.size()).toEqual({ entries: 0, bytes: 0 })
    })

    it('tells Redis time', async () => {
      const { tier } = await connected()
      const [seconds] = await client().time()
      expect(Math.abs(tier.now() - Number(seconds) * 1_000)).toBeLessThan(2_000)
    })

    it('measures the time anew when it finds that its own has gone astray', async () => {
      const { tier } = await connected()
      const realNow = performance.now.bind(performance)
      // As after a machine has slept: our clock stood still meanwhile, and Redis's did not.
      const sleep = vi.spyOn(performance, 'now').mockImplementation(() => realNow() - 100_000)
      releases.push(async () => sleep.mockRestore())
      expect(await put(tier, 1, 5)).toEqual([{ status: 'late' }])
      await vi.waitFor(async () => expect(await put(tier, 1, 6)).toEqual([{ status: 'stored' }]), PATIENT)
    })

    it('keeps of what left no more than marker and floor', async () => {
      const { tier } = await connected()
      await put(tier, 1, 5, { expiresAt: 4_000_000_000_000 })
      const [entry] = await client().keys('*:e:*')
      await tier.remove([{ key: keyOf(1), version: versionOf(5) }])
      const kept = (await client().keys('*')).filter((key) => !/:(slot|nonce|nonce:2)$/.test(key))
      expect(kept).toEqual([entry?.replace(':e:', ':m:')])
      expect(await client().pttl(kept[0]!)).toBeGreaterThan(50_000)
    })

    it('remembers the floor when the marker has ended', async () => {
      const { tier } = await connected({ markerTtl: 100 })
      await put(tier, 1, 5)
      await tier.remove([{ key: keyOf(1), version: versionOf(5) }])
      await vi.waitUntil(async () => (await client().keys('*:m:*')).length === 0, PATIENT)
      expect(await put(tier, 1, 5)).toEqual([{ status: 'refused', floor: versionOf(5) }])
    })

    it('lets markers end', async () => {
      const { tier } = await connected({ markerTtl: 400 })
      await put(tier, 1, 5)
      await tier.remove([{ key: keyOf(1), version: versionOf(5) }])
      const promote = async () => (await put(tier, 1, 5, { reason: 'promotion' }))[0]?.status
      expect(await promote()).toBe('refused')
      await vi.waitFor(async () => expect(await promote()).toBe('stored'), PATIENT)
    })
  })
}
