/**
 * Replaces and deletes documents. Calls about one document run one after the other within a process, so the last of
 * them decides; those of several processes do not wait for each other.
 *
 * New chunks are written and stale ones deleted together or not at all (rule K8 of flow/README.md), and only if the
 * chunks are still those that were compared; else they are read and compared again. Where the changes exceed
 * `ATOMIC_LIMITS` (entry/limits.ts), or a tier is away, new chunks are written before stale ones are deleted: a reader
 * in between finds both rather than neither, and a call that ends half-way is completed by another one. What is new and
 * what is stale is decided in document-plan.ts.
 */
import { ROW_FAULTS } from '../cold/cold-tier.ts'
import { ATOMIC_LIMITS } from '../entry/limits.ts'
import { type NamespaceRules, ruleFor } from '../entry/namespace-rules.ts'
import { type EntryRecord, tombstoneOf } from '../entry/record.ts'
import { bundleBytes } from '../entry/record-bundle.ts'
import type { Precision } from '../entry/rounded-vector.ts'
import { ZERO_VERSION } from '../entry/version.ts'
import { isThermoclineError, ThermoclineError } from '../errors.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Patience, runningOut, throwIfAborted, withDeadline } from '../kernel/deadline.ts'
import { KeyedLock } from '../kernel/keyed-lock.ts'
import type { Scope } from '../query/scope.ts'
import type { Change, CompareAndSet } from './compare-and-set.ts'
import type { Deleter } from './deleter.ts'
import { type DocumentPlan, isKept, type PlannedChunk, planDocument, type WantedChunk } from './document-plan.ts'
import type { DocumentReader } from './document-reader.ts'
import { beforeWriting } from './failed-writes.ts'
import type { Reader } from './reader.ts'
import type { WriteOutcome, Writer, WriteTerms } from './writer.ts'

/** Returns the embedding of each text, in order, checked. */
export type Embed = (texts: readonly string[], patience: Patience) => Promise<readonly Float32Array[]>

export interface Replacing extends WriteTerms {
  readonly embed?: Embed | undefined
  readonly dryRun?: boolean | undefined
}

/** Of a dry run there are no outcomes. */
export interface Replacement {
  readonly plan: DocumentPlan
  readonly outcomes: readonly WriteOutcome[]
}

export interface DocumentWriterParts {
  readonly documents: DocumentReader
  readonly reader: Pick<Reader, 'newest'>
  readonly writer: Writer
  readonly deleter: Deleter
  readonly changes: Pick<CompareAndSet, 'changeAll'>
  readonly clock: Clock
  /** By which cold rounds embeddings. */
  readonly precision: NamespaceRules<Precision>
  /** Resolves once nothing goes on behind calls that were given up. */
  readonly settled: () => Promise<unknown>
}

/** Times that a document is looked at where others change it meanwhile; what the last finds is written over. */
const MOST_LOOKS = 5

export class DocumentWriter {
  readonly #parts: DocumentWriterParts
  readonly #lock = new KeyedLock()

  constructor(parts: DocumentWriterParts) {
    this.#parts = parts
  }

  /** Deletes batch by batch, and hands the outcomes of each to `settled`, which throws where that ends the call. */
  delete(
    scope: Scope,
    documentId: string,
    settled: (outcomes: readonly WriteOutcome[]) => Promise<void>,
    options: WriteTerms,
  ): Promise<void> {
    const patience = runningOut(options)
    return this.#alone(scope, documentId, patience, async () => {
      const terms: WriteTerms = Object.assign(patience, { durability: options.durability })
      for await (const records of this.#parts.documents.keys(scope, documentId, patience))
        await settled(await this.#remove(records, documentId, terms))
    })
  }

