/**
 * Ships pending writes to cold and lets the log drop what cold has. Batches go in log order; each moves the checkpoint
 * row in the same transaction, so that however often a batch is sent, it counts once.
 */

import type { ColdTier, ShipBatch, ShipResult } from '../cold/cold-tier.ts'
import { keyText } from '../entry/entry-key.ts'
import type { EntryRecord } from '../entry/record.ts'
import { type Version, type VersionClock, ZERO_VERSION } from '../entry/version.ts'
import { type SequenceRange, ThermoclineError } from '../errors.ts'
import type { MissedWrites } from '../flow/missed-writes.ts'
import type { Pending, PendingRecord } from '../flow/pending.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/logger.ts'
import { SingleFlight } from '../kernel/single-flight.ts'
import { SHIP_LIMITS } from '../recovery/batch-limits.ts'
import { replay } from '../recovery/replay-log.ts'
import type { AppendLog } from '../wal/append-log.ts'
import type { LogScan } from '../wal/log-scan.ts'

export interface CheckpointerParts {
  readonly log: AppendLog<EntryRecord>
  readonly pending: Pending
  readonly cold: ColdTier
  readonly versions: VersionClock
  readonly clock: Clock
  readonly logger: Logger
  /** Resolves once every write begun before is durable and was offered to hot, or has failed. */
  readonly settled: () => Promise<void>
  /** Told whenever pending has shrunk. */
  readonly onShipped: () => void
  /** Reads the log's own segments from after this sequence on. @default none are kept */
  readonly scanAfter?: ((sequence: number) => LogScan) | undefined
  /** Where the segments of a log that was opened without cold begin. @default with its first record */
  readonly firstSequence?: number | undefined
  /** Drops from a hot tier of this process what is older than these. @default hot is shared, and repaired */
  readonly dropOlder?: ((records: readonly EntryRecord[]) => Promise<void>) | undefined
  /** Told of what hot may hold older than cold now. @default hot is this process's own, and always current */
  readonly missed?: MissedWrites | undefined
  /** Host and folder of the log, for people. */
  readonly place?: string | undefined
  /** Whether hot may drop what it took, so that nothing is known to be there. */
  readonly mayEvict?: (() => boolean) | undefined
  /** Told when cold, which was set back, has again what segments held of that. */
  readonly onCaughtUp?: (() => void) | undefined
  /** Told which generation of hot cold has as current. */
  readonly onCurrentGeneration?: ((generationNumber: number) => void) | undefined
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

/** The database was found in an earlier state than it had been in. */
export interface SetBack {
  readonly at: Date
  /** Records of this process's log that no segment holds any more, so that they are gone from the database. */
  readonly lost: readonly SequenceRange[]
}

export class Checkpointer {
  readonly #parts: CheckpointerParts
  readonly #flight = new SingleFlight(() => this.#checkpoint())
  /** The last record that the log held when it was opened. */
  readonly #lastBefore: number
  #sequence: number
  /** Whether cold knows that the log is ours: it was away when the log was opened. */
  #isRegistered: boolean
  #hasTriedToRegister = false
  #shippedVersion: Version = ZERO_VERSION
  #fenced: ThermoclineError | undefined
  /** Cold was restored: what it had up to here has to be shipped again. */
  #lostThrough: number | undefined
  #setBack: SetBack | undefined

  /** @param sequence Where the log's checkpoint stands in cold; undefined: cold is away and has yet to be told of the log. */
  constructor(parts: CheckpointerParts, sequence: number | undefined) {
    this.#parts = parts
    this.#lastBefore = parts.log.lastSequence
    this.#isRegistered = sequence !== undefined
    this.#sequence = sequence ?? 0
  }

  /** Every record of the log up to here is in cold. */
  get sequence(): number {
    return this.#sequence
  }

  /** Why nothing ships any more: the log is another process's, or not what cold knows it as. */
  get fenced(): ThermoclineError | undefined {
    return this.#fenced
  }

  /** What is known of a database that was set back since the log was opened; a new object each time it is found so. */
  get setBack(): SetBack | undefined {
    return this.#setBack
  }

  /** Whether cold lacks what it once had of this log, and is to get it again. */
  get isCatchingUp(): boolean {
    return this.#lostThrough !== undefined && this.#fenced === undefined
  }

  /** Whether cold lacks what it once had of this log, and does not get it from this process. */
  get isLost(): boolean {
    return this.#lostThrough !== undefined && this.#fenced !== undefined
  }

