/** One version in place of exactly another: what decides between writers of one entry. */
import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import type { LogCheckpoint, Replacement } from '../../cold/cold-tier.ts'
import { fc } from '../load-fast-check.ts'
import { chunkOf, FUTURE, keyOf, PAST, tombstone, versionOf } from './cold-records.ts'
import { batchOf } from './cold-shipping.ts'
import { type ColdTierDriver, freshNamespace, shareColdTier } from './fresh-cold-tier.ts'
import { PATIENCE_MS } from './patience.ts'

export function describeColdReplacements(driver: ColdTierDriver): void {
  describe('replacing one version', () => {
    const shared = shareColdTier(driver)
    let log: LogCheckpoint
    beforeAll(async () => {
      log = await shared.tier.takeOver(randomUUID(), 1)
    }, PATIENCE_MS)
    const replace = async (namespace: string, base: number | undefined, to: number, terms: Partial<Replacement> = {}) =>
      shared.tier.replace({
        changes: [{ record: chunkOf(namespace, 1, to), base: base === undefined ? undefined : versionOf(base) }],
        generationNumber: (await shared.tier.hotMisses(1)).generationNumber,
        until: FUTURE,
        log,
        ...terms,
      })
    const versionIn = async (namespace: string) => (await shared.tier.versions([keyOf(namespace, 1)]))[0]

    it('takes the place of that version, whole', async () => {
      const namespace = freshNamespace()
      await shared.tier.upsert([chunkOf(namespace, 1, 1, { documentId: 'd', metadata: '{"b":1,"a":2}' })])
      expect(await replace(namespace, 1, 2)).toBe('replaced')
      expect((await shared.tier.read([keyOf(namespace, 1)]))[0]?.record).toEqual(chunkOf(namespace, 1, 2))
    })

    it('takes the place of no other', async () => {
      const namespace = freshNamespace()
      expect(await replace(namespace, 1, 2)).toBe('other')
      expect(await versionIn(namespace)).toBeUndefined()
      await shared.tier.upsert([chunkOf(namespace, 1, 3)])
      expect(await replace(namespace, 1, 4)).toBe('other')
      expect(await replace(namespace, undefined, 4)).toBe('other')
      expect(await versionIn(namespace)).toBe(versionOf(3))
    })

    it('takes the place of a tombstone, and of what has expired', async () => {
      const [deleted, expired] = [freshNamespace(), freshNamespace()]
      await shared.tier.upsert([tombstone(deleted, 1, 1), chunkOf(expired, 1, 1, { expiresAt: PAST })])
      expect(await replace(deleted, 1, 2)).toBe('replaced')
      expect(await replace(expired, 1, 2)).toBe('replaced')
      const records = await shared.tier.read([keyOf(deleted, 1), keyOf(expired, 1)])
      expect(records.map((row) => row?.record)).toEqual([chunkOf(deleted, 1, 2), chunkOf(expired, 1, 2)])
    })

    it('keeps the counted reads of an entry that lives on, and not of one that is deleted', async () => {
      const namespace = freshNamespace()
      await shared.tier.upsert([chunkOf(namespace, 1, 1)])
      await shared.tier.recordAccess([{ ...keyOf(namespace, 1), lastAccessedAt: PAST, accesses: 4 }])
      const accessCount = async () => (await shared.tier.read([keyOf(namespace, 1)]))[0]?.access?.accessCount
      expect(await replace(namespace, 1, 2)).toBe('replaced')
      expect(await accessCount()).toBe(4)
      const changes = [{ record: tombstone(namespace, 1, 3), base: versionOf(2) }]
      expect(await replace(namespace, 2, 3, { changes })).toBe('replaced')
      expect(await replace(namespace, 3, 4)).toBe('replaced')
      expect(await accessCount()).toBeUndefined()
    })

    it.each([
      ['replace a version', 1],
      ['be the first', undefined],
    ])('lets one of many %s', async (_, base) => {
      const namespace = freshNamespace()
      if (base !== undefined) await shared.tier.upsert([chunkOf(namespace, 1, base)])
      const verdicts = await Promise.all([2, 3, 4, 5, 6, 7].map((to) => replace(namespace, base, to)))
      expect(verdicts.toSorted()).toEqual(['other', 'other', 'other', 'other', 'other', 'replaced'])
      expect(await versionIn(namespace)).toBe(versionOf(2 + verdicts.indexOf('replaced')))
    })

    it('is closed once its time is over, and where the log is not what it was', async () => {
      const namespace = freshNamespace()
      expect(await replace(namespace, undefined, 1, { until: PAST })).toBe('closed')
      for (const other of [{ walId: randomUUID() }, { epoch: 2 }, { sequence: 1 }])
        expect(await replace(namespace, undefined, 1, { log: { ...log, ...other } })).toBe('closed')
      expect(await versionIn(namespace)).toBeUndefined()
    })

    it('is closed in a generation of hot that another has followed, and tells what hot may hold older', async () => {
      const { tier } = shared
      const before = (await tier.hotMisses(1)).generationNumber
      const { number } = (await tier.enterHotGeneration(randomUUID()))!
      const namespace = freshNamespace()
      expect(await replace(namespace, undefined, 1, { generationNumber: before })).toBe('closed')
      expect(await replace(namespace, undefined, 1, { generationNumber: number })).toBe('replaced')
      const { misses } = await tier.hotMisses(1_000)
      expect(misses).toContainEqual({
        key: keyOf(namespace, 1),
        version: versionOf(1),
        recorded: versionOf(1),
      })
      expect(await replace(namespace, 1, 2, { generationNumber: undefined })).toBe('closed')
    })

    it('brings nothing back from below the horizon', async () => {
      const { tier } = shared
      const [namespace, other] = [freshNamespace(), freshNamespace()]
      await tier.upsert([tombstone(other, 1, 40)])
      await tier.ship(batchOf(log.walId, [], { from: log.sequence, to: log.sequence, shippedVersion: versionOf(50) }))
      expect(await tier.sweep({ graceMs: 0, limit: 1_000 })).toMatchObject({ collected: expect.any(Number) })
      expect(await tier.versions([keyOf(other, 1)])).toEqual([undefined])
      expect(await replace(namespace, undefined, 40)).toBe('closed')
      expect(await replace(namespace, undefined, 41)).toBe('replaced')
    })
  })

  describe('replacing several together', () => {
    const shared = shareColdTier(driver)
    const MANY = Array.from({ length: 1_000 }, (_, n) => n)
    let log: LogCheckpoint
    beforeAll(async () => {
      log = await shared.tier.takeOver(randomUUID(), 1)
    }, PATIENCE_MS)
    /** @param bases by the number of the key. */
    const replace = async (namespace: string, bases: readonly (readonly [number, number | undefined])[], to: number) =>
      shared.tier.replace({
        changes: bases.map(([n, base]) => ({
          record: n % 2 === 0 ? chunkOf(namespace, n, to) : tombstone(namespace, n, to),
          base: base === undefined ? undefined : versionOf(base),
        })),
        generationNumber: (await shared.tier.hotMisses(1)).generationNumber,
        until: FUTURE,
        log,
      })
    const versionsIn = (namespace: string, numbers: readonly number[]) =>
      shared.tier.versions(numbers.map((n) => keyOf(namespace, n)))

    it('puts and deletes a thousand', async () => {
      const namespace = freshNamespace()
      await shared.tier.upsert(MANY.slice(0, 500).map((n) => chunkOf(namespace, n, 1)))
      expect(
        await replace(
          namespace,
          MANY.map((n) => [n, n < 500 ? 1 : undefined] as const),
          2,
        ),
      ).toBe('replaced')
      expect(new Set(await versionsIn(namespace, MANY))).toEqual(new Set([versionOf(2)]))
    })

    it.each([
      ['another version is there', [0, 9]],
      ['a row is missing', [7, 1]],
      ['there is a row', [1, undefined]],
    ] as const)('writes none where %s', async (_, odd) => {
      const namespace = freshNamespace()
      await shared.tier.upsert([0, 1, 2].map((n) => chunkOf(namespace, n, 1)))
      expect(await replace(namespace, [[2, 1], odd, [5, undefined]], 2)).toBe('other')
      const one = versionOf(1)
      expect(await versionsIn(namespace, [0, 1, 2, 5, 7])).toEqual([one, one, one, undefined, undefined])
    })

    it('lets one of many win whole, in whatever order they name their keys, beside batches', async () => {
      const namespace = freshNamespace()
      const keys = MANY.slice(0, 40)
      await shared.tier.upsert(keys.slice(0, 20).map((n) => chunkOf(namespace, n, 1)))
      const bases = keys.map((n) => [n, n < 20 ? 1 : undefined] as const)
      const others = MANY.slice(40, 80).map((n) => chunkOf(namespace, n, 1))
      const asked = [2, 3, 4, 5, 6, 7].map((to) => replace(namespace, to % 2 === 0 ? bases : bases.toReversed(), to))
      const [verdicts] = await Promise.all([Promise.all(asked), shared.tier.upsert(others)])
      expect(verdicts.toSorted()).toEqual(['other', 'other', 'other', 'other', 'other', 'replaced'])
      const won = versionOf(2 + verdicts.indexOf('replaced'))
      expect(new Set(await versionsIn(namespace, keys))).toEqual(new Set([won]))
    })

    it('writes nothing of it where somebody replaces one of them in between', async () => {
      const namespace = freshNamespace()
      const keys = MANY.slice(0, 200)
      await shared.tier.upsert(keys.map((n) => chunkOf(namespace, n, 1)))
      for (let round = 2; round <= 21; round++) {
        const known = await versionsIn(namespace, keys)
        const { generationNumber } = await shared.tier.hotMisses(1)
        const replaceTo = (to: number, numbers: readonly number[]) => {
          const changes = numbers.map((n) => ({ record: chunkOf(namespace, n, to), base: known[n] }))
          return shared.tier.replace({ changes, generationNumber, until: FUTURE, log })
        }
        const [all] = await Promise.all([
          replaceTo(round * 10, keys),
          ...[199, 150, 100, 50, 0].map((n) => replaceTo(round * 10 + 1, [n])),
        ])
        const written = (await versionsIn(namespace, keys)).filter((version) => version === versionOf(round * 10))
        expect(written).toHaveLength(all === 'replaced' ? keys.length : 0)
      }
    })

    it('waits in no circle with batches of the same keys', async () => {
      const namespace = freshNamespace()
      const keys = MANY.slice(0, 30)
      for (let round = 1; round <= 20; round++) {
        const known = await versionsIn(namespace, keys)
        const shuffled = keys.toSorted((a, b) => ((a * 7 + round) % 30) - ((b * 7 + round) % 30))
        const records = shuffled.filter((n) => n % 3 > 0).map((n) => chunkOf(namespace, n, round * 10))
        const changes = shuffled.map((n) => ({ record: chunkOf(namespace, n, round * 10 + 5), base: known[n] }))
        const { generationNumber } = await shared.tier.hotMisses(1)
        await Promise.all([
          shared.tier.replace({ changes, generationNumber, until: FUTURE, log }),
          shared.tier.upsert(records),
          shared.tier.upsert(records.toReversed()),
        ])
        const found = new Set(await versionsIn(namespace, keys))
        expect(found.has(versionOf(round * 10 + 5)) ? found.size : 1).toBe(1)
      }
    })
  })

  describe('replacing each of several', () => {
    const shared = shareColdTier(driver)
    let log: LogCheckpoint
    beforeAll(async () => {
      log = await shared.tier.takeOver(randomUUID(), 1)
    })
    /** Of one key: what is to be there, and what comes in its place. */
    type Step = readonly [n: number, base: number | undefined, to: number]
    const changesOf = (namespace: string, steps: readonly Step[]) =>
      steps.map(([n, base, to]) => ({
        record: n % 2 === 0 ? chunkOf(namespace, n, to) : tombstone(namespace, n, to),
        base: base === undefined ? undefined : versionOf(base),
      }))
    const replaceEach = async (
      namespace: string,
      all: readonly (readonly Step[])[],
      terms: (nth: number) => Partial<Replacement> = () => ({}),
    ) => {
      const { generationNumber } = await shared.tier.hotMisses(1)
      return shared.tier.replaceEach(
        all.map((steps, nth) => ({
          ...{ changes: changesOf(namespace, steps), generationNumber, until: FUTURE, log },
          ...terms(nth),
        })),
      )
    }
    const versionsIn = (namespace: string, numbers: readonly number[]) =>
      shared.tier.versions(numbers.map((n) => keyOf(namespace, n)))

    it('decides about each by what it finds, each whole', async () => {
      const namespace = freshNamespace()
      await shared.tier.upsert([0, 1, 2, 3].map((n) => chunkOf(namespace, n, 1)))
      const verdicts = await replaceEach(namespace, [
        [[0, 1, 2]],
        [[1, 9, 2]],
        [
          [2, 1, 2],
          [3, undefined, 2],
        ],
        [
          [4, undefined, 2],
          [5, undefined, 2],
        ],
        [[6, 1, 2]],
      ])
      expect(verdicts).toEqual(['replaced', 'other', 'other', 'replaced', 'other'])
      const expected = [2, 1, 1, 1, 2, 2].map(versionOf)
      expect(await versionsIn(namespace, [0, 1, 2, 3, 4, 5, 6])).toEqual([...expected, undefined])
    })

    it('answers as each does by itself', async () => {
      const step = fc.record({ n: fc.nat(30), base: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }) })
      const sets = fc.uniqueArray(step, { selector: ({ n }) => n, minLength: 1 })
      const histories = fc.array(sets, { minLength: 1, maxLength: 6 })
      await fc.assert(
        fc.asyncProperty(histories, fc.nat(), async (rounds, seed) => {
          const namespace = freshNamespace()
          const known = new Map<number, number>()
          for (const [round, steps] of rounds.entries()) {
            const to = round + 2
            const parts = steps.reduce<Step[][]>((all, { n, base }, i) => {
              if (i === 0 || (seed + i) % 3 > 0) all.push([])
              all.at(-1)!.push([n, base, to])
              return all
            }, [])
            const expected = parts.map((part) => part.every(([n, base]) => known.get(n) === base))
            const verdicts = await replaceEach(namespace, parts)
            expect(verdicts).toEqual(expected.map((isThere) => (isThere ? 'replaced' : 'other')))
            for (const [i, part] of parts.entries()) if (expected[i]) for (const [n] of part) known.set(n, to)
            const numbers = Array.from({ length: 31 }, (_, n) => n)
            const versions = numbers.map((n) => (known.has(n) ? versionOf(known.get(n)!) : undefined))
            expect(await versionsIn(namespace, numbers)).toEqual(versions)
          }
        }),
        { numRuns: 10 },
      )
    })

    it('leaves all of them to be asked alone where the gate is closed to one', async () => {
      const { tier } = shared
      const namespace = freshNamespace()
      const both: readonly Step[][] = [[[0, undefined, 1]], [[2, undefined, 1]]]
      const apart = ['apart', 'apart']
      expect(await replaceEach(namespace, both, (nth) => (nth === 1 ? { until: PAST } : {}))).toEqual(apart)
      expect(await replaceEach(namespace, both, (nth) => ({ log: { ...log, sequence: nth } }))).toEqual(apart)
      const before = (await tier.hotMisses(1)).generationNumber
      await tier.enterHotGeneration(randomUUID())
      expect(await replaceEach(namespace, both, () => ({ generationNumber: before }))).toEqual(apart)
      expect(await versionsIn(namespace, [0, 2])).toEqual([undefined, undefined])
      expect(await replaceEach(namespace, both)).toEqual(['replaced', 'replaced'])
    })

    it('lets one of many win each, whoever asks for it beside what', async () => {
      const namespace = freshNamespace()
      const keys = Array.from({ length: 20 }, (_, n) => 2 * n)
      await shared.tier.upsert(keys.slice(0, 10).map((n) => chunkOf(namespace, n, 1)))
      const steps = (to: number) => keys.map((n, i): Step[] => [[n, i < 10 ? 1 : undefined, to]])
      const asked = [2, 3, 4, 5].map((to) => replaceEach(namespace, to % 2 === 0 ? steps(to) : steps(to).toReversed()))
      const verdicts = (await Promise.all(asked)).map((answer, i) => (i % 2 === 0 ? answer : answer.toReversed()))
      const versions = await versionsIn(namespace, keys)
      for (const [i, version] of versions.entries()) {
        const winners = verdicts.flatMap((answer, asker) => (answer[i] === 'replaced' ? [versionOf(asker + 2)] : []))
        // Who lost to somebody in between is told to ask alone, and nobody may have won.
        expect(winners).toEqual(version === versionOf(1) || version === undefined ? [] : [version])
      }
    })

    it('decides about a thousand', async () => {
      const namespace = freshNamespace()
      const all = Array.from({ length: 1_000 }, (_, n): Step[] => [[n, undefined, 1]])
      expect(new Set(await replaceEach(namespace, all))).toEqual(new Set(['replaced']))
    })
  })
}
