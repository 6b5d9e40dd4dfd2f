/**
 * Ships what a log holds and cold does not have yet. It streams: memory does not grow with the log. Everything it does is
 * idempotent, so a recovery that was interrupted is simply begun again.
 */
import type { ColdTier, LogCheckpoint } from '../cold/cold-tier.ts'
import { decodeRecord } from '../entry/codec.ts'
import type { EntryRecord } from '../entry/record.ts'
import { ZERO_VERSION } from '../entry/version.ts'
import { isThermoclineError, type SequenceRange, ThermoclineError } from '../errors.ts'
import type { Logger } from '../kernel/logger.ts'
import type { LockedLog } from '../wal/locked-log.ts'
import { LogScan, readLastEpoch, readLastOfEpoch, type ScannedRecord, type ScanReport } from '../wal/log-scan.ts'
import { NewestPerKey } from './newest-per-key.ts'

export interface RecoverOptions {
  readonly log: LockedLog
  readonly cold: ColdTier
  readonly logger: Logger
  /**
   * Go on past damage with every record that verifies by itself. The checkpoint stays before the damage, so that a file
   * restored from a copy is shipped by a later recovery.
   */
  readonly salvage?: boolean
  /** Ends the recovery between two batches; a later one goes on from there. */
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: (progress: { readonly records: number; readonly bytes: number }) => void
}

/** A place in a log where acknowledged records cannot be read any more. */
export interface LogDamage {
  readonly segment: number
  readonly offset: number
  readonly missing: SequenceRange
  readonly reason: string
}

export interface Recovery {
  readonly report: ScanReport
  /** Ended by its signal before it came to the end of the log. */
  readonly isInterrupted: boolean
  /** Empty unless salvaging. */
  readonly damage: readonly LogDamage[]
  /** Where the log stood in cold before: what was damaged up to here is not lost. */
  readonly known: number
  /** Where the log stands in cold now, under the epoch this recovery took. */
  readonly checkpoint: LogCheckpoint
  /** Records shipped from the log, which cold was not known to have. */
  readonly records: number
  /** Of these, overtaken within a batch by a later write to the same entry. */
  readonly replaced: number
  /** Of these, what cold had already, in the same or a newer version. */
  readonly superseded: number
  /** Records that Postgres refused; they are in the dead-letter table. */
  readonly rejected: number
}

/** Rejects with `ERR_WAL_CORRUPT` at damage unless `salvage`; what was shipped before it stays shipped. */
export async function recoverLog({
  log,
  cold,
  logger,
  salvage = false,
  signal,
  onProgress,
}: RecoverOptions): Promise<Recovery> {
  const { walId } = log
  const known = await cold.checkpointOf(walId)
  // An earlier recovery may have taken the log over and died before it wrote a segment.
  const ownEpoch = await readLastEpoch(log)
  const epoch = Math.max(ownEpoch, known?.epoch ?? 0) + 1
  const checkpoint = await cold.takeOver(walId, epoch)
  const shipped = await shippedOf(log, { known, ownEpoch })
  const shipper = new Shipper({ cold, logger, checkpoint, stopsAtGaps: salvage })
  const scan = new LogScan(log, { salvage, ...shipped })
  const undecodable: LogDamage[] = []
  let bytes = 0
  for await (const scanned of scan) {
    if (signal?.aborted) break
    bytes += scanned.bytes
    try {
      await shipper.add(decode(scanned, walId), scanned)
    } catch (error) {
      if (!salvage || !isThermoclineError(error, 'ERR_WAL_CORRUPT')) throw error
      undecodable.push(damageOf(error))
    }
    onProgress?.({ records: shipper.records, bytes })
  }
  const isInterrupted = signal?.aborted === true
  if (!isInterrupted) await shipper.flush()
  const { report } = scan
  const damage = [...report.damage, ...undecodable]
  if (!isInterrupted && report.lastSequence < checkpoint.sequence && damage.length === 0 && !report.closed) {
    const error = olderCopy(walId, report, checkpoint)
    if (!salvage) throw error
    damage.push(damageOf(error))
  }
  const { records, replaced, superseded, rejected } = shipper
  const figures = { records, replaced, superseded, rejected }
  logger.info({ walId, epoch, ...figures, damage: damage.length, isInterrupted }, 'recovered a log')
  return { report, isInterrupted, damage, known: checkpoint.sequence, checkpoint: shipper.checkpoint, ...figures }
}

