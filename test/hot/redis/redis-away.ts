/** A Redis that cannot be reached, or does not answer. */
import { describe, expect, it, vi } from 'vitest'
import { keyOf, versionOf } from '../../../src/testkit/contract/hot-writes.ts'
import { AWAY, healed, PATIENT, put, useRedis, versionIn } from './use-redis.ts'

export function describeRedisAway(): void {
  describe('away', () => {
    const on = useRedis()
    const { tierOf, connected } = on

    it('rejects at once, and answers as soon as Redis is back', async () => {
      const { tier, generations } = await connected()
      await on.redis.kill()
      await expect(put(tier, 1, 5)).rejects.toEqual(AWAY)
      for (let i = 0; i < 9; i++) await expect(tier.read([keyOf(1)])).rejects.toEqual(AWAY)
      await expect(tier.read([keyOf(1)])).rejects.toThrow('left alone for a moment')
      await on.redis.restart()
      await vi.waitUntil(() => generations.length === 2, { ...PATIENT, interval: 5 })
      expect(await put(tier, 1, 6)).toEqual([{ status: 'stored' }])
    })

    it('may be away at the start', async () => {
      await on.redis.kill()
      const { tier, generations } = tierOf()
      await expect(tier.connect()).rejects.toEqual(AWAY)
      expect(tier.generationId).toBe('')
      await on.redis.restart()
      await healed(tier)
      expect(generations).toEqual([tier.generationId])
    })

    it('rejects in time while Redis hangs, then without asking, and heals', async () => {
      const { tier } = await connected({ commandTimeout: 300 })
      await put(tier, 1, 5)
      on.redis.signal('SIGSTOP')
      // Redis stands still until it is told to go on, which is after this.
      await expect(put(tier, 1, 6)).rejects.toEqual(AWAY)
      await Promise.allSettled(Array.from({ length: 5 }, () => tier.read([keyOf(1)])))
      await expect(tier.read([keyOf(1)])).rejects.toThrow('left alone for a moment')
      on.redis.signal('SIGCONT')
      await healed(tier)
      // The write that timed out may have arrived meanwhile: a put above it is right in either case.
      expect(await put(tier, 1, 7)).toEqual([{ status: 'stored' }])
      expect(await versionIn(tier, 1)).toBe(versionOf(7))
    })

    it('closes while it is away, and while it connects', async () => {
      const { tier } = await connected()
      await on.redis.kill()
      await tier.close()
      await expect(tier.size()).rejects.toMatchObject({ code: 'ERR_CLOSED' })
      const other = tierOf().tier
      const connecting = other.connect().catch((error: unknown) => error)
      await other.close()
      expect(await connecting).toEqual(AWAY)
    })
  })
}
