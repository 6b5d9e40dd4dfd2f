import { type BenchCase, ratioAtMost } from '../harness/bench-case.ts'
import { load } from '../harness/load.ts'
import {
  asText,
  K,
  pgliteByHand,
  putVectors,
  question,
  SEARCH_BY_HAND,
  VECTOR_DIMENSIONS,
  VECTOR_INDEX,
  WALK,
} from '../harness/vectors.ts'

const ROWS = 3_000
const LOAD = { callers: 1, ms: 800 }

export default {
  title: 'search of 3,000 × 384, embedded, 1 caller, p50',
  limit: 300,
  rows: [
    { figure: 'p50', unit: 'ms', reference: { subject: 'the same query on a PGlite' }, goals: [ratioAtMost(1.2)] },
  ],
  async setUp(bench) {
    const store = await bench.openStore({ sync: false, cold: { dimensions: [VECTOR_DIMENSIONS] } })
    await putVectors(store, ROWS)
    await store.sync({ timeout: '5m' })
    const database = await pgliteByHand(bench, ROWS)
    await database.exec(`${VECTOR_INDEX}; ${WALK}`)
    return {
      thermocline: () => load((nth) => store.chunks.search({ embedding: question(nth), k: K }), LOAD),
      'the same query on a PGlite': () => load((nth) => database.query(SEARCH_BY_HAND, [asText(question(nth))]), LOAD),
    }
  },
} satisfies BenchCase
