import { fdatasyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type BenchCase, ratioAtLeast } from '../harness/bench-case.ts'
import { chunk, encodedChunk } from '../harness/entries.ts'
import { load, sampleOf } from '../harness/load.ts'

const CALLERS = 64
const BURST = { callers: CALLERS, calls: 6_000, ms: 2_000 }
const LOOP_MS = 500

export default {
  title: 'put, embedded, a burst',
  rows: [
    { figure: 'perSecond', unit: '/s', reference: { subject: 'bare fdatasync loop' }, goals: [ratioAtLeast(0.35)] },
  ],
  async setUp(bench) {
    const store = await bench.openStore({ sync: false, checkpoint: { every: '1h' } })
    const file = openSync(join(await bench.folder(), 'loop'), 'w')
    const group = Buffer.concat(Array.from({ length: CALLERS }, (_, nth) => encodedChunk(nth)))
    return {
      thermocline: async () => {
        const sample = await load((nth) => store.chunks.put(chunk(nth)), BURST)
        await store.checkpoint()
        return sample
      },
      'bare fdatasync loop': async () => writeInGroups(file, group),
    }
  },
} satisfies BenchCase

/** As many records as there are callers, written and synced together: what a log can do at best. */
function writeInGroups(file: number, group: Uint8Array) {
  const latencies: number[] = []
  const began = performance.now()
  while (performance.now() < began + LOOP_MS) {
    const before = performance.now()
    writeSync(file, group)
    fdatasyncSync(file)
    latencies.push(performance.now() - before)
  }
  return sampleOf(latencies, (latencies.length * CALLERS) / ((performance.now() - began) / 1_000))
}
