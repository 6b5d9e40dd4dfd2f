import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { ShipBatch } from '../../cold/cold-tier.ts'
import type { EntryRecord } from '../../entry/record.ts'
import { chunkOf, keyOf, tombstone, vectorOf, versionOf } from './cold-records.ts'
import { type ColdTierDriver, freshNamespace, shareColdTier } from './fresh-cold-tier.ts'

const MOVED = { status: 'moved', superseded: 0, rejected: 0, missed: [] }

/** A batch of a log that stands at 0 under epoch 1. */
export function batchOf(walId: string, records: readonly EntryRecord[], overrides: Partial<ShipBatch> = {}): ShipBatch {
  const shippedVersion =
    records
      .map(({ version }) => version)
      .sort()
      .at(-1) ?? versionOf(0)
  return { walId, epoch: 1, from: 0, to: records.length, records, shippedVersion, ...overrides }
}

export function describeColdShipping(driver: ColdTierDriver): void {
  describe('shipping', () => {
    const shared = shareColdTier(driver)
    const versionsIn = (namespace: string, ...ns: number[]) => shared.tier.versions(ns.map((n) => keyOf(namespace, n)))
    const register = async (epoch = 1): Promise<string> => {
      const walId = randomUUID()
      await shared.tier.takeOver(walId, epoch)
      return walId
    }

    it('registers a log, and raises its epoch at each takeover', async () => {
      const walId = randomUUID()
      expect(await shared.tier.checkpointOf(walId)).toBeUndefined()
      expect(await shared.tier.takeOver(walId, 1)).toEqual({ walId, epoch: 1, sequence: 0 })
      await shared.tier.ship(batchOf(walId, [chunkOf(freshNamespace(), 1, 1)], { to: 7 }))
      expect(await shared.tier.takeOver(walId, 3)).toEqual({ walId, epoch: 3, sequence: 7 })
      for (const epoch of [1, 2, 3])
        await expect(shared.tier.takeOver(walId, epoch)).rejects.toMatchObject({ code: 'ERR_LOCKED' })
      expect(await shared.tier.checkpointOf(walId)).toEqual({ walId, epoch: 3, sequence: 7 })
    })

    it('gives a contested epoch to one', async () => {
      const walId = randomUUID()
      const outcomes = await Promise.allSettled([1, 1, 1, 1].map((epoch) => shared.tier.takeOver(walId, epoch)))
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    })

    it('moves the checkpoint together with its rows', async () => {
      const namespace = freshNamespace()
      const walId = await register()
      const records = Array.from({ length: 1_000 }, (_, n) =>
        chunkOf(namespace, n, n + 1, { embedding: vectorOf(8, Math.random) }),
      )
      expect(await shared.tier.ship(batchOf(walId, records))).toEqual(MOVED)
      expect(await shared.tier.checkpointOf(walId)).toEqual({ walId, epoch: 1, sequence: 1_000 })
      expect((await shared.tier.read(records)).map((row) => row?.record)).toEqual(records)
    })

    it('takes a repeated batch for what it is', async () => {
      const namespace = freshNamespace()
      const walId = await register()
      const batch = batchOf(walId, [chunkOf(namespace, 1, 1), chunkOf(namespace, 2, 2)])
      expect(await shared.tier.ship(batch)).toEqual(MOVED)
      // What hot misses of it was in the first answer, and nobody knows whether that arrived.
      const again = { ...MOVED, missed: [keyOf(namespace, 1), keyOf(namespace, 2)] }
      expect(await shared.tier.ship(batch)).toEqual(again)
      const [once, twice] = await Promise.all([shared.tier.ship(batch), shared.tier.ship(batch)])
      expect([once, twice]).toEqual([again, again])
      expect(await versionsIn(namespace, 1, 2)).toEqual([versionOf(1), versionOf(2)])
    })

    it('moves without rows', async () => {
      const walId = await register()
      expect(await shared.tier.ship(batchOf(walId, [], { to: 4 }))).toEqual(MOVED)
      expect(await shared.tier.ship(batchOf(walId, [], { from: 4, to: 4 }))).toEqual(MOVED)
      expect(await shared.tier.checkpointOf(walId)).toMatchObject({ sequence: 4 })
    })

    it('writes nothing from where the checkpoint does not stand', async () => {
      const namespace = freshNamespace()
      const walId = await register()
      await shared.tier.ship(batchOf(walId, [chunkOf(namespace, 1, 1)], { to: 5 }))
      const stray = batchOf(walId, [chunkOf(namespace, 2, 2)], { from: 3, to: 9 })
      expect(await shared.tier.ship(stray)).toEqual({ status: 'elsewhere', sequence: 5 })
      expect(await versionsIn(namespace, 1, 2)).toEqual([versionOf(1), undefined])
    })

    it('fences an owner that was replaced', async () => {
      const namespace = freshNamespace()
      const walId = await register()
      await shared.tier.takeOver(walId, 2)
      const late = batchOf(walId, [chunkOf(namespace, 1, 1)])
      expect(await shared.tier.ship(late)).toEqual({ status: 'fenced', epoch: 2, sequence: 0 })
      expect(await shared.tier.ship(batchOf(randomUUID(), [chunkOf(namespace, 1, 1)]))).toEqual({ status: 'unknown' })
      // Not even at the sequence that it meant to reach.
      await shared.tier.ship(batchOf(walId, [], { epoch: 2, to: late.to }))
      expect(await shared.tier.ship(late)).toEqual({ status: 'fenced', epoch: 2, sequence: 1 })
      expect(await versionsIn(namespace, 1)).toEqual([undefined])
      expect(await shared.tier.checkpointOf(walId)).toMatchObject({ epoch: 2, sequence: 1 })
    })

    it('keeps the newer version, whichever came first', async () => {
      const namespace = freshNamespace()
      const walId = await register()
      await shared.tier.upsert([chunkOf(namespace, 1, 5), chunkOf(namespace, 2, 2), chunkOf(namespace, 3, 3)])
      const records = [chunkOf(namespace, 1, 4), chunkOf(namespace, 2, 3), chunkOf(namespace, 3, 3, { text: 'other' })]
      expect(await shared.tier.ship(batchOf(walId, records))).toEqual({ ...MOVED, superseded: 2 })
      const rows = await shared.tier.read([1, 2, 3].map((n) => keyOf(namespace, n)))
      expect(rows.map((row) => row?.record.text)).toEqual(['version 5', 'version 3', 'version 3'])
    })

    it('replaces a whole row, and lets a tombstone shadow it', async () => {
      const namespace = freshNamespace()
      await shared.tier.upsert([
        chunkOf(namespace, 1, 1, {
          metadata: '{"a":1}',
          embedding: new Float32Array([1, 2]),
          key: 'k',
          documentId: 'd',
        }),
      ])
      expect(await shared.tier.upsert([chunkOf(namespace, 1, 2)])).toEqual({ written: 1, rejected: 0 })
      expect((await shared.tier.read([keyOf(namespace, 1)]))[0]?.record).toEqual(chunkOf(namespace, 1, 2))
      const deleted = tombstone(namespace, 1, 3)
      expect(await shared.tier.upsert([deleted])).toEqual({ written: 1, rejected: 0 })
      expect(await shared.tier.upsert([chunkOf(namespace, 1, 2)])).toEqual({ written: 0, rejected: 0 })
      expect((await shared.tier.read([deleted]))[0]?.record).toEqual(deleted)
      expect(await shared.tier.upsert([chunkOf(namespace, 1, 4)])).toEqual({ written: 1, rejected: 0 })
      expect((await shared.tier.read([deleted]))[0]?.record).toEqual(chunkOf(namespace, 1, 4))
    })

    it('keeps the newest of many writers at once', async () => {
      const namespace = freshNamespace()
      const writers = await Promise.all([1, 2, 3, 4].map(() => register()))
      await Promise.all(
        writers.map((walId, writer) => {
          const records = Array.from({ length: 50 }, (_, n) => chunkOf(namespace, n, 1 + ((n + writer) % 4)))
          return shared.tier.ship(batchOf(walId, writer % 2 === 0 ? records : records.reverse()))
        }),
      )
      const all = Array.from({ length: 50 }, (_, n) => n)
      expect(await versionsIn(namespace, ...all)).toEqual(all.map(() => versionOf(4)))
    })

    it('knows the highest version it holds', async () => {
      const namespace = freshNamespace()
      await shared.tier.upsert([chunkOf(namespace, 1, 0xffff_ffff), chunkOf(namespace, 2, 9)])
      expect(await shared.tier.highestVersion()).toBe(versionOf(0xffff_ffff))
      await shared.tier.upsert([tombstone(namespace, 3, 0xffff_ffff_f)])
      expect(await shared.tier.highestVersion()).toBe(versionOf(0xffff_ffff_f))
    })

    it('forgets a log only for its owner', async () => {
      const walId = await register(2)
      await expect(shared.tier.retire(walId, 1)).rejects.toMatchObject({ code: 'ERR_LOCKED' })
      expect(await shared.tier.checkpointOf(walId)).toMatchObject({ epoch: 2 })
      await shared.tier.retire(walId, 2)
      expect(await shared.tier.checkpointOf(walId)).toBeUndefined()
      await shared.tier.retire(walId, 2)
    })

    it('has an id of its own', () => {
      expect(shared.tier.storeId).toMatch(/^[0-9a-f-]{36}$/)
    })
  })
}
