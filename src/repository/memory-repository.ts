/**
 * What callers use: entries of one kind, or of every kind, in one namespace. A repository validates what comes in and
 * hands it to the flows; it keeps nothing itself, so that any number of them may be made.
 */
import type { Clock } from '../clock.ts'
import type { Metric, Scope } from '../cold/cold-tier.ts'
import type { CallOptions } from '../deadline.ts'
import { type Filter, parseWhere, type Where } from '../entry/filter.ts'
import type { EntryInput, EntryKind, EntryOfKind, InputOfKind, MemoryEntry } from '../entry/memory-entry.ts'
import { type EntryKey, tombstoneOf } from '../entry/record.ts'
import { idOfKey, type UnversionedRecord, validateEmbedding, validateId, validateInput } from '../entry/validate.ts'
import { ThermoclineError } from '../errors.ts'
import type { Explanation, Reader } from '../flow/read.ts'
import type { Searcher, SearchResult } from '../flow/search.ts'
import type { Receipt, WriteOptions, WriteOutcome, Writer } from '../flow/write.ts'
import type { CallGate } from './call-gate.ts'

/** The flows behind every repository of a store. */
export interface RepositoryParts {
  readonly writer: Writer
  readonly reader: Reader
  readonly searcher: Searcher
  readonly gate: CallGate
  readonly clock: Clock
}

export interface FindOptions extends CallOptions {
  readonly where?: Where | undefined
  /** At most this many, 1 to 10 000. @default 100 */
  readonly limit?: number | undefined
  /** Child namespaces as well. @default false */
  readonly recursive?: boolean | undefined
}

export interface FindResult<E> {
  /** Ordered by namespace and id. */
  readonly items: readonly E[]
}

export type CountOptions = Omit<FindOptions, 'limit'>

export interface SearchOptions extends Omit<FindOptions, 'limit'> {
  readonly embedding: readonly number[] | Float32Array
  /** How many nearest entries, 1 to 1 000. @default 10 */
  readonly k?: number | undefined
  /** @default 'cosine' */
  readonly metric?: Metric | undefined
}

/** Distributes over the kinds, so that each input keeps its own fields; `kind` is known to a repository of one kind. */
type Put<I extends EntryInput, K extends EntryKind | undefined> = K extends EntryKind
  ? Omit<I, 'kind'> & { readonly kind?: K | undefined }
  : I

const MAX_FIND = 10_000
const MAX_K = 1_000
const METRICS: readonly Metric[] = ['cosine', 'l2', 'inner-product']

export class MemoryRepository<K extends EntryKind | undefined = undefined> {
  /** Path of the namespace. */
  readonly namespace: string
  readonly #parts: RepositoryParts
  readonly #kind: K

  constructor(parts: RepositoryParts, namespace: string, kind: K) {
    this.#parts = parts
    this.namespace = namespace
    this.#kind = kind
  }

  /** Writes a whole entry; resolves once it survives a crash (see `durability`). */
  put(input: PutOf<K>, options: WriteOptions = {}): Promise<Receipt> {
    return this.#run(() => this.#parts.writer.write(this.#validate(input), options))
  }

  /**
   * Writes all, receipts in order. Everything is checked first: a bad input rejects with nothing written. With
   * `settle: true` each input has an outcome of its own instead.
   */
  putMany(
    inputs: readonly PutOf<K>[],
    options?: WriteOptions & { readonly settle?: false | undefined },
  ): Promise<Receipt[]>
  putMany(inputs: readonly PutOf<K>[], options: WriteOptions & { readonly settle: true }): Promise<WriteOutcome[]>
  putMany(
    inputs: readonly PutOf<K>[],
    options: WriteOptions & { readonly settle?: boolean | undefined } = {},
  ): Promise<Receipt[] | WriteOutcome[]> {
    return this.#run(async () => {
      if (options.settle === true) return this.#putSettled(inputs, options)
      const records = inputs.map((input, index) => this.#validate(input, index))
      return allOrThrow(await this.#parts.writer.writeAll(records, options))
    })
  }

  /** The entry, or undefined where there is none. Counts as an access. */
  async get(id: string, options: CallOptions = {}): Promise<EntryOf<K> | undefined> {
    const [entry] = await this.getMany([id], options)
    return entry
  }

  /** In order; each entry found counts as an access. */
  getMany(ids: readonly string[], options: CallOptions = {}): Promise<(EntryOf<K> | undefined)[]> {
    return this.#run(async () => this.#own(await this.#parts.reader.get(this.#keys(ids), options)))
  }

