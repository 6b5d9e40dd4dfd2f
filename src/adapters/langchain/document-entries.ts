/** Decides how a document of LangChain is kept: a chunk, with its content as the text and its metadata as they are. */
import { Document, type DocumentInterface } from '@langchain/core/documents'
import type { ChunkEntry, JsonObject, PutOf } from '../../index.ts'

/** As `JSON.stringify` and databases write it. */
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** What a hit is asked for. */
export const DOCUMENT_FIELDS = ['id', 'key', 'text', 'metadata'] as const

/** An id that is a UUID is that of the entry, any other is its key; without one the store chooses. */
export function chunkOf(document: DocumentInterface, embedding: readonly number[], id: string | undefined) {
  const { pageContent, metadata } = document
  return { ...named(id), text: pageContent, embedding, metadata: jsonOf(metadata) } satisfies PutOf<'chunk'>
}

/** The id by which an entry is deleted. */
export function entryIdOf(chunks: { idOf(key: string): string }, id: string): string {
  return UUID.test(id) ? id : chunks.idOf(id)
}

export function documentOf({ id, key, text, metadata }: Pick<ChunkEntry, (typeof DOCUMENT_FIELDS)[number]>): Document {
  // A key that looks like the id of an entry was not given here: it would be taken for one.
  return new Document({
    id: key === undefined || UUID.test(key) ? id : key,
    pageContent: text,
    metadata: { ...metadata },
  })
}

function named(id: string | undefined): { readonly id?: string; readonly key?: string } {
  if (id === undefined) return {}
  return UUID.test(id) ? { id } : { key: id }
}

/** As JSON has it: loaders leave dates and objects of classes in metadata. */
function jsonOf(metadata: object): JsonObject {
  return JSON.parse(JSON.stringify(metadata ?? {}))
}
