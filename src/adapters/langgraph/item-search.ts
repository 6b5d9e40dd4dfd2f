/**
 * Finds items: those that a filter selects, the newest first, or by a vector, the nearest first and after them those
 * without a vector. An item counts by the best of its vectors. Of which entries it consists is decided in
 * item-entries.ts, and what a filter selects in item-filter.ts.
 */
import { isDeepStrictEqual } from 'node:util'
import type { SearchItem } from '@langchain/langgraph-checkpoint'
import type { ChunkEntry, EmbeddingEntry, NamespaceView, Where } from '../../index.ts'
import { nameOf, viewAt } from './checkpoint-places.ts'
import { fieldsOf, itemKey, itemOf, type Vector } from './item-entries.ts'
import { type ItemFilter, isDecidedByDatabase, selects, whereOfItems } from './item-filter.ts'

export interface ItemQuery {
  readonly filter: ItemFilter
  readonly limit: number
  readonly offset: number
  /** Of what is asked for; undefined: nothing is ranked. */
  readonly vector: Vector | undefined
}

/** What is read of chunks: vectors and texts are of no use for an answer. */
const FIELDS = ['namespace', 'id', 'metadata', 'createdAt', 'updatedAt'] as const
export type ItemChunk = Pick<ChunkEntry, 'kind' | (typeof FIELDS)[number]>

export interface FoundItem {
  readonly item: SearchItem
  readonly chunk: ItemChunk
}

interface Ranked {
  readonly entry: ItemChunk | Pick<EmbeddingEntry, 'kind' | (typeof FIELDS)[number]>
  readonly score: number
}

/** Of one item, the best first. */
type Hits = readonly [Ranked, ...Ranked[]]

/** Most vectors that one search of the store ranks. */
const MOST_RANKED = 1_000
/** Most items of a page. */
const MOST_AT_ONCE = 100

/** @param root the namespace of all items. @param view where to look, and below. */
export async function findItems(root: NamespaceView, view: NamespaceView, query: ItemQuery): Promise<FoundItem[]> {
  const { filter, limit, offset, vector } = query
  if (vector === undefined) return pageOf(root, itemsIn(view, filter, [], offset + limit), offset, limit)
  const { ranked, isAll } = await rank(view, filter, vector, offset + limit)
  const found = await withChunks(view, ranked.slice(offset, offset + limit))
  const hits = found.map(({ chunk, score }) => ({ chunk, item: { ...itemOf(root, chunk), score } }))
  const room = limit - Math.max(0, ranked.length - offset)
  if (!isAll || room <= 0) return hits
  const skipped = Math.max(0, offset - ranked.length)
  const unranked = itemsIn(view, filter, [{ 'metadata.vectors': 0 }], skipped + room)
  return [...hits, ...(await pageOf(root, unranked, skipped, Math.min(limit, room)))]
}

/** @param wanted how many will be asked for: what is read beyond them, in one page, is read in vain. */
async function* itemsIn(
  view: NamespaceView,
  filter: ItemFilter,
  also: readonly Where[],
  wanted: number,
): AsyncGenerator<ItemChunk> {
  const where = { and: [...whereOfItems(filter), ...also] } as Where<'chunk'>
  const limit = isDecidedByDatabase(filter) ? Math.min(MOST_AT_ONCE, Math.max(1, wanted)) : MOST_AT_ONCE
  const options = { where, recursive: true, orderBy: { version: 'desc' }, select: FIELDS, limit } as const
  for await (const chunk of view.chunks.findAll(options)) if (selects(filter, fieldsOf(chunk).value)) yield chunk
}

async function pageOf(
  root: NamespaceView,
  chunks: AsyncIterable<ItemChunk>,
  offset: number,
  limit: number,
): Promise<FoundItem[]> {
  const found: FoundItem[] = []
  let left = offset
  if (limit <= 0) return found
  for await (const chunk of chunks) {
    if (left-- > 0) continue
    found.push({ chunk, item: itemOf(root, chunk) })
    if (found.length === limit) break
  }
  return found
}

/** Returns the hits of at least so many items, by item, the best first; `isAll`: no others have a vector. */
async function rank(
  view: NamespaceView,
  filter: ItemFilter,
  vector: Vector,
  wanted: number,
): Promise<{ readonly ranked: readonly Hits[]; readonly isAll: boolean }> {
  const where: Where = { and: [{ 'metadata.item': { exists: true } }, ...whereOfItems(filter)] }
  const search = { embedding: vector, where, recursive: true, countAccess: false, select: FIELDS }
  for (let k = Math.min(MOST_RANKED, Math.max(10, 2 * wanted)); ; k = Math.min(MOST_RANKED, 4 * k)) {
    const { hits } = await view.entries.search({ ...search, k })
    const byItem = new Map<string, Hits>()
    for (const { entry, score } of hits as readonly Ranked[]) {
      const { item, value } = fieldsOf(entry)
      const name = JSON.stringify([entry.namespace, item])
      if (selects(filter, value)) byItem.set(name, [...(byItem.get(name) ?? []), { entry, score }] as const)
    }
    const isAll = hits.length < k
    if (isAll || byItem.size >= wanted || k === MOST_RANKED) return { ranked: [...byItem.values()], isAll }
  }
}

/**
 * A further vector is an entry beside the chunk of its item. An item that has expired meanwhile is left out. So is a
 * vector of a value that it no longer has: where an item expired and was put anew, older ones may outlive that.
 */
async function withChunks(
  view: NamespaceView,
  ranked: readonly Hits[],
): Promise<{ readonly chunk: ItemChunk; readonly score: number }[]> {
  const found = await Promise.all(
    ranked.map(async (hits) => {
      const chunk = await chunkOf(view, hits)
      const best = chunk && hits.find(({ entry }) => isDeepStrictEqual(fieldsOf(entry).value, fieldsOf(chunk).value))
      return best === undefined ? [] : [{ chunk: chunk!, score: best.score }]
    }),
  )
  return found.flat().sort((a, b) => b.score - a.score)
}

async function chunkOf(view: NamespaceView, hits: Hits): Promise<ItemChunk | undefined> {
  for (const { entry } of hits) if (entry.kind === 'chunk') return entry
  const [{ entry }] = hits
  return viewAt(view, entry.namespace).chunks.getByKey(itemKey(nameOf(fieldsOf(entry).item)))
}
