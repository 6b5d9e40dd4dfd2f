import { fdatasyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type BenchCase, ratioAtMost } from '../harness/bench-case.ts'
import { chunk, encodedChunk } from '../harness/entries.ts'
import { load } from '../harness/load.ts'

const ONE_CALLER = { callers: 1, ms: 600, calls: 1_000 }

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
    const file = openSync(join(await bench.folder(), 'records'), 'w')
    return {
      thermocline: async () => {
        const sample = await load((nth) => store.chunks.put(chunk(nth)), ONE_CALLER)
        await store.checkpoint()
        return sample
      },
      'one fdatasync, one SET': () =>
        load(async (nth) => {
          const bytes = encodedChunk(nth)
          writeSync(file, bytes)
          fdatasyncSync(file)
          await redis.set(`key-${nth}`, bytes)
        }, ONE_CALLER),
    }
  },
} satisfies BenchCase
