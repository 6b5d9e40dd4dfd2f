/** What a Redis does that has no room and evicts nothing. */
import { describe, expect, it, vi } from 'vitest'
import { keyOf, versionOf } from '../../../src/testkit/contract/hot-writes.ts'
import { AWAY, healed, PATIENT, put, useRedis, versionIn } from './use-redis.ts'

export function describeRedisFull(): void {
  describe('a Redis that is full', () => {
    const on = useRedis()
    const { connected, client } = on

    const fill = () => client().config('SET', 'maxmemory', '1')
    const makeRoom = () => client().config('SET', 'maxmemory', '0')

    it('lets go of what is older than cold, whatever else is to be repaired', async () => {
      const { tier } = await connected()
      for (let n = 1; n <= 200; n += 2) await put(tier, n, 5)
      await fill()
      const all = Array.from({ length: 200 }, (_, i) => ({ key: keyOf(i + 1), version: versionOf(6) }))
      await tier.repair(all)
      expect((await tier.read(all.map(({ key }) => key))).filter(Boolean)).toEqual([])
    })

    it('lets nothing older in that was on its way, also once there is room again', async () => {
      const { tier } = await connected()
      const startedAt = tier.now()
      await fill()
      await tier.repair([{ key: keyOf(1), version: versionOf(6) }])
      expect(await client().keys('*:m:*')).toEqual([])
      await makeRoom()
      for (const reason of ['promotion', 'repush'] as const)
        expect(await put(tier, 1, 5, { reason, startedAt })).toEqual([{ status: 'late' }])
      expect(await put(tier, 1, 5, { startedAt })).toEqual([{ status: 'refused', floor: versionOf(6) }])
      expect(await versionIn(tier, 1)).toBeUndefined()
      expect(await put(tier, 1, 7)).toEqual([{ status: 'stored' }])
    })

    it('takes what it waited for once its slack is over', async () => {
      const { tier } = await connected({ markerTtl: 400 })
      await fill()
      await tier.repair([{ key: keyOf(1), version: versionOf(6) }])
      await makeRoom()
      const promoted = async () => (await put(tier, 1, 6, { reason: 'promotion' }))[0]?.status
      await vi.waitFor(async () => expect(await promoted()).toBe('stored'), PATIENT)
    })

    it('takes a delete, and what replaces something as large', async () => {
      const { tier } = await connected()
      const [large, small] = [Buffer.alloc(500, 1), Buffer.alloc(500, 2)]
      for (const n of [1, 2, 3]) await put(tier, n, 5, { payload: large })
      await fill()
      expect(await put(tier, 1, 6, { payload: Buffer.alloc(9), deleted: true })).toEqual([{ status: 'stored' }])
      expect(await put(tier, 2, 6, { payload: small })).toEqual([{ status: 'stored' }])
      await expect(put(tier, 3, 6, { payload: Buffer.alloc(501) })).rejects.toThrow('is full')
      const found = await tier.read([1, 2, 3].map(keyOf))
      expect(found.map((value) => [value?.version, value?.deleted])).toEqual([
        [versionOf(6), true],
        [versionOf(6), false],
        [versionOf(5), false],
      ])
      expect((await tier.size()).bytes).toBe(1_009)
    })

    it('counts reads, names candidates and lets them leave', async () => {
      const { tier } = await connected()
      await put(tier, 1, 5)
      await fill()
      expect(await tier.touch([{ key: keyOf(1), lastAccessedAt: 9, accesses: 2 }])).toEqual([])
      const [candidate] = await tier.candidates({ limit: 9, idleSince: Number.MAX_SAFE_INTEGER })
      expect(candidate).toMatchObject({ accessCount: 2 })
      expect(await tier.remove([{ key: keyOf(1), version: versionOf(5) }])).toMatchObject([{ accessCount: 2 }])
      await makeRoom()
      expect(await tier.size()).toEqual({ entries: 0, bytes: 0 })
      expect(await put(tier, 1, 5, { reason: 'promotion' })).toEqual([{ status: 'refused', floor: versionOf(5) }])
    })

    it('is entered all the same, so that what an earlier generation left there can go', async () => {
      const { tier } = await connected()
      await put(tier, 1, 5)
      await fill()
      const direct = client()
      const [slot] = await direct.keys('*:slot')
      await direct.del(slot!)
      await expect(tier.size()).rejects.toEqual(AWAY)
      await healed(tier)
      await vi.waitFor(async () => expect(await direct.keys('*:e:*')).toEqual([]), PATIENT)
      await connected()
    })
  })
}
