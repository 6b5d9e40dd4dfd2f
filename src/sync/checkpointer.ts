/**
 * Ships pending writes to cold and lets the log drop what cold has. Batches go in log order; each moves the checkpoint
 * row in the same transaction, so that however often a batch is sent, it counts once. What cold had and lost, because
 * the database was set back (set-back.ts), is shipped again first.
 *
 * When a checkpoint begins is decided in checkpoint-schedule.ts.
 */
import { type ColdTier, type LogCheckpoint, SET_BACK, type ShipBatch } from '../cold/cold-tier.ts'
import { isLive } from '../entry/expiry.ts'
import type { EntryRecord } from '../entry/record.ts'
import type { LogValue } from '../entry/record-bundle.ts'
import { type Version, ZERO_VERSION } from '../entry/version.ts'
import { type SequenceRange, ThermoclineError, withoutContent } from '../errors.ts'
import type { LogCut } from '../flow/eraser.ts'
import type { Journal } from '../flow/journal.ts'
import type { Pending } from '../flow/pending.ts'
import type { Pressure } from '../flow/pressure.ts'
import { Emitter } from '../kernel/emitter.ts'
import type { Logger } from '../kernel/logger.ts'
import { SingleFlight } from '../kernel/single-flight.ts'
import { TRACES, traced } from '../kernel/tracing.ts'
import { batchesOf } from '../recovery/log-entries.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { AppendLog } from '../wal/log-contract.ts'
import type { LogScan } from '../wal/log-scan.ts'
import { CatchUp } from './catch-up.ts'
import type { HotFollower, Moved } from './hot-follower.ts'
import { isSetBack, type SetBack, SetBackWatch } from './set-back.ts'
import type { StoreTime } from './store-time.ts'

/** The log that this process writes to, as it was opened. */
export interface OwnLog {
  readonly journal: Journal
  /** Where the log stands in cold; undefined: cold is away and has yet to be told of the log. */
  readonly checkpoint: number | undefined
  /** Where the segments of the log begin, if it was opened without cold. @default with its first record */
  readonly firstSequence?: number | undefined
  /** Up to which record cold had it, by what cold knows of it, if it was opened without cold. */
  readonly shippedOf?: ((known: LogCheckpoint | undefined) => number) | undefined
  /** Host and folder of its files, for people. */
  readonly place?: string | undefined
  /**
   * Reads its segments from after this sequence on; its owner goes on writing meanwhile, and damage is passed over.
   * @default none are kept
   */
  readonly scanAfter?: ((sequence: number) => LogScan) | undefined
  /** Whether no record is ever appended: then cold is not told of the log. @default false */
  readonly takesNothing?: boolean | undefined
}

export interface CheckpointerParts {
  readonly log: OwnLog
  readonly cold: ColdTier
  readonly hot: HotFollower
  readonly pressure: Pressure
  readonly time: Pick<StoreTime, 'clock' | 'versions'>
  readonly telemetry: Telemetry
  readonly logger: Logger
}

export interface CheckpointStats {
  /** Records that cold had not had before. */
  readonly shipped: number
  /** Records of which cold already had the same or a newer version. */
  readonly superseded: number
  /** Records that Postgres refused; they are in the dead-letter table. */
  readonly rejected: number
  /** Payload bytes. */
  readonly bytes: number
}

