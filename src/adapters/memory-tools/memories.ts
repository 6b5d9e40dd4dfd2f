/**
 * What the tools of a model do with its memories: each is a chunk of one namespace, with its tags in the metadata. What
 * a model is told of that stands in tool-inputs.ts and tool-failure.ts.
 */
import {
  type ChunkEntry,
  type Duration,
  type EmbedTexts,
  isThermoclineError,
  type JsonObject,
  type MemoryStore,
  type NamespaceView,
  type Selected,
} from '../../index.ts'
import { ToolFailure } from './tool-failure.ts'
import type { Identified, Listing, Reading, Recalling, Remembering, Updating } from './tool-inputs.ts'
import type { MemoryToolOptions } from './tool-options.ts'

/** As a model sees it: JSON, without vectors, and without what is empty. */
export interface Memory {
  readonly id: string
  readonly key?: string
  readonly text: string
  /** How many more characters follow; `get_memory` answers them. */
  readonly more?: number
  readonly tags?: readonly string[]
  /** Of chunks that somebody else put: what else their metadata says. */
  readonly metadata?: JsonObject
  readonly documentId?: string
  readonly createdAt: string
  readonly updatedAt?: string
  readonly expiresAt?: string
}

/** Characters of a text that are shown by each. */
const SHOWN = { recall: 2_000, list: 300, get: 50_000 } as const

const FIELDS = ['id', 'key', 'text', 'documentId', 'metadata', 'createdAt', 'updatedAt', 'expiresAt'] as const
type Seen = Selected<ChunkEntry, (typeof FIELDS)[number]>

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
/** Words of a query that are looked for one by one. */
const MOST_WORDS = 32
/** Characters of one: so many of these are no query that is too long. */
const LONGEST_WORD = 100

type Signal = AbortSignal | undefined

/** What is kept of one agent or person. Each method is a tool of a model, and rejects with an error of the store. */
export class Memories {
  readonly #chunks: NamespaceView['chunks']
  readonly #embed: EmbedTexts | undefined
  /** Whether what a model reads counts as read, and so stays longer. */
  readonly #isCounted: boolean
  /** Whether the store was opened with a model; it is told by the first search. */
  #hasModel = true

  constructor({ chunks }: MemoryStore | NamespaceView, { embed, readOnly = false }: MemoryToolOptions) {
    this.#chunks = chunks
    this.#embed = embed
    this.#isCounted = !readOnly
  }

  /** @param given `lasts` may be milliseconds. */
  async remember(given: Omit<Remembering, 'lasts'> & { readonly lasts?: Duration | undefined }, signal: Signal) {
    const { text, key, tags, lasts } = given
    if (key !== undefined && UUID.test(key))
      throw new ToolFailure('`key` looks like an id: give a short name of your own, or leave it out')
    const metadata = tags && { tags }
    const embedding = await this.#embedded(text, signal)
    const { id } = await this.#chunks.put({ text, key, metadata, ttl: lasts, embedding }, { signal })
    return { id, ...(key === undefined ? {} : { key }) }
  }