  /** Makes the document have these chunks and no others. */
  replace(
    scope: Scope,
    documentId: string,
    wanted: readonly WantedChunk[],
    { embed, dryRun = false, durability, ...options }: Replacing,
  ): Promise<Replacement> {
    const patience = runningOut(options)
    const terms: WriteTerms = Object.assign(patience, { durability })
    return this.#alone(scope, documentId, patience, async () => {
      const vectors = new Map<string, Float32Array>()
      for (let looks = 1; ; looks++) {
        const planned = await beforeWriting(() => this.#look(scope, documentId, wanted, patience))
        if (dryRun) return { plan: planned, outcomes: [] }
        const chunks = embed === undefined ? planned.chunks : await embedded(planned.chunks, embed, vectors, patience)
        const plan = { ...planned, chunks }
        const outcomes = await this.#together(plan, documentId, terms, looks < MOST_LOOKS)
        if (outcomes === 'outdated') continue
        return { plan, outcomes: outcomes ?? (await this.#inTurn(plan, documentId, terms)) }
      }
    })
  }

  async #look(
    scope: Scope,
    documentId: string,
    wanted: readonly WantedChunk[],
    patience: Patience,
  ): Promise<DocumentPlan> {
    const current: EntryRecord[] = []
    for await (const records of this.#parts.documents.keys(scope, documentId, patience))
      current.push(...(await this.#still(records, documentId, patience)))
    const precision = ruleFor(this.#parts.precision, scope.namespace) ?? 'full'
    return this.#plan({ current, wanted, precision }, documentId, patience)
  }

  /**
   * All of the plan or nothing; undefined where that is too much, or not to be had now.
   * @param isExact `outdated` where chunks are not any more what the plan was made of.
   */
  async #together(
    plan: DocumentPlan,
    documentId: string,
    terms: WriteTerms,
    isExact: boolean,
  ): Promise<WriteOutcome[] | 'outdated' | undefined> {
    if (!this.#fits(plan)) return undefined
    const { changes, clock } = this.#parts
    const all = plan.chunks.map((chunk): Change => {
      const { record, before, isNamed } = chunk
      const expectedVersion = before?.version ?? (isNamed ? undefined : null)
      return { key: record, make: () => (isKept(chunk) ? undefined : record), ...(isExact ? { expectedVersion } : {}) }
    })
    const deletion = (record: EntryRecord): Change => ({
      key: record,
      make: (newest) =>
        newest !== undefined && isOf(documentId, newest) ? tombstoneOf(newest, '', clock.now()) : undefined,
    })
    try {
      const receipts = await changes.changeAll([...all, ...plan.removed.map(deletion)], terms)
      return receipts.flatMap((value) => (value === undefined ? [] : [{ ok: true, value }]))
    } catch (error) {
      if (mayGoByLog(error)) return undefined
      if (isExact && isThermoclineError(error, 'ERR_CONFLICT')) return 'outdated'
      throw error
    }
  }

  /** Whether it goes together. One write by itself, of what was not there, is all or nothing as it is. */
  #fits({ chunks, removed }: DocumentPlan): boolean {
    const puts = chunks.filter((chunk) => !isKept(chunk))
    const count = puts.length + removed.length
    if (count === 0 || (chunks.length === 1 && count === 1 && puts[0]?.before === undefined)) return false
    if (chunks.length + removed.length > ATOMIC_LIMITS.operations) return false
    const deletions = removed.map((record) => tombstoneOf(record, ZERO_VERSION, this.#parts.clock.now()))
    return bundleBytes([...puts.map(({ record }) => record), ...deletions]) <= ATOMIC_LIMITS.bytes
  }

  /** What is new before what is stale. */
  async #inTurn(plan: DocumentPlan, documentId: string, terms: WriteTerms): Promise<WriteOutcome[]> {
    const outcomes = await this.#put(plan.chunks, terms)
    if (outcomes.every(({ ok }) => ok)) outcomes.push(...(await this.#remove(plan.removed, documentId, terms)))
    return outcomes
  }

  /**
   * What a chunk that seems to be new has by its id already counts: in this document it takes its place, and in another
   * one, where somebody has moved it to, it stays.
   */
  async #plan(
    {
      current,
      wanted,
      precision,
    }: { readonly current: EntryRecord[]; readonly wanted: readonly WantedChunk[]; readonly precision: Precision },
    documentId: string,
    patience: Patience,
  ): Promise<DocumentPlan> {
    const elsewhere = new Set<string>()
    const asked = new Set<string>()
    for (;;) {
      const plan = planDocument(current, wanted, precision, elsewhere)
      const added = plan.chunks.filter(({ before, isNamed }) => before === undefined && !isNamed)
      const unknown = added.map(({ record }) => record).filter(({ id }) => !asked.has(id))
      const newest = await this.#parts.reader.newest(unknown, patience)
      for (const { id } of unknown) asked.add(id)
      const found = newest.filter((record) => record !== undefined)
      if (found.length === 0) return plan
      for (const record of found)
        if (isOf(documentId, record)) current.push(record)
        else elsewhere.add(record.id)
    }
  }

  #put(chunks: readonly PlannedChunk[], terms: WriteTerms): Promise<WriteOutcome[]> {
    const puts = chunks.filter((chunk) => !isKept(chunk)).map(({ record }) => record)
    return this.#parts.writer.writeAll(puts, terms)
  }

  #remove(records: readonly EntryRecord[], documentId: string, terms: WriteTerms): Promise<WriteOutcome[]> {
    return this.#parts.deleter.delete(records, (newest) => isOf(documentId, newest), terms)
  }

  /**
   * The newest of those that are still chunks of the document, in all tiers: what was found by a query may have been
   * deleted, or moved to another document, by whoever has not shipped that yet.
   */
  async #still(records: readonly EntryRecord[], documentId: string, patience: Patience): Promise<EntryRecord[]> {
    const newest = await this.#parts.reader.newest(records, patience)
    return newest.filter((record) => record !== undefined && isOf(documentId, record)) as EntryRecord[]
  }

  /** Waits until no other call of this process is about the document. */
  async #alone<T>({ namespace }: Scope, documentId: string, patience: Patience, work: () => Promise<T>): Promise<T> {
    let end = (): void => {}
    const ended = new Promise<void>((resolve) => {
      end = resolve
    })
    const turn = new Promise<void>((begin) => {
      void this.#lock.run(`${namespace}\0${documentId}`, () => {
        begin()
        return ended
      })
    })
    try {
      await withDeadline(turn, patience, { outcome: 'none' })
      const done = await work()
      end()
      return done
    } catch (error) {
      // A call whose caller gave up may still be writing. The next one must not read before that has ended.
      void this.#parts.settled().then(end)
      throw error
    }
  }
}

