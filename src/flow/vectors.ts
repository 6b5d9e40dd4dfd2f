/**
 * Decides which entries get a vector of the store's model, and when: chunks and nodes of trees that are written without
 * one, and those whose text an update changes. `put`: before the write begins, which fails where there is no vector.
 * `background`: the record says by its `embeddingModel` alone that it waits for one, so that whoever finds it in cold
 * (sync/background-embedding.ts) knows what it lacks, also after a crash.
 *
 * A vector that a caller gives is the caller's: neither it nor the name that comes with it is touched. But an entry
 * that was read and is put back with another text brings the vector of its old text along. So a vector that is said to
 * be of a model of the store is compared with that of the entry that is there, and is none where only the text is new.
 */
import type { EntryKey } from '../entry/entry-key.ts'
import { type NamespaceRules, ruleFor } from '../entry/namespace-rules.ts'
import type { EntryRecord } from '../entry/record.ts'
import { isKeptAs, type Precision } from '../entry/rounded-vector.ts'
import type { UnversionedRecord } from '../entry/validate.ts'
import { isThermoclineError, retold, ThermoclineError } from '../errors.ts'
import { Coalescer } from '../kernel/coalescer.ts'
import { type Patience, runningOut, throwIfOver, withDeadline } from '../kernel/deadline.ts'
import { slices } from '../kernel/slices.ts'
import type { Meaning, SearchQuery, VectorQuery } from '../query/search-query.ts'
import type { Put } from './child-versions.ts'
import type { Embedded, Embedder } from './embedder.ts'
import type { Reader } from './reader.ts'

export type EmbedTime = 'put' | 'background'

/** Whether it is found by what its text means. An empty one means nothing, and most models refuse it. */
export function isEmbeddable({ kind, text }: Pick<EntryRecord, 'kind' | 'text'>): boolean {
  return (kind === 'chunk' || kind === 'raptor') && text !== ''
}

/** Whether it waits for its vector of this model. */
export function isWaiting(record: Omit<EntryRecord, 'version'>, model: string): boolean {
  return isEmbeddable(record) && record.embedding === null && record.embeddingModel === model
}

export interface VectorsParts {
  readonly embedder: Embedder
  readonly when: EmbedTime
  /** Models of which some entries may have vectors still. */
  readonly former: readonly Embedder[]
  readonly reader: Pick<Reader, 'newest'>
  /** By which cold rounds embeddings. */
  readonly precision: NamespaceRules<Precision>
}

/** What of an entry says of which text its vector is. */
type Meant = Pick<EntryRecord, 'text' | 'embedding' | 'embeddingModel'>

/** Entries of one read. */
const BATCH = 500
/** A tier that does not answer so soon holds up no put: what is given counts then, as where the tier is away. */
const LOOK_MS = 250
const NONE: ReadonlySet<UnversionedRecord> = new Set()