  getByKey(key: string, options: CallOptions = {}): Promise<EntryOf<K> | undefined> {
    return this.#run(async () => {
      const id = idOfKey(this.namespace, key)
      const [entry] = this.#own(await this.#parts.reader.get([{ namespace: this.namespace, id }], options))
      return entry
    })
  }

  /** Whether there is such an entry. Not counted, not promoted. */
  async has(id: string, options: CallOptions = {}): Promise<boolean> {
    return (await this.peek(id, options)) !== undefined
  }

  /** Like `get`, but not counted and not promoted. */
  peek(id: string, options: CallOptions = {}): Promise<EntryOf<K> | undefined> {
    return this.#run(async () => {
      const [entry] = this.#own(await this.#parts.reader.peek(this.#keys([id]), options))
      return entry
    })
  }

  /** Deletes the entry with this id, of whatever kind; deleting what is not there is no error. */
  async delete(id: string, options: WriteOptions = {}): Promise<Receipt> {
    const [receipt] = await this.deleteMany([id], options)
    return receipt!
  }

  deleteMany(ids: readonly string[], options: WriteOptions = {}): Promise<Receipt[]> {
    return this.#run(async () => {
      const now = this.#parts.clock.now()
      const tombstones = this.#keys(ids).map((key) => tombstoneOf({ ...key, key: null }, '', now))
      return allOrThrow(await this.#parts.writer.writeAll(tombstones, options))
    })
  }

  find(options: FindOptions = {}): Promise<FindResult<EntryOf<K>>> {
    return this.#run(async () => {
      const limit = wholeNumber('limit', options.limit ?? 100, MAX_FIND)
      const items = await this.#parts.searcher.find(this.#scope(options), this.#filter(options), limit, options)
      return { items: items as EntryOf<K>[] }
    })
  }

  count(options: CountOptions = {}): Promise<number> {
    return this.#run(() => this.#parts.searcher.count(this.#scope(options), this.#filter(options), options))
  }

  /** The nearest entries by their embedding, whichever tier they are in. Hits count as accesses. */
  search(options: SearchOptions): Promise<SearchResult<EntryOf<K>>> {
    return this.#run(async () => {
      const { metric = 'cosine' } = options
      if (!METRICS.includes(metric)) throw invalidQuery('metric', `must be one of ${METRICS.join(', ')}`)
      const k = wholeNumber('k', options.k ?? 10, MAX_K)
      const query = { embedding: validateEmbedding(options.embedding), k, metric }
      const result = await this.#parts.searcher.search(this.#scope(options), this.#filter(options), query, options)
      return result as SearchResult<EntryOf<K>>
    })
  }

  /** Where the entry lives and in which version. Not counted. */
  explain(id: string, options: CallOptions = {}): Promise<Explanation> {
    return this.#run(() => this.#parts.reader.explain(this.#keys([id])[0]!, options))
  }

  #run<T>(call: () => Promise<T>): Promise<T> {
    return this.#parts.gate.run(call)
  }

  async #putSettled(inputs: readonly PutOf<K>[], options: WriteOptions): Promise<WriteOutcome[]> {
    const outcomes = new Array<WriteOutcome>(inputs.length)
    const valid: { index: number; record: UnversionedRecord }[] = []
    for (const [index, input] of inputs.entries()) {
      try {
        valid.push({ index, record: this.#validate(input, index) })
      } catch (error) {
        if (!(error instanceof ThermoclineError)) throw error
        outcomes[index] = { ok: false, error }
      }
    }
    const records = valid.map(({ record }) => record)
    for (const [i, outcome] of (await this.#parts.writer.writeAll(records, options)).entries())
      outcomes[valid[i]!.index] = outcome
    return outcomes
  }

  #validate(input: PutOf<K>, index?: number): UnversionedRecord {
    const kind = this.#kind
    const given = input as EntryInput
    try {
      if (kind !== undefined && given !== null && typeof given === 'object') {
        if (given.kind !== undefined && given.kind !== kind) throw wrongKind(kind)
        return validateInput({ ...given, kind } as EntryInput, this.namespace, this.#parts.clock.now())
      }
      return validateInput(given, this.namespace, this.#parts.clock.now())
    } catch (error) {
      if (index === undefined || !(error instanceof ThermoclineError)) throw error
      const { message, details } = error as ThermoclineError<'ERR_INVALID_ENTRY'>
      throw new ThermoclineError('ERR_INVALID_ENTRY', `input ${index}: ${message}`, { ...details, index })
    }
  }

  #keys(ids: readonly string[]): EntryKey[] {
    return ids.map((id) => ({ namespace: this.namespace, id: validateId(id) }))
  }

  /** A repository of one kind does not see entries of others. */
  #own(entries: readonly (MemoryEntry | undefined)[]): (EntryOf<K> | undefined)[] {
    const isOwn = (entry: MemoryEntry | undefined): boolean => this.#kind === undefined || entry?.kind === this.#kind
    return entries.map((entry) => (isOwn(entry) ? (entry as EntryOf<K>) : undefined))
  }

  #scope({ recursive = false }: { readonly recursive?: boolean | undefined }): Scope {
    return { namespace: this.namespace, recursive }
  }

  #filter({ where }: { readonly where?: Where | undefined }): Filter {
    const filter = parseWhere(where)
    return this.#kind === undefined ? filter : [{ field: 'kind', operator: 'eq', value: this.#kind }, ...filter]
  }
}

/** What a repository of kind `K` takes. */
export type PutOf<K extends EntryKind | undefined> = K extends EntryKind ? Put<InputOfKind<K>, K> : EntryInput
/** What a repository of kind `K` answers. */
export type EntryOf<K extends EntryKind | undefined> = K extends EntryKind ? EntryOfKind<K> : MemoryEntry

function allOrThrow(outcomes: readonly WriteOutcome[]): Receipt[] {
  return outcomes.map((outcome) => {
    if (outcome.ok) return outcome.value
    throw outcome.error
  })
}

function wholeNumber(field: string, value: number, most: number): number {
  if (!Number.isInteger(value) || value < 1 || value > most)
    throw invalidQuery(field, `must be a whole number from 1 to ${most}`)
  return value
}

function wrongKind(kind: EntryKind): ThermoclineError {
  return new ThermoclineError('ERR_INVALID_ENTRY', `\`kind\` must be ${kind} here, or left out`, { field: 'kind' })
}

function invalidQuery(field: string, fault: string): ThermoclineError {
  return new ThermoclineError('ERR_INVALID_QUERY', `\`${field}\` ${fault}`, { field })
}
