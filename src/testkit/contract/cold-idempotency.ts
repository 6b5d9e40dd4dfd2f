/** Keys under which a write is asked for: taken with what is written, or not at all. */
import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import type { LogCheckpoint, Replacing } from '../../cold/cold-tier.ts'
import { chunkOf, FUTURE, idOf, keyOf, versionOf } from './cold-records.ts'
import { freshNamespace, type SharedColdTier } from './fresh-cold-tier.ts'
import { PATIENCE_MS } from './patience.ts'

export function describeColdIdempotency(shared: SharedColdTier): void {
  describe('idempotency keys', () => {
    let log: LogCheckpoint
    beforeAll(async () => {
      log = await shared.tier.takeOver(randomUUID(), 1)
    }, PATIENCE_MS)
    const digest = new Uint8Array([0, 255, 7])
    const insert = (namespace: string, n: number, version: number): Replacing => {
      return { record: chunkOf(namespace, n, version), base: undefined }
    }
    const replace = async (namespace: string, key: string, ...changes: Replacing[]) => {
      const { generationNumber } = await shared.tier.hotMisses(1)
      const idempotency = { namespace, key, digest }
      return shared.tier.replace({ changes, generationNumber, until: FUTURE, log, idempotency })
    }
    const answerTo = (namespace: string, key: string) => shared.tier.answerTo({ namespace, key })
    const there = async (namespace: string, ...numbers: number[]) =>
      (await shared.tier.versions(numbers.map((n) => keyOf(namespace, n)))).map((version) => version !== undefined)

    it('are taken with what is written, and tell of it in order', async () => {
      const namespace = freshNamespace()
      expect(await answerTo(namespace, 'a')).toBeUndefined()
      expect(await replace(namespace, 'a', insert(namespace, 2, 1), insert(namespace, 1, 2))).toBe('replaced')
      const receipts = [
        { id: idOf(2), version: versionOf(1) },
        { id: idOf(1), version: versionOf(2) },
      ]
      expect(await answerTo(namespace, 'a')).toEqual({ digest, receipts })
    })

    it('write nothing where somebody has them, in this namespace alone', async () => {
      const [namespace, other] = [freshNamespace(), freshNamespace()]
      await replace(namespace, 'a', insert(namespace, 1, 1))
      expect(await replace(namespace, 'a', insert(namespace, 2, 2))).toBe('other')
      expect(await there(namespace, 1, 2)).toEqual([true, false])
      expect(await replace(namespace, 'A', insert(namespace, 2, 2))).toBe('replaced')
      expect(await replace(other, 'a', insert(other, 2, 2))).toBe('replaced')
    })

    it('are left where what they stand for cannot be written, whole', async () => {
      const namespace = freshNamespace()
      await shared.tier.upsert([chunkOf(namespace, 1, 1)])
      expect(await replace(namespace, 'a', insert(namespace, 1, 2))).toBe('other')
      expect(await replace(namespace, 'a', insert(namespace, 2, 3), insert(namespace, 1, 4))).toBe('other')
      expect(await there(namespace, 2)).toEqual([false])
      expect(await answerTo(namespace, 'a')).toBeUndefined()
      expect(await replace(namespace, 'a', insert(namespace, 2, 3))).toBe('replaced')
    })

    it('let one of many, whatever entries they are for', async () => {
      const namespace = freshNamespace()
      const numbers = Array.from({ length: 8 }, (_, n) => n + 1)
      const verdicts = await Promise.all(numbers.map((n) => replace(namespace, 'a', insert(namespace, n, n))))
      expect(verdicts.filter((verdict) => verdict === 'replaced')).toHaveLength(1)
      const winner = numbers[verdicts.indexOf('replaced')]!
      expect(await there(namespace, ...numbers)).toEqual(numbers.map((n) => n === winner))
      expect((await answerTo(namespace, 'a'))?.receipts).toEqual([{ id: idOf(winner), version: versionOf(winner) }])
    })

    it('go with the entries that were written under them, up to a version, and leave the others', async () => {
      const [namespace, other] = [freshNamespace(), freshNamespace()]
      await replace(namespace, 'two', insert(namespace, 1, 11), insert(namespace, 2, 12))
      await replace(namespace, 'one', insert(namespace, 3, 13))
      await replace(other, 'other', insert(other, 1, 11))
      const one = keyOf(namespace, 3)
      expect(await shared.tier.eraseIdempotencyKeys([])).toBe(0)
      expect(await shared.tier.eraseIdempotencyKeys([{ ...one, version: versionOf(12) }])).toBe(0)
      expect(await shared.tier.eraseIdempotencyKeys([keyOf(namespace, 2), keyOf(namespace, 9)])).toBe(1)
      expect(await answerTo(namespace, 'two')).toBeUndefined()
      expect(await there(namespace, 1, 2)).toEqual([true, true])
      expect(await shared.tier.eraseIdempotencyKeys([{ ...one, version: versionOf(13) }])).toBe(1)
      expect(await answerTo(other, 'other')).toBeDefined()
      expect(await replace(namespace, 'one', insert(namespace, 4, 14))).toBe('replaced')
    })

    it('wait in no circle with others that write the same entries', async () => {
      const namespace = freshNamespace()
      const rounds = Array.from({ length: 10 }, async (_, n) => {
        const keys = n % 2 === 0 ? [1, 2] : [2, 1]
        return replace(namespace, `key ${n % 3}`, ...keys.map((one) => insert(namespace, one, 10 * n + one)))
      })
      const verdicts = await Promise.all(rounds)
      expect(verdicts.filter((verdict) => verdict === 'replaced')).toHaveLength(1)
    })
  })
}
