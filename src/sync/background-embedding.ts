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
import type { ColdTier, Unembedded } from '../cold/cold-tier.ts'
import type { EntryRecord } from '../entry/record.ts'
import type { Version } from '../entry/version.ts'
import { ThermoclineError, unforeseen, withoutContent } from '../errors.ts'
import type { CompareAndSet } from '../flow/compare-and-set.ts'
import type { Embedder } from '../flow/embedder.ts'
import { isRefusedText, retryAfterOf, saysNothing } from '../flow/embedding-failure.ts'
import { writeVectors } from '../flow/vector-writes.ts'
import { isWaiting } from '../flow/vectors.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/logger.ts'
import { Rest } from '../kernel/rest.ts'
import { SingleFlight } from '../kernel/single-flight.ts'
import type { StoreEvents } from '../telemetry/store-events.ts'
import type { Lease } from './lease.ts'
import type { ModelRegistry } from './model-registry.ts'

export interface BackgroundEmbeddingParts {
  readonly embedder: Embedder
  readonly registry: Pick<ModelRegistry, 'register' | 'lookForOthers'>
  /** Entries that are looked at together. */
  readonly pageSize: number
  readonly cold: Pick<ColdTier, 'unembedded'>
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

interface Failed {
  readonly row: Unembedded
  readonly error: ThermoclineError
}

const LOOK_EVERY_MS = 1_000
/** How often the models are registered anew, and it is looked whatever is known. */
const LOOK_AT_LEAST_MS = 60_000
/** How long after another process had the lease it is asked for again. */
const LEASE_AGAIN_MS = 5_000
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
  #lookedAt = Number.NEGATIVE_INFINITY
  #isSuspect = false
  #timer: NodeJS.Timeout | undefined

  constructor(parts: BackgroundEmbeddingParts) {
    this.#parts = parts
  }

  /** Why some of what waits goes on waiting, as far as this process knows. */
  get trouble(): EmbeddingTrouble | undefined {
    if (this.#trouble !== undefined) return { ...this.#trouble, entries: undefined }
    const [first] = this.#refused.values()
    return first && { since: first.rest.since, error: first.error, entries: this.#refused.size }
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
    // What comes to cold by another way than a checkpoint is found later.
    const isLate = performance.now() - this.#lookedAt > LOOK_AT_LEAST_MS
    const isDue = this.#isDue || !isOwn || isLate || this.#refused.size > 0
    if (!isDue || this.#timer === undefined || this.#model.isOn || this.#flight.isRunning) return
    if (!this.#stop.signal.aborted) void this.#flight.run()
  }

  /** Never rejects: what fails is tried again. */
  async #look(): Promise<void> {
    try {
      const isLate = performance.now() - this.#lookedAt > LOOK_AT_LEAST_MS
      const { registry } = this.#parts
      if (isLate) await registry.register()
      if (isLate) this.#lookedAt = performance.now()
      await registry.lookForOthers()
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
    for (const version of this.#made.keys()) if (isEmpty || !this.#refused.has(version)) this.#made.delete(version)
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
      // What goes on is another process's to tell.
      this.#refused.clear()
      this.#made.clear()
      this.#trouble = undefined
    })
    return true
  }

  /** Whether to go on. */
  async #embed(rows: readonly Unembedded[]): Promise<boolean> {
    const { embedder } = this.#parts
    const fresh = rows.filter(({ version }) => !this.#made.has(version))
    const texts = fresh.map(({ text }) => text)
    const outcomes = await embedder.embedEach(texts, 'document', { signal: this.#stop.signal })
    const failed: Failed[] = []
    for (const [i, row] of fresh.entries()) {
      const outcome = outcomes[i]!
      if (outcome instanceof ThermoclineError) failed.push({ row, error: outcome })
      else this.#made.set(row.version, outcome)
    }
    const trouble = this.#ofModel(failed, failed.length === rows.length)
    const isWritten = await this.#write(rows)
    if (trouble !== undefined) return this.#restBecauseOf(trouble)
    if (isWritten) this.#recovered()
    return isWritten
  }

  /**
   * Notes what is of single entries, and answers what is of the model. What says nothing of a whole page may be of
   * either: it is of its entries, unless the page before ended likewise.
   */
  #ofModel(failed: readonly Failed[], isAll: boolean): ThermoclineError | undefined {
    const isSuspect = this.#isSuspect
    this.#isSuspect = isAll && failed.every(({ error }) => saysNothing(error))
    const rest = failed.filter(({ error }) => !isRefusedText(error))
    if (rest.some(({ error }) => !saysNothing(error)) || (this.#isSuspect && isSuspect)) return rest[0]!.error
    if (this.#refused.size + failed.length > MOST_REFUSED) return failed[0]!.error
    for (const { row, error } of failed) this.#refuse(row, error)
    return undefined
  }

  /** Whether any could be written, of those that have a vector. */
  async #write(rows: readonly Unembedded[]): Promise<boolean> {
    const { changes, embedder, events } = this.#parts
    const { model } = embedder
    const made = rows.flatMap((row) => {
      const embedding = this.#made.get(row.version)
      return embedding === undefined ? [] : { ...row, embedding }
    })
    const wants = (current: EntryRecord) => isWaiting(current, model)
    const terms = { changes, model, wants, patience: { signal: this.#stop.signal } }
    const { receipts, done, failed, error } = await writeVectors(made, terms)
    for (const { version } of done) {
      this.#made.delete(version)
      this.#refused.delete(version)
    }
    const entries = receipts.map(({ namespace, id, version }) => ({ namespace, id, version }))
    events.emit('embed', () => (entries.length === 0 ? undefined : { model, entries }))
    for (const one of failed) this.#refuse(one.made, one.error)
    if (error === undefined || done.length > 0) return true
    return this.#restBecauseOf(error)
  }

  #refuse(row: Unembedded, error: ThermoclineError): void {
    const { clock, logger } = this.#parts
    const known = this.#refused.get(row.version)
    const rest = known?.rest ?? new Rest(saysNothing(error) ? MODEL_REST_MS : ENTRY_REST_MS)
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