/**
 * Whether nothing was written because a tier is away, or cannot compare and set now. Then the writes go by the log,
 * which takes them all the same; not so a row that the database refuses to hold, which would end as a dead letter.
 */
function mayGoByLog(error: unknown): boolean {
  if (!isThermoclineError(error, 'ERR_TIER_UNAVAILABLE') || error.details.outcome !== 'none') return false
  const { code = '' } = (error.cause ?? {}) as { readonly code?: string }
  return !ROW_FAULTS.test(code)
}

function isOf(documentId: string, record: EntryRecord): boolean {
  return record.kind === 'chunk' && record.documentId === documentId
}

/**
 * Asks once for all that lack an embedding, each text once; for none, not at all.
 * @param known Embeddings by text, those of former plans; takes what is answered.
 */
async function embedded(
  chunks: readonly PlannedChunk[],
  embed: Embed,
  known: Map<string, Float32Array>,
  patience: Patience,
): Promise<readonly PlannedChunk[]> {
  const bare = chunks.filter(({ record }) => record.embedding === null)
  const texts = [...new Set(bare.map(({ record }) => record.text!))].filter((text) => !known.has(text))
  if (texts.length > 0) await embedTexts(texts, embed, known, patience)
  return chunks.map((chunk) => {
    const embedding = chunk.record.embedding ?? known.get(chunk.record.text!)!
    return { ...chunk, record: { ...chunk.record, embedding } }
  })
}

async function embedTexts(
  texts: readonly string[],
  embed: Embed,
  known: Map<string, Float32Array>,
  patience: Patience,
): Promise<void> {
  throwIfAborted(patience.signal, { outcome: 'none' })
  const vectors = await withDeadline(embed(texts, patience), patience, { outcome: 'none' })
  if (vectors.length !== texts.length)
    throw new ThermoclineError(
      'ERR_INVALID_ENTRY',
      `\`embed\` answered ${vectors.length} embeddings for ${texts.length} texts: one for each is needed, in order`,
      { field: 'embed' },
    )
  for (const [i, text] of texts.entries()) known.set(text, vectors[i]!)
}
