import { type BenchCase, ratioAtLeast } from '../harness/bench-case.ts'
import { chunk } from '../harness/entries.ts'
import { load } from '../harness/load.ts'

const BATCH = 100
const BURST = { callers: 64, calls: 4_000, ms: 2_000 }

export default {
  title: 'putMany by 100, 4 callers, entries',
  servers: ['redis', 'postgres'],
  rows: [{ figure: 'perSecond', unit: '/s', reference: { subject: 'put, 64 callers' }, goals: [ratioAtLeast(3)] }],
  async setUp(bench) {
    const store = await bench.openServerStore({ sync: false, checkpoint: { every: '1h' } })
    const batches = Array.from({ length: 9 }, (_, batch) =>
      Array.from({ length: BATCH }, (_, nth) => chunk(batch * BATCH + nth)),
    )
    const batched = { callers: 4, calls: BURST.calls / BATCH, ms: BURST.ms, weight: BATCH }
    return {
      thermocline: async () => {
        const sample = await load((nth) => store.chunks.putMany(batches[nth % batches.length]!), batched)
        await store.checkpoint()
        return sample
      },
      'put, 64 callers': async () => {
        const sample = await load((nth) => store.chunks.put(chunk(nth)), BURST)
        await store.checkpoint()
        return sample
      },
    }
  },
} satisfies BenchCase
