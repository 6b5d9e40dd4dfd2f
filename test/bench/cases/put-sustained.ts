import { type BenchCase, ratioAtLeast, type Sample } from '../harness/bench-case.ts'
import { chunk, encodedChunk } from '../harness/entries.ts'
import { load } from '../harness/load.ts'

export default {
  title: 'put on servers, until all is in cold',
  servers: ['redis', 'syncing redis', 'postgres'],
  limit: 300,
  rows: [
    { figure: 'perSecond', unit: '/s', reference: { subject: 'Redis, appendfsync always' }, goals: [ratioAtLeast(1)] },
  ],
  async setUp(bench) {
    const store = await bench.openServerStore()
    const redis = bench.redis('syncing redis')
    const ms = bench.isFull ? 60_000 : 3_000
    let key = 0
    return {
      /** The time until everything is shipped counts: a rate that cold cannot keep up with lasts only for so long. */
      thermocline: async (): Promise<Sample> => {
        const began = performance.now()
        const { figures, curve } = await load((nth) => store.chunks.put(chunk(nth)), { ms })
        await store.checkpoint()
        const perSecond = figures.calls! / ((performance.now() - began) / 1_000)
        return { figures: { ...figures, perSecond, 'while writing': figures.perSecond! }, curve: curve! }
      },
      'Redis, appendfsync always': () => load((nth) => redis.set(`key-${key++}`, encodedChunk(nth)), { ms: 2_000 }),
    }
  },
} satisfies BenchCase