export class Checkpointer {
  readonly #parts: CheckpointerParts
  /** Cold, which was set back, has again what segments held of that. */
  readonly restored = new Emitter()
  /** Cold has got something of this log. */
  readonly shipped = new Emitter()
  /** Cold, which was away when the log was opened, has told what it had of it. */
  readonly registered = new Emitter()
  /** Nothing ships any more: see {@link fenced}. */
  readonly ended = new Emitter()
  readonly #flight = new SingleFlight(() => this.#checkpointAndTell())
  readonly #log: AppendLog<LogValue>
  readonly #pending: Pending
  /** The log's last record when it was opened. */
  readonly #lastBefore: number
  #sequence: number
  /** Whether cold knows that the log is ours: it was away when the log was opened. */
  #isRegistered: boolean
  #hasTriedToRegister = false
  /** Of a log that was resumed without cold: what cold had of it before. */
  #shippedBefore = 0
  #wasUnknown = false
  #shippedVersion: Version = ZERO_VERSION
  /** The last record of the latest batch of which cold refused some, or may have. */
  #inDoubtTo = 0
  #fenced: ThermoclineError | undefined
  /** Files of the log that are gone, and their bytes. */
  readonly #released = { segments: 0, bytes: 0 }
  readonly #setBacks = new SetBackWatch()
  readonly #catchUp: CatchUp

  constructor(parts: CheckpointerParts) {
    const { journal, checkpoint } = parts.log
    this.#catchUp = new CatchUp({ pendingFill: () => parts.pressure.pendingFill })
    this.#parts = parts
    this.#log = journal.log
    this.#pending = journal.pending
    this.#lastBefore = journal.log.lastSequence
    this.#isRegistered = checkpoint !== undefined
    this.#sequence = checkpoint ?? 0
  }

  /** Every record of the log up to here is in cold. */
  get sequence(): number {
    return this.#sequence
  }

  get log(): Pick<AppendLog<LogValue>, 'walId' | 'epoch' | 'failure'> {
    return this.#log
  }

  /** Whether the log was written while cold did not know it, and nobody could ask for a cut; until there is one. */
  get wasUnknown(): boolean {
    return this.#wasUnknown
  }

  /** Why nothing ships any more: the log is another process's, or not what cold knows it as. */
  get fenced(): ThermoclineError | undefined {
    return this.#fenced
  }

  /** What is known of a database that was set back since the log was opened; a new object each time it is found so. */
  get setBack(): SetBack | undefined {
    return this.#setBacks.latest
  }

  /** Whether cold lacks what it once had of this log, and is to get it again. */
  get isCatchingUp(): boolean {
    return this.#setBacks.lacking !== undefined && this.#fenced === undefined
  }

  /** Whether cold lacks what it once had of this log, and does not get it from this process. */
  get isLost(): boolean {
    return this.#setBacks.lacking !== undefined && this.#fenced !== undefined
  }

