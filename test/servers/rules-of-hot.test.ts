/** The rules by which what hot has not confirmed, or has lost, is never taken for the latest. As in rules.test.ts. */
import { describe, expect, test, vi } from 'vitest'
import { chunkOf } from '../../src/testkit/contract/cold-records.ts'
import { redisUrlOf, temporaryFolder } from '../flow/stores.ts'
import { PrivateRedis } from '../tools/services.ts'
import {
  a,
  b,
  describeTwoBackends,
  flush,
  GatedBackend,
  key,
  markersEnd,
  NO_GRACE,
  shared,
  shipPast,
} from './two-backends.ts'

describeTwoBackends('a hot tier that two backends share', (servers) => {
  describe('a generation of hot that is new', () => {
    test('gets what is not in cold yet', async () => {
      const { id } = await a.chunks.put({ key, text: 'a' })
      await flush(servers)
      await vi.waitFor(async () => expect((await b.chunks.get(id))?.text).toBe('a'), { timeout: 30_000 })
      expect((await a.versionsOf(id)).cold).toBeUndefined()
    })

    test('does not get what cold has newer', async () => {
      const { id } = await a.chunks.put({ key, text: 'a' })
      await b.chunks.put({ key, text: 'b' })
      await b.store.checkpoint()
      const pushed = a.hot.hold('write')
      await flush(servers)
      await pushed.arrived
      expect((await b.chunks.get(id))?.text).toBe('b')
      pushed.release()
      expect((await a.chunks.get(id))?.text).toBe('b')
    })

    test('does not get what was read from cold for the one before', async () => {
      const { id } = await a.chunks.put({ key, text: 'old' })
      await a.moveToCold(id)
      await markersEnd(servers)
      const answered = a.cold.hold('read')
      const read = a.chunks.get(id)
      await answered.arrived
      await b.chunks.put({ key, text: 'new' })
      await b.store.checkpoint()
      await flush(servers)
      answered.release()
      await read
      expect((await b.chunks.get(id))?.text).toBe('new')
    })

    test('does not get what was compared with cold for the one before', async () => {
      const { id } = await a.chunks.put({ key, text: 'old' })
      const [compared, comparedAnew] = [a.cold.hold('versions'), a.cold.hold('versions')]
      await flush(servers)
      await compared.arrived
      await b.chunks.put({ key, text: 'new' })
      await b.store.checkpoint()
      await flush(servers)
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
        hot: { url: redisUrlOf(elsewhere) },
      })
      const { id } = await split.chunks.put({ key, text: 'old' })
      await split.store.checkpoint()
      // Ships under the generation of the other, so finds out and enters its own.
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
      // As from a generation of hot that another backend still had.
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
})
