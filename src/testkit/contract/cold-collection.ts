import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ColdTier } from '../../cold/cold-tier.ts'
import { chunkOf, FUTURE, keyOf, PAST, tombstone, versionOf } from './cold-records.ts'
import { batchOf } from './cold-shipping.ts'
import { type ColdTierDriver, LogText } from './fresh-cold-tier.ts'
import { PATIENCE_MS } from './patience.ts'

const DAY = 86_400_000
const SWEEP = { graceMs: DAY, limit: 100 }
const A = keyOf('ns', 1)

/** The sweep sees the whole store, so each test has one of its own. */
export function describeColdCollection(driver: ColdTierDriver): void {
  describe('expiry and collection', () => {
    let tier: ColdTier
    let logger: LogText
    beforeEach(async () => {
      logger = new LogText()
      tier = await driver.open({ dimensions: [], metrics: [], logger })
    }, PATIENCE_MS)
    afterEach(() => tier.close(), PATIENCE_MS)

    it('turns what expired into tombstones of the same version, without content', async () => {
      const expired = chunkOf('ns', 1, 1, { expiresAt: PAST, key: 'kept', embedding: new Float32Array([1]) })
      await tier.upsert([expired, chunkOf('ns', 2, 2, { expiresAt: FUTURE }), chunkOf('ns', 3, 3)])
      expect(await tier.stats()).toMatchObject({ live: 2, tombstones: 0, unindexed: 1, deadLetters: 0, pinned: 0 })
      const before = Date.now()
      expect(await tier.sweep(SWEEP)).toEqual({ expired: 1, collected: 0, forgotten: 0 })
      const record = (await tier.read([A]))[0]!.record
      const nothing = { kind: null, text: null, position: null, embedding: null, expiresAt: null }
      expect(record).toEqual({ ...expired, ...nothing, deletedAt: record.deletedAt })
      expect(record.deletedAt).toBeGreaterThanOrEqual(before - 1_000)
      expect(await tier.upsert([expired])).toEqual({ written: 0, rejected: 0 })
      expect(await tier.sweep(SWEEP)).toEqual({ expired: 0, collected: 0, forgotten: 0 })
      expect(await tier.stats()).toMatchObject({ live: 2, tombstones: 1, unindexed: 0, deadLetters: 0, pinned: 0 })
    })

    it('works in batches', async () => {
      await tier.upsert(Array.from({ length: 5 }, (_, n) => chunkOf('ns', n, n + 1, { expiresAt: PAST + n })))
      await tier.upsert(Array.from({ length: 5 }, (_, n) => tombstone('ns', n + 10, n + 10)))
      const limited = { ...SWEEP, limit: 2 }
      expect(await tier.expired(2)).toEqual([keyOf('ns', 0), keyOf('ns', 1)])
      expect(await tier.sweep(limited)).toEqual({ expired: 2, collected: 2, forgotten: 0 })
      expect(await tier.sweep(limited)).toEqual({ expired: 2, collected: 2, forgotten: 0 })
      expect(await tier.sweep(limited)).toEqual({ expired: 1, collected: 1, forgotten: 0 })
      expect(await tier.sweep(limited)).toEqual({ expired: 0, collected: 0, forgotten: 0 })
      expect(await tier.expired(2)).toEqual([])
    })

    it('keeps tombstones through the grace', async () => {
      await tier.upsert([tombstone('ns', 1, 1, Date.now() - DAY / 2), tombstone('ns', 2, 2, Date.now() - DAY * 2)])
      expect(await tier.sweep(SWEEP)).toEqual({ expired: 0, collected: 1, forgotten: 0 })
      expect(await tier.versions([A, keyOf('ns', 2)])).toEqual([versionOf(1), undefined])
    })

    it('keeps tombstones that any log may still have to shadow', async () => {
      const [fast, slow] = [randomUUID(), randomUUID()]
      await tier.takeOver(fast, 1)
      await tier.takeOver(slow, 1)
      await tier.ship(batchOf(fast, [tombstone('ns', 1, 5)], { shippedVersion: versionOf(9) }))
      expect(await tier.sweep(SWEEP)).toMatchObject({ collected: 0 })
      await tier.ship(batchOf(slow, [], { to: 1, shippedVersion: versionOf(4) }))
      expect(await tier.sweep(SWEEP)).toMatchObject({ collected: 0 })
      await tier.ship(batchOf(slow, [], { from: 1, to: 2, shippedVersion: versionOf(5) }))
      expect(await tier.sweep(SWEEP)).toMatchObject({ collected: 1 })
      expect(await tier.versions([A])).toEqual([undefined])
    })

    it('collects what only a retired log held up, of which it tells once', async () => {
      const walId = randomUUID()
      await tier.takeOver(walId, 1, 'host:/data')
      await tier.upsert([tombstone('ns', 2, 5, Date.now())])
      await tier.sweep(SWEEP)
      expect(logger.lines.join()).not.toContain(walId)
      await tier.upsert([tombstone('ns', 1, 5)])
      for (let n = 0; n < 2; n++) expect(await tier.sweep(SWEEP)).toMatchObject({ collected: 0 })
      expect(logger.lines.filter((line) => line.includes(walId) && line.includes('host:/data'))).toHaveLength(1)
      await tier.retire(walId, 1)
      expect(await tier.sweep(SWEEP)).toMatchObject({ collected: 1 })
    })

    it('lets nothing come back that a collected tombstone had shadowed', async () => {
      await tier.upsert([tombstone('ns', 1, 5), chunkOf('ns', 2, 2)])
      await tier.sweep(SWEEP)
      expect(await tier.highestVersion()).toBe(versionOf(5))
      const walId = randomUUID()
      await tier.takeOver(walId, 1)
      const late = [
        chunkOf('ns', 1, 4),
        chunkOf('ns', 2, 3),
        chunkOf('ns', 3, 5, { metadata: '{"a":1}' }),
        chunkOf('ns', 4, 6),
      ]
      expect(await tier.ship(batchOf(walId, late))).toEqual({ status: 'moved', superseded: 0, rejected: 2, missed: [] })
      expect(await tier.versions([1, 2, 3, 4].map((n) => keyOf('ns', n)))).toEqual([
        undefined,
        // It was there, so nothing newer was ever collected.
        versionOf(3),
        undefined,
        versionOf(6),
      ])
      expect((await tier.stats()).deadLetters).toBe(2)
      expect(logger.errors.join()).toContain('below-horizon')
      expect(logger.lines.join()).not.toContain('version 4')
      expect(await tier.upsert([chunkOf('ns', 1, 4)])).toEqual({ written: 0, rejected: 1 })
      expect((await tier.stats()).deadLetters).toBe(2)
    })

    it('takes a collected tombstone that comes again for superseded', async () => {
      await tier.upsert([tombstone('ns', 1, 5)])
      await tier.sweep(SWEEP)
      expect(await tier.upsert([tombstone('ns', 1, 5)])).toEqual({ written: 0, rejected: 0 })
      expect(await tier.stats()).toMatchObject({ tombstones: 0, deadLetters: 0 })
    })

    it('takes what has expired, and was collected since, for superseded', async () => {
      await tier.upsert([tombstone('ns', 1, 5)])
      await tier.sweep(SWEEP)
      expect(await tier.upsert([chunkOf('ns', 1, 4, { expiresAt: PAST })])).toEqual({ written: 0, rejected: 0 })
      expect(await tier.upsert([chunkOf('ns', 1, 4, { expiresAt: FUTURE })])).toEqual({ written: 0, rejected: 1 })
      expect((await tier.stats()).deadLetters).toBe(1)
    })

    it('has hot let go of what may not come back', async () => {
      const { number } = (await tier.enterHotGeneration(randomUUID()))!
      await tier.upsert([tombstone('ns', 1, 5)])
      await tier.sweep(SWEEP)
      const walId = randomUUID()
      await tier.takeOver(walId, 1)
      const record = chunkOf('ns', 1, 4)
      const shipped = await tier.ship(batchOf(walId, [record], { confirmed: new Map([[record, number]]) }))
      expect(shipped).toMatchObject({ rejected: 1, missed: [A] })
      expect((await tier.hotMisses(10)).misses).toMatchObject([{ key: A, version: versionOf(5) }])
    })

    it('sweeps and ships at once', async () => {
      const walId = randomUUID()
      await tier.takeOver(walId, 1)
      await tier.upsert(Array.from({ length: 50 }, (_, n) => tombstone('ns', n, n + 100)))
      const stale = Array.from({ length: 50 }, (_, n) => chunkOf('ns', n, n + 1))
      await tier.ship(batchOf(walId, [], { to: 0, shippedVersion: versionOf(1_000) }))
      await Promise.all([tier.sweep(SWEEP), tier.upsert(stale), tier.sweep(SWEEP), tier.upsert(stale)])
      const versions = await tier.versions(stale)
      expect(versions.filter((version) => version !== undefined && version < versionOf(100))).toEqual([])
      expect(await tier.stats()).toMatchObject({ live: 0 })
    })
  })
}
