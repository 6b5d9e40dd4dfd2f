/**
 * The rules that keep backends on one Redis and one Postgres in step, each in the schedule that shows why it is there.
 * Nothing happens by itself here: tests hold single calls, and say when a backend ships, repairs and demotes.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { MemoryStore, MemoryStoreOptions } from '../../src/index.ts'
import { chunkOf } from '../contract/cold-records.ts'
import { GatedTiers } from '../flow/gate.ts'
import { temporaryFolder } from '../flow/stores.ts'
import { PrivateRedis } from '../tools/services.ts'
import { describeWithPrivateServers, type PrivateServers, urlOf } from './private-servers.ts'

/** A sync repairs, and demotes nothing. */
const STEADY = { schedule: '0 0 0 1 1 *', hotToColdAge: '1h' } as const
const AWAY = { code: 'ERR_TIER_UNAVAILABLE', retryable: true, details: { tier: 'cold' } }
/** Every tombstone is old enough. */
const NO_GRACE = { graceMs: -86_400_000, limit: 1_000 }

class GatedBackend {
  readonly tiers = new GatedTiers()
  store!: MemoryStore

  async open(options: MemoryStoreOptions): Promise<this> {
    this.store = await this.tiers.open({ sync: STEADY, ...options })
    return this
  }

  get hot() {
    return this.tiers.hot
  }

  get cold() {
    return this.tiers.cold
  }

  get chunks() {
    return this.store.chunks
  }

  keyOf(id: string) {
    return { namespace: this.chunks.namespace, id }
  }

  async versionsOf(id: string) {
    const keys = [this.keyOf(id)]
    const [[hot], [cold]] = await Promise.all([this.hot.tier.read(keys), this.cold.tier.versions(keys)])
    return { hot: hot?.version, cold }
  }

  /** Ships what is pending, and makes the key leave hot, which cold has then. */
  async moveToCold(id: string): Promise<void> {
    await this.store.checkpoint()
    const { hot } = await this.versionsOf(id)
    await this.hot.tier.remove([{ key: this.keyOf(id), version: hot! }])
  }

  /**
   * No write reaches hot from now on. The clock is above the entry's version, as order between clocks is by version
   * then.
   */
  async loseHotHaving(id: string): Promise<void> {
    await this.chunks.get(id)
    this.hot.refuse('write')
  }

  heal(): void {
    this.hot.allow()
    this.cold.allow()
  }
}

