/** What leaves hot and enters it by policies, on each pair of drivers. */
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Tiering } from '../../src/flow/tiering.ts'
import { InProcessHotTier } from '../../src/hot/in-process/in-process-hot-tier.ts'
import {
  byAccessCount,
  byActivation,
  byIdleTime,
  type EntryState,
  type MemoryStore,
  type NamespaceView,
  openMemoryStore,
  type PreviewedEntry,
  type TieringPolicy,
} from '../../src/index.ts'
import { PolicyTable } from '../../src/policy/policy-table.ts'
import { chunkOf } from '../../src/testkit/contract/cold-records.ts'
import { keyOf, writeOf } from '../../src/testkit/contract/hot-writes.ts'
import { ManualClock } from '../tools/manual-clock.ts'
import { describePairs, describeWithServers, embeddedPair, QUIET } from './stores.ts'

const MINUTE = 60_000

const isHot = async (chunks: Pick<NamespaceView['entries'], 'explain'>, id: string) =>
  (await chunks.explain(id)).hot !== undefined

/** Keeps what is marked by its size, and tells what it was asked. */
const asked: EntryState[] = []
const bySize: TieringPolicy = {
  name: 'by size',
  leastIdle: 1,
  decide: (entry) => {
    asked.push(entry)
    return entry.tier === 'cold' || entry.bytes < 1_000 ? 'stay' : 'demote'
  },
}

const throwing = (): never => {
  throw new TypeError('of a policy')
}

const policies = {
  'counted/*': byAccessCount({ minAccesses: 3, after: '1m', atLatest: '10m' }),
  'active/*': byActivation({ leastIdle: '1s' }),
  'mine/**': bySize,
  blob: byIdleTime({ after: '2m' }),
  'patient/**': byIdleTime({ after: '1h' }),
}

