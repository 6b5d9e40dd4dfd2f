import { decode } from '@msgpack/msgpack'
import { type BenchCase, ratioAtLeast, ratioAtMost } from '../harness/bench-case.ts'
import { encodedChunk, jsonChunk } from '../harness/entries.ts'
import { load } from '../harness/load.ts'
import { storedChunks } from '../harness/stored-chunks.ts'

const ENTRIES = 1_000

export default {
  title: 'get from Redis',
  servers: ['redis', 'postgres'],
  peers: ['bentocache'],
  rows: [
    { figure: 'perSecond', unit: '/s', reference: { subject: 'getBuffer and decode' }, goals: [ratioAtLeast(0.7)] },
    { figure: 'perSecond', unit: '/s', reference: { subject: 'BentoCache, layer of Redis' }, goals: [ratioAtLeast(6)] },
    {
      title: 'get from Redis, 1 caller, p50',
      figure: 'p50 of 1 caller',
      unit: 'ms',
      reference: { subject: 'getBuffer and decode' },
      goals: [ratioAtMost(1.3)],
    },
  ],
  async setUp(bench) {
    const store = await bench.openServerStore()
    const ids = await storedChunks(store, ENTRIES)
    const redis = bench.redis('redis')
    const bento = await bench.peers.bentocache(bench.address('redis'))
    bench.defer(() => bento.disconnectAll())
    for (const nth of ids.keys()) {
      await redis.set(`raw-${nth}`, encodedChunk(nth))
      await bento.set({ key: `entry-${nth}`, value: jsonChunk(nth) })
    }
    return {
      thermocline: () => both((nth) => store.chunks.get(ids[nth % ENTRIES]!)),
      'getBuffer and decode': () => both(async (nth) => decode((await redis.getBuffer(`raw-${nth % ENTRIES}`))!)),
      'BentoCache, layer of Redis': () => both((nth) => bento.get({ key: `entry-${nth % ENTRIES}` })),
    }
  },
} satisfies BenchCase

/** By 64 callers, and then by one. */
async function both(call: (nth: number) => Promise<unknown>) {
  const many = await load(call, { callers: 64, ms: 800 })
  const one = await load(call, { callers: 1, ms: 300 })
  return { ...many, figures: { ...many.figures, 'p50 of 1 caller': one.figures.p50! } }
}