  /** Resolves once cold has that again, or is lost; rejects where it cannot be had now. */
  async caughtUp(): Promise<void> {
    while (this.isCatchingUp)
      await this.#flight.join().catch((error: unknown) => {
        if (!this.isLost) throw error
      })
  }

  /** Whether a checkpoint will begin that has not begun yet. */
  get isQueued(): boolean {
    return this.#flight.isQueued
  }

  /** Ships everything that was acknowledged before the call. Touches no tier when there is nothing to ship, unless `heartbeat`. */
  async checkpointNow({ heartbeat = false } = {}): Promise<CheckpointStats> {
    const { pending } = this.#parts
    // What cold lost is in segments only.
    const owesNothing = pending.size === 0 && this.#lostThrough === undefined && this.#fenced === undefined
    if (!heartbeat && !this.#flight.isRunning && owesNothing) return NOTHING
    return this.#flight.run()
  }

  /** Resolves once cold has every record up to `sequence`. */
  async shipThrough(sequence: number): Promise<void> {
    while (this.#sequence < sequence) await this.#flight.run()
  }

  idle(): Promise<void> {
    return this.#flight.idle()
  }

  async #checkpoint(): Promise<CheckpointStats> {
    const { pending, versions, settled } = this.#parts
    if (this.#fenced !== undefined) throw this.#fenced
    if (!this.#isRegistered) await this.#register()
    // Also where nothing was written for long: tombstones wait in cold for every log to have shipped past them.
    const watermark = versions.takeWatermark()
    await settled()
    const target = pending.highestSequence
    // What became durable meanwhile must reach hot as well: while hot still holds what it replaces, only pending knows better.
    await settled()
    const total = { shipped: 0, superseded: 0, rejected: 0, bytes: 0 }
    for (;;) {
      if (this.#lostThrough !== undefined) {
        // What came later waits: its checkpoint would pass over what was lost.
        await this.#shipAgain(this.#lostThrough)
        continue
      }
      const batch = pending.batch(target, SHIP_LIMITS.rows, SHIP_LIMITS.bytes)
      const isLast = batch.to >= target
      const shippedVersion = isLast ? watermark : this.#shippedVersion
      const records = batch.items.map(({ value }) => value)
      const confirmed = this.#confirmed(batch.items)
      const moved = await this.#ship({ to: Math.max(batch.to, this.#sequence), records, shippedVersion, confirmed })
      if (moved === undefined) continue
      this.#noteMissed(records, moved)
      await this.#dropRefused(batch.items)
      pending.shipped(batch.items)
      this.#parts.onShipped()
      total.shipped += records.length - moved.superseded - moved.rejected
      total.superseded += moved.superseded
      total.rejected += moved.rejected
      for (const { bytes } of batch.items) total.bytes += bytes
      if (isLast) break
    }
    await this.#parts.log.release(this.#sequence)
    return total
  }

  #confirmed(items: readonly PendingRecord[]): ReadonlyMap<EntryRecord, number> {
    const confirmed = new Map<EntryRecord, number>()
    if (this.#parts.mayEvict?.()) return confirmed
    for (const { value, confirmedIn } of items) if (confirmedIn !== undefined) confirmed.set(value, confirmedIn)
    return confirmed
  }

  /** Before pending forgets them: a read in between would find what hot still has. */
  #noteMissed(records: readonly EntryRecord[], { missed, generationNumber }: Moved): void {
    if (this.#parts.missed !== undefined && missed.length > 0) {
      const versions = new Map(records.map((record) => [keyText(record), record.version]))
      for (const key of missed) this.#parts.missed.add(key, versions.get(keyText(key))!)
    }
    if (generationNumber !== undefined) this.#parts.onCurrentGeneration?.(generationNumber)
  }

  /** In a hot tier of this process, before pending forgets what it did not take; a shared one is repaired. */
  async #dropRefused(items: readonly PendingRecord[]): Promise<void> {
    const refused = items.filter(({ isRefused }) => isRefused).map(({ value }) => value)
    if (refused.length > 0) await this.#parts.dropOlder?.(refused)
  }

  /** Undefined where the checkpoint stood elsewhere: it is adopted, and the next batch starts from there. */
  async #ship(batch: Pick<ShipBatch, 'to' | 'records' | 'shippedVersion' | 'confirmed'>): Promise<Moved | undefined> {
    const { walId, epoch } = this.#parts.log
    const result = await this.#parts.cold.ship({ walId, epoch, from: this.#sequence, ...batch })
    switch (result.status) {
      case 'moved':
        this.#sequence = batch.to
        this.#shippedVersion = batch.shippedVersion
        return result
      case 'unknown':
        throw this.#forgotten()
      case 'fenced':
        // Nobody lowers an epoch: an older state of the database does.
        if (result.epoch > epoch) throw this.#takenOver(result.epoch)
        // First of all: what is read meanwhile would be old.
        this.#noteRestored(result.sequence)
        this.#sequence = (await this.#parts.cold.takeOver(walId, epoch)).sequence
        return undefined
      case 'elsewhere':
        // A batch whose answer was lost had been committed after all.
        if (result.sequence > this.#sequence) this.#sequence = result.sequence
        else this.#noteRestored(result.sequence)
        return undefined
    }
  }

  /**
   * Cold may have an older epoch of the log than ours, or none, but none that is as new, unless an earlier attempt of ours
   * was answered too late: else the log is somebody else's by now, or a recovery died that had taken it over. Whoever opens
   * it next takes a newer one.
   */
  async #register(): Promise<void> {
    const { log, cold, place, firstSequence = 1 } = this.#parts
    const standing = await cold.checkpointOf(log.walId)
    const isOurs = standing?.epoch === log.epoch && this.#hasTriedToRegister
    if (standing !== undefined && standing.epoch >= log.epoch && !isOurs) throw this.#takenOver(standing.epoch)
    // Its further records got numbers that cold counts as shipped.
    if (standing !== undefined && standing.sequence > this.#lastBefore) throw this.#older(standing.sequence)
    this.#hasTriedToRegister = true
    this.#sequence = (isOurs ? standing : await cold.takeOver(log.walId, log.epoch, place)).sequence
    this.#isRegistered = true
    if (firstSequence > this.#sequence + 1) this.#noteLost([{ from: this.#sequence + 1, to: firstSequence - 1 }])
  }

  #takenOver(byEpoch: number): ThermoclineError {
    const { walId, epoch } = this.#parts.log
    return this.#fence(`another process took over log ${walId} (epoch ${byEpoch}, ours is ${epoch})`)
  }

  #forgotten(): ThermoclineError {
    const { walId } = this.#parts.log
    this.#noteSetBack()
    return this.#fence(
      `the database does not know log ${walId} any more: it was set back to before the log began, or the log was retired`,
    )
  }

  #older(sequence: number): ThermoclineError {
    const { walId } = this.#parts.log
    return this.#fence(
      `log ${walId} ended at record ${this.#lastBefore}, but cold already has it up to ${sequence}: the folder is an older copy`,
    )
  }

  /** From now on nothing ships. The log stays for whoever opens it next. */
  #fence(reason: string): ThermoclineError {
    const { walId, epoch } = this.#parts.log
    const message = `${reason}; what this process acknowledged stays in the log: open the store again`
    this.#fenced = new ThermoclineError('ERR_WAL_FAILED', message, { outcome: 'applied' })
    this.#parts.logger.error({ walId, epoch }, `nothing ships any more: ${reason}`)
    return this.#fenced
  }

  #noteRestored(sequence: number): void {
    const { walId } = this.#parts.log
    this.#parts.logger.error(
      { walId, had: this.#sequence, has: sequence },
      'the checkpoint in cold moved backwards: was the database restored? What the log still holds is shipped again',
    )
    this.#noteSetBack()
    this.#sequence = sequence
    this.#shippedVersion = ZERO_VERSION
  }

  #noteSetBack(): void {
    this.#setBack = { at: new Date(this.#parts.clock.now()), lost: this.#setBack?.lost ?? [] }
    this.#lostThrough = Math.max(this.#sequence, this.#lostThrough ?? 0)
  }

  /** Ships what cold had and lost, as far as segments hold it, and says what they do not. */
  async #shipAgain(through: number): Promise<void> {
    const { log, logger, scanAfter } = this.#parts
    const { walId } = log
    const from = this.#sequence
    const scan = scanAfter?.(from)
    if (scan !== undefined)
      for await (const { records, to } of replay(scan, through)) {
        const moved = await this.#ship({ to, records, shippedVersion: ZERO_VERSION })
        // Restored yet again, or an answer was lost: once more, from where cold stands now.
        if (moved === undefined) return
        // Between two batches cold has something older than what hot once held, and a read may bring it there.
        this.#noteMissed(records, moved)
        await this.#parts.dropOlder?.(records)
      }
    const lost = scan?.report.damage.map(({ missing }) => missing) ?? [{ from: from + 1, to: through }]
    if (lost.length > 0) this.#noteLost(lost)
    else logger.warn({ walId, from: from + 1, to: through }, 'shipped again what the database had lost')
    if (this.#setBack !== undefined && lost.length > 0)
      this.#setBack = { ...this.#setBack, lost: [...this.#setBack.lost, ...lost] }
    this.#lostThrough = undefined
    this.#parts.onCaughtUp?.()
  }

  #noteLost(lost: readonly SequenceRange[]): void {
    const { log, logger } = this.#parts
    const message = 'no segment holds these records any more: restore the database to a later point'
    logger.error({ walId: log.walId, lost }, message)
  }
}

type Moved = Extract<ShipResult, { status: 'moved' }>

const NOTHING: CheckpointStats = { shipped: 0, superseded: 0, rejected: 0, bytes: 0 }
