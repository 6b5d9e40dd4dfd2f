/** What `search` asks for, checked: by a vector, by a text, or by both. */
import { textFault } from '../entry/text.ts'
import { ThermoclineError } from '../errors.ts'
import { isPlainObject } from '../kernel/plain-object.ts'
import type { Metric } from './metric.ts'
import type { FusionWeights } from './rank-fusion.ts'

/** How two lists become one, where a search is by `embedding` and `text`. */
export interface Fusion {
  /** Weight of the nearest vectors, from 0 on. @default 1 */
  readonly vector?: number | undefined
  /** Weight of the texts that have the words, from 0 on. @default 1 */
  readonly text?: number | undefined
  /** The greater, the less the first places count for more than those that follow; from 0 on. @default 60 */
  readonly constant?: number | undefined
}

export interface VectorQuery {
  readonly embedding: Float32Array
  readonly metric: Metric
}

export interface SearchQuery {
  readonly vector: VectorQuery | undefined
  readonly text: string | undefined
  readonly k: number
  /** How many of each list are looked at. */
  readonly reach: number
  readonly fusion: FusionWeights
  readonly minScore: number | undefined
}

/** Options of `search`, each checked by itself. */
interface Given {
  readonly embedding?: Float32Array
  readonly text?: string
  readonly k?: number
  readonly metric?: Metric
  readonly fusion?: Fusion
  readonly minScore?: number
}

export const SEARCH_DEFAULTS = { k: 10, metric: 'cosine', fusion: { vector: 1, text: 1, constant: 60 } } as const

/** Of each list, this many times `k`: what is far down in both may be high in their sum. */
const REACH = 4
/** Characters of the text of a query: what people type. */
const MOST_CHARACTERS = 4_000
const FUSION = Object.keys(SEARCH_DEFAULTS.fusion) as readonly (keyof Fusion)[]

/** Refuses with `ERR_INVALID_QUERY` what makes no sense together. */
export function toSearchQuery(given: Given): SearchQuery {
  const { embedding, text, k = SEARCH_DEFAULTS.k, metric = SEARCH_DEFAULTS.metric, minScore } = given
  if (embedding === undefined && text === undefined)
    throw invalid('give `embedding`, the vector to search by, or `text`, the words, or both', 'embedding')
  if (embedding === undefined && given.metric !== undefined)
    throw invalid('`metric` compares vectors: give `embedding` as well, or leave it out', 'metric')
  const isFused = embedding !== undefined && text !== undefined
  if (!isFused && given.fusion !== undefined)
    throw invalid('`fusion` is of two lists: give `embedding` and `text`, or leave it out', 'fusion')
  const vector = embedding && { embedding, metric }
  const fusion = { ...SEARCH_DEFAULTS.fusion, ...given.fusion } as FusionWeights
  return { vector, text, k, reach: isFused ? k * REACH : k, fusion, minScore }
}

export function checkText(value: unknown, field: string): string {
  if (typeof value !== 'string') throw invalid(`\`${field}\` must be the words to search by`, field)
  const fault = textFault(value)
  if (fault !== undefined) throw invalid(`\`${field}\` ${fault}`, field)
  if (value.length > MOST_CHARACTERS)
    throw invalid(`\`${field}\` must have at most ${MOST_CHARACTERS} characters: leave out what does not matter`, field)
  return value
}

export function checkMinScore(value: unknown, field: string): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw invalid(`\`${field}\` must be a finite number`, field)
}

export function checkFusion(value: unknown, field: string): Fusion {
  if (!isPlainObject(value)) throw invalid(`\`${field}\` must be an object with ${FUSION.join(', ')}`, field)
  const checked: { -readonly [O in keyof Fusion]: Fusion[O] } = {}
  for (const [name, weight] of Object.entries(value)) {
    const known = FUSION.find((other) => other === name)
    if (known === undefined) throw invalid(`\`${field}\` has no \`${name}\`; it has ${FUSION.join(', ')}`, field)
    if (weight === undefined) continue
    if (typeof weight !== 'number' || !(weight >= 0 && weight <= 1_000_000))
      throw invalid(`\`${field}.${name}\` must be a number from 0 to 1 000 000`, field)
    checked[known] = weight
  }
  return checked
}

function invalid(message: string, field: string): ThermoclineError<'ERR_INVALID_QUERY'> {
  return new ThermoclineError('ERR_INVALID_QUERY', message, { field })
}
