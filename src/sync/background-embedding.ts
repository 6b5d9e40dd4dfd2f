/**
 * Gives entries the vectors that they wait for: those that were put with `when: 'background'`, imported, or left by a
 * process that died. What waits is found in cold, by an index that has nothing else, so nothing is remembered that a
 * crash could lose. The vector comes by compare-and-set, as a version of its own, and only to the text that it was made
 * of (rule K10 of flow/README.md).
 *
 *     a checkpoint shipped ─┐                     ┌─ made ──► compare-and-set ──► cold, log, hot
 *     every second ─────────┼─► look ─► Embedder ─┤
 *     the end of a rest ────┘                     └─ refused ─► rest: of the model, or of that one entry
 *
 * Of the processes of a store one does it, by a lease. Two at once would ask twice, and do no harm.
 */
import type { ColdTier, EmbeddingModel, Unembedded } from '../cold/cold-tier.ts'
import { ATOMIC_LIMITS } from '../entry/limits.ts'
import { type EntryRecord, keptChildVersions } from '../entry/record.ts'
import type { Version } from '../entry/version.ts'
import { ThermoclineError, unforeseen, withoutContent } from '../errors.ts'
import type { Change, CompareAndSet } from '../flow/compare-and-set.ts'
import type { Embedded, Embedder } from '../flow/embedder.ts'
import { isRefusedText, retryAfterOf } from '../flow/embedding-failure.ts'
import { isWaiting } from '../flow/vectors.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/logger.ts'
import { Rest } from '../kernel/rest.ts'
import { SingleFlight } from '../kernel/single-flight.ts'
import type { StoreEvents } from '../telemetry/store-events.ts'
import type { Lease } from './lease.ts'

export interface BackgroundEmbeddingParts {
  readonly embedder: Embedder
  /** The model of the store, and those that it is moved from. */
  readonly models: readonly EmbeddingModel[]
  /** Entries that are looked at together. */
  readonly pageSize: number
  readonly cold: Pick<ColdTier, 'unembedded' | 'registerModel' | 'isModelUsed'>
  readonly changes: Pick<CompareAndSet, 'changeAll'>
  /** Undefined: this process alone uses the store. */
  readonly lease: Lease | undefined
  readonly events: StoreEvents
  readonly clock: Clock
  readonly logger: Logger
}

/** Why entries go on waiting. */
export interface EmbeddingTrouble {
  readonly since: Date
  readonly error: ThermoclineError
  /** How many entries it is about; undefined: all that wait. */
  readonly entries: number | undefined
}

const LOOK_EVERY_MS = 1_000
/** How long after another process had the lease it is asked for again. */
const LEASE_AGAIN_MS = 5_000
/** How often it is looked whether entries have vectors of other models: that may read every row. */
const OTHERS_AGAIN_MS = 300_000
/** Of text that is looked at together. */
const PAGE_BYTES = 4 * 1024 * 1024
/** Rests after a failure: of the model, and of one entry that it refuses. */
const MODEL_REST_MS = { first: 1_000, longest: 60_000 }
const ENTRY_REST_MS = { first: 5_000, longest: 600_000 }
/** Entries of which it is remembered that the model refuses them; more are taken for a trouble of the model. */
const MOST_REFUSED = 10_000

export class BackgroundEmbedding {
  readonly #parts: BackgroundEmbeddingParts
  readonly #flight = new SingleFlight(() => this.#look())
  readonly #stop = new AbortController()
  readonly #model = new Rest(MODEL_REST_MS)
  /** By the version that was refused. */
  readonly #refused = new Map<Version, { readonly rest: Rest; readonly error: ThermoclineError }>()
  /** Of versions whose vector could not be written yet: a model is not asked twice for that. */
  readonly #made = new Map<Version, Float32Array>()
  #trouble: Omit<EmbeddingTrouble, 'entries'> | undefined
  #isDue = true
  #isLeader = false
  #leaseAskedAt = Number.NEGATIVE_INFINITY
  #isRegistered = false
  /** Those that entries may have vectors of besides, and those that some are known to have. */
  #mayHave: readonly string[] = []
  #otherModels: readonly string[] = []
  #othersSoughtAt = Number.NEGATIVE_INFINITY
  #isToldOfOthers = false
  #timer: NodeJS.Timeout | undefined

  constructor(parts: BackgroundEmbeddingParts) {
    this.#parts = parts
  }

  get model(): string {
    return this.#parts.embedder.model
  }

