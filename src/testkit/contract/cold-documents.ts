import { describe, expect, it } from 'vitest'
import type { ColdDocument, ColdDocuments } from '../../cold/cold-tier.ts'
import { chunkOf, keyOf, PAST, tombstone, versionOf } from './cold-records.ts'
import { freshNamespace, type SharedColdTier } from './fresh-cold-tier.ts'

const NOW = PAST + 1_000_000

function queryOf(namespace: string, overrides: Partial<ColdDocuments> = {}): ColdDocuments {
  const filter = [{ field: 'documentId', operator: 'exists' }] as const
  return { scope: { namespace, recursive: false }, filter, now: NOW, exclude: [], own: [], ...overrides }
}

export function describeColdDocuments(shared: SharedColdTier): void {
  describe('documents', () => {
    /** Chunk `n` is of version `n`. */
    async function filled(): Promise<string> {
      const namespace = freshNamespace()
      await shared.tier.upsert([
        chunkOf(namespace, 1, 1, { documentId: 'b' }),
        chunkOf(namespace, 2, 2, { documentId: 'a' }),
        chunkOf(namespace, 3, 3, { documentId: 'b' }),
        chunkOf(namespace, 4, 4),
        chunkOf(namespace, 5, 5, { documentId: 'a', expiresAt: NOW }),
        tombstone(namespace, 6, 6),
        chunkOf(namespace, 7, 7, { documentId: '\uff5e' }),
        chunkOf(namespace, 8, 8, { documentId: '😀' }),
        chunkOf(`${namespace}/x`, 9, 9, { documentId: 'a' }),
      ])
      return namespace
    }
    const documents = (query: ColdDocuments, limit = 10): Promise<ColdDocument[]> => shared.tier.documents(query, limit)
    const told = (documentId: string, chunks: number, version: number): ColdDocument => {
      return { documentId, chunks, updatedAt: PAST + version }
    }

    it('are those of live rows, by code point, with counts and the latest write', async () => {
      const query = queryOf(await filled())
      const all = [told('a', 1, 2), told('b', 2, 3), told('\uff5e', 1, 7), told('😀', 1, 8)]
      expect(await documents(query)).toEqual(all)
      expect(await documents(query, 2)).toEqual(all.slice(0, 2))
      expect(await documents({ ...query, after: 'a' }, 2)).toEqual(all.slice(1, 3))
      const filter = [...query.filter, { field: 'position', operator: 'lte', value: 2 } as const]
      expect(await documents({ ...query, filter })).toEqual([told('a', 1, 2), told('b', 1, 1)])
    })

    it('count each key once, by its newest version', async () => {
      const namespace = await filled()
      const own = (n: number, version: number, documentId: string | null) => {
        return { ...keyOf(namespace, n), version: versionOf(version), documentId, updatedAt: PAST + version }
      }
      const asked = (...versions: ReturnType<typeof own>[]) => documents(queryOf(namespace, { own: versions }), 2)
      // Moved, deleted, new, the same, and overtaken.
      expect(await asked(own(1, 11, 'a'))).toEqual([told('a', 2, 11), told('b', 1, 3)])
      expect(await asked(own(2, 12, null))).toEqual([told('b', 2, 3), told('\uff5e', 1, 7)])
      expect(await asked(own(9, 9, '0'), own(6, 11, 'b'))).toEqual([told('0', 1, 9), told('a', 1, 2)])
      expect(await asked(own(1, 1, 'b'), own(2, 1, '0'))).toEqual([told('a', 1, 2), told('b', 2, 3)])
      const later = queryOf(namespace, { own: [own(1, 11, 'a'), own(9, 9, 'c')], after: 'b' })
      expect(await documents(later, 2)).toEqual([told('c', 1, 9), told('\uff5e', 1, 7)])
    })
  })
}
