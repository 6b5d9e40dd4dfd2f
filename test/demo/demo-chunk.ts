/** A chunk on its way through the demo: cut from a document, then embedded, then stored. */
import { chunkMarkdown } from './chunk-markdown.ts'
import type { MarkdownDocument } from './markdown-corpus.ts'
import { plainText } from './plain-text.ts'

export interface DemoChunk {
  readonly document: string
  /** 0-based place in its document. */
  readonly position: number
  readonly headings: readonly string[]
  readonly text: string
  /** What is embedded; never empty. */
  readonly words: string
}

export interface EmbeddedChunk extends DemoChunk {
  readonly embedding: Float32Array
}

export interface StoredChunk extends EmbeddedChunk {
  readonly id: string
}

export function cutDocuments(documents: readonly MarkdownDocument[]): DemoChunk[] {
  return documents.flatMap(({ name, source }) =>
    chunkMarkdown(source).map(({ text, headings }, position) => ({
      document: name,
      position,
      headings,
      text,
      words: plainText(text) || name,
    })),
  )
}

/** What is put into the store for a chunk. */
export function inputOf({ document, position, headings, text, embedding }: EmbeddedChunk) {
  const key = `${document}#${position}`
  return { key, documentId: document, position, text, embedding, metadata: { headings } }
}

/** Whether an entry came back as it was put, to the last bit. */
export function isIntact(entry: { text: string; embedding?: Float32Array } | undefined, put: EmbeddedChunk): boolean {
  if (entry?.embedding === undefined || entry.text !== put.text) return false
  return entry.embedding.length === put.embedding.length && entry.embedding.every((x, i) => x === put.embedding[i])
}
