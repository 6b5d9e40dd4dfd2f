import { type BenchCase, ratioAtLeast, ratioAtMost, type Sample } from '../harness/bench-case.ts'
import { chunk } from '../harness/entries.ts'
import { load } from '../harness/load.ts'
import { memoryAfterCollection } from '../harness/memory.ts'

/** Written over and over: what the servers hold stays as large as it is. */
const ENTRIES = 20_000
const BATCH = 500
const PARTS = 10
const MEGABYTE = 1024 * 1024

export default {
  title: 'ten minutes at full load on servers',
  servers: ['redis', 'postgres'],
  isLong: true,
  mostRounds: 1,
  limit: 180,
  rows: [
    { figure: 'last', unit: '/s', reference: { figure: 'first' }, goals: [ratioAtLeast(0.9)] },
    {
      title: 'heap after ten minutes, collected',
      figure: 'heap at the end',
      unit: 'MB',
      reference: { figure: 'heap after a tenth' },
      goals: [ratioAtMost(1.1)],
    },
    {
      title: 'resident memory after ten minutes',
      figure: 'resident at the end',
      unit: 'MB',
      reference: { figure: 'resident after a tenth' },
      goals: [ratioAtMost(1.1)],
    },
  ],
  async setUp(bench) {
    const store = await bench.openServerStore()
    const ids: string[] = []
    for (let from = 0; from < ENTRIES; from += BATCH) {
      const inputs = Array.from({ length: BATCH }, (_, nth) => chunk(from + nth))
      ids.push(...(await store.chunks.putMany(inputs)).map(({ id }) => id))
    }
    const idOf = (nth: number): string => ids[nth % ENTRIES]!
    /** One put for each get. */
    const call = (nth: number): Promise<unknown> =>
      nth % 2 === 0 ? store.chunks.put({ ...chunk(nth), id: idOf(nth) }) : store.chunks.get(idOf(nth * 7))
    let isWarm = false
    return {
      thermocline: async (): Promise<Sample> => {
        const ms = (bench.isFull && isWarm ? 600_000 : 10_000) / PARTS
        isWarm = true
        const rates: number[] = []
        const memory: { readonly heap: number; readonly resident: number }[] = []
        for (let part = 0; part < PARTS; part++) {
          rates.push((await load(call, { ms })).figures.perSecond!)
          memory.push({ heap: await memoryAfterCollection(), resident: process.memoryUsage.rss() })
        }
        return {
          figures: {
            first: rates[0]!,
            last: rates.at(-1)!,
            'heap after a tenth': memory[0]!.heap / MEGABYTE,
            'heap at the end': memory.at(-1)!.heap / MEGABYTE,
            'resident after a tenth': memory[0]!.resident / MEGABYTE,
            'resident at the end': memory.at(-1)!.resident / MEGABYTE,
          },
        }
      },
    }
  },
} satisfies BenchCase
