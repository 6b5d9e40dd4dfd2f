/** Puts together what the page of one entry shows: its content, where it is, and what is above it in a tree. */
import { type MemoryEntry, type MemoryStore, namespaceSegments } from '../index.ts'
import type { EntryAnswer, EntryContent } from './answers.ts'
import { entryRow } from './entry-rows.ts'
import { placementAnswers, reasonsOf } from './placements.ts'
import type { RequestInput } from './request-input.ts'

const NUMBERS_OF_A_VECTOR = 12
const BYTES_OF_A_BLOB = 256
const MOST_PARENTS = 50

const PARENT_FIELDS = [
  ...(['namespace', 'id', 'key', 'kind', 'version', 'updatedAt', 'expiresAt'] as const),
  ...(['accessCount', 'summary'] as const),
] as const

export async function entryAnswer(store: MemoryStore, input: RequestInput, signal: AbortSignal): Promise<EntryAnswer> {
  const [namespace, id] = [input.text('namespace'), input.text('id')]
  const view = store.namespace(...namespaceSegments(namespace))
  const [entry, explanation] = await Promise.all([
    view.entries.peek(id, { signal }),
    view.entries.explain(id, { signal }),
  ])
  const parents =
    entry !== undefined && isOfTree(entry)
      ? await view.raptorNodes.parents(id, { limit: MOST_PARENTS, select: PARENT_FIELDS, signal })
      : { items: [] }
  return {
    ...{ namespace, id },
    entry: entry && entryContent(entry),
    placements: placementAnswers(explanation),
    pinned: explanation.pinned,
    why: reasonsOf(explanation, entry),
    parents: parents.items.map(entryRow),
  }
}

function isOfTree({ kind }: MemoryEntry): boolean {
  return kind === 'chunk' || kind === 'raptor'
}

function entryContent(entry: MemoryEntry): EntryContent {
  const { createdAt, lastAccessedAt, slidingTtl, metadata, embeddingModel } = entry
  return {
    ...entryRow(entry),
    ...{ createdAt: createdAt.getTime(), lastAccessedAt: lastAccessedAt.getTime() },
    ...{ slidingTtl, metadata, embeddingModel, ...ofKind(entry) },
  }
}

function ofKind(entry: MemoryEntry): Partial<EntryContent> {
  switch (entry.kind) {
    case 'chunk':
      return {
        ...{ text: entry.text, documentId: entry.documentId, position: entry.position },
        embedding: vectorInShort(entry.embedding),
      }
    case 'raptor':
      return {
        ...{ summary: entry.summary, level: entry.level, children: entry.children },
        embedding: vectorInShort(entry.embedding),
      }
    case 'embedding':
      return { embedding: vectorInShort(entry.embedding) }
    case 'blob':
      return { blob: blobInShort(entry.bytes, entry.contentType) }
    default:
      return {}
  }
}

function vectorInShort(vector: Float32Array | undefined): EntryContent['embedding'] {
  if (vector === undefined) return undefined
  const length = Math.sqrt(vector.reduce((sum, each) => sum + each * each, 0))
  return { dimensions: vector.length, length, first: [...vector.subarray(0, NUMBERS_OF_A_VECTOR)] }
}

function blobInShort(bytes: Uint8Array, contentType: string | undefined): EntryContent['blob'] {
  const hex = Buffer.from(bytes.subarray(0, BYTES_OF_A_BLOB)).toString('hex')
  return { bytes: bytes.byteLength, contentType, hex }
}
