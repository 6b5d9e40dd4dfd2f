/** Checks what `search` asks for: by a vector, by a text, or by both. */
import { textFault } from '../entry/text.ts'
import { ThermoclineError } from '../errors.ts'
import { isPlainObject } from '../kernel/plain-object.ts'
import type { MarginalRelevance } from './marginal-relevance.ts'
import type { Metric } from './metric.ts'
import type { FusionWeights } from './rank-fusion.ts'
import type { Select } from './select.ts'

/** How two lists become one, where a search is by `embedding` and `text`. */
export interface Fusion {
  /** Weight of the nearest vectors, from 0 on. @default 1 */
  readonly vector?: number | undefined
  /** Weight of the texts that have the words, from 0 on. @default 1 */
  readonly text?: number | undefined
  /** The greater, the less the first places count for more than those that follow; from 0 on. @default 60 */
  readonly constant?: number | undefined
}

/** Maximal marginal relevance: hits that are near to the query, and not all alike. */
export interface Mmr {
  /** How many of the best the hits are chosen from, from `k` to 1 000. @default 4 × k, at most 1 000 */
  readonly fetch?: number | undefined
  /** 1: relevance alone; 0: after the best, what is least like those chosen before. @default 0.5 */
  readonly lambda?: number | undefined
}

export interface VectorQuery {
  readonly embedding: Float32Array
  readonly metric: Metric
  /** Only vectors of this model are compared. @default all of these dimensions */
  readonly model?: string | undefined
}

/** By what of a text a search goes: the words that it has, what it means, or both. */
export const SEARCHED_BY = ['words', 'vector', 'both'] as const
export type SearchedBy = (typeof SEARCHED_BY)[number]

/** A text that the store's model has yet to make a vector of. */
export interface Meaning {
  readonly text: string
  readonly metric: Metric
}

export interface SearchQuery {
  readonly vector: VectorQuery | undefined
  /** The same question to other models, whose vectors other entries have. */
  readonly others: readonly VectorQuery[]
  /** What becomes `vector`, and `others`. */
  readonly meaning: Meaning | undefined
  readonly text: string | undefined
  readonly k: number
  /** How many of each list are looked at. */
  readonly reach: number
  readonly fusion: FusionWeights
  readonly minScore: number | undefined
  readonly mmr: MarginalRelevance | undefined
  /** What hits show of their entries. @default everything */
  readonly select?: Select | undefined
  /** Whether hits count as read. */
  readonly countAccess: boolean
}

/** Options of `search`, each checked by itself. */
interface Given {
  readonly embedding?: Float32Array
  readonly text?: string
  readonly by?: SearchedBy
  readonly k?: number
  readonly metric?: Metric
  readonly fusion?: Fusion
  readonly minScore?: number
  readonly mmr?: Mmr
  readonly select?: Select
  readonly countAccess?: boolean
}

export const SEARCH_DEFAULTS = {
  k: 10,
  countAccess: true,
  metric: 'cosine',
  fusion: { vector: 1, text: 1, constant: 60 },
  mmr: { lambda: 0.5 },
} as const

/** Of each list, this many times as many as the fused one has: what is far down in both may be high in their sum. */
const REACH = 4
/** Characters of the text of a query: what people type. */
const MOST_CHARACTERS = 4_000
/** Largest `k` and `mmr.fetch`. */
export const MAX_HITS = 1_000

type Ranges<T> = { readonly [N in keyof T]-?: { readonly to: number; readonly isWhole?: boolean } }

const FUSION: Ranges<Fusion> = { vector: { to: 1_000_000 }, text: { to: 1_000_000 }, constant: { to: 1_000_000 } }
const MMR: Ranges<Mmr> = { fetch: { to: MAX_HITS, isWhole: true }, lambda: { to: 1 } }

/** Refuses with `ERR_INVALID_QUERY` what makes no sense together. */
export function toSearchQuery(given: Given): SearchQuery {
  const { embedding, text, by, k = SEARCH_DEFAULTS.k, metric = SEARCH_DEFAULTS.metric, minScore } = given
  if (embedding === undefined && text === undefined)
    throw invalid('give `embedding`, the vector to search by, or `text`, the words, or both', 'embedding')
  if (by !== undefined && (embedding !== undefined || text === undefined))
    throw invalid('`by` says what of `text` to search by: give `text` alone, or leave `by` out', 'by')
  const byMeaning = by === 'vector' || by === 'both'
  const isByVector = embedding !== undefined || byMeaning
  if (!isByVector && given.metric !== undefined)
    throw invalid('`metric` compares vectors: give `embedding` as well, or leave it out', 'metric')
  const words = by === 'vector' ? undefined : text
  const isFused = isByVector && words !== undefined
  if (!isFused && given.fusion !== undefined)
    throw invalid('`fusion` is of two lists: give `embedding` and `text`, or leave it out', 'fusion')
  if (!isByVector && given.mmr !== undefined)
    throw invalid('`mmr` compares vectors: give `embedding` as well, or leave it out', 'mmr')
  const vector = embedding && { embedding, metric }
  const meaning = byMeaning ? { text: text!, metric } : undefined
  const fusion = { ...SEARCH_DEFAULTS.fusion, ...given.fusion } as FusionWeights
  const mmr = given.mmr && toMarginalRelevance(given.mmr, k)
  const candidates = mmr?.fetch ?? k
  const reach = isFused ? candidates * REACH : candidates
  const { select, countAccess = SEARCH_DEFAULTS.countAccess } = given
  return { vector, others: [], meaning, text: words, k, reach, fusion, minScore, mmr, select, countAccess }
}

function toMarginalRelevance({ fetch, lambda }: Mmr, k: number): MarginalRelevance {
  const candidates = fetch ?? Math.min(k * REACH, MAX_HITS)
  if (candidates < k) throw invalid('`mmr.fetch` must be at least `k`: the hits are chosen from so many', 'mmr')
  return { fetch: candidates, lambda: lambda ?? SEARCH_DEFAULTS.mmr.lambda }
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
  return checkNumbers(value, field, FUSION)
}

export function checkMmr(value: unknown, field: string): Mmr {
  return checkNumbers(value, field, MMR)
}

/** Takes an object whose members, all of them optional, are numbers from 0 on. */
function checkNumbers<T extends object>(value: unknown, field: string, ranges: Ranges<T>): T {
  const names = Object.keys(ranges)
  if (!isPlainObject(value)) throw invalid(`\`${field}\` must be an object with ${names.join(', ')}`, field)
  const checked: Partial<Record<string, number>> = {}
  for (const [name, number] of Object.entries(value)) {
    if (!names.includes(name)) throw invalid(`\`${field}\` has no \`${name}\`; it has ${names.join(', ')}`, field)
    if (number === undefined) continue
    const { to, isWhole = false } = ranges[name as keyof T]
    const isNumber = typeof number === 'number' && number >= 0 && number <= to
    if (!isNumber || (isWhole && !Number.isInteger(number)))
      throw invalid(`\`${field}.${name}\` must be a ${isWhole ? 'whole ' : ''}number from 0 to ${to}`, field)
    checked[name] = number
  }
  return checked as T
}

function invalid(message: string, field: string): ThermoclineError<'ERR_INVALID_QUERY'> {
  return new ThermoclineError('ERR_INVALID_QUERY', message, { field })
}
