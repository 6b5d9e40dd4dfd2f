import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import type { ColdTier, HotMiss } from '../../cold/cold-tier.ts'
import type { EntryRecord } from '../../entry/record.ts'
import { ZERO_VERSION } from '../../entry/version.ts'
import { chunkOf, keyOf, tombstone, versionOf } from './cold-records.ts'
import { batchOf } from './cold-shipping.ts'
import { type ColdTierDriver, freshNamespace, shareColdTier } from './fresh-cold-tier.ts'
import { PATIENCE_MS } from './patience.ts'

/** Which generation of hot is current, what it may hold too old, and who may do what only one process should. */
export function describeColdGenerations(driver: ColdTierDriver): void {
  describe('before hot ever had a generation that others see', () => {
    const shared = shareColdTier(driver)

    it('misses nothing', async () => {
      const walId = randomUUID()
      await shared.tier.takeOver(walId, 1)
      const result = await shared.tier.ship(batchOf(walId, [chunkOf(freshNamespace(), 1, 1)]))
      expect(result).toMatchObject({ generationNumber: undefined, missed: [] })
      expect(await shared.tier.hotMisses(10)).toEqual({ generationNumber: undefined, misses: [] })
      expect(await shared.tier.enterHotGeneration('first')).toMatchObject({ highestVersion: versionOf(1) })
    })
  })

  describe('generations of hot', () => {
    const shared = shareColdTier(driver)

    it('answers the zero version in an empty store', async () => {
      expect(await shared.tier.enterHotGeneration(randomUUID())).toMatchObject({ highestVersion: ZERO_VERSION })
    })

    it('numbers them as they become current', async () => {
      const { tier } = shared
      const [a, b] = [randomUUID(), randomUUID()]
      const first = (await tier.enterHotGeneration(a))!.number
      expect(await tier.enterHotGeneration(a)).toMatchObject({ number: first })
      expect(await tier.hotMisses(1)).toMatchObject({ generationNumber: first })
      const second = (await tier.enterHotGeneration(b))!.number
      expect(second).toBeGreaterThan(first)
      expect(await tier.hotMisses(1)).toMatchObject({ generationNumber: second })
    })

    it('gives a number above those that a later state of the database had given', async () => {
      const { number } = (await shared.tier.enterHotGeneration(randomUUID()))!
      expect(number).toBeGreaterThan((await shared.tier.time()) - 60_000)
    })

    it('ends a generation when another comes after it', async () => {
      const { tier } = shared
      const [a, b] = [randomUUID(), randomUUID()]
      await tier.enterHotGeneration(a)
      const second = await tier.enterHotGeneration(b)
      expect(await tier.enterHotGeneration(a)).toBeUndefined()
      expect(await tier.enterHotGeneration(b)).toEqual(second)
    })

    it('gives one number to all who enter at once', async () => {
      const id = randomUUID()
      const entered = await Promise.all(Array.from({ length: 8 }, () => shared.tier.enterHotGeneration(id)))
      expect(new Set(entered.map((one) => one?.number)).size).toBe(1)
    })

    it('numbers the generation of a single process, and ends it when that of another comes after it', async () => {
      const { tier } = shared
      const walId = randomUUID()
      await tier.takeOver(walId, 1)
      const first = (await tier.enterPrivateGeneration(randomUUID()))!
      const second = (await tier.enterPrivateGeneration(randomUUID()))!
      expect(second).toBeGreaterThan(first)
      const record = chunkOf(freshNamespace(), 1, 1)
      const result = await tier.ship(batchOf(walId, [record], { confirmed: new Map([[record, first]]) }))
      expect(result).toMatchObject({ generationNumber: second, missed: [{ id: record.id }] })
    })

    it('ends a generation when that of a single process came after it', async () => {
      const { tier } = shared
      const [common, own, next] = [randomUUID(), randomUUID(), randomUUID()]
      await tier.enterHotGeneration(common)
      expect(await tier.enterPrivateGeneration(own)).toEqual(expect.any(Number))
      expect(await tier.enterHotGeneration(common)).toBeUndefined()
      expect(await tier.enterHotGeneration(next)).toMatchObject({ number: expect.any(Number) })
    })
  })

  describe('what hot may hold too old', () => {
    const shared = shareColdTier(driver)
    let tier: ColdTier
    let namespace: string
    let generationNumber: number
    beforeEach(async () => {
      tier = shared.tier
      namespace = freshNamespace()
      generationNumber = (await tier.enterHotGeneration(randomUUID()))!.number
      await tier.clearHotMisses(generationNumber, await misses(1_000))
    }, PATIENCE_MS)

    const misses = async (limit: number) => (await tier.hotMisses(limit)).misses

    /** Ships the records of a new log, each confirmed in the generation given, if any. */
    const ship = async (records: readonly EntryRecord[], confirmedIn?: number) => {
      const walId = randomUUID()
      await tier.takeOver(walId, 1)
      const confirmed = new Map(confirmedIn === undefined ? [] : records.map((record) => [record, confirmedIn]))
      const result = await tier.ship(batchOf(walId, records, { confirmed }))
      if (result.status !== 'moved') throw new Error(result.status)
      return result
    }
    const miss = (n: number, version: number, recorded = version): HotMiss => ({
      key: keyOf(namespace, n),
      version: versionOf(version),
      recorded: versionOf(recorded),
    })

    it('is nothing where the current generation has confirmed the version', async () => {
      expect(await ship([chunkOf(namespace, 1, 1), tombstone(namespace, 2, 1)], generationNumber)).toMatchObject({
        generationNumber,
        missed: [],
        superseded: 0,
      })
      expect(await misses(10)).toEqual([])
    })

    it('is what nobody confirmed, deletes included', async () => {
      const records = [chunkOf(namespace, 1, 1), tombstone(namespace, 2, 2)]
      expect(await ship(records)).toMatchObject({ missed: [keyOf(namespace, 1), keyOf(namespace, 2)] })
      expect(await misses(10)).toEqual([miss(1, 1), miss(2, 2)])
      expect(await misses(1)).toEqual([miss(1, 1)])
    })

    it('is what an earlier generation confirmed', async () => {
      await tier.enterHotGeneration(randomUUID())
      expect(await ship([chunkOf(namespace, 1, 1)], generationNumber)).toMatchObject({ missed: [keyOf(namespace, 1)] })
    })

    it('is what lost against a newer version in cold, whoever confirmed it', async () => {
      await ship([chunkOf(namespace, 1, 9)], generationNumber)
      expect(await ship([chunkOf(namespace, 1, 5)], generationNumber)).toMatchObject({ superseded: 1 })
      expect(await misses(10)).toEqual([miss(1, 9)])
    })

    it('is nothing where cold had this very version already', async () => {
      const record = chunkOf(namespace, 1, 5)
      await tier.upsert([record])
      expect(await ship([record], generationNumber)).toMatchObject({ missed: [], superseded: 1 })
    })

    it('rises with cold, and never falls', async () => {
      await ship([chunkOf(namespace, 1, 5)])
      await tier.upsert([chunkOf(namespace, 1, 7)])
      expect(await misses(10)).toEqual([miss(1, 7, 5)])
      await ship([chunkOf(namespace, 1, 3)])
      expect(await misses(10)).toEqual([miss(1, 7)])
    })

    it('is what any of a batch may be whose answer was lost', async () => {
      const walId = randomUUID()
      await tier.takeOver(walId, 1)
      const batch = batchOf(walId, [chunkOf(namespace, 1, 1)])
      await tier.ship(batch)
      expect(await tier.ship(batch)).toMatchObject({ generationNumber: undefined, missed: [keyOf(namespace, 1)] })
    })

    it('is cleared once repaired, except where it changed since or another generation became current', async () => {
      await ship([1, 2, 3].map((n) => chunkOf(namespace, n, 1)))
      const seen = await misses(10)
      await ship([chunkOf(namespace, 2, 2)])
      await tier.clearHotMisses(generationNumber + 1, seen)
      expect(await misses(10)).toHaveLength(3)
      await tier.clearHotMisses(generationNumber, seen)
      expect(await misses(10)).toEqual([miss(2, 2)])
      await tier.enterHotGeneration(randomUUID())
      await tier.clearHotMisses(generationNumber, await misses(10))
      expect(await misses(10)).toEqual([miss(2, 2)])
    })
  })

  describe('leases', () => {
    const shared = shareColdTier(driver)
    const [a, b] = [randomUUID(), randomUUID()]

    it('belong to one holder until it gives them back', async () => {
      const name = randomUUID()
      expect(await shared.tier.leaseHolder(name)).toBeUndefined()
      expect(await shared.tier.holdLease(name, a, 60_000)).toBe(true)
      expect(await shared.tier.holdLease(name, b, 60_000)).toBe(false)
      expect(await shared.tier.holdLease(name, a, 60_000)).toBe(true)
      expect(await shared.tier.leaseHolder(name)).toBe(a)
      await shared.tier.releaseLease(name, b)
      expect(await shared.tier.leaseHolder(name)).toBe(a)
      await shared.tier.releaseLease(name, a)
      expect(await shared.tier.holdLease(name, b, 60_000)).toBe(true)
    })

    it('expire by the clock of the database', async () => {
      const name = randomUUID()
      await shared.tier.holdLease(name, a, -1_000)
      expect(await shared.tier.leaseHolder(name)).toBeUndefined()
      expect(await shared.tier.holdLease(name, b, 60_000)).toBe(true)
    })
  })

  describe('registered logs', () => {
    const shared = shareColdTier(driver)

    it('are listed with where they stand, the one not heard of for longest first', async () => {
      const { tier } = shared
      const [first, second] = [randomUUID(), randomUUID()]
      await tier.takeOver(first, 1, 'host:/folder')
      await tier.takeOver(second, 4)
      await tier.takeOver(first, 2)
      await tier.ship(batchOf(second, [chunkOf(freshNamespace(), 1, 1)], { epoch: 4 }))
      const logs = await tier.logs()
      expect(logs).toMatchObject([
        { walId: first, epoch: 2, sequence: 0, place: 'host:/folder' },
        { walId: second, epoch: 4, sequence: 1, place: undefined },
      ])
      const now = await tier.time()
      for (const { heartbeatAt, heartbeatAgeMs } of logs) {
        expect(Math.abs(now - heartbeatAt - heartbeatAgeMs)).toBeLessThan(10_000)
        expect(heartbeatAgeMs).toBeGreaterThanOrEqual(0)
      }
    })

    it('are asked to be cut, all but one, and each by the latest who asks', async () => {
      const { tier } = shared
      const [own, other, third] = [randomUUID(), randomUUID(), randomUUID()]
      for (const walId of [own, other, third]) await tier.takeOver(walId, 1)
      const [first, second] = [randomUUID(), randomUUID()]
      const cutsOf = async (walId: string) => (await tier.logs()).find((log) => log.walId === walId)
      expect(await cutsOf(other)).toMatchObject({ cutAsked: undefined, cutDone: undefined })
      expect(await tier.askedCut(other)).toBeUndefined()

      await Promise.all(Array.from({ length: 8 }, (_, i) => tier.askCuts(randomUUID(), i % 2 ? own : third)))
      await tier.askCuts(first, own)
      expect(await tier.askedCut(other)).toBe(first)
      expect(await cutsOf(own)).not.toMatchObject({ cutAsked: first })
      await tier.askCuts(second, own)
      await tier.noteCut(other, 1, first)
      // It was asked anew while it was at it.
      expect(await tier.askedCut(other)).toBe(second)
      await tier.noteCut(other, 1, second)
      expect(await tier.askedCut(other)).toBeUndefined()
      expect(await cutsOf(other)).toMatchObject({ cutAsked: second, cutDone: second })

      await tier.takeOver(third, 2)
      await tier.noteCut(third, 1, second)
      expect(await tier.askedCut(third)).toBe(second)
      expect(await tier.askedCut(randomUUID())).toBeUndefined()
    })

    it('take a loss twice as once', async () => {
      const loss = {
        walId: randomUUID(),
        epoch: 3,
        lost: [
          { from: 5, to: 9 },
          { from: 12, to: undefined },
        ],
        reason: 'x',
      }
      await shared.tier.recordLoss(loss)
      await shared.tier.recordLoss(loss)
    })
  })
}
