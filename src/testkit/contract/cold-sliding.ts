/** Reads that keep an entry alive, by the lock of its row: what is gone stays gone. */
import { describe, expect, it, onTestFinished } from 'vitest'
import type { SlidingRead } from '../../cold/cold-tier.ts'
import { silentLogger } from '../../kernel/logger.ts'
import { chunkOf, FUTURE, keyOf, tombstone, versionOf } from './cold-records.ts'
import { type ColdTierDriver, freshNamespace, type SharedColdTier } from './fresh-cold-tier.ts'

const TTL = 1_000_000
/** Half of a ttl before it ends. */
const READ_AT = FUTURE - TTL / 2
const SLIDES = { expiresAt: FUTURE, slidingTtl: TTL }

export function describeColdSliding(driver: ColdTierDriver, shared: SharedColdTier): void {
  describe('reads of what slides', () => {
    const readOf = (namespace: string, n: number, version: number | undefined, readAt = READ_AT): SlidingRead => {
      return { ...keyOf(namespace, n), version: version === undefined ? undefined : versionOf(version), readAt }
    }
    const slide = (namespace: string, version: number | undefined, readAt = READ_AT) =>
      shared.tier.slide([readOf(namespace, 1, version, readAt)])
    const recordIn = async (namespace: string) => (await shared.tier.read([keyOf(namespace, 1)]))[0]?.record
    const slid = (namespace: string, version: number, expiresAt: number) => {
      return { key: keyOf(namespace, 1), version: versionOf(version), expiresAt }
    }

    it.each([[1], [undefined]])('extend it to a whole ttl, under its version (asked for %s)', async (version) => {
      const namespace = freshNamespace()
      const record = chunkOf(namespace, 1, 1, { ...SLIDES, documentId: 'd' })
      await shared.tier.upsert([record])
      expect(await slide(namespace, version)).toEqual([slid(namespace, 1, READ_AT + TTL)])
      expect(await recordIn(namespace)).toEqual({ ...record, expiresAt: READ_AT + TTL })
    })

    it('leave vectors to be put into their index once more, and to be found meanwhile', async () => {
      const namespace = freshNamespace()
      const embedding = Float32Array.of(1, 2, 3)
      const tier = await driver.open({ dimensions: [3], metrics: ['cosine'], logger: silentLogger })
      onTestFinished(() => tier.close())
      await tier.upsert([chunkOf(namespace, 1, 1, { ...SLIDES, embedding })])
      while ((await tier.indexVectors(500)) > 0);
      const { unindexed } = await tier.stats()
      await tier.slide([readOf(namespace, 1, 1)])
      expect((await tier.stats()).unindexed).toBe(unindexed + (driver.indexesVectors ? 1 : 0))
      const query = { scope: { namespace, recursive: false }, filter: [], now: FUTURE, exclude: [] }
      const { hits } = await tier.search({ ...query, embedding, metric: 'cosine', k: 1 })
      expect(hits.map(({ record }) => record.id)).toEqual([keyOf(namespace, 1).id])
    })

    it('leave what has three quarters left, and answer until when it is there', async () => {
      const namespace = freshNamespace()
      await shared.tier.upsert([chunkOf(namespace, 1, 1, SLIDES)])
      expect(await slide(namespace, 1, FUTURE - (TTL * 3) / 4)).toEqual([slid(namespace, 1, FUTURE)])
      expect(await slide(namespace, 1, FUTURE - (TTL * 3) / 4 + 1)).toEqual([slid(namespace, 1, FUTURE + TTL / 4 + 1)])
    })

    it('never take anything back, whichever comes first', async () => {
      const namespace = freshNamespace()
      await shared.tier.upsert([chunkOf(namespace, 1, 1, SLIDES)])
      const times = [FUTURE - 1, READ_AT, FUTURE - 2]
      await Promise.all(times.map((readAt) => slide(namespace, 1, readAt)))
      expect((await recordIn(namespace))?.expiresAt).toBeGreaterThanOrEqual(READ_AT + TTL)
      await slide(namespace, 1, FUTURE - 1)
      await slide(namespace, 1, READ_AT)
      expect((await recordIn(namespace))?.expiresAt).toBeGreaterThanOrEqual(READ_AT + TTL)
    })

    it('bring nothing back that had expired by the time of the read, or has by now', async () => {
      const [read, gone] = [freshNamespace(), freshNamespace()]
      const past = Date.now() - 1
      await shared.tier.upsert([chunkOf(read, 1, 1, SLIDES), chunkOf(gone, 1, 1, { ...SLIDES, expiresAt: past })])
      expect(await slide(read, 1, FUTURE)).toEqual([slid(read, 1, FUTURE)])
      expect(await slide(gone, 1, past - 1)).toEqual([slid(gone, 1, past)])
    })

    it('leave alone what is deleted, replaced, not there, or does not slide', async () => {
      const [deleted, replaced, stands, absent] = [1, 2, 3, 4].map(() => freshNamespace()) as [
        string,
        string,
        string,
        string,
      ]
      const rows = [
        tombstone(deleted, 1, 2),
        chunkOf(replaced, 1, 2, SLIDES),
        chunkOf(stands, 1, 1, { expiresAt: FUTURE }),
      ]
      await shared.tier.upsert(rows)
      const reads = [deleted, replaced, stands, absent].map((namespace) => readOf(namespace, 1, 1))
      expect(await shared.tier.slide(reads)).toEqual([undefined, undefined, undefined, undefined])
      for (const row of rows) expect(await recordIn(row.namespace)).toEqual(row)
      expect(await shared.tier.slide([])).toEqual([])
    })

    it('go with a new version of the entry, and with its tombstone', async () => {
      const namespace = freshNamespace()
      await shared.tier.upsert([chunkOf(namespace, 1, 1, SLIDES)])
      await shared.tier.upsert([chunkOf(namespace, 1, 2, { expiresAt: FUTURE })])
      expect(await recordIn(namespace)).toMatchObject({ slidingTtl: null, expiresAt: FUTURE })
      await shared.tier.upsert([chunkOf(namespace, 1, 3, SLIDES)])
      await shared.tier.upsert([tombstone(namespace, 1, 4)])
      expect(await recordIn(namespace)).toEqual(tombstone(namespace, 1, 4))
    })

    it('are many of one batch, beside batches that write the same keys', async () => {
      const namespace = freshNamespace()
      const rows = (version: number) => Array.from({ length: 200 }, (_, n) => chunkOf(namespace, n, version, SLIDES))
      await shared.tier.upsert(rows(1))
      const reads = Array.from({ length: 200 }, (_, n) => readOf(namespace, 199 - n, undefined))
      const [first] = await Promise.all([
        shared.tier.slide(reads),
        shared.tier.upsert(rows(2)),
        shared.tier.slide(reads),
      ])
      expect(first.every((one) => one !== undefined)).toBe(true)
    })
  })
}
