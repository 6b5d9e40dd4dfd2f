import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type BenchCase, ratioAtMost, type Sample } from '../harness/bench-case.ts'
import { chunk, DIMENSIONS, encodedChunk, vector } from '../harness/entries.ts'

const ENTRIES = 10_000
const BATCH = 500
const MEGABYTE = 1024 * 1024

/** What everything is held against: text, embedding and metadata as msgpack. */
const REFERENCE = { figure: 'content' }

export default {
  title: 'space of 10,000 entries',
  servers: ['redis', 'postgres'],
  mostRounds: 1,
  limit: 600,
  rows: [
    { title: 'in the log', figure: 'log', unit: 'MB', reference: REFERENCE, goals: [ratioAtMost(1.3)] },
    { title: 'in Redis', figure: 'redis', unit: 'MB', reference: REFERENCE, goals: [ratioAtMost(1.6)] },
    { title: 'in Postgres', figure: 'rows', unit: 'MB', reference: REFERENCE },
    { title: 'in the vector index', figure: 'index', unit: 'MB', reference: REFERENCE },
  ],
  async setUp(bench) {
    return {
      thermocline: async (): Promise<Sample> => {
        const url = await bench.database()
        const sql = bench.sql(url, { max: 1 })
        const redis = bench.redis('redis')
        const memory = async (): Promise<number> => Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1])
        const dir = await bench.folder()
        const cold = { url, dimensions: [DIMENSIONS] }
        // The log is measured before a checkpoint cuts it.
        const store = await bench.openServerStore({ dir, cold, sync: false, checkpoint: { every: '1h' } })
        const before = await memory()
        for (let from = 0; from < ENTRIES; from += BATCH)
          await store.chunks.putMany(Array.from({ length: BATCH }, (_, nth) => distinct(from + nth)))
        const redisBytes = (await memory()) - before
        const logBytes = await bytesIn(join(dir, 'wal'))
        await store.checkpoint()
        await sql.unsafe('VACUUM FULL thermocline.memory_entries')
        const rows = await bytesOf(`pg_total_relation_size('thermocline.memory_entries')`)
        do await store.sync()
        while ((await store.stats()).cold!.unindexed > 0)
        const index =
          await bytesOf(`(SELECT sum(pg_relation_size(c.oid)) FROM pg_class c JOIN pg_am a ON a.oid = c.relam
          WHERE a.amname = 'hnsw')`)
        await store.close()
        const content = Array.from({ length: ENTRIES }, (_, nth) => encodedChunk(nth).byteLength)
        return {
          figures: {
            log: logBytes / MEGABYTE,
            redis: redisBytes / MEGABYTE,
            rows: rows / MEGABYTE,
            index: index / MEGABYTE,
            content: content.reduce((sum, bytes) => sum + bytes, 0) / MEGABYTE,
          },
        }

        async function bytesOf(expression: string): Promise<number> {
          const [row] = await sql.unsafe(`SELECT coalesce(${expression}, 0)::float8 AS bytes`)
          return row!.bytes as number
        }
      },
    }
  },
} satisfies BenchCase

/** An index keeps equal vectors once. */
function distinct(nth: number): ReturnType<typeof chunk> {
  return { ...chunk(nth), embedding: vector(nth) }
}

async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true })
  const files = entries.filter((entry) => entry.isFile())
  const sizes = await Promise.all(files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}
