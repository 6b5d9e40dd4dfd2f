import { type BenchCase, figureAtMost } from '../harness/bench-case.ts'
import { load } from '../harness/load.ts'
import { K, putVectors, question, VECTOR_DIMENSIONS } from '../harness/vectors.ts'

const ROWS = 10_000

export default {
  title: 'search of 10,000 × 384 before indexing, on servers, 1 caller, p50',
  servers: ['redis', 'postgres'],
  rows: [{ figure: 'p50', unit: 'ms', goals: [figureAtMost(15)] }],
  async setUp(bench) {
    const store = await bench.openServerStore({ sync: false, cold: { dimensions: [VECTOR_DIMENSIONS] } })
    await putVectors(store, ROWS)
    return {
      thermocline: () =>
        load((nth) => store.chunks.search({ embedding: question(nth), k: K }), { callers: 1, ms: 800 }),
    }
  },
} satisfies BenchCase
