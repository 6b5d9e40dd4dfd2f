/**
 * Whatever happens to Redis and Postgres in whatever order, under load. `FAULT_RUNS` sets the number of runs; a failing
 * seed is printed and replays its faults with `FAULT_SEED`.
 */
import { expect, test } from 'vitest'
import { pick, randomFrom } from '../fault/seeded-random.ts'
import { budget } from '../tools/budget.ts'
import { Load, loaded } from './load.ts'
import { type Backend, describeWithPrivateServers, expectIntact, type PrivateServers } from './private-servers.ts'

const RUNS = budget({ short: 1, long: 2 })
const SEED = Number(process.env.FAULT_SEED ?? Date.now() % 1_000_000)
const FAULTS = 6

type Fault = (servers: PrivateServers, backends: readonly Backend[], goOn: () => Promise<void>) => Promise<unknown>

const faults: Readonly<Record<string, Fault>> = {
  'Redis stops for a while': async ({ redis }, _, goOn) => {
    redis.signal('SIGSTOP')
    await goOn().finally(() => redis.signal('SIGCONT'))
  },
  'Redis is killed': async ({ redis }, _, goOn) => {
    await redis.kill()
    await goOn()
    await redis.restart()
  },
  'Redis is killed in the middle of everything': ({ redis }) => redis.restart(),
  'Redis takes a snapshot': (servers) => servers.client().save(),
  'Redis is flushed': (servers) => servers.client().flushall(),
  'Redis loses a slot': async (servers, [backend]) => {
    const slots = await servers.client().keys(`*${backend!.hot.generationId}*:slot`)
    await servers.client().del(slots[0] ?? 'none')
  },
  'Redis loses its nonce': async (servers) => {
    const nonces = await servers.client().keys('*:nonce*')
    await servers.client().del(...nonces, 'none')
  },
  'Redis drops its clients': (servers) => servers.client().call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'),
  'Postgres is killed': async ({ postgres }, _, goOn) => {
    await postgres.stop('immediate')
    await goOn()
    await postgres.restart()
  },
  'Postgres ends its connections': async ({ postgres }) => {
    const admin = postgres.client()
    await admin`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`
    await admin.end()
  },
}
const names = Object.keys(faults)

describeWithPrivateServers('Redis and Postgres in trouble', (servers) => {
  test.each(Array.from({ length: RUNS }, (_, run) => SEED + run))(
    'keep what was acknowledged (seed %d)',
    async (seed) => {
      const random = randomFrom(seed)
      const backends = await servers.backends(2)
      const load = await Load.start(
        backends.map(({ store }) => loaded(store)),
        { mayMiss: 'cold', seed, keys: 100 },
      )
      const plan = Array.from({ length: FAULTS }, () => names[pick(random, 0, names.length - 1)]!)
      const goOn = () => load.writes(pick(random, 5, 80))
      try {
        for (const name of plan) {
          await goOn()
          await faults[name]!(servers, backends, goOn)
        }
        await load.passes(50)
        await expectIntact(load, backends)
      } catch (error) {
        throw new Error(`seed ${seed}: ${plan.join(', ')}`, { cause: error })
      }
      expect(load.done.written).toBeGreaterThan(0)
    },
  )
})