export class Vectors {
  readonly #embedder: Embedder | undefined
  readonly #isLater: boolean
  readonly #former: readonly Embedder[]
  readonly #models: ReadonlySet<string | null>
  readonly #parts: VectorsParts | undefined
  /** Puts of one moment share a read. */
  readonly #looks = new Coalescer<EntryKey, EntryRecord | undefined>(
    (keys) => this.#parts!.reader.newest(keys, { timeout: LOOK_MS }),
    { turnMs: LOOK_MS, fits: (some, more) => some.length + more.length <= BATCH },
  )

  /** @param parts undefined: the store makes no vectors. */
  constructor(parts: VectorsParts | undefined) {
    const { embedder, when, former = [] } = parts ?? {}
    this.#embedder = embedder
    this.#isLater = when === 'background'
    this.#former = former
    this.#models = new Set([...(embedder === undefined ? [] : [embedder]), ...former].map(({ model }) => model))
    this.#parts = parts
  }

  /** The model of what is put without a vector, where the store makes one. */
  get model(): string | undefined {
    return this.#embedder?.model
  }

  /** Whether a put waits for its vector. */
  get isAtPut(): boolean {
    return this.#embedder !== undefined && !this.#isLater
  }

  /** The vectors of texts that are to be found, in order. */
  ofTexts(texts: readonly string[], patience: Patience): Promise<Float32Array[]> {
    return this.#embedder!.embedAll(texts, 'document', patience)
  }

  /** The record as it is to be written; at once where nobody is asked. */
  fill(put: Put, patience: Patience): UnversionedRecord | Promise<UnversionedRecord> {
    const { record } = put
    this.refuseUnfit(record)
    if (!this.#mayBeOutdated(put)) return this.#filled(record, patience)
    return this.outdated([put], patience).then((outdated) =>
      this.#filled(outdated.has(record) ? withoutVector(record) : record, patience),
    )
  }

  #filled(record: UnversionedRecord, patience: Patience): UnversionedRecord | Promise<UnversionedRecord> {
    if (!this.#lacks(record)) return record
    const named = this.#named(record)
    return this.#isLater
      ? named
      : this.ofTexts([named.text!], patience).then(([embedding]) => withVector(named, embedding!))
  }

  /** Whether anybody has to be asked about any of them, or one is to be refused. */
  concerns(puts: readonly Put[]): boolean {
    return puts.some(
      (put) => this.#lacks(put.record) || this.#mayBeOutdated(put) || this.#faultOf(put.record) !== undefined,
    )
  }

  /**
   * Those that have the vector of the text before: the entry that is there has the very same, of the same model, and
   * another text. While tiers are away or slow that is not known of what hot does not have, and what is given counts.
   */
  async outdated(puts: readonly Put[], patience: Patience): Promise<ReadonlySet<UnversionedRecord>> {
    const asked = puts.filter((put) => this.#mayBeOutdated(put)).map(({ record }) => record)
    if (asked.length === 0) return NONE
    const outdated = new Set<UnversionedRecord>()
    const rest = runningOut(patience)
    try {
      for (const some of slices(asked, BATCH)) {
        const newest = await withDeadline(this.#looks.call(some), rest)
        for (const [i, record] of some.entries()) if (this.#isOutdated(record, newest[i])) outdated.add(record)
      }
    } catch (error) {
      throwIfOver(rest, { outcome: 'none' })
      const isLate = isThermoclineError(error, 'ERR_TIER_UNAVAILABLE') || isThermoclineError(error, 'ERR_TIMEOUT')
      if (!isLate) throw isThermoclineError(error) ? retold(error, { ...error.details, outcome: 'none' }) : error
    }
    return outdated
  }

  #mayBeOutdated({ record, isChosen }: Put): boolean {
    return isChosen && record.text !== null && record.embedding !== null && this.#models.has(record.embeddingModel)
  }

  #isOutdated(record: UnversionedRecord, before: Meant | undefined): boolean {
    const { embedding, embeddingModel, namespace, text } = record
    if (embedding === null || !this.#models.has(embeddingModel) || before?.embeddingModel !== embeddingModel)
      return false
    if (before.embedding === null || before.text === null || text === null || before.text === text) return false
    return isKeptAs(embedding, before.embedding, ruleFor(this.#parts!.precision, namespace) ?? 'full')
  }

  /** Refuses a vector that is said to be of the store's model and cannot be: no query would find it. */
  refuseUnfit(record: UnversionedRecord): void {
    const fault = this.#faultOf(record)
    if (fault !== undefined) throw fault
  }

  #faultOf({ embedding, embeddingModel }: UnversionedRecord): ThermoclineError | undefined {
    if (embedding === null || this.#embedder === undefined || embeddingModel !== this.model) return undefined
    const { dimensions, model } = this.#embedder
    if (embedding.length === dimensions) return undefined
    const message = `\`embedding\` has ${embedding.length} numbers, and vectors of ${model} have ${dimensions}`
    return new ThermoclineError('ERR_INVALID_ENTRY', message, { field: 'embedding' })
  }

  /**
   * As {@link fill}, in order; in place of what got none, why. Rejects where patience ends alone.
   * @param endsAtFailure after the first failure others stay as they are.
   */
  async fillEach(
    puts: readonly Put[],
    patience: Patience,
    endsAtFailure: boolean,
  ): Promise<readonly (UnversionedRecord | ThermoclineError)[]> {
    if (!this.concerns(puts)) return puts.map(({ record }) => record)
    const outdated = await this.outdated(puts, patience)
    const records = puts.map(({ record }) => (outdated.has(record) ? withoutVector(record) : record))
    const named = records.map((record) =>
      this.#lacks(record) ? this.#named(record) : (this.#faultOf(record) ?? record),
    )
    if (this.#isLater || (endsAtFailure && named.some((one) => one instanceof ThermoclineError))) return named
    const bare = named.filter((one) => !(one instanceof ThermoclineError) && this.#lacks(one)) as UnversionedRecord[]
    const texts = bare.map(({ text }) => text!)
    const vectors: readonly (Embedded | undefined)[] = endsAtFailure
      ? await this.#embedder!.embedUntilFailure(texts, 'document', patience)
      : await this.#embedder!.embedEach(texts, 'document', patience)
    const answered = new Map(bare.map((record, i) => [record, vectors[i]]))
    return named.map((record) => {
      if (record instanceof ThermoclineError) return record
      const vector = answered.get(record)
      return vector === undefined || vector instanceof ThermoclineError
        ? (vector ?? record)
        : withVector(record, vector)
    })
  }

  /**
   * The record that an update makes of an entry: a vector of another text than it has by now is none.
   * @param isGiven whether the update says which vector the entry has.
   * @param known vectors by text, of former attempts; takes what is answered.
   */
  fillChanged(
    before: Meant,
    made: UnversionedRecord,
    { isGiven, known, patience }: { isGiven: boolean; known: Map<string, Float32Array>; patience: Patience },
  ): UnversionedRecord | Promise<UnversionedRecord> {
    if (this.#embedder === undefined) return made
    if (isGiven && !this.#isOutdated(made, before)) {
      this.refuseUnfit(made)
      return made
    }
    const current = made.text === before.text ? made : withoutVector(made)
    if (!this.#lacks(current)) return current
    const answered = this.#isLater ? undefined : known.get(current.text!)
    if (answered !== undefined) return withVector(this.#named(current), answered)
    const filled = this.#filled(current, patience)
    if (!(filled instanceof Promise)) return filled
    return filled.then((record) => {
      known.set(record.text!, record.embedding!)
      return record
    })
  }

  /** A query with the vector of its text, where it asks by that. `ERR_INVALID_QUERY` where the store makes none. */
  async asked(query: SearchQuery, options: Patience): Promise<SearchQuery> {
    const [asked] = await this.askedAll([query], options)
    return asked!
  }

  /** As {@link asked}, of many at once. */
  async askedAll(queries: readonly SearchQuery[], options: Patience): Promise<readonly SearchQuery[]> {
    const vectors = await this.ofMeanings(
      queries.flatMap(({ meaning }) => meaning ?? []),
      options,
    )
    let nth = 0
    return queries.map((query) => {
      if (query.meaning === undefined) return query
      const [vector, ...others] = vectors[nth++]!
      return { ...query, vector, others }
    })
  }

  /** Of each, in order, the vector by the store's model, and those by models that some entries may have still. */
  async ofMeanings(meanings: readonly Meaning[], options: Patience): Promise<readonly (readonly VectorQuery[])[]> {
    if (meanings.length === 0) return []
    if (this.#embedder === undefined) throw noModel()
    const embedders = [this.#embedder, ...this.#former]
    const texts = meanings.map(({ text }) => text)
    const answers = await Promise.all(embedders.map((each) => each.embedAll(texts, 'query', options)))
    return meanings.map(({ metric }, nth) =>
      embedders.map(({ model }, i) => ({ embedding: answers[i]![nth]!, metric, model })),
    )
  }

  #lacks(record: UnversionedRecord): boolean {
    return this.#embedder !== undefined && record.embedding === null && isEmbeddable(record)
  }

  #named(record: UnversionedRecord): UnversionedRecord {
    return { ...record, embeddingModel: this.#embedder!.model }
  }
}

function withoutVector(record: UnversionedRecord): UnversionedRecord {
  return { ...record, embedding: null, embeddingModel: null }
}

function withVector(record: UnversionedRecord, embedding: Float32Array): UnversionedRecord {
  return { ...record, embedding }
}

function noModel(): ThermoclineError<'ERR_INVALID_QUERY'> {
  const message =
    '`by` is of what a text means, which takes a model: open the store with `embed`, or give `embedding` yourself'
  return new ThermoclineError('ERR_INVALID_QUERY', message, { field: 'by' })
}
