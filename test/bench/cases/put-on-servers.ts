import { type BenchCase, ratioAtLeast } from '../harness/bench-case.ts'
import { chunk, encodedChunk, jsonChunk } from '../harness/entries.ts'
import { load } from '../harness/load.ts'

/** So few that nothing waits for a checkpoint: see `put-sustained` for what goes on for long. */
const BURST = { callers: 64, calls: 6_000, ms: 2_000 }

export default {
  title: 'put on servers, a burst',
  servers: ['redis', 'syncing redis', 'postgres'],
  peers: ['classic-level', '@langchain/langgraph-checkpoint-postgres'],
  rows: [
    { figure: 'perSecond', unit: '/s', reference: { subject: 'Redis, appendfsync always' }, goals: [ratioAtLeast(2)] },
    { figure: 'perSecond', unit: '/s', reference: { subject: 'classic-level, sync' }, goals: [ratioAtLeast(4)] },
    { figure: 'perSecond', unit: '/s', reference: { subject: 'LangGraph PostgresStore' }, goals: [ratioAtLeast(15)] },
  ],
  async setUp(bench) {
    const store = await bench.openServerStore({ sync: false, checkpoint: { every: '1h' } })
    const redis = bench.redis('syncing redis')
    const level = await bench.peers.classicLevel(await bench.folder())
    bench.defer(() => level.close())
    const langGraph = await bench.peers.langGraphStore(await bench.database())
    bench.defer(() => langGraph.stop())
    let key = 0
    return {
      thermocline: async () => {
        const sample = await load((nth) => store.chunks.put(chunk(nth)), BURST)
        await store.checkpoint()
        return sample
      },
      'Redis, appendfsync always': () => load((nth) => redis.set(`key-${key++}`, encodedChunk(nth)), BURST),
      'classic-level, sync': () => load((nth) => level.put(`key-${key++}`, encodedChunk(nth), { sync: true }), BURST),
      'LangGraph PostgresStore': () =>
        load((nth) => langGraph.put(['bench'], `key-${key++}`, jsonChunk(nth), false), { callers: 64, ms: 1_000 }),
    }
  },
} satisfies BenchCase