describeWithPrivateServers('backends of one store', (servers) => {
  const [a, b] = [new GatedBackend(), new GatedBackend()]
  let shared: Awaited<ReturnType<PrivateServers['shared']>>
  let keys = 0
  let key: string
  beforeAll(async () => {
    shared = await servers.shared()
    for (const backend of [a, b]) await backend.open({ dir: await servers.folder(), ...shared })
  })
  afterAll(async () => {
    for (const { store } of [a, b]) await store.close()
  })
  beforeEach(async () => {
    key = `key ${++keys}`
    for (const backend of [a, b]) backend.heal()
    await inStep()
  })

  /** Nothing is pending or left to repair, and all use the memory that is current. */
  const inStep = () =>
    vi.waitFor(
      async () => {
        for (const { store } of [a, b]) await store.sync()
        expect(a.hot.tier.generationNumber).toBeDefined()
        expect(b.hot.tier.generationNumber).toBe(a.hot.tier.generationNumber)
        expect((await a.cold.tier.hotMisses(1)).misses).toEqual([])
      },
      { timeout: 10_000 },
    )

  const markersEnd = async () => {
    const client = servers.client()
    for (const marker of await client.keys('*:m:*')) await client.del(marker)
  }
  /** Until every backend uses the memory that Redis has now. */
  const flush = async () => {
    const { generationId } = a.hot.tier
    await servers.client().flushall()
    for (const { hot } of [a, b])
      await vi.waitFor(async () => {
        await hot.tier.size()
        expect(hot.tier.generationId).not.toBe(generationId)
      })
  }

  describe('a read', () => {
    test('answers with hot where hot is newer than what is pending', async () => {
      const { id } = await a.chunks.put({ key, text: 'a' })
      await b.chunks.put({ key, text: 'b' })
      expect((await a.chunks.get(id))?.text).toBe('b')
    })

    test('answers with what is pending where hot is older', async () => {
      const { id } = await b.chunks.put({ key, text: 'b' })
      await a.loseHotHaving(id)
      await a.chunks.put({ key, text: 'a' })
      expect((await a.chunks.get(id))?.text).toBe('a')
      expect((await b.chunks.get(id))?.text).toBe('b')
    })

    test('asks cold as well where hot lacks what is pending', async () => {
      a.hot.refuse('write')
      const { id } = await a.chunks.put({ key, text: 'a' })
      await b.chunks.put({ key, text: 'b' })
      await b.moveToCold(id)
      expect((await a.chunks.get(id))?.text).toBe('b')
    })

    test('answers with what is pending where hot and cold are away, and knows nothing of anything else', async () => {
      const { id } = await a.chunks.put({ key, text: 'a' })
      const other = await b.chunks.put({ text: 'b' })
      a.hot.refuse()
      a.cold.refuse()
      expect((await a.chunks.get(id))?.text).toBe('a')
      await expect(a.chunks.get(other.id)).rejects.toMatchObject(AWAY)
      await expect(a.chunks.getMany([id, other.id])).rejects.toMatchObject(AWAY)
    })

    test('does not take what was put meanwhile for an answer of cold', async () => {
      const { id } = await b.chunks.put({ key, text: 'b' })
      await b.store.checkpoint()
      a.hot.refuse()
      const asked = a.cold.hold('read', 'before')
      const read = a.chunks.get(id).then(
        (entry) => entry?.text,
        (error: unknown) => error,
      )
      await asked.arrived
      await a.chunks.put({ key, text: 'a' })
      await servers.postgres.stop()
      asked.release()
      expect(await read).toMatchObject(AWAY)
      await servers.postgres.restart()
    })

    test('that only misses in hot needs cold, whatever is pending', async () => {
      const { id } = await a.chunks.put({ key, text: 'a' })
      await a.hot.tier.remove([{ key: a.keyOf(id), version: (await a.versionsOf(id)).hot! }])
      a.cold.refuse()
      await expect(a.chunks.get(id)).rejects.toMatchObject(AWAY)
    })
  })

  describe('an explanation', () => {
    const failure = (tier: string) => expect.objectContaining({ code: 'ERR_TIER_UNAVAILABLE', details: { tier } })

    test('tells what is known while a tier is away, and which one', async () => {
      const { id, version } = await a.chunks.put({ key, text: 'a' })
      const placement = { version, deleted: false, expired: false }
      const { pending, hot, cold, shipped, failures } = await a.chunks.explain(id)
      expect([pending, hot, cold, shipped, failures]).toEqual([placement, placement, undefined, false, []])
      await a.store.checkpoint()
      a.hot.refuse()
      expect(await a.chunks.explain(id)).toEqual({
        ...{ pending: undefined, hot: undefined, cold: placement, shipped: true },
        failures: [failure('hot')],
      })
      a.hot.allow()
      a.cold.refuse()
      expect(await a.chunks.explain(id)).toEqual({
        ...{ pending: undefined, hot: placement, cold: undefined, shipped: undefined },
        failures: [failure('cold')],
      })
      a.hot.refuse()
      expect((await a.chunks.explain(id)).failures).toHaveLength(2)
    })
  })

  describe('what leaves hot', () => {
    test('leaves a marker, so that an older copy on its way from cold does not enter behind it', async () => {
      const { id } = await a.chunks.put({ key, text: 'old' })
      await a.moveToCold(id)
      await markersEnd()
      const answered = a.cold.hold('read')
      const read = a.chunks.get(id)
      await answered.arrived
      await b.chunks.put({ key, text: 'new' })
      await b.moveToCold(id)
      answered.release()
      await read
      expect((await b.chunks.get(id))?.text).toBe('new')
      expect((await a.chunks.get(id))?.text).toBe('new')
    })

    test('leaves it only after cold has it, tombstones included', async () => {
      const { id } = await a.chunks.put({ key, text: 'old' })
      await a.store.checkpoint()
      await a.chunks.delete(id)
      const eager = await new GatedBackend().open({
        dir: await temporaryFolder(),
        ...shared,
        sync: { ...STEADY, hotToColdAge: 0 },
      })
      eager.cold.refuse('upsert')
      await expect(eager.store.sync()).rejects.toMatchObject(AWAY)
      expect(await b.chunks.get(id)).toBeUndefined()
      eager.cold.allow()
      await eager.store.sync()
      const { hot, cold } = await b.versionsOf(id)
      expect([hot, typeof cold]).toEqual([undefined, 'string'])
      expect(await b.chunks.get(id)).toBeUndefined()
      await eager.store.close()
    })

    test('raises the floor, so that a writer whose clock is behind is not silently older', async () => {
      const ahead = { now: () => Date.now() + 4_000 }
      const early = await new GatedBackend().open({ dir: await temporaryFolder(), ...shared, clock: ahead })
      const { id } = await early.chunks.put({ key, text: 'first' })
      await early.moveToCold(id)
      await markersEnd()
      await b.chunks.put({ key, text: 'second' })
      await b.store.checkpoint()
      await b.moveToCold(id)
      expect((await a.chunks.get(id))?.text).toBe('second')
      // A memory that is new has no marker, and begins with the highest version of cold.
      await early.chunks.put({ key, text: 'third' })
      await early.moveToCold(id)
      await flush()
      await b.chunks.put({ key, text: 'fourth' })
      await b.moveToCold(id)
      expect((await a.chunks.get(id))?.text).toBe('fourth')
      await early.store.close()
    })
  })

  describe('a memory of hot that is new', () => {
    test('gets what is not in cold yet', async () => {
      const { id } = await a.chunks.put({ key, text: 'a' })
      await flush()
      await vi.waitFor(async () => expect((await b.chunks.get(id))?.text).toBe('a'))
      expect((await a.versionsOf(id)).cold).toBeUndefined()
    })

    test('does not get what cold has newer', async () => {
      const { id } = await a.chunks.put({ key, text: 'a' })
      await b.chunks.put({ key, text: 'b' })
      await b.store.checkpoint()
      const pushed = a.hot.hold('write')
      await flush()
      await pushed.arrived
      expect((await b.chunks.get(id))?.text).toBe('b')
      pushed.release()
      expect((await a.chunks.get(id))?.text).toBe('b')
    })

    test('does not get what was read from cold for the one before', async () => {
      const { id } = await a.chunks.put({ key, text: 'old' })
      await a.moveToCold(id)
      await markersEnd()
      const answered = a.cold.hold('read')
      const read = a.chunks.get(id)
      await answered.arrived
      await b.chunks.put({ key, text: 'new' })
      await b.store.checkpoint()
      await flush()
      answered.release()
      await read
      expect((await b.chunks.get(id))?.text).toBe('new')
    })

    test('does not get what was compared with cold for the one before', async () => {
      const { id } = await a.chunks.put({ key, text: 'old' })
      const [compared, comparedAnew] = [a.cold.hold('versions'), a.cold.hold('versions')]
      await flush()
      await compared.arrived
      await b.chunks.put({ key, text: 'new' })
      await b.store.checkpoint()
      await flush()
      compared.release()
      await comparedAnew.arrived
      expect((await b.chunks.get(id))?.text).toBe('new')
      comparedAnew.release()
    })

    test('is not used again when another has followed it', async () => {
      await using elsewhere = await PrivateRedis.start({ onPort: true })
      // As after a failover that one of two backends did not notice: each writes to a Redis of its own.
      const split = await new GatedBackend().open({
        dir: await temporaryFolder(),
        ...shared,
        hot: { url: urlOf(elsewhere) },
      })
      const { id } = await split.chunks.put({ key, text: 'old' })
      await split.store.checkpoint()
      // Ships under the memory of the other, so finds out and enters its own.
      await a.chunks.put({ text: 'x' })
      await a.store.checkpoint()
      await expect.poll(() => a.hot.tier.generationNumber).toBeDefined()
      await a.chunks.put({ key, text: 'new' })
      await a.store.sync()
      await split.chunks.put({ text: 'x' })
      await split.store.sync()
      await split.store.sync()
      expect((await split.chunks.get(id))?.text).toBe('new')
      await split.store.close()
    })
  })

  describe('a write that hot did not confirm', () => {
    test('is repaired in hot by any backend once cold has it', async () => {
      const { id } = await b.chunks.put({ key, text: 'old' })
      await a.loseHotHaving(id)
      await a.chunks.put({ key, text: 'new' })
      await a.store.checkpoint()
      expect((await a.cold.tier.hotMisses(10)).misses).toMatchObject([{ key: { id } }])
      await b.store.sync()
      expect((await a.cold.tier.hotMisses(10)).misses).toEqual([])
      expect((await b.chunks.get(id))?.text).toBe('new')
    })

    test('is read past hot by a backend that knows of it and cannot repair it', async () => {
      const { id } = await b.chunks.put({ key, text: 'old' })
      await a.loseHotHaving(id)
      await a.chunks.put({ key, text: 'new' })
      await a.store.checkpoint()
      expect((await b.chunks.get(id))?.text).toBe('old')
      b.hot.refuse('repair')
      await b.store.sync()
      expect((await b.chunks.get(id))?.text).toBe('new')
      b.hot.allow()
      await b.store.sync()
      expect((await b.chunks.get(id))?.text).toBe('new')
    })

    test('is not forgotten by its own backend before that', async () => {
      const { id } = await b.chunks.put({ key, text: 'old' })
      await a.loseHotHaving(id)
      await a.chunks.put({ key, text: 'new' })
      await a.store.checkpoint()
      a.hot.allow()
      expect((await a.chunks.get(id))?.text).toBe('new')
    })

    test('nor by a read that asked hot before it was repaired', async () => {
      const { id } = await b.chunks.put({ key, text: 'old' })
      await a.loseHotHaving(id)
      await a.chunks.put({ key, text: 'new' })
      await a.store.checkpoint()
      a.hot.allow()
      const answered = a.hot.hold('read')
      const read = a.chunks.get(id)
      await answered.arrived
      await a.store.sync()
      answered.release()
      expect((await read)?.text).toBe('new')
    })

    test('is repaired as well where cold had something newer', async () => {
      const { id, version } = await a.chunks.put({ key, text: 'old' })
      const newer = `${version.slice(0, 12)}ffff${version.slice(16)}`
      // As from a memory of hot that another backend still had.
      await b.cold.tier.upsert([chunkOf(a.chunks.namespace, 0, 0, { id, version: newer, text: 'new' })])
      await a.store.sync()
      expect((await a.versionsOf(id)).hot).toBeUndefined()
      expect((await b.chunks.get(id))?.text).toBe('new')
    })

    test('keeps the tombstone in cold that it needs', async () => {
      const { id } = await b.chunks.put({ key, text: 'old' })
      await b.store.checkpoint()
      await a.loseHotHaving(id)
      await a.chunks.delete(id)
      await a.store.checkpoint()
      await shipPast(id)
      await a.cold.tier.sweep(NO_GRACE)
      expect((await a.versionsOf(id)).cold).toBeDefined()
      await b.store.sync()
      expect(await b.chunks.get(id)).toBeUndefined()
      await a.cold.tier.sweep(NO_GRACE)
      expect((await a.versionsOf(id)).cold).toBeUndefined()
      expect(await b.chunks.get(id)).toBeUndefined()
    })
  })

  describe('a tombstone', () => {
    test('stays in cold while a log has not shipped what it shadows', async () => {
      const { id } = await a.chunks.put({ key, text: 'old' })
      await b.chunks.delete(id)
      await b.store.checkpoint()
      await b.cold.tier.sweep(NO_GRACE)
      expect((await b.versionsOf(id)).cold).toBeDefined()
      await flush()
      expect(await a.chunks.get(id)).toBeUndefined()
      expect(await b.chunks.get(id)).toBeUndefined()
    })

    test('that was collected lets nothing older in', async () => {
      const { id } = await a.chunks.put({ key, text: 'old' })
      await a.store.checkpoint()
      const [row] = await a.cold.tier.read([a.keyOf(id)])
      await a.chunks.delete(id)
      await a.store.checkpoint()
      await shipPast(id)
      await a.cold.tier.sweep(NO_GRACE)
      expect((await a.versionsOf(id)).cold).toBeUndefined()
      expect(await a.cold.tier.upsert([row!.record])).toEqual({ written: 0, rejected: 1 })
      expect((await a.versionsOf(id)).cold).toBeUndefined()
    })
  })

  /** Every log has shipped what is older than the version that cold has of the entry. */
  const shipPast = async (id: string) => {
    const [row] = await a.cold.tier.read([a.keyOf(id)])
    const { version } = row!.record
    for (const { chunks, store } of [a, b]) {
      const isPast = async () => expect((await chunks.put({ text: 'x' })).version > version).toBe(true)
      await vi.waitFor(isPast)
      await store.checkpoint()
    }
  }
})
