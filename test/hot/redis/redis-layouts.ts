/**
 * What Redis holds in layout 1, recorded from the last version that wrote it, and what that version's scripts do once
 * layout 2 is there; and what is in the place of an entry and is none.
 */
import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'
import { describe, expect, it, vi } from 'vitest'
import { keyOf, versionOf } from '../../../src/testkit/contract/hot-writes.ts'
import { EMPTY, healed, PATIENT, put, useRedis, versionIn } from './use-redis.ts'

interface Recorded {
  readonly generation: string
  /** By which a Redis gets what the recorded one held. */
  readonly commands: readonly (readonly [command: string, ...rest: string[]])[]
  readonly scripts: Readonly<Record<'read' | 'nonce' | 'declareReady' | 'raiseFloor', string>>
}

const recorded = JSON.parse(readFileSync(new URL('layout-1.json', import.meta.url), 'utf8')) as Recorded
const keyLike = (pattern: RegExp) => recorded.commands.map(([, key]) => key!).find((key) => pattern.test(key))!
const nonce = keyLike(/:nonce$/)
const storeId = /^{(.*)}/.exec(nonce)![1]!
const entry = keyLike(/:e:acme.*1$/)
const slot = `${/^.*}/.exec(entry)![0]}:slot`

/** As a process of layout 1 does it. */
const former = (direct: Redis) => ({
  read: () => direct.eval(recorded.scripts.read, 2, slot, entry, 1, 2, 1, '', 'payload') as Promise<unknown[]>,
  enter: () => direct.eval(recorded.scripts.nonce, 1, nonce, 'random'),
  declareReady: () => direct.eval(recorded.scripts.declareReady, 1, nonce, 'a nonce', 'a generation'),
})

export function describeRedisLayouts(): void {
  describe('another layout', () => {
    const { connected, client } = useRedis()

    async function withLayout1(): Promise<Redis> {
      const direct = client()
      for (const [command, ...args] of recorded.commands) await direct.call(command, ...args)
      expect(await former(direct).read()).toEqual([[expect.any(String), [expect.stringContaining('0000000a'), '{}']]])
      return direct
    }

    it('is another generation: nothing of it is read, and then it is deleted', async () => {
      const direct = await withLayout1()
      const { tier, generations } = await connected({ storeId })
      expect(generations).toEqual([expect.not.stringContaining(recorded.generation)])
      expect((await tier.read([1, 2, 3].map(keyOf))).filter(Boolean)).toEqual([])
      await vi.waitFor(async () => expect(await direct.keys(`*${recorded.generation}*`)).toEqual([]), PATIENT)
      expect(await put(tier, 1, 4)).toEqual([{ status: 'stored' }])
    })

    it('is not used any more before this one is entered', async () => {
      const direct = await withLayout1()
      const { read, enter, declareReady } = former(direct)
      const enterGeneration = vi.fn(async () => {
        expect(await read()).toEqual([null])
        await expect(enter()).rejects.toThrow('WRONGTYPE')
        await expect(declareReady()).rejects.toThrow('WRONGTYPE')
        return EMPTY
      })
      await connected({ storeId, enterGeneration })
      expect(enterGeneration).toHaveBeenCalledOnce()
    })

    it('is ended by the next process where one has only shut its door', async () => {
      const direct = await withLayout1()
      await direct.set(nonce, recorded.generation)
      await connected({ storeId })
      expect(await former(direct).read()).toEqual([null])
      expect(await direct.get(nonce)).toBe('')
    })

    it('is not entered after Redis lost everything either', async () => {
      const { tier } = await connected({ storeId })
      const direct = client()
      await direct.flushall()
      await expect(tier.size()).rejects.toThrow('lost what it held')
      await healed(tier)
      await expect(former(direct).enter()).rejects.toThrow('WRONGTYPE')
    })
  })

  describe('what is in the place of an entry and is none', () => {
    const { connected, client } = useRedis()
    const twenty = Array.from({ length: 20 }, (_, i) => i + 1)

    it.each(['of another type', 'too short', 'of another layout'])('counts as not held (%s)', async (what) => {
      const { tier } = await connected()
      for (const n of twenty) await put(tier, n, 5)
      const direct = client()
      const [stored] = (await direct.keys('*:e:*')).filter((key) => key.endsWith('03'))
      await direct.del(stored!)
      if (what === 'of another type') await direct.rpush(stored!, 'x')
      else await direct.set(stored!, what === 'too short' ? '2' : '1'.repeat(200))
      const held = await Promise.all(twenty.map((n) => versionIn(tier, n)))
      expect(held).toEqual(twenty.map((n) => (n === 3 ? undefined : versionOf(5))))
      expect(await versionIn(tier, 3)).toBeUndefined()
      const touch = { key: keyOf(3), lastAccessedAt: 1, accesses: 1 }
      expect(await tier.touch([touch])).toEqual([touch])
      expect(await tier.candidates({ limit: 99, idleSince: Number.MAX_SAFE_INTEGER })).toHaveLength(19)
      expect(await tier.remove([{ key: keyOf(3), version: versionOf(5) }])).toEqual([undefined])
      expect(await tier.repair([{ key: keyOf(3), version: versionOf(6) }])).toEqual([undefined])
      expect(await put(tier, 3, 7)).toEqual([{ status: 'stored' }])
      expect(await versionIn(tier, 3)).toBe(versionOf(7))
    })
  })
}
