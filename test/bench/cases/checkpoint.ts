import type { MemoryStore } from '../../../src/index.ts'
import { type BenchCase, ratioAtLeast, type Sample } from '../harness/bench-case.ts'
import { CHUNK_TABLE, copyAndUpsert } from '../harness/by-hand.ts'
import { chunk } from '../harness/entries.ts'
import { timed } from '../harness/timed.ts'

const ROWS = 5_000
const BATCH = 500

export default {
  title: 'checkpoint of 5,000 entries, rows',
  servers: ['redis', 'postgres'],
  limit: 300,
  rows: [
    { figure: 'perSecond', unit: '/s', reference: { subject: 'COPY and one upsert' }, goals: [ratioAtLeast(0.8)] },
    {
      title: "checkpoint of 5,000 entries without Postgres's JIT, rows",
      figure: 'perSecond',
      unit: '/s',
      subject: 'thermocline, JIT off',
      reference: { subject: 'COPY and one upsert' },
      goals: [ratioAtLeast(0.8)],
    },
  ],
  async setUp(bench) {
    const open = async (setting: 'on' | 'off'): Promise<MemoryStore> => {
      const url = await bench.database()
      const sql = bench.sql(url, { max: 1 })
      await sql.unsafe(`ALTER DATABASE ${new URL(url).pathname.slice(1)} SET jit = ${setting}`)
      return bench.openServerStore({ sync: false, checkpoint: { every: '1h' }, cold: { url } })
    }
    const stores = { on: await open('on'), off: await open('off') }
    const sql = bench.sql(await bench.database(), { max: 1 })
    await sql.unsafe(CHUNK_TABLE)
    return {
      thermocline: () => ship(stores.on),
      'thermocline, JIT off': () => ship(stores.off),
      'COPY and one upsert': () => timed(ROWS, () => copyAndUpsert(sql, ROWS)),
    }
  },
} satisfies BenchCase

async function ship(store: MemoryStore): Promise<Sample> {
  for (let from = 0; from < ROWS; from += BATCH)
    await store.chunks.putMany(Array.from({ length: BATCH }, (_, nth) => chunk(from + nth)))
  return timed(ROWS, () => store.checkpoint())
}
