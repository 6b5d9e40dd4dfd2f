import { describe, expect, it } from 'vitest'
import type { EntryRecord } from '../../entry/record.ts'
import { fc } from '../load-fast-check.ts'
import { arbitraryRecord } from './arbitrary-record.ts'
import { chunkOf, FUTURE, idOf, keyOf, PAST, tombstone, versionOf, withPlainMetadata } from './cold-records.ts'
import { type ColdTierDriver, freshNamespace, type SharedColdTier } from './fresh-cold-tier.ts'

const EVERY_KIND: readonly Partial<EntryRecord>[] = [
  {
    kind: 'embedding',
    text: null,
    position: null,
    // Smallest denormal, negative zero, largest float, and neighbours of one.
    embedding: Float32Array.from([1e-45, -0, 0, 3.4028234663852886e38, -1.1754943508222875e-38, 1.0000001, -0.1]),
    embeddingModel: 'modèle',
  },
  {
    kind: 'chunk',
    text: 'a\t"quoted" \\ 😀\u2028',
    documentId: "it's {a,b}",
    embedding: new Float32Array(768).fill(0.1),
  },
  {
    kind: 'metadata',
    text: null,
    position: null,
    metadata: '{"b":[1,2.5,-1e-7,1e300,null,true,{"é":"\\"\\\\"}],"a":{}}',
  },
  { kind: 'raptor', text: '', position: null, level: 2_147_483_647, children: [idOf(5), idOf(4)], metadata: '{}' },
  { kind: 'raptor', text: 'no children', position: null, level: 0, children: [] },
  { key: 'NULL', createdAt: 0, updatedAt: 253_402_300_799_999, expiresAt: FUTURE + 1 },
]

export function describeColdReads(driver: ColdTierDriver, shared: SharedColdTier): void {
  describe('reading', () => {
    it('answers in order, with undefined for what it lacks', async () => {
      const namespace = freshNamespace()
      await shared.tier.upsert([chunkOf(namespace, 1, 1), chunkOf(namespace, 3, 3)])
      const keys = [3, 2, 1, 3].map((n) => keyOf(namespace, n))
      const expected = [versionOf(3), undefined, versionOf(1), versionOf(3)]
      expect((await shared.tier.read(keys)).map((row) => row?.record.version)).toEqual(expected)
      expect(await shared.tier.versions(keys)).toEqual(expected)
      expect(await shared.tier.read([])).toEqual([])
      expect(await shared.tier.versions([])).toEqual([])
    })

    it.each(EVERY_KIND)('answers every field as it was written: %#', async (fields) => {
      const record = chunkOf(freshNamespace(), 1, 1, fields)
      await shared.tier.upsert([record])
      const [row] = await shared.tier.read([record])
      expect(withPlainMetadata(row?.record)).toEqual(withPlainMetadata(record))
      expect(bytesOf(row?.record.embedding)).toEqual(bytesOf(record.embedding))
      expect(row?.access).toBeUndefined()
    })

    it('answers any valid record as it was written', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(arbitraryRecord, { selector: ({ id }) => id, maxLength: 20 }),
          async (records) => {
            const scope = freshNamespace()
            const written = records.map((record) => ({
              ...record,
              namespace: `${scope}/${record.namespace}`,
              // A metadata entry has no vector.
              embedding: record.kind === 'metadata' ? null : record.embedding,
            }))
            expect(await shared.tier.upsert(written)).toEqual({ written: written.length, rejected: 0 })
            const rows = await shared.tier.read(written)
            expect(rows.map((row) => withPlainMetadata(row?.record))).toEqual(written.map(withPlainMetadata))
            expect(rows.map((row) => bytesOf(row?.record.embedding))).toEqual(
              written.map(({ embedding }) => bytesOf(embedding)),
            )
          },
        ),
        { numRuns: 40 },
      )
    })

    it('tells namespaces apart whatever they hold', async () => {
      const scope = freshNamespace()
      const names = ["'", '"', '\\', '{a,b}', 'NULL', 'null', ' ', 'é', 'e\u0301', '😀', '%', '_', '$1', '--', '\n']
      const records = names.map((name, n) => chunkOf(`${scope}/${name}`, 1, n + 1))
      await shared.tier.upsert(records)
      expect((await shared.tier.read(records)).map((row) => row?.record)).toEqual(records)
    })

    it('answers tombstones', async () => {
      const namespace = freshNamespace()
      const deleted = { ...tombstone(namespace, 1, 2, PAST + 5), key: 'kept' }
      await shared.tier.upsert([deleted])
      expect((await shared.tier.read([deleted]))[0]?.record).toEqual(deleted)
      expect(await shared.tier.versions([deleted])).toEqual([versionOf(2)])
    })

    it('reads many keys at once', async () => {
      const namespace = freshNamespace()
      const records = Array.from({ length: 1_000 }, (_, n) => chunkOf(namespace, n, n + 1))
      expect(await shared.tier.upsert(records)).toEqual({ written: 1_000, rejected: 0 })
      expect((await shared.tier.read(records)).map((row) => row?.record)).toEqual(records)
    })

    it('gives up when its caller does', async () => {
      const signal = AbortSignal.abort()
      await expect(shared.tier.read([keyOf('x', 1)], { signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    })

    it('refuses calls after close, and closes twice', async () => {
      const tier = await driver.open({ dimensions: [], metrics: [], logger: { ...console } })
      expect(await tier.highestVersion()).toBeUndefined()
      await Promise.all([tier.close(), tier.close()])
      await expect(tier.read([keyOf('x', 1)])).rejects.toMatchObject({ code: 'ERR_CLOSED' })
      await tier.close()
    })
  })
}

function bytesOf(embedding: Float32Array | null | undefined): Buffer | null {
  return embedding ? Buffer.from(embedding.buffer, embedding.byteOffset, embedding.byteLength) : null
}
