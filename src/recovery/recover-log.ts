/**
 * Ships what a log holds and cold does not have yet. Everything it does is idempotent, so a recovery that was
 * interrupted is simply begun again.
 *
 *     claim ─► outline ─► checkpoint in cold ─┬─ none, and the log is spent ─► its files are removed
 *                                             └─ take over in cold ─► records ─► batches ─► cold ─► Recovery
 *
 * The claim (log-folder.ts) has replaced the owner's token by then, so whatever was acknowledged is in the files that
 * are read here. The caller decides what becomes of the log: opening continues it, adopting retires it (adopt-logs.ts),
 * recovering retires it, leaves it or moves it to `quarantine/` (settle-log.ts). While cold is away, the same records
 * become pending instead (resume-log.ts).
 */
import type { ColdTier, LogCheckpoint } from '../cold/cold-tier.ts'
import type { LogValue } from '../entry/record-bundle.ts'
import { ZERO_VERSION } from '../entry/version.ts'
import { type SequenceRange, ThermoclineError, WHOLE_LOG } from '../errors.ts'
import type { Logger } from '../kernel/logger.ts'
import { segmentName } from '../wal/format.ts'
import type { LockedLog } from '../wal/locked-log.ts'
import type { LogOutline } from '../wal/log-outline.ts'
import { LogScan, type ScanReport } from '../wal/log-scan.ts'
import { WriteAheadLog, type WriteAheadLogOptions } from '../wal/write-ahead-log.ts'
import { drawEpochAbove } from './draw-epoch.ts'
import { batchesOf, type LogBatch } from './log-entries.ts'

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
  /** Told after each batch how much of the log was read for it and those before. */
  readonly onProgress?: (progress: { readonly records: number; readonly bytes: number }) => void
}

/** A place in a log where acknowledged records cannot be read any more. */
export interface LogDamage {
  readonly segment: number
  readonly offset: number
  readonly missing: SequenceRange
  readonly reason: string
  /** Name of the segment's file; absent where no one file is at fault. */
  readonly file?: string
}

/** What this recovery shipped. */
interface Figures {
  /** Records shipped from the log, which cold was not known to have. */
  readonly records: number
  /** Those of them that a later write to the same entry overtook within a batch. */
  readonly replaced: number
  /** Those of them that cold had already, in the same or a newer version. */
  readonly superseded: number
  /** Records that Postgres refused; they are in the dead-letter table. */
  readonly rejected: number
}

export interface Recovery extends Figures {
  readonly report: ScanReport
  /** Ended by its signal before it came to the end of the log. */
  readonly isInterrupted: boolean
  /** Empty unless salvaging. */
  readonly damage: readonly LogDamage[]
  /** Cold had every record of this folder up to here before: what was damaged up to here is not lost. */
  readonly known: number
  /** Where the log stands in cold now, under the epoch this recovery took. */
  readonly checkpoint: LogCheckpoint
}

/**
 * Undefined where nothing was left of the log but its files, which are gone now. Rejects with `ERR_WAL_CORRUPT` at
 * damage unless `salvage`; what was shipped before it stays shipped.
 */
export async function recoverLog(options: RecoverOptions): Promise<Recovery | undefined> {
  const { log, cold, salvage = false, signal, onProgress } = options
  const outline = await log.outline()
  const known = await cold.checkpointOf(log.walId)
  if (known === undefined && (await isSpent(log))) {
    await log.remove()
    return undefined
  }
  const before = await takeOver(options, outline, known)
  const shipment = new Shipment(options, before)
  const afterSequence = shippedOf(outline, known)
  const scan = new LogScan(log, { salvage, afterSequence })
  const undecodable: LogDamage[] = []
  const onUndecodable = (error: ThermoclineError<'ERR_WAL_CORRUPT'>) => undecodable.push(inFile(damageOf(error)))
  let bytes = 0
  for await (const batch of batchesOf(scan, { after: before.sequence, ...(salvage && { onUndecodable }) })) {
    if (signal?.aborted) break
    await shipment.add(batch)
    bytes += batch.bytes
    onProgress?.({ records: shipment.figures.records, bytes })
  }
  return conclude(options, { before, known: afterSequence, shipment, report: scan.report, undecodable })
}

/** Raises the epoch of the log in cold. */
async function takeOver(
  { log, cold, logger }: RecoverOptions,
  outline: LogOutline,
  known: LogCheckpoint | undefined,
): Promise<LogCheckpoint> {
  // An earlier recovery may have taken the log over and died before it wrote a segment.
  const epoch = drawEpochAbove(Math.max(outline.lastEpoch, known?.epoch ?? 0))
  // Not where a copy was used: once an epoch is noted, what the copy shipped would count as shipped from here.
  if (known === undefined || outline.hasTaken(known.epoch)) await log.noteEpoch(epoch)
  else
    logger.warn(
      { walId: log.walId, epoch: known.epoch },
      'a copy of this log was used: all that is here is shipped again, and what is damaged counts as lost',
    )
  return cold.takeOver(log.walId, epoch)
}

