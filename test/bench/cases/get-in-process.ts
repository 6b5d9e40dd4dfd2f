import { type BenchCase, figureAtLeast, ratioAtLeast } from '../harness/bench-case.ts'
import { jsonChunk } from '../harness/entries.ts'
import { load } from '../harness/load.ts'
import { storedChunks } from '../harness/stored-chunks.ts'

const ENTRIES = 1_000

export default {
  title: 'get from the in-process hot tier, one after another',
  peers: ['bentocache'],
  rows: [
    {
      figure: 'perSecond',
      unit: '/s',
      reference: { subject: 'BentoCache, layer of memory, 64 callers' },
      goals: [ratioAtLeast(20), figureAtLeast(300_000)],
    },
  ],
  async setUp(bench) {
    const store = await bench.openStore()
    const ids = await storedChunks(store, ENTRIES)
    const bento = await bench.peers.bentocache({ maxItems: ENTRIES })
    bench.defer(() => bento.disconnectAll())
    for (const nth of ids.keys()) await bento.set({ key: `entry-${nth}`, value: jsonChunk(nth) })
    const bentoGet = (nth: number) => bento.get({ key: `entry-${nth % ENTRIES}` })
    return {
      thermocline: () => load((nth) => store.chunks.get(ids[nth % ENTRIES]!), { callers: 1, ms: 600 }),
      'BentoCache, layer of memory, 64 callers': () => load(bentoGet, { callers: 64, ms: 600 }),
    }
  },
} satisfies BenchCase
