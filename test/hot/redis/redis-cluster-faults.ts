/** A cluster of which one master fails. Declared on each major version of ioredis, in the long run alone. */
import type { Redis } from 'ioredis'
import { describe, expect, it, vi } from 'vitest'
import { keyOf, versionOf, writeOf } from '../../../src/testkit/contract/hot-writes.ts'
import { createCluster, type PrivateRedis } from '../../tools/services.ts'
import { PATIENT, put, useRedis } from './use-redis.ts'

export function describeRedisClusterFaults(): void {
  describe('on a cluster', () => {
    const on = useRedis()
    const { connected, client } = on

    it('one master that restarts empty takes the generation with it', async () => {
      const args = [
        '--cluster-enabled',
        'yes',
        '--cluster-node-timeout',
        '1000',
        '--cluster-require-full-coverage',
        'no',
      ]
      const masters: PrivateRedis[] = []
      for (let i = 0; i < 3; i++) masters.push(await on.server({ onPort: true, args }))
      await createCluster(masters)
      const nodes = masters.map(({ connection }) => connection as { host: string; port: number })
      const { tier, generations } = await connected({ server: { nodes }, commandTimeout: 1_000 })
      for (let n = 1; n <= 20; n++) await put(tier, n, n)
      await masters[1]!.restart()
      await vi.waitFor(
        async () => {
          await tier.size()
          expect(generations.length).toBeGreaterThan(1)
        },
        { timeout: 30_000, interval: 50 },
      )
      expect(await tier.size()).toEqual({ entries: 0, bytes: 0 })
      expect(await put(tier, 1, 30)).toEqual([{ status: 'stored' }])
    })

    it('nothing older is read from a replica that lags and takes the place of its master', async () => {
      const args = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000']
      const nodes: PrivateRedis[] = []
      for (let i = 0; i < 4; i++) nodes.push(await on.server({ onPort: true, args }))
      await createCluster(nodes.slice(0, 3))
      const [master, replica] = [client(nodes[0]), client(nodes[3])]
      const { host, port } = nodes[0]!.connection as { host: string; port: number }
      const masterId = String(await master.cluster('MYID'))
      await replica.cluster('MEET', host, port)
      await vi.waitFor(() => replica.cluster('REPLICATE', masterId), PATIENT)
      // Whoever does not know yet which slots its master has takes none over.
      await vi.waitFor(
        async () => expect(String(await replica.cluster('INFO'))).toContain('cluster_slots_assigned:16384'),
        PATIENT,
      )
      const addresses = nodes.map(({ connection }) => connection as { host: string; port: number })
      const { tier, generations } = await connected({ server: { nodes: addresses } })
      const keys = Array.from({ length: 40 }, (_, n) => keyOf(n))
      const writeAll = (version: number) =>
        tier.write(keys.map((_, n) => writeOf(n, version, { startedAt: tier.now() })))
      const follows = (one: Redis, other: Redis) =>
        vi.waitFor(async () => {
          expect(await one.info('replication')).toContain('master_link_status:up')
          expect(await offsetOf(one)).toBe(await offsetOf(other))
        }, PATIENT)
      await writeAll(1)
      await follows(replica, master)
      // There and back, so that connections to both are open when it counts.
      await replica.cluster('FAILOVER', 'TAKEOVER')
      await vi.waitFor(() => writeAll(2), { timeout: 30_000, interval: 20 })
      await follows(master, replica)
      await replica.acl('SETUSER', 'default', '-psync', '-sync')
      await replica.call('CLIENT', 'KILL', 'TYPE', 'replica')
      // The takeover before may be noticed once more, by a connection that only ends now.
      await vi.waitFor(() => writeAll(3), { timeout: 30_000, interval: 20 })
      const before = generations.length
      await master.cluster('FAILOVER', 'TAKEOVER')
      const answers = new Set<string | undefined>()
      await vi.waitFor(
        async () => {
          for (const found of await tier.read(keys)) answers.add(found?.version)
          expect(generations.length).toBeGreaterThan(before)
        },
        { timeout: 30_000, interval: 0 },
      )
      expect([...answers].filter((version) => version !== undefined && version !== versionOf(3))).toEqual([])
      expect(await writeAll(4)).toEqual(keys.map(() => ({ status: 'stored' })))
    })
  })
}

/** How much of what its master wrote. */
async function offsetOf(redis: Redis): Promise<string | undefined> {
  return /(?:slave|master)_repl_offset:(\d+)/.exec(await redis.info('replication'))?.[1]
}
