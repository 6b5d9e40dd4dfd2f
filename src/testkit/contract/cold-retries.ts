import { describe, expect, it } from 'vitest'
import type { EntryRecord } from '../../entry/record.ts'
import { chunkOf, keyOf, tombstone, versionOf } from './cold-records.ts'
import { type ColdTierDriver, freshNamespace, shareColdTier } from './fresh-cold-tier.ts'

export function describeColdRetries(driver: ColdTierDriver): void {
  describe('dead letters that are written once more', () => {
    const shared = shareColdTier(driver)
    const versions = (namespace: string, ...ns: number[]) => shared.tier.versions(ns.map((n) => keyOf(namespace, n)))

    /** Letters of these records, which are refused for a negative position, as they would be without that fault. */
    async function mended(...records: EntryRecord[]) {
      for (const record of records) await shared.tier.upsert([{ ...record, position: -1 }])
      const letters = await shared.tier.deadLetters('', 1_000)
      return records.map((record) => {
        const isOf = ({ record: kept }: (typeof letters)[number]): boolean =>
          kept?.namespace === record.namespace && kept.id === record.id && kept.version === record.version
        return { digest: letters.find(isOf)!.digest, record }
      })
    }

    const left = async (namespace: string): Promise<string[]> => {
      const letters = await shared.tier.deadLetters('', 1_000)
      return letters.flatMap(({ record }) => (record?.namespace === namespace ? [record.version] : [])).sort()
    }

    it('are told with the reason, when and how much', async () => {
      const namespace = freshNamespace()
      const letters = await mended(chunkOf(namespace, 1, 1), chunkOf(namespace, 2, 2))
      const [digest, other] = letters.map((one) => one.digest) as [string, string]
      const now = await shared.tier.time()
      const [letter, ...more] = await shared.tier.deadLetters('', 10, [digest])
      expect(more).toEqual([])
      expect(letter).toMatchObject({ digest, reason: expect.stringMatching(/^23/), walId: undefined })
      expect(Math.abs(letter!.recordedAt - now)).toBeLessThan(600_000)
      expect(letter!.bytes).toBeGreaterThan(50)
      expect(await shared.tier.deadLetters('', 10, [])).toEqual([])
      expect(await shared.tier.deadLetters('', 10, [digest, other])).toHaveLength(2)
    })

    it('are there as the versions that they are, and are letters no more', async () => {
      const namespace = freshNamespace()
      await shared.tier.upsert([chunkOf(namespace, 1, 5)])
      const letters = await mended(chunkOf(namespace, 1, 7), chunkOf(namespace, 2, 6))
      expect(await shared.tier.retryDeadLetters(letters)).toMatchObject({ written: 2, superseded: 0, refused: [] })
      expect(await versions(namespace, 1, 2)).toEqual([versionOf(7), versionOf(6)])
      expect(await left(namespace)).toEqual([])
      expect(await shared.tier.retryDeadLetters(letters)).toMatchObject({ written: 0, superseded: 0, refused: [] })
    })

    it('take the place of nothing newer, and bring back nothing that was deleted', async () => {
      const namespace = freshNamespace()
      const letters = await mended(chunkOf(namespace, 1, 6), chunkOf(namespace, 2, 6), chunkOf(namespace, 3, 6))
      const newer = [chunkOf(namespace, 1, 9), tombstone(namespace, 2, 9), chunkOf(namespace, 3, 6)]
      await shared.tier.upsert(newer)
      expect(await shared.tier.retryDeadLetters(letters)).toMatchObject({ written: 0, superseded: 3, refused: [] })
      expect((await shared.tier.read(newer)).map((row) => row?.record)).toEqual(newer)
      expect(await left(namespace)).toEqual([])
    })

    it('bring back nothing of which the tombstone was collected: they stay', async () => {
      const namespace = freshNamespace()
      const letters = await mended(chunkOf(namespace, 1, 106), chunkOf(namespace, 2, 120))
      await shared.tier.upsert([tombstone(namespace, 1, 110)])
      await shared.tier.sweep({ graceMs: 0, limit: 1_000 })
      expect(await versions(namespace, 1)).toEqual([undefined])
      const refused = [{ digest: letters[0]!.digest, reason: 'below-horizon' }]
      expect(await shared.tier.retryDeadLetters(letters)).toMatchObject({ written: 1, superseded: 0, refused })
      expect(await versions(namespace, 1, 2)).toEqual([undefined, versionOf(120)])
      expect(await left(namespace)).toEqual([versionOf(106)])
    })

    it('are not written where somebody removed them meanwhile, nor kept anew', async () => {
      const namespace = freshNamespace()
      const letters = await mended(chunkOf(namespace, 1, 206), chunkOf(namespace, 2, 207))
      await shared.tier.removeDeadLetters([letters[0]!.digest])
      expect(await shared.tier.retryDeadLetters(letters)).toMatchObject({ written: 1, superseded: 0, refused: [] })
      expect(await versions(namespace, 1, 2)).toEqual([undefined, versionOf(207)])
      const faulty = letters.map(({ digest, record }) => ({ digest, record: { ...record, position: -1 } }))
      expect(await shared.tier.retryDeadLetters(faulty)).toMatchObject({ written: 0, superseded: 0 })
      expect(await left(namespace)).toEqual([])
      expect(await shared.tier.eraseStaged(letters.map(({ record }) => record))).toBe(0)
    })

    it('are removed or written, whichever comes first, and never both', async () => {
      const namespace = freshNamespace()
      const letters = await mended(...Array.from({ length: 20 }, (_, n) => chunkOf(namespace, n, 300 + n)))
      const [retried, ...removed] = await Promise.all([
        shared.tier.retryDeadLetters(letters),
        ...letters.map(({ digest }) => shared.tier.removeDeadLetters([digest])),
      ])
      const there = (await shared.tier.versions(letters.map(({ record }) => record))).filter(Boolean).length
      expect(there).toBe(retried.written)
      expect(there + removed.reduce((sum, one) => sum + one, 0)).toBe(20)
    })

    it('stay where they are refused again, for whatever reason, and hold up no other', async () => {
      const namespace = freshNamespace()
      const letters = await mended(...[1, 2, 3, 4, 5].map((n) => chunkOf(namespace, n, 400 + n)))
      const faults: Partial<EntryRecord>[] = [{}, { text: '\0' }, {}, { position: -1 }, { text: null }]
      const faulty = letters.map(({ digest, record }, i) => ({ digest, record: { ...record, ...faults[i] } }))
      const { refused, ...counts } = await shared.tier.retryDeadLetters(faulty)
      expect(counts).toMatchObject({ written: 2, superseded: 0 })
      expect(refused.map(({ digest }) => digest).sort()).toEqual([1, 3, 4].map((i) => letters[i]!.digest).sort())
      expect(await left(namespace)).toEqual([402, 404, 405].map(versionOf))
    })

    it('of one key come in the order of their versions', async () => {
      const namespace = freshNamespace()
      const letters = await mended(...[502, 501, 503].map((version) => chunkOf(namespace, 1, version)))
      expect(await shared.tier.retryDeadLetters(letters)).toMatchObject({ written: 1, superseded: 2, refused: [] })
      expect(await versions(namespace, 1)).toEqual([versionOf(503)])
    })

    it('are noted for hot, which may hold what they replace', async () => {
      const { tier } = shared
      const namespace = freshNamespace()
      const { number } = (await tier.enterHotGeneration('of retries'))!
      const letters = await mended(chunkOf(namespace, 1, 600))
      const answer = await tier.retryDeadLetters(letters)
      expect(answer).toMatchObject({ written: 1, generationNumber: number, missed: [keyOf(namespace, 1)] })
      const { misses } = await tier.hotMisses(100)
      expect(misses).toContainEqual(expect.objectContaining({ version: versionOf(600) }))
    })
  })
}
