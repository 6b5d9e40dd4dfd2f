/** What Redis may do to the backends of a store, while they write and read all the time. */
import { describe, expect, test, vi } from 'vitest'
import { redisUrlOf, temporaryFolder } from '../flow/stores.ts'
import { longTest } from '../tools/budget.ts'
import { PrivateRedis } from '../tools/services.ts'
import { Load, loaded } from './load.ts'
import { type Backend, BUSY, describeWithPrivateServers, expectIntact, openBackend } from './private-servers.ts'

describeWithPrivateServers('Redis under load', (servers) => {
  const underLoad = async (
    fault: (load: Load, backends: readonly Backend[]) => Promise<void>,
    keys?: number,
  ): Promise<void> => {
    const backends = await servers.backends(2)
    const load = await Load.start(
      backends.map(({ store }) => loaded(store)),
      keys === undefined ? {} : { keys },
    )
    await load.passes()
    await fault(load, backends)
    await load.passes()
    await expectIntact(load, backends)
  }
  const isAway = async ({ hot }: Backend) => {
    await expect(hot.size()).rejects.toMatchObject({ code: 'ERR_TIER_UNAVAILABLE', details: { tier: 'hot' } })
  }

  longTest('is stopped, and goes on after a while', () =>
    underLoad(async (load, backends) => {
      servers.redis.signal('SIGSTOP')
      try {
        await vi.waitFor(() => Promise.all(backends.map(isAway)), { timeout: 10_000 })
        await load.passes(100)
      } finally {
        servers.redis.signal('SIGCONT')
      }
    }),
  )

  longTest('is killed, and comes back empty', () =>
    underLoad(async (load, backends) => {
      for (let times = 0; times < 2; times++) {
        await servers.redis.kill()
        await Promise.all(backends.map(isAway))
        await load.passes(100)
        await servers.redis.restart()
        await load.passes(100)
      }
    }),
  )

  longTest('is flushed', () =>
    underLoad(async (load) => {
      const client = servers.client()
      for (let times = 0; times < 3; times++) {
        await client.flushall()
        await load.passes(100)
      }
    }),
  )

  longTest('is two for a while, after a failover that one backend missed', async () => {
    await using elsewhere = await PrivateRedis.start({ onPort: true })
    const shared = await servers.shared()
    const open = async (hot: { url: string }) =>
      openBackend({ dir: await temporaryFolder(), ...BUSY, cold: shared.cold, hot })
    const [a, b] = [await open(shared.hot), await open({ url: redisUrlOf(elsewhere) })]
    const load = await Load.start([loaded(a.store), loaded(b.store)], { keys: 100 })
    await load.passes(300)
    await load.stop()
    await b.store.close()
    const late = await open(shared.hot)
    load.passTo([loaded(a.store), loaded(late.store)])
    await expectIntact(load, [a, late])
  })

  describe('with a snapshot', () => {
    test('is killed, and comes back older than it was', () =>
      underLoad(async (load) => {
        await servers.client().save()
        await load.passes(200)
        await servers.redis.restart()
        expect(await servers.client().dbsize()).toBeGreaterThan(0)
        // So many keys that most are read before they are written again.
      }, 100))
  })
})
