/**
 * Decides which entries an item of the memory of LangGraph consists of, in the namespace `langgraph/store/…` of its
 * labels: a chunk with the value as metadata and the first of its vectors, and for each further vector an entry of its
 * own, which has the value as well, so that a search by it can be filtered. How items are found is decided in
 * item-search.ts.
 */
import type { Item } from '@langchain/langgraph-checkpoint'
import {
  type ChunkEntry,
  type EntryInput,
  type JsonObject,
  type MemoryEntry,
  type NamespaceView,
  namespaceSegments,
} from '../../index.ts'
import { keyOf, nameOf, plainText } from './checkpoint-places.ts'

export type Vector = readonly number[]

/** In the metadata of each of these entries. */
export interface ItemFields {
  /** Key of the item, as `plainText` writes it. */
  readonly item: string
  readonly value: JsonObject
  /** How many vectors there are; in the chunk alone. */
  readonly vectors?: number
}

export interface ItemLife {
  /** In milliseconds; for good where undefined. */
  readonly ttl: number | undefined
  /** Whether it begins anew with each read. */
  readonly sliding: boolean
}

export function itemsBelow(root: NamespaceView, labels: readonly string[]): NamespaceView {
  return labels.length === 0 ? root : root.namespace(...labels.map(plainText))
}

export function labelsOf(root: NamespaceView, path: string): string[] {
  return namespaceSegments(path).slice(namespaceSegments(root.path).length).map(nameOf)
}

export const itemKey = (key: string): string => keyOf('item', key)
const vectorKey = (key: string, nth: number): string => keyOf('vector', key, nth)

/** The chunk is the last. Vectors live longer, so that none is missing while it is there. */
export function inputsOf(
  key: string,
  value: JsonObject,
  vectors: readonly Vector[],
  { ttl, sliding }: ItemLife,
): EntryInput[] {
  const [first, ...more] = vectors
  const item = plainText(key)
  const life = (times: number) => (ttl === undefined ? {} : { ttl: ttl * times, ...(sliding ? { sliding } : {}) })
  const chunk: EntryInput = {
    ...{ kind: 'chunk', key: itemKey(key), text: '', metadata: { item, value, vectors: vectors.length } },
    ...(first === undefined ? {} : { embedding: first }),
    ...life(1),
  }
  const others = more.map((embedding, i): EntryInput => {
    return { kind: 'embedding', key: vectorKey(key, i + 1), embedding, metadata: { item, value }, ...life(2) }
  })
  return [...others, chunk]
}

/** Ids of its further vectors, from the one with this number on. */
export function vectorIds(view: NamespaceView, chunk: Pick<ChunkEntry, 'metadata'>, from = 1): string[] {
  const { item, vectors = 0 } = fieldsOf(chunk)
  const key = nameOf(item)
  return Array.from({ length: Math.max(0, vectors - from) }, (_, i) => view.entries.idOf(vectorKey(key, from + i)))
}

export function fieldsOf(entry: Pick<MemoryEntry, 'metadata'>): ItemFields {
  return entry.metadata as unknown as ItemFields
}

export function itemOf(
  root: NamespaceView,
  chunk: Pick<ChunkEntry, 'namespace' | 'metadata' | 'createdAt' | 'updatedAt'>,
): Item {
  const { item, value } = fieldsOf(chunk)
  const { createdAt, updatedAt } = chunk
  return { namespace: labelsOf(root, chunk.namespace), key: nameOf(item), value: { ...value }, createdAt, updatedAt }
}
