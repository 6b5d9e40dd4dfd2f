/** Adds to the repository of chunks the calls about documents, whose pieces chunks are. */
import { name } from '../entry/field-checks.ts'
import type { ChunkEntry } from '../entry/memory-entry.ts'
import { ownNamespace } from '../entry/namespace.ts'
import { type CheckMetadata, checkBy, isPromise, type StandardSchema } from '../entry/standard-schema.ts'
import type { UnversionedRecord } from '../entry/validate.ts'
import { callersOwn } from '../flow/callers-error.ts'
import { type DocumentPlan, isKept, type PlannedChunk, type WantedChunk } from '../flow/document-plan.ts'
import type { Embed } from '../flow/document-writer.ts'
import { failureAmong, isDurable, telling } from '../flow/failed-writes.ts'
import type { Page } from '../flow/searcher.ts'
import type { WriteOutcome } from '../flow/writer.ts'
import { type Patience, runningOut, withDeadline } from '../kernel/deadline.ts'
import type { Scope } from '../query/scope.ts'
import { receiptsOf } from './batch.ts'
import { PlacedGate } from './call-gate.ts'
import {
  CALL_DEFAULTS,
  CALLS,
  type DeleteDocumentOptions,
  type DocumentChunksOptions,
  type DocumentsOptions,
  type EmbedTexts,
  type ReplaceDocumentOptions,
} from './calls.ts'
import { checkedInputs } from './checked-metadata.ts'
import { checkedEmbed, passingErrors, pastGate, wantedChunks } from './document-inputs.ts'
import type { Flows } from './flows.ts'
import { refuseOtherKind } from './kind-conflict.ts'
import { arrayOf, MemoryRepository } from './memory-repository.ts'
import type { DocumentSummary, FindResult, PutOf, ReplacedDocument } from './repository-types.ts'
import type { TypedChunkRepository } from './typed-kinds.ts'

export class ChunkRepository extends MemoryRepository<'chunk'> {
  readonly #flows: Flows
  readonly #gate: PlacedGate
  readonly #check: CheckMetadata | undefined

  /** @internal */
  constructor(flows: Flows, namespace: string, check?: CheckMetadata) {
    super(flows, namespace, 'chunk', check)
    this.#flows = flows
    this.#gate = new PlacedGate(flows.gate, { namespace, kind: 'chunk' })
    this.#check = check
  }

