import { setTimeout as delay } from 'node:timers/promises'
import type { MemoryStore } from '../../../src/index.ts'
import { type BenchCase, ratioAtMost, type Sample } from '../harness/bench-case.ts'
import { load } from '../harness/load.ts'

const ENTRIES = 10_000
const BATCH = 500
const READ = 200
const CALLERS = 8
const IDLE_MS = 2_000

const inputs = (count: number) => Array.from({ length: count }, (_, nth) => ({ text: `entry ${nth}` }))

async function putAll(store: MemoryStore, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let from = 0; from < count; from += BATCH)
    ids.push(...(await store.chunks.putMany(inputs(Math.min(BATCH, count - from)))).map(({ id }) => id))
  return ids
}

/** 10,000 entries leave Redis, while others are read, or alone. */
export default {
  title: '10,000 entries leave Redis',
  servers: ['redis', 'postgres'],
  isLong: true,
  mostRounds: 5,
  // A round may take minutes, where the pace is held down by what else runs on the machine.
  limit: 1_800,
  rows: [
    {
      title: '10,000 entries leave Redis, paced: p99 of gets beside it',
      figure: 'p99 beside it',
      unit: 'ms',
      reference: { figure: 'p99 before' },
      goals: [ratioAtMost(1.5)],
    },
    { title: '10,000 entries leave Redis, paced: how fast', figure: 'moved', unit: '/s' },
    {
      title: '10,000 entries leave Redis, not paced, nobody else there',
      subject: 'at once',
      figure: 'time',
      unit: 'ms',
      reference: { subject: 'select and unlink' },
      goals: [ratioAtMost(2)],
    },
  ],
  async setUp(bench) {
    const sync = { schedule: '0 0 0 1 1 *', hotToColdAge: IDLE_MS } as const
    const paced = await bench.openServerStore({ sync: { ...sync, maxMigrationsPerSecond: 2_000 } })
    const atOnce = await bench.openServerStore({ sync: { ...sync, batchSize: 1_000 } })
    const redis = bench.redis('redis')
    const url = await bench.database()
    const sql = bench.sql(url)
    await sql`CREATE TABLE entries (id uuid PRIMARY KEY, version text NOT NULL)`
    const read = await putAll(paced, READ)
    await paced.chunks.pin(read)
    return {
      paced: async (): Promise<Sample> => {
        await putAll(paced, ENTRIES)
        await paced.checkpoint()
        const call = (nth: number) => paced.chunks.get(read[nth % READ]!)
        const before = await load(call, { callers: CALLERS, ms: IDLE_MS + 1_500 })
        const beside: Sample[] = []
        let isDone = false
        const began = performance.now()
        const sync = paced.sync().finally(() => {
          isDone = true
        })
        const p99s: number[] = []
        while (!isDone) {
          const sample = await load(call, { callers: CALLERS, ms: 1_000 })
          beside.push(sample)
          p99s.push(sample.figures.p99!)
        }
        const { synced } = await sync
        const seconds = (performance.now() - began) / 1_000
        const middle = p99s.toSorted((a, b) => a - b)[p99s.length >> 1]!
        const figures = { 'p99 before': before.figures.p99!, 'p99 beside it': middle, moved: synced / seconds }
        return { figures, ...(beside[0]?.curve && { curve: beside[0].curve }) }
      },
      'at once': async (): Promise<Sample> => {
        await putAll(atOnce, ENTRIES)
        await atOnce.checkpoint()
        await delay(IDLE_MS + 100)
        const before = performance.now()
        await atOnce.sync()
        const time = performance.now() - before
        // What a sync costs that has nothing to demote.
        const began = performance.now()
        await atOnce.sync()
        return { figures: { time: Math.max(0, time - (performance.now() - began)) } }
      },
      'select and unlink': async (): Promise<Sample> => {
        await sql`TRUNCATE entries`
        await sql`INSERT INTO entries SELECT gen_random_uuid(), md5(n::text) FROM generate_series(1, ${ENTRIES}) n`
        await sql`ANALYZE entries`
        const ids = (await sql`SELECT id::text FROM entries`).map(({ id }) => id as string)
        const value = 'x'.repeat(300)
        const filling = redis.pipeline()
        for (const id of ids) filling.set(`plain:${id}`, value)
        await filling.exec()
        const began = performance.now()
        await sql`SELECT id, version FROM entries WHERE id = ANY (${ids}::uuid[])`
        const leaving = redis.pipeline()
        for (const id of ids) leaving.unlink(`plain:${id}`)
        await leaving.exec()
        return { figures: { time: performance.now() - began } }
      },
    }
  },
} satisfies BenchCase
