/**
 * Cuts Markdown into chunks for retrieval: along headings, then between paragraphs, lists and code fences.
 *
 * - No text is lost: the chunks in order are the document, but for blank space at their ends.
 * - A chunk has at most `maxCharacters`; a code fence stays whole up to {@link MAX_FENCE_CHARACTERS}, because half an
 *   example helps nobody.
 * - Each chunk knows the headings above it, which say what a paragraph alone often does not.
 */
import { type MarkedToken, marked } from 'marked'
import { splitText } from './split-text.ts'

export interface MarkdownChunk {
  readonly text: string
  /** From the outermost heading to the one the chunk stands under, as plain as the document has them. */
  readonly headings: readonly string[]
}

export const MAX_CHARACTERS = 600
export const MAX_FENCE_CHARACTERS = 1_500

export function chunkMarkdown(source: string, maxCharacters: number = MAX_CHARACTERS): MarkdownChunk[] {
  const packer = new ChunkPacker(maxCharacters)
  for (const token of marked.lexer(source) as MarkedToken[]) {
    if (token.type === 'heading') packer.beginSection(token.depth, token.text, token.raw)
    else packer.add(token.raw, token.type === 'code' ? MAX_FENCE_CHARACTERS : maxCharacters)
  }
  return packer.finish()
}

/** Fills one chunk after the other. */
class ChunkPacker {
  readonly #max: number
  readonly #chunks: MarkdownChunk[] = []
  /** Headings in force, by depth; a depth that the document skips is a hole. */
  #headings: string[] = []
  #text = ''
  /** So far only headings, which belong to what follows them. */
  #isBare = true

  constructor(max: number) {
    this.#max = max
  }

  beginSection(depth: number, title: string, raw: string): void {
    if (!this.#isBare) this.#flush()
    this.#headings = this.#headings.slice(0, depth - 1)
    this.#headings[depth - 1] = title
    this.#append(raw, this.#max)
  }

  /** @param max What a chunk may hold that is made of this block alone. */
  add(raw: string, max: number): void {
    this.#append(raw, max)
    if (raw.trim() !== '') this.#isBare = false
  }

  finish(): MarkdownChunk[] {
    this.#flush()
    return this.#chunks
  }

  #append(block: string, max: number): void {
    const fits = this.#text.length + block.trimEnd().length <= this.#max
    if (!fits && !this.#isBare) this.#flush()
    const pieces = splitText(this.#text + block, fits ? Number.POSITIVE_INFINITY : max)
    this.#text = pieces.pop() ?? ''
    for (const piece of pieces) this.#emit(piece)
  }

  #flush(): void {
    this.#emit(this.#text)
    this.#text = ''
    this.#isBare = true
  }

  #emit(piece: string): void {
    const text = piece.trim()
    if (text !== '') this.#chunks.push({ text, headings: this.#headings.filter(() => true) })
  }
}