describePairs('policies', (pair) => {
  // Redis dates what is put by its own clock, so this one begins there, and what is put is touched.
  const clock = new ManualClock(Date.now())
  let store: MemoryStore
  beforeAll(async () => {
    const sync = { ...QUIET.sync, hotToColdAge: '5m', batchSize: 3, activationHalfLife: '1m' } as const
    store = await pair.open({ clock, policies, sync })
    clock.advance(Date.now() + MINUTE - clock.now())
  })
  afterAll(() => store?.close())

  const syncAfter = async (milliseconds: number) => {
    clock.advance(milliseconds)
    await store.sync()
  }
  const put = async (chunks: NamespaceView['chunks'], inputs: readonly { text: string; ttl?: '1m' }[]) => {
    const ids = (await chunks.putMany(inputs)).map(({ id }) => id)
    await chunks.touch(ids)
    return ids
  }
  const areHot = (chunks: NamespaceView['chunks'], ids: readonly string[]) =>
    Promise.all(ids.map((id) => isHot(chunks, id)))

  test('by access count keep what was read, and let it go in the end', async () => {
    const { chunks } = store.namespace('counted', 'a')
    const ids = await put(
      chunks,
      [1, 2, 3, 4, 5, 6, 7, 8].map((n) => ({ text: `${n}` })),
    )
    const read = ids.slice(0, 5)
    const readAt = clock.now()
    for (const _ of ['once', 'twice']) await chunks.getMany(read)
    await syncAfter(2 * MINUTE)
    // Those that stay are more than a batch, as idle as the others, and before them.
    expect(await areHot(chunks, ids)).toEqual(ids.map((id) => read.includes(id)))
    expect((await chunks.peek(read[0]!))?.lastAccessedAt?.getTime()).toBe(readAt)
    await syncAfter(7 * MINUTE)
    expect(await areHot(chunks, read)).toEqual(read.map(() => true))
    await syncAfter(MINUTE)
    expect(await areHot(chunks, read)).toEqual(read.map(() => false))
  })

  test('by activation keep what was read of late', async () => {
    const { chunks } = store.namespace('active', 'a')
    const [burst, lately] = (await put(chunks, [{ text: 'burst' }, { text: 'lately' }])) as [string, string]
    for (let n = 0; n < 20; n++) await chunks.get(burst)
    await syncAfter(0)
    clock.advance(5 * MINUTE)
    for (let n = 0; n < 3; n++) await chunks.get(lately)
    await syncAfter(2 * MINUTE)
    expect(await areHot(chunks, [burst, lately])).toEqual([false, true])
    await syncAfter(2 * MINUTE)
    expect(await areHot(chunks, [lately])).toEqual([false])
  })

  test('of a kind and of a namespace go by the first that fits, and all else as ever', async () => {
    const { blobs, chunks } = store.namespace('patient')
    const other = store.namespace('other').chunks
    const { id: blob } = await blobs.put({ bytes: new Uint8Array(4), contentType: 'a/b' })
    await blobs.touch(blob)
    const [chunk] = (await put(chunks, [{ text: 'x' }])) as [string]
    const [usual] = (await put(other, [{ text: 'x' }])) as [string]
    const all = () => Promise.all([isHot(blobs, blob), isHot(chunks, chunk), isHot(other, usual)])
    await syncAfter(3 * MINUTE)
    expect(await all()).toEqual([false, true, true])
    await syncAfter(3 * MINUTE)
    expect(await all()).toEqual([false, true, false])
    await syncAfter(60 * MINUTE)
    expect(await all()).toEqual([false, false, false])
  })

  test('of a user are told what an entry is, and neither keep what is deleted nor take what is pinned', async () => {
    const { chunks } = store.namespace('mine', 'a', 'b')
    const long = 'x'.repeat(2_000)
    const ids = await put(chunks, [{ text: 'x' }, { text: long }, { text: long }, { text: 'y' }])
    const [small, large, pinned, deleted] = ids as [string, string, string, string]
    await chunks.pin(pinned)
    await chunks.delete(deleted)
    asked.length = 0
    await syncAfter(1_000)
    expect(await areHot(chunks, [small, large, pinned, deleted])).toEqual([true, false, true, false])
    expect(asked.filter(({ bytes }) => bytes > 1_000)).toEqual([
      {
        ...{ tier: 'hot', namespace: 'mine/a/b', kind: 'chunk', accessCount: 1, halfLifeMs: MINUTE, frequency: 0 },
        ...{ bytes: expect.any(Number), idleMs: 1_000, ageMs: 1_000, rivalFrequency: 0 },
        ...{ hotFill: expect.any(Number), activation: expect.any(Number) },
      },
    ])
    await chunks.get(large)
    expect(asked.at(-1)).toMatchObject({ tier: 'cold', accessCount: 2, kind: 'chunk' })
    await syncAfter(0)
    expect(await areHot(chunks, [large])).toEqual([false])
  })

  test('are asked by a preview, which moves nothing', async () => {
    const view = store.namespace('counted', 'preview')
    const { chunks } = view
    const [idle, read, pinned, expired, deleted] = (await put(chunks, [
      ...[{ text: '1' }, { text: '2' }, { text: '3' }],
      ...[{ text: '4', ttl: '1m' as const }, { text: '5' }],
    ])) as [string, string, string, string, string]
    for (const _ of ['once', 'twice']) await chunks.getMany([read])
    await chunks.pin(pinned)
    await chunks.delete(deleted)
    await store.checkpoint()
    clock.advance(2 * MINUTE)
    const { demote, stay, expire, more } = await store.previewSync({ limit: 50 })
    const ours = <T extends { namespace: string }>(told: readonly T[]) =>
      told.filter(({ namespace }) => namespace === view.path)
    const tell = ({ id, reason, policy }: PreviewedEntry) => [id, reason, policy]
    expect(new Set(ours(demote).map(tell))).toEqual(
      new Set([
        [idle, 'policy', 'access count'],
        [expired, 'expired', undefined],
        [deleted, 'deleted', undefined],
      ]),
    )
    expect(ours(stay)).toEqual([
      expect.objectContaining({ id: pinned, reason: 'pinned', policy: undefined }),
      expect.objectContaining({ id: read, reason: 'policy', policy: 'access count', accessCount: 3, kind: 'chunk' }),
    ])
    expect(more).toEqual({ hot: false, expired: false })
    // Postgres goes by its own clock.
    if (pair === embeddedPair) expect(ours(expire).map(({ id }) => id)).toEqual([expired])
    expect(await areHot(chunks, [idle, read, pinned])).toEqual([true, true, true])
    expect((await store.previewSync({ limit: 1 })).more.hot).toBe(true)
  })
})

