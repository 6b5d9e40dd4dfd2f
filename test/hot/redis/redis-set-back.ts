/** A Redis that has an older state all at once, by a snapshot, a replica or another server at its address. */
import type { Redis } from 'ioredis'
import { describe, expect, it, vi } from 'vitest'
import { keyOf, versionOf } from '../../../src/testkit/contract/hot-writes.ts'
import type { PrivateRedis } from '../../tools/services.ts'
import { AWAY, healed, PATIENT, put, useRedis, versionIn } from './use-redis.ts'

export function describeRedisSetBack(): void {
  describe('a Redis that goes back behind an open connection', () => {
    const on = useRedis()
    const { connected, client } = on

    /** As another server would take its place behind the same connection: what was written since `before` is gone. */
    async function goBack(to: Awaited<ReturnType<typeof copyOf>>): Promise<void> {
      const restored = client().multi().flushall()
      for (const { key, value } of to) restored.restore(key, 0, value)
      await restored.exec()
    }
    async function copyOf(direct: Redis) {
      const keys = await direct.keys('*')
      return Promise.all(keys.map(async (key) => ({ key, value: (await direct.dumpBuffer(key))! })))
    }

    /** In step with it. */
    async function replicaOf(master: PrivateRedis): Promise<PrivateRedis> {
      const { port } = master.connection as { port: number }
      const replica = await on.server({ onPort: true, args: ['--replicaof', '127.0.0.1', `${port}`] })
      const direct = client(replica)
      await vi.waitUntil(async () => /master_link_status:up/.test(await direct.info('replication')), PATIENT)
      await client(master).wait(1, 5_000)
      return replica
    }

    it.each(['read', 'readMany', 'write', 'touch', 'remove', 'repair', 'candidates', 'measure', 'size'] as const)(
      'is not believed by who knows of more, nor by anybody after that (%s)',
      async (call) => {
        const [a, b] = [await connected(), await connected()]
        await put(a.tier, 1, 5)
        const before = await copyOf(client())
        await put(a.tier, 1, 6)
        await goBack(before)
        // Knows nothing of what is lost.
        expect(await versionIn(b.tier, 1)).toBe(versionOf(5))
        const ask = {
          read: () => a.tier.read([keyOf(1)]),
          readMany: () => a.tier.read(Array.from({ length: 20 }, (_, i) => keyOf(i))),
          write: () => put(a.tier, 1, 7),
          touch: () => a.tier.touch([{ key: keyOf(1), lastAccessedAt: 1, accesses: 1 }]),
          remove: () => a.tier.remove([{ key: keyOf(1), version: versionOf(5) }]),
          repair: () => a.tier.repair([{ key: keyOf(1), version: versionOf(4) }]),
          candidates: () => a.tier.candidates({ limit: 9, idleSince: Number.MAX_SAFE_INTEGER }),
          measure: () => a.tier.measure([keyOf(1)]),
          size: () => a.tier.size(),
        }
        await expect(ask[call]()).rejects.toEqual(AWAY)
        await expect(b.tier.read([keyOf(1)])).rejects.toEqual(AWAY)
        await Promise.all([healed(a.tier), healed(b.tier)])
        expect(b.tier.generationId).toBe(a.tier.generationId)
        expect(a.generations).toHaveLength(2)
        expect(await versionIn(b.tier, 1)).toBeUndefined()
      },
    )

    it('is not believed where others have written as much as was lost', async () => {
      const [a, b] = [await connected(), await connected()]
      await put(a.tier, 1, 5)
      const before = await copyOf(client())
      await put(a.tier, 1, 6)
      await goBack(before)
      for (let n = 1; n <= 9; n++) await put(b.tier, 1, 4)
      await expect(a.tier.read([keyOf(1)])).rejects.toEqual(AWAY)
      await expect(b.tier.read([keyOf(1)])).rejects.toEqual(AWAY)
    })

    it('is told from one in which others have written ever so much', async () => {
      const [a, b] = [await connected(), await connected()]
      await put(a.tier, 1, 5)
      for (let version = 6; version <= 80; version++) await put(b.tier, 1, version)
      expect(await versionIn(a.tier, 1)).toBe(versionOf(80))
      expect(a.generations).toHaveLength(1)
    })

    it('is known for one also after the connection broke', async () => {
      const { tier } = await connected()
      await put(tier, 1, 5)
      const before = await copyOf(client())
      await put(tier, 1, 6)
      await client().call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
      await healed(tier)
      await goBack(before)
      await expect(tier.read([keyOf(1)])).rejects.toEqual(AWAY)
    })

    it('answers nothing once it follows another server', async () => {
      on.redis = await on.server({ onPort: true })
      const { tier } = await connected()
      await put(tier, 1, 5)
      const copy = await replicaOf(on.redis)
      await client(copy).replicaof('NO', 'ONE')
      await put(tier, 1, 6)
      const { port } = copy.connection as { port: number }
      await client().replicaof('127.0.0.1', port)
      const answers: unknown[] = []
      const isSynced = async () => {
        answers.push(await versionIn(tier, 1).catch((error: unknown) => error))
        return /master_link_status:up/.test(await client().info('replication'))
      }
      await vi.waitUntil(isSynced, { timeout: 20_000, interval: 5 })
      for (let i = 0; i < 5; i++) await isSynced()
      for (const answer of answers) expect(answer).toEqual(AWAY)
      await client().replicaof('NO', 'ONE')
      await healed(tier)
      expect(await versionIn(tier, 1)).toBeUndefined()
    })

    it('is noticed by who has been idle meanwhile, when it verifies', async () => {
      on.redis = await on.server({ onPort: true })
      const [a, b] = [await connected(), await connected()]
      await put(a.tier, 1, 5)
      await Promise.all([a.tier.verify(), b.tier.verify()])
      const copy = await replicaOf(on.redis)
      await client(copy).replicaof('NO', 'ONE')
      await put(a.tier, 1, 6)
      const { port } = copy.connection as { port: number }
      const direct = client()
      await direct.replicaof('127.0.0.1', port)
      await vi.waitUntil(async () => /master_link_status:up/.test(await direct.info('replication')), PATIENT)
      await direct.replicaof('NO', 'ONE')
      await expect(b.tier.verify()).rejects.toEqual(AWAY)
      await expect(a.tier.verify()).rejects.toEqual(AWAY)
      await Promise.all([healed(a.tier), healed(b.tier)])
      expect(b.tier.generationId).toBe(a.tier.generationId)
      expect(await versionIn(b.tier, 1)).toBeUndefined()
      await Promise.all([a.tier.verify(), b.tier.verify()])
    })

    it('is noticed by its slots alone where INFO is blocked', async () => {
      await client().acl('SETUSER', 'app', 'on', '>secret', '~*', '&*', '+@all', '-info')
      const options = { ...on.redis.connection, username: 'app', password: 'secret', enableReadyCheck: false }
      const { tier } = await connected({ server: { options } })
      await put(tier, 1, 5)
      const before = await copyOf(client())
      await put(tier, 1, 6)
      await tier.verify()
      await goBack(before)
      await expect(tier.verify()).rejects.toEqual(AWAY)
      await healed(tier)
      expect(await versionIn(tier, 1)).toBeUndefined()
    })
  })
}