  /** Why some of what waits goes on waiting, as far as this process knows. */
  get trouble(): EmbeddingTrouble | undefined {
    if (this.#trouble !== undefined) return { ...this.#trouble, entries: undefined }
    const [first] = this.#refused.values()
    return first && { since: first.rest.since, error: first.error, entries: this.#refused.size }
  }

  /** Models that entries have vectors of as well, and that queries of this store are not compared with. */
  get otherModels(): readonly string[] {
    return this.#otherModels
  }

  /**
   * Registers the models, before anything is written by one. Rejects where one is known with other dimensions.
   * @throws `ERR_INVALID_OPTIONS`.
   */
  async register(): Promise<void> {
    const { cold, models } = this.#parts
    let known: readonly EmbeddingModel[] = []
    for (const model of models) {
      known = await cold.registerModel(model)
      const own = known.find((one) => one.model === model.model)
      if (own !== undefined && own.dimensions !== model.dimensions) throw otherDimensions(own, model)
    }
    this.#isRegistered = true
    this.#mayHave = known.map((one) => one.model).filter((other) => other !== this.model)
  }

  /** Looks now which models entries have vectors of besides. */
  async lookForOthersNow(): Promise<void> {
    this.#othersSoughtAt = Number.NEGATIVE_INFINITY
    await this.#lookForOthers()
  }

  /** Looks from now on; keeps no process alive. */
  start(): void {
    if (this.#stop.signal.aborted) return
    this.#timer = setInterval(() => this.#tick(), LOOK_EVERY_MS).unref()
    this.wake()
  }

  /** Cold has got something. */
  wake(): void {
    this.#isDue = true
    this.#tick()
  }

  /** Begins nothing more, aborts what the model is asked, and resolves once nothing runs. */
  async stop(): Promise<void> {
    this.#stop.abort()
    clearInterval(this.#timer)
    await this.#flight.idle()
    await this.#parts.lease?.release()
  }

  #tick(): void {
    const isOwn = this.#parts.lease === undefined
    const isDue = this.#isDue || !isOwn || this.#refused.size + this.#mayHave.length > 0
    if (!isDue || this.#timer === undefined || this.#model.isOn || this.#flight.isRunning) return
    if (!this.#stop.signal.aborted) void this.#flight.run()
  }

  /** Never rejects: what fails is tried again. */
  async #look(): Promise<void> {
    try {
      if (!this.#isRegistered) await this.register()
      await this.#lookForOthers()
      if (!(await this.#leads())) return
      this.#isDue = false
      const stillRefused = new Set<Version>()
      for (let after: Version | undefined; !this.#stop.signal.aborted; ) {
        const rows = await this.#page(after)
        if (rows.length === 0) return this.#passed(after === undefined, stillRefused)
        const due = rows.filter(({ version }) => this.#refused.get(version)?.rest.isOn !== true)
        if (due.length > 0 && !(await this.#embed(due))) return
        for (const { version } of rows) if (this.#refused.has(version)) stillRefused.add(version)
        after = rows.at(-1)!.version
      }
    } catch (error) {
      if (this.#stop.signal.aborted) return
      this.#isDue = true
      this.#restBecauseOf(unforeseen(error))
    }
  }

  #page(after: Version | undefined): Promise<Unembedded[]> {
    const { cold, embedder, pageSize } = this.#parts
    return cold.unembedded({ model: embedder.model, after, limit: pageSize, bytes: PAGE_BYTES })
  }

  /** All that waits was looked at. @param isEmpty nothing does. */
  #passed(isEmpty: boolean, stillRefused: ReadonlySet<Version>): void {
    for (const version of this.#refused.keys()) if (!stillRefused.has(version)) this.#refused.delete(version)
    if (!isEmpty) return
    this.#made.clear()
    this.#recovered()
  }

  async #leads(): Promise<boolean> {
    const { lease } = this.#parts
    if (lease === undefined || this.#isLeader) return true
    if (performance.now() - this.#leaseAskedAt < LEASE_AGAIN_MS) return false
    this.#leaseAskedAt = performance.now()
    if (!(await lease.hold())) return false
    this.#isLeader = true
    this.#isDue = true
    lease.keep(() => {
      this.#isLeader = false
    })
    return true
  }

  /** Whoever opens a store by another model than its entries have learns of it, and of how to move them. */
  async #lookForOthers(): Promise<void> {
    const now = performance.now()
    if (this.#mayHave.length === 0 || now - this.#othersSoughtAt < OTHERS_AGAIN_MS) return
    this.#othersSoughtAt = now
    const { cold, embedder, logger } = this.#parts
    const used: string[] = []
    for (const other of this.#mayHave) if (await cold.isModelUsed(other)) used.push(other)
    this.#otherModels = used
    const told = { model: embedder.model, otherModels: used }
    if (used.length > 0 && !this.#isToldOfOthers) logger.warn(told, otherModelsMessage(embedder.model))
    this.#isToldOfOthers ||= used.length > 0
  }

  /** Whether to go on. */
  async #embed(rows: readonly Unembedded[]): Promise<boolean> {
    const { embedder } = this.#parts
    const fresh = rows.filter(({ version }) => !this.#made.has(version))
    const texts = fresh.map(({ text }) => text)
    const outcomes = await embedder.embedEach(texts, 'document', { signal: this.#stop.signal })
    const failed = fresh.flatMap((row, i) =>
      outcomes[i] instanceof ThermoclineError ? [{ row, error: outcomes[i] }] : [],
    )
    for (const [i, { version }] of fresh.entries()) this.#keep(version, outcomes[i]!)
    const [first] = failed
    const isOfAll = failed.length === rows.length && (rows.length > 1 || !isRefusedText(first!.error))
    if (first !== undefined && (isOfAll || this.#refused.size + failed.length > MOST_REFUSED))
      return this.#restBecauseOf(first.error)
    for (const { row, error } of failed) this.#refuse(row, error)
    await this.#write(rows.filter(({ version }) => this.#made.has(version)))
    this.#recovered()
    return true
  }

  #keep(version: Version, outcome: Embedded): void {
    if (outcome instanceof ThermoclineError) return
    this.#made.set(version, outcome)
    this.#refused.delete(version)
  }

  async #write(rows: readonly Unembedded[]): Promise<void> {
    for (const group of groupsOf(rows, this.#made)) {
      await this.#writeAll(group)
      for (const { version } of group) this.#made.delete(version)
    }
  }

  /** One that cannot be written must not keep the others from it. */
  async #writeAll(rows: readonly Unembedded[]): Promise<void> {
    const { changes, embedder, events } = this.#parts
    try {
      const receipts = await changes.changeAll(
        rows.map((row) => this.#change(row)),
        { signal: this.#stop.signal },
      )
      const entries = receipts.flatMap((receipt) => receipt ?? [])
      const told = entries.map(({ namespace, id, version }) => ({ namespace, id, version }))
      events.emit('embed', () => (told.length === 0 ? undefined : { model: embedder.model, entries: told }))
    } catch (error) {
      if (rows.length === 1 || this.#stop.signal.aborted) throw error
      const half = rows.length >>> 1
      await this.#writeAll(rows.slice(0, half))
      await this.#writeAll(rows.slice(half))
    }
  }

  /** Leaves what has another text by now, or a vector. */
  #change({ namespace, id, version, text }: Unembedded): Change {
    const { embedder } = this.#parts
    const embedding = this.#made.get(version)!
    const make = (current: EntryRecord | undefined) => {
      if (current === undefined || !isWaiting(current, embedder.model) || current.text !== text) return undefined
      return { ...current, embedding, childVersions: keptChildVersions(current) }
    }
    return { key: { namespace, id }, make }
  }

  #refuse(row: Unembedded, error: ThermoclineError): void {
    const { clock, logger } = this.#parts
    const known = this.#refused.get(row.version)
    const rest = known?.rest ?? new Rest(ENTRY_REST_MS)
    rest.begin(new Date(clock.now()), retryAfterOf(error))
    this.#refused.set(row.version, { rest, error })
    if (known !== undefined) return
    logger.warn({ id: row.id, err: error }, 'an entry got no vector: it is tried again, ever more rarely')
  }

  /** Returns false: there is no going on. */
  #restBecauseOf(error: ThermoclineError): false {
    const { clock, logger } = this.#parts
    this.#isDue = true
    const now = new Date(clock.now())
    this.#model.begin(now, retryAfterOf(error))
    const isFirst = this.#trouble === undefined
    this.#trouble = { since: this.#trouble?.since ?? now, error }
    const told = { err: withoutContent(error), restMs: this.#model.milliseconds }
    if (isFirst) logger.warn(told, 'entries wait for their vectors: it is tried again, ever more rarely')
    else logger.debug(told, 'entries go on waiting for their vectors')
    return false
  }

  #recovered(): void {
    if (this.#trouble === undefined) return
    this.#trouble = undefined
    this.#model.end()
    this.#parts.logger.info({}, 'entries get their vectors again')
  }
}

function otherDimensions(known: EmbeddingModel, given: EmbeddingModel): ThermoclineError<'ERR_INVALID_OPTIONS'> {
  const message =
    `the store knows the model ${known.model} with ${known.dimensions} dimensions, not with ${given.dimensions}: say ` +
    'so, or give what makes other vectors another name by `embed.model`'
  return new ThermoclineError('ERR_INVALID_OPTIONS', message, { option: 'embed.dimensions' })
}

export function otherModelsMessage(model: string): string {
  return (
    `entries have vectors of another model than ${model}, by which this store was opened: queries that it makes ` +
    'vectors of leave them out, unless that model is among `embed.former`: name it there, and call `reembed()`'
  )
}

/** What fits into one write that is all or none, with room for metadata; halved where that is not enough. */
function* groupsOf(
  rows: readonly Unembedded[],
  vectors: ReadonlyMap<Version, Float32Array>,
): Generator<readonly Unembedded[]> {
  let group: Unembedded[] = []
  let bytes = 0
  for (const row of rows) {
    const size = 3 * row.text.length + vectors.get(row.version)!.byteLength
    if (group.length > 0 && (bytes + size > ATOMIC_LIMITS.bytes / 2 || group.length === ATOMIC_LIMITS.operations)) {
      yield group
      group = []
      bytes = 0
    }
    group.push(row)
    bytes += size
  }
  if (group.length > 0) yield group
}
