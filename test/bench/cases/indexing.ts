import { type BenchCase, ratioAtLeast } from '../harness/bench-case.ts'
import { timed } from '../harness/timed.ts'
import { fillByHand, putVectors, VECTOR_DIMENSIONS, VECTOR_INDEX, VECTOR_TABLE } from '../harness/vectors.ts'

const ROWS = 3_000

export default {
  title: 'indexing 3,000 × 384 on servers, rows',
  servers: ['redis', 'postgres'],
  mostRounds: 3,
  limit: 240,
  rows: [{ figure: 'perSecond', unit: '/s', reference: { subject: 'CREATE INDEX' }, goals: [ratioAtLeast(0.5)] }],
  async setUp(bench) {
    const sql = bench.sql(await bench.database(), { max: 1 })
    await sql.unsafe(`CREATE EXTENSION vector; ${VECTOR_TABLE}`)
    await fillByHand((text, parameters) => sql.unsafe(text, parameters), ROWS)
    return {
      /** Into the index of a table that was empty before. */
      thermocline: async () => {
        const store = await bench.openServerStore({ sync: false, cold: { dimensions: [VECTOR_DIMENSIONS] } })
        await putVectors(store, ROWS)
        const sample = await timed(ROWS, () => store.sync({ timeout: '2m' }))
        await store.close()
        return sample
      },
      'CREATE INDEX': async () => {
        await sql.unsafe('DROP INDEX IF EXISTS by_hand_hnsw')
        return timed(ROWS, () => sql.unsafe(VECTOR_INDEX))
      },
    }
  },
} satisfies BenchCase
