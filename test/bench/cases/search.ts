import { type BenchCase, ratioAtLeast, ratioAtMost } from '../harness/bench-case.ts'
import { load } from '../harness/load.ts'
import {
  asText,
  fillByHand,
  K,
  putVectors,
  question,
  SEARCH_BY_HAND,
  VECTOR_DIMENSIONS,
  VECTOR_INDEX,
  VECTOR_TABLE,
  WALK,
} from '../harness/vectors.ts'

const ROWS = 10_000

export default {
  title: 'search of 10,000 × 384 on servers, 1 caller, p50',
  servers: ['redis', 'postgres'],
  limit: 300,
  rows: [
    {
      figure: 'p50 of 1 caller',
      unit: 'ms',
      reference: { subject: 'the same query, prepared' },
      goals: [ratioAtMost(1.2)],
    },
    {
      title: 'search of 10,000 × 384 on servers, 16 callers',
      figure: 'perSecond',
      unit: '/s',
      reference: { subject: 'the same query, prepared' },
      goals: [ratioAtLeast(0.8)],
    },
  ],
  async setUp(bench) {
    const store = await bench.openServerStore({ sync: false, cold: { dimensions: [VECTOR_DIMENSIONS] } })
    await putVectors(store, ROWS)
    await store.sync({ timeout: '5m' })
    // As many connections as a store has by default.
    const sql = bench.sql(await bench.database(), { max: 4 })
    await sql.unsafe(`CREATE EXTENSION vector; ${VECTOR_TABLE}`)
    await fillByHand((text, parameters) => sql.unsafe(text, parameters), ROWS)
    await sql.unsafe(VECTOR_INDEX)
    await Promise.all(Array.from({ length: 4 }, () => sql.unsafe(`${WALK}; SELECT pg_sleep(0.05)`)))
    return {
      thermocline: () => both((nth) => store.chunks.search({ embedding: question(nth), k: K })),
      'the same query, prepared': () =>
        both((nth) => sql.unsafe(SEARCH_BY_HAND, [asText(question(nth))], { prepare: true })),
    }
  },
} satisfies BenchCase

/** By 16 callers, and then by one. */
async function both(call: (nth: number) => Promise<unknown>) {
  const many = await load(call, { callers: 16, ms: 1_000 })
  const one = await load(call, { callers: 1, ms: 500 })
  return { ...many, figures: { ...many.figures, 'p50 of 1 caller': one.figures.p50! } }
}