interface Reading {
  /** Where the log stood in cold. */
  readonly before: LogCheckpoint
  /** Cold had every record of this folder up to here. */
  readonly known: number
  readonly shipment: Shipment
  readonly report: ScanReport
  readonly undecodable: readonly LogDamage[]
}

function conclude({ log, logger, salvage, signal }: RecoverOptions, reading: Reading): Recovery {
  const { before, known, shipment, report, undecodable } = reading
  const { walId, epoch } = before
  const { figures, checkpoint } = shipment
  const isInterrupted = signal?.aborted === true
  const damage = [...report.damage.map(inFile), ...undecodable]
  if (!isInterrupted && report.lastSequence < before.sequence && damage.length === 0 && !report.closed) {
    const error = olderCopy(log.walId, report, before)
    if (!salvage) throw error
    damage.push(damageOf(error))
  }
  logger.info({ walId, epoch, ...figures, damage: damage.length, isInterrupted }, 'recovered a log')
  return { report, isInterrupted, damage, known, checkpoint, ...figures }
}

/** Goes on with a log that was recovered to its end, in the epoch that its recovery took. */
export function continueLog(
  log: LockedLog,
  { report, checkpoint }: Recovery,
  options: WriteAheadLogOptions<LogValue>,
): Promise<WriteAheadLog<LogValue>> {
  return WriteAheadLog.continue(log, { ...report.end, epoch: checkpoint.epoch - 1 }, options)
}

/**
 * The record up to which a log need not be read again. What cold has from an epoch that this folder never saw may have
 * come from a copy of it, which gave the same numbers to other records: then all of ours are shipped once more.
 * Likewise what an epoch wrote that cold never heard of, whatever numbers cold has.
 */
export function shippedOf(outline: LogOutline, known: LogCheckpoint | undefined): number {
  return known === undefined ? 0 : Math.min(known.sequence, outline.lastSequenceOf(known.epoch))
}

/**
 * Whether a log that cold does not know holds nothing to ship: it was retired and a crash came in between, or it never
 * held a record.
 */
async function isSpent(log: LockedLog): Promise<boolean> {
  const { closed, records, damage } = await new LogScan(log, { salvage: true }).toEnd()
  return damage.length === 0 && (closed || records === 0)
}

/** Moves a log's checkpoint in cold forward, batch by batch. */
class Shipment {
  figures: Figures = { records: 0, replaced: 0, superseded: 0, rejected: 0 }
  readonly #cold: ColdTier
  readonly #logger: Logger
  /** Whether the checkpoint stays before a record that is missing. */
  readonly #stopsAtGaps: boolean
  #checkpoint: LogCheckpoint

  constructor({ cold, logger, salvage = false }: RecoverOptions, checkpoint: LogCheckpoint) {
    this.#cold = cold
    this.#logger = logger
    this.#stopsAtGaps = salvage
    this.#checkpoint = checkpoint
  }

  get checkpoint(): LogCheckpoint {
    return this.#checkpoint
  }

  async add({ records, read, to: last, wholeTo }: LogBatch): Promise<void> {
    const { walId, epoch, sequence: from } = this.#checkpoint
    const to = this.#stopsAtGaps ? wholeTo : last
    const result = await this.#cold.ship({ walId, epoch, from, to, records, shippedVersion: ZERO_VERSION })
    if (result.status !== 'moved')
      throw new ThermoclineError('ERR_LOCKED', `another process took over log ${walId}: leave it to that one`, {})
    this.#checkpoint = { walId, epoch, sequence: to }
    this.#logger.debug({ walId, records: records.length, sequence: to }, 'shipped a batch of a log')
    const { figures } = this
    this.figures = {
      records: figures.records + read,
      replaced: figures.replaced + read - records.length,
      superseded: figures.superseded + result.superseded,
      rejected: figures.rejected + result.rejected,
    }
  }
}

/** Cold has some of what an older copy lacks; how much was written beyond that, nobody knows. */
function olderCopy(walId: string, { lastSequence }: ScanReport, { sequence }: LogCheckpoint) {
  return new ThermoclineError(
    'ERR_WAL_CORRUPT',
    `log ${walId} ends at record ${lastSequence}, but cold already has it up to ${sequence}: the folder is an older copy; restore the newest one`,
    { walId, ...WHOLE_LOG, missing: { from: sequence + 1, to: undefined } },
  )
}

function damageOf({ message, details }: ThermoclineError<'ERR_WAL_CORRUPT'>): LogDamage {
  const { segment, offset, missing } = details
  return { segment, offset, missing, reason: message }
}

function inFile(damage: LogDamage): LogDamage {
  return { ...damage, file: segmentName(damage.segment) }
}
