import { decode } from '@msgpack/msgpack'
import { type BenchCase, ratioAtLeast } from '../harness/bench-case.ts'
import { encodedChunk } from '../harness/entries.ts'
import { load } from '../harness/load.ts'
import { storedChunks } from '../harness/stored-chunks.ts'

const ENTRIES = 2_000
const BATCH = 100
const LOAD = { callers: 4, ms: 800, weight: BATCH }

export default {
  title: 'getMany of 100 from Redis, 4 callers, entries',
  servers: ['redis', 'postgres'],
  rows: [
    { figure: 'perSecond', unit: '/s', reference: { subject: 'mgetBuffer and decode' }, goals: [ratioAtLeast(0.7)] },
  ],
  async setUp(bench) {
    const store = await bench.openServerStore()
    const ids = await storedChunks(store, ENTRIES)
    const redis = bench.redis('redis')
    const keys = ids.map((_, nth) => `raw-${nth}`)
    for (const [nth, key] of keys.entries()) await redis.set(key, encodedChunk(nth))
    const batchOf = (names: readonly string[], nth: number): string[] => {
      const from = (nth * BATCH) % ENTRIES
      return names.slice(from, from + BATCH)
    }
    return {
      thermocline: () => load((nth) => store.chunks.getMany(batchOf(ids, nth)), LOAD),
      'mgetBuffer and decode': () =>
        load(async (nth) => (await redis.mgetBuffer(batchOf(keys, nth))).map((bytes) => decode(bytes!)), LOAD),
    }
  },
} satisfies BenchCase
