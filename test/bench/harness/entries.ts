/** The entries that every case writes: 600 characters of text, an embedding of 512 dimensions, some metadata. */
import { encode } from '@msgpack/msgpack'
import type { JsonObject } from '../../../src/index.ts'

export const DIMENSIONS = 512
const CHARACTERS = 600
const POOL = 997

interface MadeChunk {
  readonly text: string
  readonly documentId: string
  readonly position: number
  readonly embedding: Float32Array
  readonly metadata: JsonObject
}

/** Made once: making one costs more than some of what is measured. */
const pool = new Map<number, MadeChunk>()

/** A chunk without id or key. The same number gives the same; they repeat after a thousand. */
export function chunk(nth: number): MadeChunk {
  const seed = nth % POOL
  let made = pool.get(seed)
  if (made === undefined) {
    made = make(seed)
    pool.set(seed, made)
  }
  return made
}

/** The same as bytes, as one would put it into a store of bytes: msgpack, with the embedding as it stands in memory. */
export function encodedChunk(nth: number): Buffer {
  return bytesOf({ ...chunk(nth), embedding: bytesOf(chunk(nth).embedding) })
}

/** The same as an object of JSON, as stores of JSON want it. */
export function jsonChunk(nth: number): Record<string, unknown> {
  const { embedding, ...rest } = chunk(nth)
  return { ...rest, embedding: [...embedding] }
}

/** A vector of length 1 in a direction that depends on the number. */
export function vector(seed: number, dimensions = DIMENSIONS): Float32Array {
  const random = randomFrom(seed)
  const values = Float32Array.from({ length: dimensions }, () => random() - 0.5)
  const length = Math.hypot(...values)
  return values.map((value) => value / length)
}

function bytesOf(value: Float32Array | object): Buffer {
  const { buffer, byteOffset, byteLength } = value instanceof Float32Array ? value : encode(value)
  return Buffer.from(buffer, byteOffset, byteLength)
}

function make(seed: number): MadeChunk {
  const random = randomFrom(seed)
  let text = ''
  while (text.length < CHARACTERS) text += `${Math.floor(random() * 36 ** 6).toString(36)} `
  return {
    text: text.slice(0, CHARACTERS),
    documentId: `document-${seed % 100}`,
    position: seed,
    embedding: vector(seed),
    metadata: { language: 'en', source: `https://example.org/${seed}`, tags: ['bench', `group-${seed % 7}`] },
  }
}

/** The generator of Park and Miller: numbers from 0 to 1 that repeat from the same seed. */
function randomFrom(seed: number): () => number {
  let state = (seed + 1) * 48_271
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}
