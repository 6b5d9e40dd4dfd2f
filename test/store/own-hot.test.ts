/** A hot tier of a user's own: used as any other, and whatever it does to a call, nothing is lost or read older. */
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { guardHotTier } from '../../src/hot/guarded-hot-tier.ts'
import { HotContent } from '../../src/hot/hot-content.ts'
import { InProcessHotTier } from '../../src/hot/in-process/in-process-hot-tier.ts'
import type { HotTier, HotTierOpening, MemoryStoreOptions } from '../../src/index.ts'
import { describeHotTier } from '../../src/testkit/testkit.ts'
import { describeWithServers, openInMemory, openStore } from '../flow/stores.ts'
import { budget, givenSeed } from '../tools/budget.ts'
import { ManualClock } from '../tools/manual-clock.ts'

const CAPACITY = { maxEntries: 1_000, maxBytes: 1_000_000 }

/** As users have it: what it does is in memory, and each call that answers by a promise waits for `meanwhile`. */
class OwnHotTier {
  readonly inner: InProcessHotTier
  readonly tier: HotTier
  /** Rejects, or never resolves, where the tier is to be in trouble. */
  meanwhile: () => Promise<void> = async () => {}
  /** The same, once the call is done. */
  afterwards: () => Promise<void> = async () => {}

  constructor(opening: HotTierOpening) {
    this.inner = new InProcessHotTier({ ...CAPACITY, ...opening })
    this.tier = new Proxy<HotTier>(this.inner, {
      get: (target, name) => this.#waiting(Reflect.get(target, name, target), name),
    })
  }

  #waiting(value: unknown, name: string | symbol): unknown {
    if (name === 'held') return undefined
    if (typeof value !== 'function') return value
    if (name === 'now' || name === 'close') return value.bind(this.inner)
    return async (...args: unknown[]) => {
      await this.meanwhile()
      const answer: unknown = await Reflect.apply(value, this.inner, args)
      await this.afterwards()
      return answer
    }
  }
}

describeHotTier('a guarded one', {
  movesClock: true,
  runs: budget({ short: 8, long: 100 }),
  async open(opening) {
    const clock = new ManualClock()
    const tier = guardHotTier(new InProcessHotTier({ ...CAPACITY, ...opening, clock }), {
      name: 'mine',
      timeout: 60_000,
    })
    return { tier, advance: (milliseconds) => clock.advance(milliseconds) }
  },
})

async function openWithOwn(options: MemoryStoreOptions = { inMemory: true }) {
  let own!: OwnHotTier
  const open = (opening: HotTierOpening): HotTier => {
    own = new OwnHotTier(opening)
    return own.tier
  }
  const store = await openStore({ ...options, hot: { name: 'mine', open } })
  onTestFinished(async () => void (await store.close()))
  return { store, own, chunks: store.chunks }
}

