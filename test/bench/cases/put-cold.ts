import { type BenchCase, ratioAtLeast, ratioAtMost } from '../harness/bench-case.ts'
import { CHUNK_TABLE, UPSERT, valuesOf } from '../harness/by-hand.ts'
import { chunk, jsonChunk } from '../harness/entries.ts'
import { load } from '../harness/load.ts'

export default {
  title: "put with durability 'cold'",
  servers: ['redis', 'postgres'],
  peers: ['@langchain/langgraph-checkpoint-postgres'],
  rows: [
    { figure: 'perSecond', unit: '/s', reference: { subject: 'LangGraph PostgresStore' }, goals: [ratioAtLeast(3)] },
    {
      title: "put with durability 'cold', 1 caller, p50",
      figure: 'p50 of 1 caller',
      unit: 'ms',
      reference: { subject: 'one upsert, prepared' },
      goals: [ratioAtMost(2.5)],
    },
  ],
  async setUp(bench) {
    const store = await bench.openServerStore({ durability: 'cold' })
    const langGraph = await bench.peers.langGraphStore(await bench.database())
    bench.defer(() => langGraph.stop())
    const sql = bench.sql(await bench.database(), { max: 4 })
    await sql.unsafe(CHUNK_TABLE)
    let key = 0
    return {
      thermocline: () => both((nth) => store.chunks.put(chunk(nth))),
      'LangGraph PostgresStore': () => both((nth) => langGraph.put(['bench'], `key-${key++}`, jsonChunk(nth), false)),
      'one upsert, prepared': () => both((nth) => sql.unsafe(UPSERT, valuesOf(nth), { prepare: true })),
    }
  },
} satisfies BenchCase

/** By 64 callers, and then by one. */
async function both(call: (nth: number) => Promise<unknown>) {
  const many = await load(call, { callers: 64, ms: 1_000 })
  const one = await load(call, { callers: 1, ms: 500 })
  return { ...many, figures: { ...many.figures, 'p50 of 1 caller': one.figures.p50! } }
}
