/** What `where` and the options of a query may say. See {@link ./inputs.test-d.ts} for how this is checked. */
import { expectTypeOf } from 'vitest'
import {
  type Comparison,
  type CountOptions,
  type DeletedWhere,
  type FindOptions,
  type MemoryStore,
  metadataPath,
  type SearchOptions,
  type UpdatedWhere,
  type Where,
} from '../../src/index.ts'

export const accepted: readonly Where[] = [
  {},
  { kind: 'chunk', id: 'id', key: 'key' },
  { kind: { in: ['chunk', 'raptor'] }, embeddingModel: { eq: 'a' } },
  { text: { gte: 'a', lt: 'b' }, summary: 'a', documentId: { in: ['a', 'b'] } },
  { position: { gt: 0, lte: 10 }, level: 1 },
  { text: { contains: 'a', startsWith: 'a', ne: 'b', nin: ['c'], exists: true }, children: { contains: 'id' } },
  { 'metadata.a': 1, 'metadata.a.b': null, 'metadata.c': { eq: { d: [1] }, contains: ['e'], gt: 'f', exists: false } },
  { [metadataPath('a.b', 'c')]: { in: [1, 'a', null] }, metadata: { contains: { theme: 'dark' } } },
  { and: [{ level: 1 }], or: [{ not: { or: [] } }], not: { 'metadata.a': true } },
  { version: { gt: 'a' }, accessCount: { gte: 1 }, lastAccessedAt: { lt: new Date() } },
  { createdAt: { gte: new Date() }, updatedAt: { lt: Date.now() }, expiresAt: { in: [new Date(), 0] } },
]

export const refused: readonly Where[] = [
  // @ts-expect-error there is no such field
  { document: 'a' },
  // @ts-expect-error nor is it found by its vector in a comparison
  { embedding: [1, 0] },
  // @ts-expect-error metadata as a whole takes an operator
  { metadata: { theme: 'dark' } },
  // @ts-expect-error as does an object within it
  { 'metadata.a': { theme: 'dark' } },
  // @ts-expect-error and an array
  { 'metadata.a': ['dark'] },
  // @ts-expect-error a truth has no order
  { 'metadata.a': { gt: true } },
  // @ts-expect-error a number holds nothing
  { position: { contains: 1 } },
  // @ts-expect-error kinds have no order
  { kind: { gt: 'chunk' } },
  // @ts-expect-error children are a list
  { children: { in: ['id'] } },
  // @ts-expect-error a wrong field is refused at any depth
  { or: [{ not: { document: 'a' } }] },
  // @ts-expect-error a kind that does not exist
  { kind: 'memory' },
  // @ts-expect-error a position is a number
  { position: '1' },
  // @ts-expect-error and is compared with one
  { position: { gt: '1' } },
  // @ts-expect-error a text is no number
  { text: 1 },
  // @ts-expect-error nor a time a text
  { createdAt: { gt: '2026-01-01' } },
  // @ts-expect-error there is no such operator
  { documentId: { equals: 'a' } },
  // @ts-expect-error a list needs `in`
  { documentId: ['a', 'b'] },
  // @ts-expect-error and `in` a list
  { documentId: { in: 'a' } },
  // @ts-expect-error a list of what the field holds
  { level: { in: ['1'] } },
  // @ts-expect-error null selects nothing
  { documentId: null },
]

/** A repository of one kind completes the fields of that kind. */
export const ofChunks: Where<'chunk'> = { text: 'a', position: 1, and: [{ documentId: 'a' }] }
export const refusedOfKind: readonly [Where<'chunk'>, Where<'raptor'>, Where<'metadata'>] = [
  // @ts-expect-error a chunk has no summary
  { summary: 'a' },
  // @ts-expect-error a node no position
  { position: 1 },
  // @ts-expect-error nor has an entry of metadata a text, at any depth
  { not: { text: 'a' } },
]

export const comparison: Comparison<number> = { eq: 1, gt: 1, gte: 1, lt: 1, lte: 1, in: [1] }

export const options: readonly (CountOptions | FindOptions | SearchOptions)[] = [
  { where: undefined, recursive: undefined, timeout: undefined },
  { where: { kind: 'chunk' }, recursive: true, limit: 10, signal: AbortSignal.timeout(5), timeout: '1s' },
  { embedding: new Float64Array(3), k: 5, metric: 'inner-product', where: {}, recursive: true },
  { embedding: [1], text: 'a', mmr: { fetch: 40, lambda: undefined } },
]

// @ts-expect-error texts alone have nothing to compare
export const refusedSearch: SearchOptions = { text: 'a', mmr: {} }

export async function changes(store: MemoryStore): Promise<void> {
  const deleted = await store.chunks.deleteWhere(
    { position: 1 },
    { dryRun: true, onProgress: ({ deleted }) => deleted },
  )
  expectTypeOf(deleted).toEqualTypeOf<DeletedWhere>()
  const updated = await store.chunks.updateWhere({}, { text: 'a' }, { all: true, batchSize: 10 })
  expectTypeOf(updated).toEqualTypeOf<UpdatedWhere>()
  // @ts-expect-error a chunk has no level
  await store.chunks.updateWhere({ level: 1 }, { text: 'a' })
  // @ts-expect-error nor can it get one
  await store.chunks.updateWhere({ position: 1 }, { level: 1 })
}

export const refusedOptions: readonly FindOptions[] = [
  // @ts-expect-error a limit is a number
  { limit: '10' },
  // @ts-expect-error a flag is true or false
  { recursive: 'yes' },
  // @ts-expect-error there is no such option
  { take: 10 },
  // @ts-expect-error `where` is an object
  { where: 'kind = chunk' },
]
