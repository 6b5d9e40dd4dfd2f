/**
 * The rules that keep backends on one Redis and one Postgres in step, each in the schedule that shows why it is there.
 * Nothing happens by itself here: tests hold single calls, and say when a backend ships, repairs and demotes.
 */
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../flow/stores.ts'
import {
  AWAY,
  a,
  b,
  describeTwoBackends,
  flush,
  GatedBackend,
  key,
  markersEnd,
  NO_GRACE,
  STEADY,
  shared,
  shipPast,
} from './two-backends.ts'

describeTwoBackends('backends of one store', (servers) => {
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
        ...{ pending: undefined, hot: undefined, cold: placement, shipped: true, pinned: false },
        failures: [failure('hot')],
      })
      a.hot.allow()
      a.cold.refuse()
      expect(await a.chunks.explain(id)).toEqual({
        ...{ pending: undefined, hot: placement, cold: undefined, shipped: undefined, pinned: undefined },
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
      await markersEnd(servers)
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
      await markersEnd(servers)
      await b.chunks.put({ key, text: 'second' })
      await b.store.checkpoint()
      await b.moveToCold(id)
      expect((await a.chunks.get(id))?.text).toBe('second')
      // A generation that is new has no marker, and begins with the highest version of cold.
      await early.chunks.put({ key, text: 'third' })
      await early.moveToCold(id)
      await flush(servers)
      await b.chunks.put({ key, text: 'fourth' })
      await b.moveToCold(id)
      expect((await a.chunks.get(id))?.text).toBe('fourth')
      await early.store.close()
    })
  })

  describe('a tombstone', () => {
    test('stays in cold while a log has not shipped what it shadows', async () => {
      const { id } = await a.chunks.put({ key, text: 'old' })
      await b.chunks.delete(id)
      await b.store.checkpoint()
      await b.cold.tier.sweep(NO_GRACE)
      expect((await b.versionsOf(id)).cold).toBeDefined()
      await flush(servers)
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
})
