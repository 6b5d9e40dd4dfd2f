import { pbkdf2 } from 'node:crypto'
import { type BenchCase, ratioAtMost, type Sample } from '../harness/bench-case.ts'
import { chunk } from '../harness/entries.ts'
import { load } from '../harness/load.ts'

const JOBS = 8
const LOAD = { callers: 16, ms: 1_000, calls: 4_000 }

export default {
  title: 'put, embedded, beside 8 pbkdf2 jobs, p99',
  rows: [{ figure: 'p99', unit: 'ms', reference: { subject: 'idle' }, goals: [ratioAtMost(3)] }],
  async setUp(bench) {
    const store = await bench.openStore({ sync: false, checkpoint: { every: '1h' } })
    const puts = async (): Promise<Sample> => load((nth) => store.chunks.put(chunk(nth)), LOAD)
    return {
      busy: async () => {
        const stop = occupyPool()
        const sample = await puts()
        await stop()
        await store.checkpoint()
        return sample
      },
      idle: async () => {
        const sample = await puts()
        await store.checkpoint()
        return sample
      },
    }
  },
} satisfies BenchCase

/** Keeps as many jobs in libuv's pool of threads until it is told to stop. */
function occupyPool(): () => Promise<void> {
  let isOver = false
  const job = async (): Promise<void> => {
    while (!isOver)
      await new Promise((resolve) => {
        pbkdf2('password', 'salt', 50_000, 64, 'sha512', resolve)
      })
  }
  const jobs = Array.from({ length: JOBS }, job)
  return async () => {
    isOver = true
    await Promise.all(jobs)
  }
}
