/** What Postgres may do to the backends of a store, while they write and read all the time. */
import { expect, test, vi } from 'vitest'
import { temporaryFolder } from '../flow/stores.ts'
import { longTest } from '../tools/budget.ts'
import { Load, loaded } from './load.ts'
import { type Backend, BUSY, describeWithPrivateServers, expectIntact, openBackend } from './private-servers.ts'

describeWithPrivateServers('Postgres under load', (servers) => {
  const underLoad = async (fault: (load: Load, backends: readonly Backend[]) => Promise<void>): Promise<void> => {
    const backends = await servers.backends(2)
    const load = await Load.start(
      backends.map(({ store }) => loaded(store)),
      { mayMiss: 'cold' },
    )
    await load.passes()
    await fault(load, backends)
    await load.passes()
    await expectIntact(load, backends)
  }

  longTest.each(['fast', 'immediate'] as const)('is stopped (%s), and started again', (mode) =>
    underLoad(async (load, backends) => {
      await servers.postgres.stop(mode)
      for (const { cold } of backends)
        await expect(cold.stats()).rejects.toMatchObject({ code: 'ERR_TIER_UNAVAILABLE', details: { tier: 'cold' } })
      const { written } = load.done
      await vi.waitFor(() => expect(load.done.written).toBeGreaterThan(written + 150), { timeout: 20_000 })
      await servers.postgres.restart()
    }),
  )

  longTest('is away while another backend opens', async () => {
    const options = { dir: await temporaryFolder(), ...(await servers.shared()), ...BUSY }
    const backend = await openBackend(options)
    const load = await Load.start([loaded(backend.store)], { mayMiss: 'cold' })
    await load.passes()
    await servers.postgres.stop()
    const late = await openBackend({ ...options, requireCold: false, timeouts: { ...BUSY.timeouts, open: 100 } })
    load.join(loaded(late.store))
    await load.writes(100)
    await servers.postgres.restart()
    await load.passes()
    await expectIntact(load, [backend, late])
  })

  test('ends connections, one after the other', () =>
    underLoad(async (load) => {
      const admin = servers.postgres.client()
      try {
        for (let times = 0; times < 12; times++) {
          await admin`
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1`
          await load.passes(10)
        }
      } finally {
        await admin.end()
      }
    }))

  longTest('is away together with Redis', () =>
    underLoad(async (load) => {
      await Promise.all([servers.postgres.stop('immediate'), servers.redis.kill()])
      const { written } = load.done
      await vi.waitFor(() => expect(load.done.written).toBeGreaterThan(written + 100), { timeout: 20_000 })
      await servers.redis.restart()
      await vi.waitFor(() => expect(load.done.written).toBeGreaterThan(written + 200), { timeout: 20_000 })
      await servers.postgres.restart()
    }),
  )
})
