import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { EntryRecord } from '../../entry/record.ts'
import { chunkOf, keyOf, versionOf } from './cold-records.ts'
import { batchOf } from './cold-shipping.ts'
import { type ColdTierDriver, freshNamespace, LogText, shareColdTier } from './fresh-cold-tier.ts'

const CANARY = 'canary-5f1e'

/** What validation keeps out, and yet may stand in a log. */
const POISON: readonly (readonly [string, Partial<EntryRecord>])[] = [
  ['NUL in metadata', { metadata: `{"a":"${CANARY}\\u0000"}` }],
  ['NUL in text', { text: `${CANARY}\0` }],
  ['half of a surrogate pair in text', { text: `${CANARY}\ud800` }],
  ['half of a surrogate pair in metadata', { metadata: `{"a":"${CANARY}\\ud800"}` }],
  ['metadata that is no JSON', { metadata: CANARY }],
  ['an id that is no UUID', { id: CANARY }],
  ['a version that is none', { version: CANARY }],
  ['a position out of range', { position: 2 ** 40 }],
  ['a negative position', { position: -1 }],
  ['a time that is no whole number', { updatedAt: 0.5 }],
  ['an empty embedding', { embedding: new Float32Array(0) }],
  ['a chunk without text', { text: null }],
  ['a kind of a later version', { kind: CANARY as 'chunk' }],
  ['a tombstone with content', { deletedAt: 5 }],
  ['a key too long for an index', { documentId: Array.from({ length: 9_000 }, () => Math.random()).join(CANARY) }],
]

export function describeColdRefusals(driver: ColdTierDriver): void {
  describe('rows that the database refuses', () => {
    const logger = new LogText()
    const shared = shareColdTier(driver, { logger })
    const deadLetters = async (): Promise<number> => (await shared.tier.stats()).deadLetters

    it.each(POISON)('keeps %s as a dead letter, and writes the others', async (_, fields) => {
      const namespace = freshNamespace()
      const before = await deadLetters()
      const records = [1, 2, 3, 4, 5].map((n) => chunkOf(namespace, n, n, n === 3 ? fields : {}))
      const walId = randomUUID()
      await shared.tier.takeOver(walId, 1)
      const batch = batchOf(walId, records, { shippedVersion: versionOf(5) })
      expect(await shared.tier.ship(batch)).toEqual({ status: 'moved', superseded: 0, rejected: 1, missed: [] })
      expect(await shared.tier.checkpointOf(walId)).toMatchObject({ sequence: 5 })
      const kept = await shared.tier.versions([1, 2, 3, 4, 5].map((n) => keyOf(namespace, n)))
      expect(kept).toEqual([versionOf(1), versionOf(2), undefined, versionOf(4), versionOf(5)])
      expect(await deadLetters()).toBe(before + 1)
      expect(logger.errors.at(-1)).toContain('"rejected":1')
    })

    it('tells nobody what they held', () => {
      expect(logger.errors.length).toBeGreaterThanOrEqual(POISON.length)
      expect(logger.lines.join('\n')).not.toContain(CANARY)
    })

    it('finds several among many', async () => {
      const namespace = freshNamespace()
      const walId = randomUUID()
      await shared.tier.takeOver(walId, 1)
      const isBad = (n: number): boolean => n === 0 || n === 57 || n === 58 || n === 199
      const records = Array.from({ length: 200 }, (_, n) =>
        chunkOf(namespace, n, n + 1, isBad(n) ? { text: '\0' } : {}),
      )
      const before = await deadLetters()
      expect(await shared.tier.ship(batchOf(walId, records))).toMatchObject({ status: 'moved', rejected: 4 })
      expect(await deadLetters()).toBe(before + 4)
      const versions = await shared.tier.versions(records)
      expect(versions).toEqual(records.map(({ version }, n) => (isBad(n) ? undefined : version)))
    })

    it('writes them down once, however often they come, and stops a log for none', async () => {
      const namespace = freshNamespace()
      const poison = [chunkOf(namespace, 1, 1, { text: '\0' }), chunkOf(namespace, 2, 2, { text: null })]
      const before = await deadLetters()
      expect(await shared.tier.upsert(poison)).toEqual({ written: 0, rejected: 2 })
      expect(await shared.tier.upsert(poison)).toEqual({ written: 0, rejected: 2 })
      expect(await deadLetters()).toBe(before + 2)
      const walId = randomUUID()
      await shared.tier.takeOver(walId, 1)
      expect(await shared.tier.ship(batchOf(walId, poison))).toMatchObject({ status: 'moved', rejected: 2 })
      expect(await shared.tier.checkpointOf(walId)).toMatchObject({ sequence: 2 })
    })

    it('writes none down for an owner that was replaced', async () => {
      const walId = randomUUID()
      await shared.tier.takeOver(walId, 2)
      const before = await deadLetters()
      const batch = batchOf(walId, [chunkOf(freshNamespace(), 1, 1, { text: '\0' })])
      expect(await shared.tier.ship(batch)).toEqual({ status: 'fenced', epoch: 2, sequence: 0 })
      expect(await deadLetters()).toBe(before)
    })
  })
}
