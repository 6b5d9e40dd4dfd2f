import { setTimeout as delay } from 'node:timers/promises'
import { type BenchCase, ratioAtMost, type Sample } from '../harness/bench-case.ts'
import { CuttableProxy } from '../harness/cuttable-proxy.ts'
import { chunk } from '../harness/entries.ts'
import { load } from '../harness/load.ts'

const READ = 500
const CALLERS = 8
/** What callers do a second, so that an outage fills no log. */
const CALLS_PER_SECOND = 200

/** Postgres is away for ten minutes (with `--full`; else for ten seconds) while others put and get. */
export default {
  title: 'after an outage of Postgres under load',
  servers: ['redis', 'postgres'],
  isLong: true,
  mostRounds: 1,
  limit: 1_000,
  rows: [
    {
      title: 'after an outage of Postgres under load: p99 of calls in the minute after it',
      subject: 'after',
      figure: 'p99',
      unit: 'ms',
      reference: { subject: 'before' },
      goals: [ratioAtMost(2)],
    },
    {
      title: 'after an outage of Postgres under load: calls a second',
      subject: 'after',
      figure: 'perSecond',
      unit: '/s',
      reference: { subject: 'before' },
    },
    { title: 'during an outage of Postgres: p99 of calls', subject: 'during', figure: 'p99', unit: 'ms' },
    { title: 'after an outage: until all is in Postgres', subject: 'after', figure: 'drained', unit: 'ms' },
    { title: 'after an outage: records that had waited', subject: 'after', figure: 'waited', unit: '×' },
  ],
  async setUp(bench) {
    const url = new URL(await bench.database())
    const proxy = await CuttableProxy.start({ host: url.hostname, port: Number(url.port) })
    bench.defer(() => proxy.close())
    url.hostname = '127.0.0.1'
    url.port = String(proxy.port)
    const sync = { schedule: '*/10 * * * * *', hotToColdAge: '5s', maxMigrationsPerSecond: 1_000 } as const
    const store = await bench.openServerStore({ cold: { url: url.href }, sync, wal: { maxPendingBytes: 2 ** 30 } })
    const ids = (await store.chunks.putMany(Array.from({ length: READ }, (_, n) => chunk(n)))).map(({ id }) => id)
    const unavailable = new Set(['ERR_TIER_UNAVAILABLE', 'ERR_TIMEOUT'])
    /** One put for three gets, at a pace. */
    const call = async (nth: number): Promise<void> => {
      await delay((1_000 * CALLERS) / CALLS_PER_SECOND)
      try {
        if (nth % 4 === 0) await store.chunks.put(chunk(nth))
        else await store.chunks.get(ids[nth % READ]!)
      } catch (error) {
        // What has left hot cannot be read while cold is away.
        if (!unavailable.has((error as { code?: string }).code ?? '')) throw error
      }
    }
    const seconds = bench.isFull ? 600 : 10
    const loaded = async (ms: number): Promise<Sample> => withoutPace(await load(call, { callers: CALLERS, ms }))
    let isWarm = false
    let after: Promise<Sample> | undefined
    return {
      before: () => loaded(bench.isFull ? 60_000 : 5_000),
      during: async () => {
        if (!isWarm) {
          isWarm = true
          return loaded(1_000)
        }
        await proxy.cut()
        const sample = await loaded(1_000 * seconds)
        const waited = (await store.stats()).checkpoint.lagRecords
        const began = performance.now()
        await proxy.mend()
        const drained = (async () => {
          while ((await store.stats()).checkpoint.lagRecords > CALLS_PER_SECOND) await delay(100)
          return performance.now() - began
        })()
        after = loaded(bench.isFull ? 60_000 : 5_000).then(async ({ figures, curve }) => ({
          figures: { ...figures, drained: await drained, waited },
          ...(curve && { curve }),
        }))
        await after
        return sample
      },
      after: async () => after ?? { figures: { p99: 0, perSecond: 0, drained: 0, waited: 0 } },
    }
  },
} satisfies BenchCase

/** Calls took so much less than the pause before each. */
function withoutPace({ figures, curve }: Sample): Sample {
  const pause = (1_000 * CALLERS) / CALLS_PER_SECOND
  const less = (ms: number): number => Math.max(0, ms - pause)
  return { figures: { ...figures, p99: less(figures.p99!) }, ...(curve && { curve: curve.map(less) }) }
}
