/**
 * A model of texts that needs no weights: each word adds to the dimension that its hash names, so texts are the nearer
 * the more words they share, and one text has one vector for ever. What a provider does besides it does when told to:
 * it fails, waits, or refuses single texts.
 */
import { createHash } from 'node:crypto'
import type { EmbedMany } from '../../src/index.ts'

export const WORD_DIMENSIONS = 64

/** @param salt of another model, whose vectors of the same texts are others. */
export function wordVector(text: string, salt = '', dimensions = WORD_DIMENSIONS): Float32Array {
  const vector = new Float32Array(dimensions)
  for (const word of text.toLowerCase().split(/\W+/u)) {
    const hash = createHash('sha256').update(`${salt}/${word}`).digest()
    const place = hash.readUInt32LE(0) % dimensions
    vector[place] = vector[place]! + 0.5 + hash[4]! / 512
  }
  return vector
}

export class WordModel {
  readonly salt: string
  /** Texts of each call. */
  readonly calls: string[][] = []
  readonly purposes: string[] = []
  readonly signals: AbortSignal[] = []
  /** Called before each answer: what it throws is what the model rejects with, and it may take its time. */
  before: (texts: readonly string[]) => unknown = () => {}

  constructor(salt = '') {
    this.salt = salt
  }

  /** All texts it was asked for. */
  get texts(): string[] {
    return this.calls.flat()
  }

  readonly embedMany: EmbedMany = async (texts, { purpose, signal }) => {
    this.calls.push(texts)
    this.purposes.push(purpose)
    this.signals.push(signal)
    await this.before(texts)
    return texts.map((text) => wordVector(text, this.salt))
  }

  /** Options of a store that embeds by it. */
  options<O extends object>(given?: O) {
    const { embedMany, salt } = this
    return { model: `words${salt}`, dimensions: WORD_DIMENSIONS, embedMany, ...given }
  }
}

/** What SDKs of providers reject with. */
export function httpError(status: number, headers: Readonly<Record<string, string>> = {}): Error {
  return Object.assign(new Error(`status ${status}`), { status, headers: new Headers(headers) })
}

/** A wait that lasts until somebody ends it. */
export function gate(): { readonly closed: Promise<void>; readonly open: () => void } {
  let open = (): void => {}
  const closed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { closed, open }
}
