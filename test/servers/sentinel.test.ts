/** A Redis watched by Sentinel: its replica, which may lag behind, takes over while everybody writes and reads. */
import { Redis } from 'ioredis'
import { expect, vi } from 'vitest'
import { temporaryFolder } from '../flow/stores.ts'
import { longTest } from '../tools/budget.ts'
import {
  describeWithPostgres,
  describeWithRedis,
  PrivatePostgres,
  PrivateRedis,
  PrivateSentinel,
} from '../tools/services.ts'
import { Load, loaded } from './load.ts'
import { BUSY, expectIntact, openBackend } from './private-servers.ts'

describeWithRedis('a hot tier found by Sentinel', () => {
  describeWithPostgres('', () => {
    longTest.each(['SIGKILL', 'SIGSTOP'] as const)('fails over under load (%s)', async (signal) => {
      await using postgres = await PrivatePostgres.start()
      await using master = await PrivateRedis.start({ onPort: true })
      const { port } = master.connection as { port: number }
      await using replica = await PrivateRedis.start({ onPort: true, args: ['--replicaof', '127.0.0.1', `${port}`] })
      const { port: replicaPort } = replica.connection as { port: number }
      const inspected = new Redis(replicaPort)
      await vi.waitFor(async () => expect(await inspected.info('replication')).toMatch(/master_link_status:up/), {
        timeout: 20_000,
      })
      await using sentinel = await PrivateSentinel.start(port)
      const sentinels = [{ host: '127.0.0.1', port: sentinel.port }]
      const client = new Redis({ sentinels, name: 'hot', lazyConnect: true })
      const options = { hot: { client }, cold: { url: postgres.url() }, ...BUSY }
      const open = async () => openBackend({ dir: await temporaryFolder(), ...options })
      const backends = [await open(), await open()]
      const load = await Load.start(backends.map(({ store }) => loaded(store)))
      await load.passes()
      const { generationId } = backends[0]!.hot
      master.signal(signal)
      await vi.waitFor(async () => expect(await inspected.info('replication')).toMatch(/role:master/), {
        timeout: 20_000,
      })
      await vi.waitFor(() => expect(backends[0]!.hot.generationId).not.toBe(generationId), { timeout: 20_000 })
      if (signal === 'SIGSTOP') master.signal('SIGCONT')
      await load.passes()
      await expectIntact(load, backends)
      for (const { store } of backends) await store.close()
      inspected.disconnect()
    })
  })
})
