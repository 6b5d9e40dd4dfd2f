import { fdatasyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type BenchCase, ratioAtMost } from '../harness/bench-case.ts'
import { chunk, encodedChunk } from '../harness/entries.ts'
import { load } from '../harness/load.ts'

const ONE_CALLER = { callers: 1, ms: 600, calls: 1_000 }

export default {
  title: 'put, embedded, 1 caller, p50',
  rows: [{ figure: 'p50', unit: 'ms', reference: { subject: 'one fdatasync' }, goals: [ratioAtMost(1.5)] }],
  async setUp(bench) {
    const store = await bench.openStore({ sync: false, checkpoint: { every: '1h' } })
    const file = openSync(join(await bench.folder(), 'records'), 'w')
    return {
      thermocline: async () => {
        const sample = await load((nth) => store.chunks.put(chunk(nth)), ONE_CALLER)
        await store.checkpoint()
        return sample
      },
      'one fdatasync': () =>
        load(async (nth) => {
          writeSync(file, encodedChunk(nth))
          fdatasyncSync(file)
        }, ONE_CALLER),
    }
  },
} satisfies BenchCase