describe('a hot tier in this process that is full', () => {
  test('lets go first what its policy ranks highest, and keeps what is pinned', async () => {
    const clock = new ManualClock(Date.now())
    await using store = await embeddedPair.open({
      ...{ clock, hot: { kind: 'memory', maxEntries: 40 } },
      ...{ sync: { ...QUIET.sync, hotToColdAge: '1h', batchSize: 10 }, policies: { '**': byAccessCount() } },
    })
    const { chunks } = store
    const ids = (await chunks.putMany(Array.from({ length: 40 }, (_, n) => ({ text: `${n}` })))).map(({ id }) => id)
    const [pinned, often] = [ids.slice(0, 5), ids.slice(5, 15)]
    await chunks.pin(pinned)
    for (let n = 0; n < 9; n++) await chunks.getMany(often)
    clock.advance(1_000)
    await chunks.getMany(ids.slice(15))
    await store.sync()
    clock.advance(MINUTE)
    await chunks.putMany(Array.from({ length: 5 }, (_, n) => ({ text: `more ${n}` })))
    await store.sync()
    const areHot = await Promise.all(ids.map((id) => isHot(chunks, id)))
    expect(areHot.slice(0, 15)).toEqual(Array(15).fill(true))
    expect(areHot.filter((is) => !is).length).toBeGreaterThanOrEqual(5)
  })

  test.each([
    ['has no rank', 'highPerformance' as const],
    ['throws', { name: 'wrong', decide: throwing, rank: throwing }],
  ])('lets go first what was idle for longest, though it was asked about, where its policy %s', async (_, policy) => {
    const clock = new ManualClock(Date.now())
    await using store = await embeddedPair.open({
      ...{ clock, hot: { kind: 'memory', maxEntries: 40 }, policies: { '**': policy }, logger: false },
      sync: { ...QUIET.sync, hotToColdAge: '5m', batchSize: 10 },
    })
    const { chunks } = store
    const put = async (count: number) =>
      (await chunks.putMany(Array.from({ length: count }, (_, n) => ({ text: `${n}` })))).map(({ id }) => id)
    const idle = await put(20)
    clock.advance(6 * MINUTE)
    await store.sync()
    const recent = await put(20)
    clock.advance(MINUTE)
    await put(5)
    await store.sync()
    const areHot = async (ids: readonly string[]) => Promise.all(ids.map((id) => isHot(chunks, id)))
    expect(await areHot(recent)).toEqual(Array(20).fill(true))
    expect((await areHot(idle)).filter((is) => !is).length).toBeGreaterThanOrEqual(5)
  })
})

test.each([
  ['without a bound', 0, 0],
  ['that is half full', 0.5, 2],
])('what would leave a hot tier %s for what is read is looked for where it may have to', async (_, fill, told) => {
  const hot = new InProcessHotTier({ maxEntries: 9, maxBytes: 9_999 })
  await hot.write([writeOf(1, 1, { startedAt: hot.now() })])
  const rivals: number[] = []
  const telling: TieringPolicy = {
    ...{ name: 'telling', asksFrequency: true },
    decide: ({ rivalFrequency }) => {
      rivals.push(rivalFrequency)
      return 'stay'
    },
  }
  const tiering = new Tiering({
    ...{ hot, pressure: { latestFill: fill }, policies: new PolicyTable([], telling) },
    ...{ halfLifeMs: MINUTE, clock: new ManualClock(Date.now()) },
  })
  for (let n = 0; n < 2; n++) tiering.counted(keyOf(1))
  await tiering.isWanted({ record: chunkOf('ns', 2, 2), bytes: 1, access: undefined, accessCount: 1 })
  expect(rivals).toEqual([told])
})

describeWithServers('a Redis whose memory is short', (servers) => {
  test('has entries leave sooner, and as ever once it is not', async () => {
    const clock = new ManualClock(Date.now())
    const sync = { ...QUIET.sync, hotToColdAge: '10m' } as const
    await using store = await openMemoryStore({ ...(await servers.storeOptions()), clock, sync })
    const redis = new Redis(servers.redisUrl)
    try {
      const put = async () => {
        const receipt = await store.chunks.put({ text: 'x' })
        await store.chunks.touch(receipt.id)
        return receipt
      }
      const idle = await put()
      const used = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))![1])
      clock.advance(5 * MINUTE)
      await store.sync()
      expect(await isHot(store.chunks, idle.id)).toBe(true)
      await redis.config('SET', 'maxmemory', Math.floor(used / 0.95))
      await store.sync()
      expect(await isHot(store.chunks, idle.id)).toBe(false)
      await redis.config('SET', 'maxmemory', 0)
      const next = await put()
      clock.advance(5 * MINUTE)
      await store.sync()
      expect(await isHot(store.chunks, next.id)).toBe(true)
    } finally {
      await redis.quit()
    }
  })
})