  override withMetadata<S extends StandardSchema>(schema: S): TypedChunkRepository<S> {
    const typed = new ChunkRepository(this.#flows, this.namespace, checkBy(schema))
    return typed as unknown as TypedChunkRepository<S>
  }

  /** Returns a page of the chunks of a document, in the order of their positions; those without one come last. */
  ofDocument(documentId: string, options?: DocumentChunksOptions): Promise<FindResult<ChunkEntry>> {
    return this.#gate.run(CALLS.ofDocument, options, async ({ limit = LIMIT, cursor, ...patience }) => {
      const asked = { limit, cursor }
      const page = await this.#flows.documents.chunks(this.#scope, documentIdOf(documentId), asked, patience)
      return page as Page & FindResult<ChunkEntry>
    })
  }

  /** Returns a page of the documents of this namespace, in the order of their ids. */
  documents(options?: DocumentsOptions): Promise<FindResult<DocumentSummary>> {
    return this.#gate.run(CALLS.documents, options, async ({ where = [], limit = LIMIT, cursor, ...patience }) => {
      const page = await this.#flows.documents.documents(this.#scope, where, { limit, cursor }, patience)
      const items = page.items.map((document) => ({ ...document, updatedAt: new Date(document.updatedAt) }))
      return { ...page, items }
    })
  }

  /**
   * Makes a document have these chunks and no others. A chunk whose text it has already keeps id, embedding and
   * `createdAt`; one that is as it was, at its place as well, is not written. `embed` is asked for the embeddings that
   * are missing, else the model of the store, if it has one. Up to 1 000 chunks and 8 MiB are written and deleted all
   * together or not at all (as by `write`); of
   * more, or while a tier is away, what is new is written before what is stale is deleted, so that readers may find
   * both for a moment, and a call that failed half-way is made good by the next one.
   *
   * Calls of one process about one document go one after the other. Of two processes at once, each writes its chunks
   * and deletes what it found: two lists that are the same become one document, and of two that differ the next call
   * removes the rest.
   */
  replaceDocument(
    documentId: string,
    chunks: readonly PutOf<'chunk'>[],
    options?: ReplaceDocumentOptions,
  ): Promise<ReplacedDocument> {
    const call = this.#gate.run(CALLS.replaceDocument, options, async (checked) =>
      this.#replace(documentIdOf(documentId), arrayOf('chunks', chunks), checked).catch(pastGate),
    )
    return passingErrors(call)
  }

  /**
   * Deletes every chunk of a document, batch by batch, and answers how many there were. A chunk that is put while this
   * goes on may be deleted or stay; one that is put afterwards stays.
   */
  deleteDocument(documentId: string, options?: DeleteDocumentOptions): Promise<number> {
    const call = this.#gate.run(CALLS.deleteDocument, options, async (checked) =>
      this.#delete(documentIdOf(documentId), checked).catch(pastGate),
    )
    return passingErrors(call)
  }

  async #replace(
    documentId: string,
    inputs: readonly unknown[],
    { embed, embeddingModel, durability, dryRun, ...patience }: ReturnType<typeof CALLS.replaceDocument>,
  ): Promise<ReplacedDocument> {
    const terms = Object.assign(runningOut(patience), { durability, dryRun })
    const given = checkedInputs(inputs, this.#check)
    const checked = isPromise(given) ? await withDeadline(given, terms, { outcome: 'none' }) : given
    const { clock, documentWriter, reader, vectors } = this.#flows
    const { namespace } = this.#scope
    const refuse = (record: UnversionedRecord): void => refuseOtherKind(record, reader.kindAtHand(record))
    const ownModel = embed === undefined ? vectors.model : undefined
    const refuseUnfit = (record: UnversionedRecord): void => vectors.refuseUnfit(record)
    const asked = { namespace, documentId, embeddingModel, ownModel }
    const context = { ...asked, clock, refuse, refuseUnfit, signal: terms.signal }
    const wanted = await this.#withoutOutdated(await wantedChunks(checked, context), ownModel, terms)
    const replacing = Object.assign(terms, { embed: this.#embedBy(embed) })
    const { plan, outcomes } = await documentWriter.replace(this.#scope, documentId, wanted, replacing)
    receiptsOf(outcomes)
    return toReplaced(plan)
  }

  /** What has the vector of the text before is as if it came without one. */
  async #withoutOutdated(
    wanted: readonly WantedChunk[],
    ownModel: string | undefined,
    patience: Patience,
  ): Promise<readonly WantedChunk[]> {
    const puts = wanted.map(({ record, isNamed }) => ({ record, isChosen: isNamed }))
    const outdated = await this.#flows.vectors.outdated(puts, patience)
    return wanted.map((chunk) => {
      const { record } = chunk
      if (!outdated.has(record)) return chunk
      const embeddingModel = ownModel ?? record.embeddingModel
      return { ...chunk, record: { ...record, embedding: null, embeddingModel } }
    })
  }

  async #delete(
    documentId: string,
    { onProgress, ...terms }: ReturnType<typeof CALLS.deleteDocument>,
  ): Promise<number> {
    const counts = { matched: 0, deleted: 0 }
    const settled = async (outcomes: readonly WriteOutcome[]): Promise<void> => {
      counts.matched += outcomes.length
      counts.deleted += outcomes.filter(isDurable).length
      const failure = failureAmong(outcomes)
      if (failure !== undefined) throw failure
      if (onProgress !== undefined) await callersOwn(() => onProgress({ deleted: counts.deleted }))
    }
    await telling(counts, () => this.#flows.documentWriter.delete(this.#scope, documentId, settled, terms))
    return counts.deleted
  }

  /** Undefined: what lacks a vector is written without. */
  #embedBy(embed: EmbedTexts | undefined): Embed | undefined {
    const { vectors } = this.#flows
    if (embed !== undefined) return checkedEmbed(embed)
    return vectors.isAtPut ? (texts, patience) => vectors.ofTexts(texts, patience) : undefined
  }

  /** A document belongs to one namespace. */
  get #scope(): Scope {
    return { namespace: ownNamespace(this.namespace), recursive: false }
  }
}

const { limit: LIMIT } = CALL_DEFAULTS.find

function documentIdOf(given: unknown): string {
  return name('documentId', given)
}

function toReplaced({ chunks, removed }: DocumentPlan): ReplacedDocument {
  const idsOf = (which: (chunk: PlannedChunk) => boolean) => chunks.filter(which).map(({ record }) => record.id)
  return {
    ids: idsOf(() => true),
    kept: idsOf(isKept),
    changed: idsOf((chunk) => chunk.before !== undefined && !isKept(chunk)),
    added: idsOf(({ before }) => before === undefined),
    removed: removed.map(({ id }) => id),
    unembedded: idsOf(({ record }) => record.embedding === null),
  }
}
