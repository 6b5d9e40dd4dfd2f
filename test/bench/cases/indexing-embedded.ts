import { type BenchCase, ratioAtLeast } from '../harness/bench-case.ts'
import { timed } from '../harness/timed.ts'
import { pgliteByHand, putVectors, VECTOR_DIMENSIONS, VECTOR_INDEX } from '../harness/vectors.ts'

const ROWS = 1_500

export default {
  title: 'indexing 1,500 × 384, embedded, rows',
  mostRounds: 3,
  limit: 240,
  rows: [
    { figure: 'perSecond', unit: '/s', reference: { subject: 'CREATE INDEX on a PGlite' }, goals: [ratioAtLeast(0.5)] },
  ],
  async setUp(bench) {
    const database = await pgliteByHand(bench, ROWS)
    return {
      thermocline: async () => {
        const store = await bench.openStore({ sync: false, cold: { dimensions: [VECTOR_DIMENSIONS] } })
        await putVectors(store, ROWS)
        const sample = await timed(ROWS, () => store.sync({ timeout: '2m' }))
        await store.close()
        return sample
      },
      'CREATE INDEX on a PGlite': async () => {
        await database.exec('DROP INDEX IF EXISTS by_hand_hnsw')
        return timed(ROWS, () => database.exec(VECTOR_INDEX))
      },
    }
  },
} satisfies BenchCase