describe("a hot tier of one's own", () => {
  test('is written and read, left by what is idle, and closed with the store', async () => {
    const { store, own, chunks } = await openWithOwn()
    const { id, version } = await chunks.put({ text: 'kept' })
    expect(await own.inner.size()).toMatchObject({ entries: 1 })
    expect((await chunks.explain(id)).hot).toMatchObject({ version })
    expect((await store.stats()).tiers.hot.entries).toBe(1)
    await store.sync()
    expect(await own.inner.size()).toMatchObject({ entries: 0 })
    expect((await chunks.get(id))?.text).toBe('kept')
    await store.close()
    await expect(own.inner.size()).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  })

  test('that fails is gone on without, is named, and gives nothing older once it answers again', async () => {
    const { store, own, chunks } = await openWithOwn()
    const { id } = await chunks.put({ key: 'a', text: 'old' })
    const gone = await chunks.put({ key: 'b', text: 'old' })
    await store.checkpoint()
    own.meanwhile = () => Promise.reject(new RangeError('no room on the device'))
    await chunks.put({ key: 'a', text: 'new' })
    await chunks.delete(gone.id)
    const { degraded, reasons } = store.health()
    expect(degraded).toBe(true)
    expect(reasons).toMatchObject([
      { code: 'hot-away', message: expect.stringContaining('the hot tier mine does not answer') },
    ])
    expect((await chunks.get(id))?.text).toBe('new')
    await store.checkpoint()
    own.meanwhile = async () => {}
    expect((await chunks.get(id))?.text).toBe('new')
    expect(await chunks.get(gone.id)).toBeUndefined()
    await store.sync()
    expect((await chunks.get(id))?.text).toBe('new')
    expect(store.health().degraded).toBe(false)
  })

  test('that fails at random, also once a call is done, gives nothing older', { timeout: 3_600_000 }, async () => {
    const { store, own } = await openWithOwn()
    const step = fc.record({
      make: fc.constantFrom('put', 'put', 'delete', 'get', 'get', 'checkpoint', 'sync'),
      key: fc.constantFrom('a', 'b'),
      fails: fc.constantFrom('not', 'not', 'meanwhile', 'afterwards'),
    })
    let runs = 0
    const run = async (steps: readonly { make: string; key: string; fails: string }[]): Promise<void> => {
      const chunks = store.namespace('run', String(++runs)).chunks
      const values = new Map<string, string>()
      for (const [nth, { make, key, fails }] of steps.entries()) {
        const fail = () => Promise.reject(new Error('in trouble'))
        own.meanwhile = fails === 'meanwhile' ? fail : async () => {}
        own.afterwards = fails === 'afterwards' ? fail : async () => {}
        if (make === 'put') {
          await chunks.put({ key, text: String(nth) })
          values.set(key, String(nth))
        } else if (make === 'delete') {
          await chunks.deleteByKey(key)
          values.delete(key)
        } else if (make === 'checkpoint') await store.checkpoint()
        else if (make === 'sync') await store.sync()
        expect((await chunks.getByKey(key))?.text).toBe(values.get(key))
      }
    }
    const property = fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), run)
    await fc.assert(property, {
      numRuns: budget({ short: 6, long: 200 }),
      ...(givenSeed === undefined ? {} : { seed: givenSeed }),
    })
    own.meanwhile = own.afterwards = async () => {}
  })

  test('that never answers is waited for as long as `timeouts.hot` says', async () => {
    const { store, own, chunks } = await openWithOwn({ inMemory: true, timeouts: { hot: 20 } })
    own.meanwhile = () => new Promise(() => {})
    const { id } = await chunks.put({ text: 'kept' })
    expect((await chunks.get(id))?.text).toBe('kept')
    expect(store.health().hot.is).toBe('away')
    own.meanwhile = async () => {}
  })

  test('gives each caller an embedding of its own, also where it keeps what it answers and has no `held`', async () => {
    const { store, own, chunks } = await openWithOwn({ inMemory: true, cold: { dimensions: [2] } })
    const { id } = await chunks.put({ text: 'kept', embedding: [1, 0] })
    await store.checkpoint()
    expect(await own.inner.size()).toMatchObject({ entries: 1 })
    const embedding = (await chunks.get(id))!.embedding as Float32Array
    embedding.fill(7)
    expect((await chunks.get(id))!.embedding).toEqual(Float32Array.of(1, 0))
  })

  test('says in a message nothing of what its own errors say, which may be content of entries', async () => {
    const fail = (error: Error) => () => Promise.reject(error)
    const opening = { markerTtl: 60_000, generationNumber: 1, activationHalfLife: undefined }
    const own = new OwnHotTier({ ...opening, contentOf: (payload) => new HotContent(payload) })
    const tier = guardHotTier(own.tier, { name: 'mine', timeout: 60_000 })
    own.meanwhile = fail(new RangeError('no room for "a secret"'))
    await expect(tier.size()).rejects.toThrow(/^the hot tier mine failed to size: RangeError$/)
    own.meanwhile = fail(Object.assign(new Error('connect 10.0.0.1'), { code: 'ECONNREFUSED' }))
    await expect(tier.size()).rejects.toThrow(/^the hot tier mine failed to size: Error ECONNREFUSED$/)
    await tier.close()
  })

  const refused = (open: (opening: HotTierOpening) => HotTier | Promise<HotTier>) =>
    openInMemory({ logger: false, hot: { name: 'mine', open } })

  test.each<[string, (opening: HotTierOpening) => unknown, string]>([
    ['is none', () => undefined, 'without read, write'],
    ['lacks methods', (opening) => ({ ...new OwnHotTier(opening).tier, ...opening }), 'without read, '],
    [
      'has another generation',
      (opening) => new OwnHotTier({ ...opening, generationNumber: 99 }).tier,
      '`generationNumber`',
    ],
    ['forgets sooner', (opening) => new OwnHotTier({ ...opening, markerTtl: 5 }).tier, '`markerTtl`'],
  ])('that %s is refused as the store opens, by its name', async (_, open, message) => {
    const opening = refused(open as () => HotTier)
    await expect(opening).rejects.toMatchObject({ code: 'ERR_INVALID_OPTIONS', details: { option: 'hot.open' } })
    await expect(opening).rejects.toThrow(message)
  })

  test('that is refused is closed', async () => {
    let own!: OwnHotTier
    const opening = refused((opening) => {
      own = new OwnHotTier({ ...opening, markerTtl: 5 })
      return own.tier
    })
    await expect(opening).rejects.toMatchObject({ code: 'ERR_INVALID_OPTIONS' })
    await expect(own.inner.size()).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  })

  test('that does not open keeps the store from opening, with its own error', async () => {
    const error = new RangeError('no device')
    await expect(refused(() => Promise.reject(error))).rejects.toBe(error)
  })
})

describeWithServers("a hot tier of one's own beside Postgres", (servers) => {
  test('is for one process alone', async () => {
    const { cold } = await servers.shared()
    const { chunks } = await openWithOwn({ dir: await servers.folder(), cold })
    const { id } = await chunks.put({ text: 'kept' })
    expect((await chunks.get(id))?.text).toBe('kept')
    const other = openWithOwn({ dir: await servers.folder(), cold })
    await expect(other).rejects.toMatchObject({ code: 'ERR_LOCKED' })
  })
})