  /**
   * What has all words, or by both rankings fits best, comes first, and after it what has some of the words: people do
   * not remember the words that they once used.
   */
  async recall({ query, tags, limit }: Recalling, signal: Signal): Promise<{ readonly memories: readonly Memory[] }> {
    const common = { where: tagged(tags), k: limit, select: FIELDS, countAccess: false }
    const embedding = await this.#embedded(query, signal)
    const some = { ...common, text: anyWordOf(query) }
    const search = (best: object) => this.#chunks.searchMany([{ ...common, text: query, ...best }, some], { signal })
    const found = await (embedding === undefined ? this.#byModel(search) : search({ embedding }))
    const seen = new Map(found.flatMap(({ hits }) => hits.map(({ entry }) => [entry.id, entry] as const)))
    const memories = [...seen.values()].slice(0, limit)
    if (this.#isCounted) await this.#chunks.touch(idsOf(memories), { signal })
    return { memories: memories.map((entry) => shown(entry, SHOWN.recall)) }
  }

  async get({ id, from }: Reading, signal: Signal): Promise<object> {
    const known = this.#idOf(id)
    const entry = await (this.#isCounted ? this.#chunks.get(known, { signal }) : this.#chunks.peek(known, { signal }))
    if (entry === undefined) throw notThere(id)
    return shown(entry, SHOWN.get, from)
  }

  async update({ id, text, tags }: Updating, signal: Signal): Promise<object> {
    if (text === undefined && tags === undefined) throw new ToolFailure('say what changes: give `text`, `tags` or both')
    // A vector of the old text would find the new one.
    const words = text === undefined ? {} : { text, embedding: (await this.#embedded(text, signal)) ?? null }
    const patch = { ...words, ...(tags && { metadata: { tags } }) }
    const receipt = await this.#chunks.update(this.#idOf(id), patch, { signal })
    return { id: receipt.id }
  }

  async forget({ id }: Identified, signal: Signal): Promise<object> {
    const known = this.#idOf(id)
    if (!(await this.#chunks.has(known, { signal }))) throw notThere(id)
    await this.#chunks.delete(known, { signal })
    return { forgotten: id }
  }

  async list({ tags, limit, cursor }: Listing, signal: Signal): Promise<object> {
    const order = { orderBy: { version: 'desc' }, select: FIELDS } as const
    const { items, nextCursor } = await this.#chunks.find({ where: tagged(tags), limit, cursor, signal, ...order })
    const memories = items.map((entry) => shown(entry, SHOWN.list))
    return { memories, ...(nextCursor === undefined ? {} : { nextCursor }) }
  }

  /** By the model of the store where it has one, else by words. */
  async #byModel<T>(search: (best: object) => Promise<T>): Promise<T> {
    if (!this.#hasModel) return search({})
    try {
      return await search({ by: 'both' })
    } catch (error) {
      if (!isThermoclineError(error, 'ERR_INVALID_QUERY') || error.details.field !== 'by') throw error
      this.#hasModel = false
      return search({})
    }
  }

  #idOf(named: string): string {
    return UUID.test(named) ? named.toLowerCase() : this.#chunks.idOf(named)
  }

  async #embedded(text: string, signal: Signal) {
    const [embedding] = (await this.#embed?.([text], { signal })) ?? []
    return embedding
  }
}

const idsOf = (entries: readonly Seen[]): string[] => entries.map(({ id }) => id)

function tagged(tags: readonly string[] | undefined) {
  return tags === undefined || tags.length === 0 ? {} : { 'metadata.tags': { contains: tags } }
}

function anyWordOf(query: string): string {
  const words = new Set(query.toLowerCase().match(/[\p{L}\p{N}]+/gu))
  words.delete('or')
  const sought = [...words].filter(({ length }) => length <= LONGEST_WORD)
  return sought.slice(0, MOST_WORDS).join(' or ')
}

function shown(entry: Seen, most: number, from = 0): Memory {
  const { id, key, text, documentId, createdAt, updatedAt, expiresAt } = entry
  const { tags, ...metadata } = entry.metadata ?? {}
  const end = from + most
  // No pair is cut, so that what follows begins with a whole one.
  const isCutPair = end < text.length && /[\uD800-\uDBFF]/.test(text.charAt(end - 1))
  const kept = text.slice(from, isCutPair ? end - 1 : end).toWellFormed()
  const more = text.length - from - kept.length
  const memory = {
    ...{ id, key, text: kept, more: more > 0 ? more : undefined },
    tags: Array.isArray(tags) && tags.length > 0 ? (tags as string[]) : undefined,
    metadata: Object.keys(metadata).length > 0 ? metadata : undefined,
    ...{ documentId, createdAt: createdAt.toISOString(), expiresAt: expiresAt?.toISOString() },
    updatedAt: updatedAt.getTime() === createdAt.getTime() ? undefined : updatedAt.toISOString(),
  }
  return Object.fromEntries(Object.entries(memory).filter(([, value]) => value !== undefined)) as unknown as Memory
}

function notThere(named: string): ToolFailure {
  return new ToolFailure(`there is no memory ${JSON.stringify(named)}: find it by \`recall\` or \`list_memories\``)
}