  /** Resolves once cold has that again, or is lost; rejects where it cannot be had now. */
  async caughtUp(): Promise<void> {
    while (this.isCatchingUp)
      await this.hurry(this.#flight.join()).catch((error: unknown) => {
        if (!this.isLost) throw error
      })
  }

  /** Whether a checkpoint will begin that has not begun yet. */
  get isQueued(): boolean {
    return this.#flight.isQueued
  }

  /**
   * Ships everything that was acknowledged before the call. Touches no tier when there is nothing to ship, unless
   * `heartbeat`. Where nobody waits for it (`inBackground`) it may take longer, for the sake of callers.
   */
  async checkpointNow({ heartbeat = false, inBackground = false } = {}): Promise<CheckpointStats> {
    // What cold lost is in segments only.
    const owesNothing = this.#pending.size === 0 && this.#setBacks.lacking === undefined && this.#fenced === undefined
    if (!heartbeat && !this.#flight.isRunning && owesNothing) return NOTHING
    return inBackground ? this.#flight.run() : this.hurry(this.#flight.run())
  }

  /** Resolves once cold has every record up to `sequence`, or has refused it. */
  async shipThrough(sequence: number): Promise<void> {
    while (this.#sequence < sequence) await this.hurry(this.#flight.run())
  }

  /**
   * Those of the records, which were shipped, that cold refused. What is gone leaves nothing there where cold has none.
   * @param first sequence of the first of them.
   */
  async refusedOf(records: readonly EntryRecord[], first: number): Promise<ReadonlySet<EntryRecord>> {
    if (this.#inDoubtTo < first) return NONE_REFUSED
    const versions = await this.#parts.cold.versions(records)
    const now = this.#parts.time.clock.now()
    const isRefused = (record: EntryRecord, i: number) =>
      (versions[i] ?? ZERO_VERSION) < record.version && (versions[i] !== undefined || isLive(record, now))
    return new Set(records.filter(isRefused))
  }

  /**
   * As {@link checkpointNow}, and the log lets go of every file that holds something from before the call. What it
   * could no longer give to a database that is set back is gone then.
   */
  async cut(): Promise<LogCut> {
    const before = { ...this.#released }
    const sequence = await this.#log.endSegment()
    await this.hurry(this.#flight.run())
    const { segments, bytes } = this.#released
    const isWhole = !this.#log.holdsUpTo(sequence)
    if (isWhole) this.#wasUnknown = false
    return { segments: segments - before.segments, bytes: bytes - before.bytes, isWhole }
  }

  idle(): Promise<void> {
    return this.hurry(this.#flight.idle())
  }

  /** Until this is settled somebody waits: batches are large, and nothing rests between them (catch-up.ts). */
  hurry<T>(until: Promise<T>): Promise<T> {
    return this.#catchUp.hurry(until)
  }

  async #checkpointAndTell(): Promise<CheckpointStats> {
    if (this.#parts.log.takesNothing) return this.#askWhetherColdIsThere()
    const { events } = this.#parts.telemetry
    const began = performance.now()
    const total = await this.#traced()
    const isEmpty = total.shipped + total.superseded + total.rejected === 0
    if (!isEmpty) this.shipped.emit()
    events.emit('checkpoint', () => (isEmpty ? undefined : { ...total, durationMs: performance.now() - began }))
    return total
  }

  async #traced(): Promise<CheckpointStats> {
    if (!TRACES.checkpoint.hasSubscribers) return this.#checkpoint()
    return traced(
      TRACES.checkpoint,
      { operation: 'checkpoint', tier: 'cold' },
      () => this.#checkpoint(),
      ({ shipped, bytes }) => ({ count: shipped, bytes }),
    )
  }

  async #checkpoint(): Promise<CheckpointStats> {
    const { hot, log, pressure, telemetry, time } = this.#parts
    const pending = this.#pending
    if (this.#fenced !== undefined) throw this.#fenced
    if (!this.#isRegistered) await this.#register()
    // Also where nothing was written for long: tombstones wait in cold for every log to have shipped past them.
    const watermark = time.versions.takeWatermark()
    await log.journal.settled()
    const target = pending.highestSequence
    // What became durable meanwhile must reach hot as well: while hot still holds what it replaces, only pending knows
    // better.
    await log.journal.settled()
    const total = { shipped: 0, superseded: 0, rejected: 0, bytes: 0 }
    for (;;) {
      const { lacking } = this.#setBacks
      if (lacking !== undefined) {
        // What came later waits: its checkpoint would pass over what was lost.
        await this.#shipAgain(lacking)
        continue
      }
      const batch = pending.batch(target, this.#catchUp.limits)
      const isLast = batch.to >= target
      const shippedVersion = isLast ? watermark : this.#shippedVersion
      const records = batch.items.map(({ value }) => value)
      const confirmed = hot.confirmed(batch.items)
      const began = performance.now()
      const moved = await this.#ship({ to: Math.max(batch.to, this.#sequence), records, shippedVersion, confirmed })
      if (moved === undefined) continue
      await hot.follow(batch.items, moved)
      pending.shipped(batch.items)
      pressure.shipped()
      total.shipped += records.length - moved.superseded - moved.rejected
      total.superseded += moved.superseded
      telemetry.counts.superseded += moved.superseded
      total.rejected += moved.rejected
      // Of each batch: a later one may fail.
      telemetry.events.emit('dead-letter', () => (moved.rejected === 0 ? undefined : { count: moved.rejected }))
      for (const { bytes } of batch.items) total.bytes += bytes
      if (isLast) break
      await this.#catchUp.rest(performance.now() - began)
    }
    await this.#release()
    return total
  }

  /** Which is what else a heartbeat is for. */
  async #askWhetherColdIsThere(): Promise<CheckpointStats> {
    await this.#parts.cold.checkpointOf(this.#log.walId)
    return NOTHING
  }

  async #release(): Promise<void> {
    const { segments, bytes } = await this.#log.release(this.#sequence)
    this.#released.segments += segments
    this.#released.bytes += bytes
  }

  /** Returns undefined where the checkpoint stood elsewhere: then the next batch starts from there. */
  async #ship(batch: Pick<ShipBatch, 'to' | 'records' | 'shippedVersion' | 'confirmed'>): Promise<Moved | undefined> {
    const { walId, epoch } = this.#log
    const result = await this.#parts.cold.ship({ walId, epoch, from: this.#sequence, ...batch })
    switch (result.status) {
      case 'moved':
        this.#sequence = batch.to
        this.#shippedVersion = batch.shippedVersion
        if (result.rejected > 0 || isAnswerLost(result)) this.#inDoubtTo = batch.to
        return result
      case 'unknown':
        throw this.#forgotten()
      case 'fenced':
        if (!isSetBack(result, { epoch, sequence: this.#sequence })) throw this.#takenOver(result.epoch)
        // First of all: what is read meanwhile would be old.
        this.#noteSetBack(result.sequence)
        this.#sequence = (await this.#parts.cold.takeOver(walId, epoch)).sequence
        return undefined
      case 'elsewhere':
        if (isSetBack(result, { epoch, sequence: this.#sequence })) this.#noteSetBack(result.sequence)
        // A batch whose answer was lost had been committed after all.
        else this.#sequence = this.#inDoubtTo = result.sequence
        return undefined
    }
  }

  /**
   * Cold may have an older epoch of the log than ours, or none, but none that is as new, unless an earlier attempt of
   * ours was answered too late: else the log is somebody else's by now, or a recovery died that had taken it over.
   * Whoever opens it next takes a newer one.
   */
  async #register(): Promise<void> {
    const { cold } = this.#parts
    const { place, firstSequence = 1 } = this.#parts.log
    const log = this.#log
    const standing = await cold.checkpointOf(log.walId)
    const isOurs = standing?.epoch === log.epoch && this.#hasTriedToRegister
    if (standing !== undefined && standing.epoch >= log.epoch && !isOurs) throw this.#takenOver(standing.epoch)
    // Its further records got numbers that cold counts as shipped.
    if (standing !== undefined && standing.sequence > this.#lastBefore) throw this.#older(standing.sequence)
    if (!isOurs) this.#shippedBefore = this.#parts.log.shippedOf?.(standing) ?? 0
    this.#hasTriedToRegister = true
    // Also where the answer to the registration is lost.
    if (standing === undefined) this.#wasUnknown = true
    this.#sequence = (isOurs ? standing : await cold.takeOver(log.walId, log.epoch, place)).sequence
    this.#isRegistered = true
    // Whoever deleted some of it since may have done so long ago.
    this.#pending.settle(this.#shippedBefore)
    this.registered.emit()
    const has = this.#sequence
    if (firstSequence > has + 1)
      await this.#noteLost([{ from: has + 1, to: firstSequence - 1 }], { has }, `it had log records up to ${has}`)
  }

  #takenOver(byEpoch: number): ThermoclineError {
    const { walId, epoch } = this.#log
    return this.#fence(`another process took over log ${walId} (epoch ${byEpoch}, ours is ${epoch})`)
  }

  #forgotten(): ThermoclineError {
    const { walId } = this.#log
    this.#setBacks.note(this.#sequence, this.#parts.time.clock.now(), undefined)
    return this.#fence(
      `the database does not know log ${walId} any more: it was set back to before the log began, or the log was retired`,
    )
  }

  #older(sequence: number): ThermoclineError {
    const { walId } = this.#log
    return this.#fence(
      `log ${walId} ended at record ${this.#lastBefore}, but cold already has it up to ${sequence}: the folder is an older copy`,
    )
  }

  /**
   * Ends shipping for good, and with it writes: until the store is opened again they would be in no database. The log
   * stays for whoever opens it next.
   */
  #fence(reason: string): ThermoclineError {
    const { walId, epoch } = this.#log
    const message = `${reason}; what this process acknowledged stays in the log: open the store again`
    this.#fenced = new ThermoclineError('ERR_WAL_FAILED', message, { outcome: 'applied' })
    const shipped = this.#sequence
    this.#parts.logger.error({ walId, epoch, shipped }, `nothing ships any more, and writes are refused: ${reason}`)
    this.#parts.pressure.refuse(this.#fenced)
    this.ended.emit()
    return this.#fenced
  }

  #noteSetBack(sequence: number): void {
    const { walId, epoch } = this.#log
    this.#parts.logger.error(
      { walId, epoch, had: this.#sequence, has: sequence },
      'the checkpoint in cold moved backwards: was the database restored? What the log still holds is shipped again',
    )
    this.#setBacks.note(this.#sequence, this.#parts.time.clock.now(), sequence)
    this.#sequence = sequence
    this.#shippedVersion = ZERO_VERSION
  }

  /** Ships what cold had and lost, as far as segments hold it, and says what they do not. */
  async #shipAgain(through: number): Promise<void> {
    const { hot, log } = this.#parts
    const from = this.#sequence
    const scan = log.scanAfter?.(from)
    if (scan !== undefined)
      for await (const { records, to } of batchesOf(scan, { after: from, through })) {
        const moved = await this.#ship({ to, records, shippedVersion: ZERO_VERSION })
        // Restored yet again, or an answer was lost: once more, from where cold stands now.
        if (moved === undefined) return
        // Between two batches cold has something older than what hot once held, and a read may bring it there.
        await hot.followAgain(records, moved)
      }
    const lost = scan?.report.damage.map(({ missing }) => missing) ?? [{ from: from + 1, to: through }]
    this.#setBacks.restored(lost)
    this.restored.emit()
    await this.#noteRestored(lost)
  }

  async #noteRestored(lost: readonly SequenceRange[]): Promise<void> {
    const { had, has = 0 } = this.#setBacks.latest!
    const again = `it had log records up to ${had}, and then up to ${has}`
    if (lost.length > 0)
      return this.#noteLost(lost, { had, has }, `${again}; those that are not recorded as lost were shipped again`)
    const { walId, epoch } = this.#log
    const facts = { walId, epoch, had, has, from: has + 1, to: had }
    this.#parts.logger.warn(facts, 'shipped again what the database had lost')
    await this.#record([{ from: has + 1, to: has }], `${again}; all of them were shipped again`)
  }

  async #noteLost(lost: readonly SequenceRange[], facts: object, reason: string): Promise<void> {
    const { walId, epoch } = this.#log
    const message = 'no segment holds these records any more: restore the database to a later point'
    this.#parts.logger.error({ walId, epoch, ...facts, lost }, message)
    await this.#record(lost, reason)
  }

  /** For whoever looks an hour later. The logger was told already. */
  async #record(lost: readonly SequenceRange[], reason: string): Promise<void> {
    const { cold, logger } = this.#parts
    const { walId, epoch } = this.#log
    try {
      await cold.recordLoss({ walId, epoch, lost, reason: `${SET_BACK}: ${reason}` })
    } catch (error) {
      const message = 'that the database was set back could not be recorded in thermocline.accepted_losses'
      logger.warn({ walId, err: withoutContent(error) }, message)
    }
  }
}

/** Then any key may be missed, and the current generation, of which there are none without it, is not told. */
function isAnswerLost({ generationNumber, missed }: Moved): boolean {
  return generationNumber === undefined && missed.length > 0
}

const NONE_REFUSED: ReadonlySet<EntryRecord> = new Set()
const NOTHING: CheckpointStats = { shipped: 0, superseded: 0, rejected: 0, bytes: 0 }
