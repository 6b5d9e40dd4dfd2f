/** The entries that every case writes: 600 characters of text, an embedding of 512 dimensions, some metadata. */
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

/** A vector of length 1 in a direction that depends on the number. */
export function vector(seed: number, dimensions = DIMENSIONS): Float32Array {
  const random = randomFrom(seed)
  const values = Float32Array.from({ length: dimensions }, () => random() - 0.5)
  const length = Math.hypot(...values)
  return values.map((value) => value / length)
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
