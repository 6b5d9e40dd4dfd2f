/**
 * Ships pending writes to cold and lets the log drop what cold has. Batches go in log order; each moves the checkpoint
 * row in the same transaction, so that however often a batch is sent, it counts once.
 */
import type { ColdTier, ShipBatch } from '../cold/cold-tier.ts'
import type { EntryRecord } from '../entry/record.ts'
import { type Version, type VersionClock, ZERO_VERSION } from '../entry/version.ts'
import { ThermoclineError } from '../errors.ts'
import type { Pending } from '../flow/pending.ts'
import type { Logger } from '../log.ts'
import type { WriteLog } from '../wal/write-log.ts'
import { SingleFlight } from './single-flight.ts'

/** Rows and bytes of one transaction: large enough for COPY to pay, small enough to be sent again. */
export const SHIP_ROWS = 1_000
export const SHIP_BYTES = 8 * 1024 * 1024

export interface CheckpointerParts {
  readonly log: WriteLog<EntryRecord>
  readonly pending: Pending
  readonly cold: ColdTier
  readonly versions: VersionClock
  readonly logger: Logger
  /** Resolves once every write begun before is durable and was offered to hot, or has failed. */
  readonly settled: () => Promise<void>
  /** Told whenever pending has shrunk. */
  readonly onShipped: () => void
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
  readonly #flight = new SingleFlight(() => this.#checkpoint())
  #sequence: number
  #shippedVersion: Version = ZERO_VERSION
  #fenced: ThermoclineError | undefined

  /** @param sequence Where the log's checkpoint stands in cold. */
  constructor(parts: CheckpointerParts, sequence: number) {
    this.#parts = parts
    this.#sequence = sequence
  }

  /** Every record of the log up to here is in cold. */
  get sequence(): number {
    return this.#sequence
  }

  /** Why nothing ships any more: another process took the log over. */
  get fenced(): ThermoclineError | undefined {
    return this.#fenced
  }

  /** Whether a checkpoint will begin that has not begun yet. */
  get isQueued(): boolean {
    return this.#flight.isQueued
  }

  /** Ships everything that was acknowledged before the call. Touches no tier when there is nothing to ship, unless `heartbeat`. */
  async checkpointNow({ heartbeat = false } = {}): Promise<CheckpointStats> {
    if (!heartbeat && !this.#flight.isRunning && this.#parts.pending.size === 0) return NOTHING
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
    const watermark = versions.watermark
    await settled()
    const target = pending.highestSequence
    // What became durable meanwhile must reach hot as well: while hot still holds what it replaces, only pending knows better.
    await settled()
    const total = { shipped: 0, superseded: 0, rejected: 0, bytes: 0 }
    for (;;) {
      const batch = pending.batch(target, SHIP_ROWS, SHIP_BYTES)
      const isLast = batch.to >= target
      const shippedVersion = isLast ? watermark : this.#shippedVersion
      const records = batch.items.map(({ value }) => value)
      const moved = await this.#ship({ to: Math.max(batch.to, this.#sequence), records, shippedVersion })
      if (moved === undefined) continue
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

  /** Undefined where the checkpoint stood elsewhere: it is adopted, and the next batch starts from there. */
  async #ship(
    batch: Pick<ShipBatch, 'to' | 'records' | 'shippedVersion'>,
  ): Promise<{ superseded: number; rejected: number } | undefined> {
    const { walId, epoch } = this.#parts.log
    const result = await this.#parts.cold.ship({ walId, epoch, from: this.#sequence, ...batch })
    switch (result.status) {
      case 'moved':
        this.#sequence = batch.to
        this.#shippedVersion = batch.shippedVersion
        return result
      case 'fenced':
        this.#fenced = new ThermoclineError(
          'ERR_WAL_FAILED',
          `another process took over log ${walId} (epoch ${result.epoch}, ours is ${epoch}): open the store again`,
          { outcome: 'applied' },
        )
        this.#parts.logger.error({ walId, epoch, took: result.epoch }, 'the log was taken over: nothing ships any more')
        throw this.#fenced
      case 'elsewhere':
        // A batch whose answer was lost had been committed after all. Backwards means that cold itself was restored.
        if (result.sequence < this.#sequence)
          this.#parts.logger.error(
            { walId, had: this.#sequence, has: result.sequence },
            'the checkpoint in cold moved backwards: was the database restored? Writes between are no longer in it',
          )
        this.#sequence = result.sequence
        return undefined
    }
  }
}

const NOTHING: CheckpointStats = { shipped: 0, superseded: 0, rejected: 0, bytes: 0 }
