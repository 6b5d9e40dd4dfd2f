import { type BenchCase, ratioAtMost, type Sample } from '../harness/bench-case.ts'
import { chunk } from '../harness/entries.ts'
import { memoryAfterCollection } from '../harness/memory.ts'

const BATCH = 500
const MEGABYTE = 1024 * 1024

export default {
  title: 'memory of 10,000 in-process hot entries',
  mostRounds: 1,
  rows: [{ figure: 'taken', unit: 'MB', reference: { figure: 'payload' }, goals: [ratioAtMost(1.3)] }],
  async setUp(bench) {
    const entries = bench.isFull ? 100_000 : 10_000
    return {
      thermocline: async (): Promise<Sample> => {
        const hot = { maxEntries: 2 * entries, maxBytes: 4_096 * MEGABYTE }
        const store = await bench.openStore({ hot, sync: false })
        // What the first entries load and compile is none of theirs.
        await put(BATCH)
        const before = await memoryAfterCollection()
        const { hot: held } = await store.stats()
        await put(entries)
        const taken = (await memoryAfterCollection()) - before
        const { hot: holds } = await store.stats()
        await store.close()
        return { figures: { taken: taken / MEGABYTE, payload: (holds!.bytes - held!.bytes) / MEGABYTE } }

        async function put(count: number): Promise<void> {
          for (let from = 0; from < count; from += BATCH)
            await store.chunks.putMany(Array.from({ length: BATCH }, (_, nth) => chunk(from + nth)))
          // From here on they are not pending as well.
          await store.checkpoint()
        }
      },
    }
  },
} satisfies BenchCase
