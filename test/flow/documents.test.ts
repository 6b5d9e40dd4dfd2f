/** Documents are read as their chunks say, in order, wherever these are. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ChunkRepository } from '../../src/index.ts'
import { budget } from '../tools/budget.ts'
import { describePairs, shareStore } from './stores.ts'

/** All that the pages of a call have. */
async function allOf<T>(
  page: (cursor: string | undefined) => Promise<{ readonly items: readonly T[]; readonly nextCursor?: string }>,
): Promise<T[]> {
  const items: T[] = []
  for (let cursor: string | undefined; ; ) {
    const answer = await page(cursor)
    items.push(...answer.items)
    cursor = answer.nextCursor
    if (cursor === undefined) return items
  }
}

async function textsOf(chunks: ChunkRepository, documentId: string, limit?: number): Promise<string[]> {
  const items = await allOf((cursor) => chunks.ofDocument(documentId, { limit, cursor }))
  return items.map(({ text }) => text)
}

async function counts(chunks: ChunkRepository, limit?: number): Promise<Record<string, number>> {
  const items = await allOf((cursor) => chunks.documents({ limit, cursor }))
  return Object.fromEntries(items.map(({ documentId, chunks: count }) => [documentId, count]))
}

describePairs('documents', (pair) => {
  const { store, view, clock } = shareStore(pair)

  test('have their chunks in the order of positions, what has none last, whatever is pending', async () => {
    const { chunks } = view()
    const places = [3, undefined, 0, 2, undefined, 1]
    for (const [n, position] of places.entries()) {
      await chunks.put({ text: `${position ?? 'none'}`, documentId: 'd', position, key: `${n}` })
      if (n === 2) await store().checkpoint()
    }
    await chunks.put({ text: 'else', documentId: 'e', position: 0 })
    const expected = ['0', '1', '2', '3', 'none', 'none']
    for (const limit of [1, 2, 3, 4, 5, 6, undefined]) expect(await textsOf(chunks, 'd', limit)).toEqual(expected)
    await store().checkpoint()
    for (const limit of [1, 4, 6]) expect(await textsOf(chunks, 'd', limit)).toEqual(expected)
    expect(await textsOf(chunks, 'none')).toEqual([])
  })

  test('are listed with counts, and leave the namespace to nobody', async () => {
    const own = view()
    await own.chunks.putMany([
      { text: 'a', documentId: 'x', metadata: { lang: 'en' } },
      { text: 'b', documentId: 'x', metadata: { lang: 'de' } },
      { text: 'c', documentId: 'y', metadata: { lang: 'de' }, ttl: 1_000 },
      { text: 'd' },
    ])
    await own.namespace('below').chunks.put({ text: 'e', documentId: 'x' })
    await store().checkpoint()
    const { id } = await own.chunks.put({ text: 'f', documentId: 'z' })
    const { items } = await own.chunks.documents({ where: { 'metadata.lang': 'de' } })
    expect(items).toEqual([
      { documentId: 'x', chunks: 1, updatedAt: expect.any(Date) },
      { documentId: 'y', chunks: 1, updatedAt: expect.any(Date) },
    ])
    expect(await counts(own.chunks, 1)).toEqual({ x: 2, y: 1, z: 1 })
    await own.chunks.update(id, { documentId: 'x' })
    clock.advance(1_000)
    expect(await counts(own.chunks)).toEqual({ x: 3 })
  })

  test('refuse a cursor of another document or call', async () => {
    const { chunks } = view()
    await chunks.putMany([1, 2, 3].map((n) => ({ text: `${n}`, documentId: `${n % 2}`, position: n })))
    const { nextCursor: ofDocument } = await chunks.ofDocument('1', { limit: 1 })
    const { nextCursor: documents } = await chunks.documents({ limit: 1 })
    const refusal = { code: 'ERR_INVALID_QUERY', details: { field: 'cursor' } }
    await expect(chunks.ofDocument('0', { cursor: ofDocument })).rejects.toMatchObject(refusal)
    await expect(chunks.ofDocument('1', { cursor: documents })).rejects.toMatchObject(refusal)
    await expect(chunks.documents({ cursor: ofDocument })).rejects.toMatchObject(refusal)
    await expect(chunks.find({ orderBy: 'position', cursor: ofDocument })).rejects.toMatchObject(refusal)
    expect((await chunks.ofDocument('1', { cursor: ofDocument })).items).toMatchObject([{ text: '3' }])
  })

  test('are what a list of all chunks says, while chunks are put, moved, deleted and shipped', async () => {
    const step = fc.oneof(
      fc.record({
        n: fc.integer({ min: 0, max: 9 }),
        documentId: fc.constantFrom('a', 'b', 'c', undefined),
        position: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }),
      }),
      fc.record({ deleted: fc.integer({ min: 0, max: 9 }) }),
      fc.constant('checkpoint' as const),
    )
    const property = fc.asyncProperty(
      fc.array(step, { maxLength: 20 }),
      fc.integer({ min: 1, max: 4 }),
      async (steps, limit) => {
        const { chunks } = view()
        const model = new Map<number, { id: string; documentId: string | undefined; position: number | undefined }>()
        for (const one of steps) {
          if (one === 'checkpoint') await store().checkpoint()
          else if ('deleted' in one) {
            await chunks.deleteByKey(`${one.deleted}`)
            model.delete(one.deleted)
          } else {
            const { n, ...place } = one
            const { id } = await chunks.put({ key: `${n}`, text: `${n}`, ...place })
            model.set(n, { id, ...place })
          }
        }
        const known: Record<string, number> = {}
        for (const documentId of ['a', 'b', 'c']) {
          const own = [...model].filter(([, chunk]) => chunk.documentId === documentId)
          own.sort(([, a], [, b]) => (a.position ?? 9) - (b.position ?? 9) || (a.id < b.id ? -1 : 1))
          if (own.length > 0) known[documentId] = own.length
          expect(await textsOf(chunks, documentId, limit)).toEqual(own.map(([n]) => `${n}`))
        }
        expect(await counts(chunks, limit)).toEqual(known)
      },
    )
    await fc.assert(property, { numRuns: budget({ short: 8, long: 50 }) })
  })
})
