/** When a generation ends, and how the next one begins. */
import { describe, expect, it, vi } from 'vitest'
import { ZERO_VERSION } from '../../../src/entry/version.ts'
import { deleteOtherGenerations } from '../../../src/hot/redis/redis-masters.ts'
import { keyOf, versionOf } from '../../../src/testkit/contract/hot-writes.ts'
import { AWAY, EMPTY, healed, PATIENT, put, useRedis, versionIn } from './use-redis.ts'

export function describeRedisGenerations(): void {
  describe('a new generation', () => {
    const on = useRedis()
    const { tierOf, connected, client } = on

    it('starts with the floor that cold knows', async () => {
      const { tier } = await connected({ enterGeneration: async () => ({ number: 1, highestVersion: versionOf(100) }) })
      for (let n = 1; n < 50; n++)
        expect(await put(tier, n, 100)).toEqual([{ status: 'refused', floor: versionOf(100) }])
      expect(await put(tier, 1, 101)).toEqual([{ status: 'stored' }])
      expect(await put(tier, 2, 7, { reason: 'repush' })).toEqual([{ status: 'stored' }])
    })

    it('is not used before it is entered, and is asked for again', async () => {
      let isColdAway = true
      const { tier, generations } = tierOf({
        enterGeneration: async () => {
          if (isColdAway) throw new Error('cold is away')
          return EMPTY
        },
      })
      await expect(tier.connect()).rejects.toEqual(AWAY)
      await expect(tier.read([keyOf(1)])).rejects.toEqual(AWAY)
      expect(generations).toEqual([])
      isColdAway = false
      await vi.waitFor(() => expect(generations).toEqual([tier.generationId]), PATIENT)
      await healed(tier)
    })

    it.each([
      ['is flushed', async () => void (await client().flushall())],
      [
        'restarts from a snapshot',
        async () => {
          await client().save()
          await on.redis.restart()
          const isBack = async () => /name=tier/.test((await client().client('LIST')) as string)
          await vi.waitUntil(isBack, PATIENT)
        },
      ],
    ])('is looked at again where Redis %s just while it is entered', async (_, interfere) => {
      let isFirst = true
      const enterGeneration = async () => {
        if (isFirst) {
          isFirst = false
          await interfere()
        }
        return EMPTY
      }
      const options = { ...on.redis.connection, connectionName: 'tier' }
      const { tier } = tierOf({ server: { options }, enterGeneration, commandTimeout: 2_000 })
      // Where Redis went away just then, it connects again by itself.
      await tier.connect().catch(() => {})
      await healed(tier)
      const { tier: other } = await connected()
      expect(other.generationId).toBe(tier.generationId)
    })

    it('takes the place of one that has ended, though Redis is the same', async () => {
      const { tier: before } = await connected()
      await put(before, 1, 5)
      const ended = before.generationId
      const enterGeneration = async (id: string) => (id === ended ? undefined : EMPTY)
      const { tier } = await connected({ enterGeneration })
      expect(tier.generationId).not.toBe(ended)
      expect(await versionIn(tier, 1)).toBeUndefined()
    })

    it('has the number that cold gave it, anew where cold says that another one is current', async () => {
      let number = 7
      const enterGeneration = async () => ({ number, highestVersion: ZERO_VERSION })
      const { tier } = await connected({ enterGeneration })
      await put(tier, 1, 5)
      expect(tier.generationNumber).toBe(7)
      number = 9
      tier.reenter()
      await expect.poll(() => tier.generationNumber).toBe(9)
      expect(await versionIn(tier, 1)).toBe(versionOf(5))
    })

    it('deletes nothing of others once it is not the current one any more', async () => {
      const direct = client()
      await direct.mset('{s:old:1}:slot', '1', '{s:new:1}:slot', '1', '{s}:nonce', '1', '{t:old:1}:slot', '1')
      expect(await deleteOtherGenerations(direct, '{s', '{s:new:', async () => false)).toBe(0)
      expect(await direct.dbsize()).toBe(4)
      expect(await deleteOtherGenerations(direct, '{s', '{s:new:', async () => true)).toBe(1)
      expect((await direct.keys('*')).sort()).toEqual(['{s:new:1}:slot', '{s}:nonce', '{t:old:1}:slot'])
    })

    it('keeps nobody waiting longer than a command may take', async () => {
      const { tier } = tierOf({ commandTimeout: 300, enterGeneration: () => new Promise(() => {}) })
      // Entering never ends: whoever waited for that would wait for ever.
      await expect(tier.connect()).rejects.toEqual(AWAY)
      await expect(tier.read([keyOf(1)])).rejects.toEqual(AWAY)
    })

    it('does not begin with a connection that broke: the generation is the same', async () => {
      const { tier, generations } = await connected()
      await put(tier, 1, 5)
      await client().call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
      await healed(tier)
      expect(await versionIn(tier, 1)).toBe(versionOf(5))
      expect(generations).toHaveLength(1)
    })

    it('begins when Redis restarts empty', async () => {
      const { tier, generations } = await connected()
      await put(tier, 1, 5)
      await on.redis.restart()
      await healed(tier)
      expect(generations).toHaveLength(2)
      expect(generations[1]).toBe(tier.generationId)
      expect(await versionIn(tier, 1)).toBeUndefined()
    })

    it('begins when Redis restarts from an older snapshot, whose values are never read and then deleted', async () => {
      const { tier, generations } = await connected()
      await put(tier, 1, 5)
      await client().save()
      await put(tier, 1, 6)
      await on.redis.restart()
      expect(await client().keys(`*${generations[0]}*:e:*`)).toHaveLength(1)
      await healed(tier)
      expect(generations).toHaveLength(2)
      expect(await versionIn(tier, 1)).toBeUndefined()
      const old = () => client().keys(`*${generations[0]}*`)
      await vi.waitFor(async () => expect(await old()).toEqual([]), PATIENT)
      await put(tier, 1, 7)
      expect(await versionIn(tier, 1)).toBe(versionOf(7))
    })

    it.each(['FLUSHALL', 'FLUSHDB'])('begins after %s, which breaks no connection', async (flush) => {
      const [a, b] = [await connected(), await connected()]
      await put(a.tier, 1, 5)
      await client().call(flush)
      await expect(a.tier.read([keyOf(1)])).rejects.toEqual(AWAY)
      await Promise.all([healed(a.tier), healed(b.tier)])
      expect(a.generations).toHaveLength(2)
      expect(b.tier.generationId).toBe(a.tier.generationId)
      expect(await versionIn(a.tier, 1)).toBeUndefined()
    })

    it('begins when one slot is lost, even where the nonce is not', async () => {
      const [a, b] = [await connected(), await connected()]
      await put(a.tier, 1, 5)
      const direct = client()
      const [slot] = await direct.keys('*:slot')
      await direct.del(slot!)
      await expect(a.tier.size()).rejects.toEqual(AWAY)
      await Promise.all([healed(a.tier), healed(b.tier)])
      expect(new Set([...a.generations, ...b.generations]).size).toBe(2)
      expect(b.tier.generationId).toBe(a.tier.generationId)
      expect(await versionIn(b.tier, 1)).toBeUndefined()
    })

    it('begins with a replica that was promoted', async () => {
      const { tier } = await connected()
      await put(tier, 1, 5)
      const before = tier.generationId
      const direct = client()
      await direct.replicaof('127.0.0.1', 1)
      await expect(put(tier, 1, 6)).rejects.toEqual(AWAY)
      await direct.replicaof('NO', 'ONE')
      await healed(tier)
      expect(tier.generationId).not.toBe(before)
    })
  })
}
