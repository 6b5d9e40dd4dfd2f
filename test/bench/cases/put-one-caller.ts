import { type BenchCase, ratioAtMost } from '../harness/bench-case.ts'
import { encodedChunk } from '../harness/entries.ts'
import { load } from '../harness/load.ts'
import { ONE_CALLER, putOneByOne, syncedFile } from '../harness/one-caller.ts'

export default {
  title: 'put on servers, 1 caller, p50',
  servers: ['redis', 'postgres'],
  rows: [
    { figure: 'p50', unit: 'ms', reference: { subject: 'one fdatasync, one SET' }, goals: [ratioAtMost(1.5)] },
    {
      title: 'put on servers, 1 caller, p99',
      figure: 'p99',
      unit: 'ms',
      reference: { subject: 'one fdatasync, one SET' },
    },
  ],
  async setUp(bench) {
    const store = await bench.openServerStore({ sync: false, checkpoint: { every: '1h' } })
    const redis = bench.redis('redis')
    const append = syncedFile(await bench.folder())
    return {
      thermocline: () => putOneByOne(store),
      'one fdatasync, one SET': () =>
        load(async (nth) => {
          const bytes = encodedChunk(nth)
          append(bytes)
          await redis.set(`key-${nth}`, bytes)
        }, ONE_CALLER),
    }
  },
} satisfies BenchCase