/**
 * What of a log need not be read again. What cold has from an epoch that this folder never saw may have come from a copy of
 * it, which gave the same numbers to other records: then all of ours are shipped once more. Likewise what an epoch wrote
 * that cold never heard of, whatever numbers cold has.
 */
async function shippedOf(
  log: LockedLog,
  { known, ownEpoch }: { readonly known: LogCheckpoint | undefined; readonly ownEpoch: number },
): Promise<{ readonly afterSequence?: number }> {
  if (known === undefined) return { afterSequence: 0 }
  if (known.epoch > ownEpoch) return {}
  return { afterSequence: Math.min(known.sequence, await readLastOfEpoch(log, known.epoch)) }
}

/** Whether nothing is left of the log but its files: it was retired and a crash came in between, or it never held a record. */
export async function isRetired(log: LockedLog, cold: ColdTier): Promise<boolean> {
  if ((await cold.checkpointOf(log.walId)) !== undefined) return false
  const scan = new LogScan(log, { salvage: true })
  for await (const _ of scan);
  const { closed, records, damage } = scan.report
  return damage.length === 0 && (closed || records === 0)
}

interface ShipperParts {
  readonly cold: ColdTier
  readonly logger: Logger
  /** Where the log stands in cold. */
  readonly checkpoint: LogCheckpoint
  /** Whether the checkpoint stays before a record that is missing. */
  readonly stopsAtGaps: boolean
}

/** Gathers the newest version per key and ships batch by batch. */
class Shipper {
  /** Shipped so far. */
  records = 0
  replaced = 0
  superseded = 0
  rejected = 0
  readonly #cold: ColdTier
  readonly #logger: Logger
  readonly #stopsAtGaps: boolean
  #checkpoint: LogCheckpoint
  readonly #batch = new NewestPerKey()
  #to: number

  constructor({ cold, logger, checkpoint, stopsAtGaps }: ShipperParts) {
    this.#cold = cold
    this.#logger = logger
    this.#stopsAtGaps = stopsAtGaps
    this.#checkpoint = checkpoint
    this.#to = checkpoint.sequence
  }

  get checkpoint(): LogCheckpoint {
    return this.#checkpoint
  }

  async add(record: EntryRecord, { sequence, bytes }: ScannedRecord): Promise<void> {
    this.#batch.add(record, bytes)
    if (!this.#stopsAtGaps || sequence === this.#to + 1) this.#to = Math.max(this.#to, sequence)
    if (this.#batch.isFull) await this.flush()
  }

  async flush(): Promise<void> {
    const { added } = this.#batch
    if (added === 0) return
    const { walId, epoch, sequence: from } = this.#checkpoint
    const records = this.#batch.take()
    const batch = { walId, epoch, from, to: this.#to, records, shippedVersion: ZERO_VERSION }
    const result = await this.#cold.ship(batch)
    if (result.status !== 'moved')
      throw new ThermoclineError('ERR_LOCKED', `another process took over log ${walId}: leave it to that one`, {})
    this.#checkpoint = { walId, epoch, sequence: this.#to }
    this.#logger.debug({ walId, records: records.length, sequence: this.#to }, 'shipped a batch of a log')
    this.superseded += result.superseded
    this.rejected += result.rejected
    this.records += added
    this.replaced += added - records.length
  }
}

/** A payload whose checksum holds but which is no entry is damage like any other. */
function decode({ payload, segment, offset, sequence }: ScannedRecord, walId: string): EntryRecord {
  try {
    return decodeRecord(payload)
  } catch (cause) {
    const message = `record ${sequence} of log ${walId} verifies but cannot be decoded`
    const missing = { from: sequence, to: sequence }
    throw new ThermoclineError('ERR_WAL_CORRUPT', message, { walId, segment, offset, missing }, { cause })
  }
}

/** Cold has some of what an older copy lacks; how much was written beyond that, nobody knows. */
function olderCopy(walId: string, { lastSequence }: ScanReport, { sequence }: LogCheckpoint) {
  return new ThermoclineError(
    'ERR_WAL_CORRUPT',
    `log ${walId} ends at record ${lastSequence}, but cold already has it up to ${sequence}: the folder is an older copy; restore the newest one`,
    { walId, segment: 0, offset: 0, missing: { from: sequence + 1, to: undefined } },
  )
}

function damageOf({ message, details }: ThermoclineError<'ERR_WAL_CORRUPT'>): LogDamage {
  const { segment, offset, missing } = details
  return { segment, offset, missing, reason: message }
}
