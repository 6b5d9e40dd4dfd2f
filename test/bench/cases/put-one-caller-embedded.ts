import { type BenchCase, ratioAtMost } from '../harness/bench-case.ts'
import { encodedChunk } from '../harness/entries.ts'
import { load } from '../harness/load.ts'
import { ONE_CALLER, putOneByOne, syncedFile } from '../harness/one-caller.ts'

export default {
  title: 'put, embedded, 1 caller, p50',
  rows: [{ figure: 'p50', unit: 'ms', reference: { subject: 'one fdatasync' }, goals: [ratioAtMost(1.5)] }],
  async setUp(bench) {
    const store = await bench.openStore({ sync: false, checkpoint: { every: '1h' } })
    const append = syncedFile(await bench.folder())
    return {
      thermocline: () => putOneByOne(store),
      'one fdatasync': () => load(async (nth) => append(encodedChunk(nth)), ONE_CALLER),
    }
  },
} satisfies BenchCase
