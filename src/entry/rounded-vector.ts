/**
 * Rounds an embedding to two bytes or one per component, and widens it again. Each component becomes a whole number of
 * steps, of which the largest has the most that there are: so vectors of any length are rounded alike, and none is out
 * of range. Which embeddings are rounded is decided by `cold.precision` (options.ts), in which columns they are kept by
 * cold/sql/entry-columns.ts.
 *
 *   half   32 767 steps: one component in each 16-bit integer
 *   int8   127 steps: two components in each, one of the first half of the vector + 256 × one of the second half
 *
 * Rounding what was rounded changes nothing, so an entry may be read and written again as often as one likes.
 */
import type { NamespaceRules } from './namespace-rules.ts'

export const PRECISIONS = ['full', 'half', 'int8'] as const

/**
 * How exactly cold keeps the components of embeddings. `full`: as they were put. `half`, two bytes each: off by a
 * 65,000th of the vector's largest component at the most. `int8`, one byte each: by a 250th.
 */
export type Precision = (typeof PRECISIONS)[number]

export interface RoundedVector {
  /** As many as there are dimensions, or half as many where each holds two. */
  readonly steps: Int16Array
  /** What one step is, as a float32. */
  readonly scale: number
  readonly dimension: number
}

/** Whether any namespace has its embeddings rounded. */
export function roundsAny(precision: NamespaceRules<Precision>): boolean {
  return Object.values(precision).some((each) => each !== 'full')
}

const MOST_STEPS = { half: 32_767, int8: 127 }
const LEAST_NORMAL = 2 ** -126

/** Undefined where steps would be too small or components too large for a float32: such a vector is kept as it is. */
export function roundVector(vector: Float32Array, precision: Exclude<Precision, 'full'>): RoundedVector | undefined {
  // Two in one save nothing where there is one.
  const most = MOST_STEPS[vector.length === 1 ? 'half' : precision]
  let largest = 0
  for (let i = 0; i < vector.length; i++) largest = Math.max(largest, Math.abs(vector[i]!))
  // As many of these as the largest has are nearly that component again; the scale is found again exactly.
  const scale = Math.fround(largest / most)
  if (scale < LEAST_NORMAL || !Number.isFinite(Math.fround(most * scale))) return undefined
  const steps = new Int16Array(vector.length)
  for (let i = 0; i < steps.length; i++) steps[i] = Math.round(vector[i]! / scale)
  return { steps: most === MOST_STEPS.half ? steps : paired(steps), scale, dimension: vector.length }
}

function paired(steps: Int16Array): Int16Array {
  const pairs = steps.subarray(0, Math.ceil(steps.length / 2))
  return pairs.map((low, i) => low + 256 * (steps[pairs.length + i] ?? 0))
}

export function widenVector({ steps, scale, dimension }: RoundedVector): Float32Array {
  const vector = new Float32Array(dimension)
  const pairs = steps.length
  // One of them is an 8-bit integer: what is left of the pair is a multiple of 256.
  if (pairs === dimension) for (let i = 0; i < pairs; i++) vector[i] = steps[i]! * scale
  else
    for (let i = 0; i < dimension; i++) {
      const pair = steps[i % pairs]!
      const low = (pair << 24) >> 24
      vector[i] = (i < pairs ? low : (pair - low) / 256) * scale
    }
  return vector
}

/** Whether the other is what becomes of the vector at that precision, or the vector itself. */
export function isKeptAs(vector: Float32Array, other: Float32Array, precision: Precision): boolean {
  if (vector.length !== other.length) return false
  const rounded = precision === 'full' ? undefined : roundVector(vector, precision)
  const equals = (one: Float32Array): boolean => one.every((component, i) => component === other[i])
  return equals(vector) || (rounded !== undefined && equals(widenVector(rounded)))
}
