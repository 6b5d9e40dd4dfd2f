/**
 * Ships what a log holds and cold does not have yet. It streams: memory does not grow with the log. Everything it does is
 * idempotent, so a recovery that was interrupted is simply begun again.
 */
import type { ColdTier, LogCheckpoint } from '../cold/cold-tier.ts'
import { decodeRecord } from '../entry/codec.ts'
import { type EntryRecord, keyText } from '../entry/record.ts'
import { ZERO_VERSION } from '../entry/version.ts'
import { isThermoclineError, type SequenceRange, ThermoclineError } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { LockedLog } from '../wal/locked-log.ts'
import { LogScan, readLastEpoch, type ScannedRecord, type ScanReport } from '../wal/log-scan.ts'
import { SHIP_BYTES, SHIP_ROWS } from './checkpoint.ts'

export interface RecoverOptions {
  readonly log: LockedLog
  readonly cold: ColdTier
  readonly logger: Logger
  /**
   * Go on past damage with every record that verifies by itself. The checkpoint stays before the damage, so that a file
   * restored from a copy is shipped by a later recovery.
   */
  readonly salvage?: boolean
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
  /** Empty unless salvaging. */
  readonly damage: readonly LogDamage[]
  /** Where the log stood in cold before: what was damaged up to here is not lost. */
  readonly known: number
  /** Where the log stands in cold now, under the epoch this recovery took. */
  readonly checkpoint: LogCheckpoint
  /** Records read from the log that cold was not known to have. */
  readonly records: number
  /** Of these, keys of which cold already had the same or a newer version. */
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
  onProgress,
}: RecoverOptions): Promise<Recovery> {
  const { walId } = log
  const known = await cold.checkpointOf(walId)
  // An earlier recovery may have taken the log over and died before it wrote a segment.
  const epoch = Math.max(await readLastEpoch(log), known?.epoch ?? 0) + 1
  const checkpoint = await cold.takeOver(walId, epoch)
  const shipper = new Shipper({ cold, logger, checkpoint, stopsAtGaps: salvage })
  const scan = new LogScan(log, { salvage, afterSequence: checkpoint.sequence })
  const undecodable: LogDamage[] = []
  let bytes = 0
  for await (const scanned of scan) {
    bytes += scanned.bytes
    try {
      await shipper.add(decode(scanned, walId), scanned)
    } catch (error) {
      if (!salvage || !isThermoclineError(error, 'ERR_WAL_CORRUPT')) throw error
      undecodable.push(damageOf(error))
    }
    onProgress?.({ records: shipper.records, bytes })
  }
  await shipper.flush()
  const { report } = scan
  const damage = [...report.damage, ...undecodable]
  if (report.lastSequence < checkpoint.sequence && damage.length === 0 && !report.closed) {
    const error = olderCopy(walId, report, checkpoint)
    if (!salvage) throw error
    damage.push(damageOf(error))
  }
  const { records, superseded, rejected } = shipper
  logger.info({ walId, epoch, records, superseded, rejected, damage: damage.length }, 'recovered a log')
  return { report, damage, known: checkpoint.sequence, checkpoint: shipper.checkpoint, records, superseded, rejected }
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
  records = 0
  superseded = 0
  rejected = 0
  readonly #cold: ColdTier
  readonly #logger: Logger
  readonly #stopsAtGaps: boolean
  #checkpoint: LogCheckpoint
  #batch = new Map<string, EntryRecord>()
  #bytes = 0
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
    const key = keyText(record)
    const known = this.#batch.get(key)
    if (known === undefined || known.version < record.version) this.#batch.set(key, record)
    this.records++
    this.#bytes += bytes
    if (!this.#stopsAtGaps || sequence === this.#to + 1) this.#to = sequence
    if (this.#batch.size >= SHIP_ROWS || this.#bytes >= SHIP_BYTES) await this.flush()
  }

  async flush(): Promise<void> {
    if (this.#batch.size === 0) return
    const { walId, epoch, sequence: from } = this.#checkpoint
    const records = [...this.#batch.values()]
    const batch = { walId, epoch, from, to: this.#to, records, shippedVersion: ZERO_VERSION }
    const result = await this.#cold.ship(batch)
    if (result.status !== 'moved')
      throw new ThermoclineError('ERR_LOCKED', `another process took over log ${walId}: leave it to that one`, {})
    this.#checkpoint = { walId, epoch, sequence: this.#to }
    this.#logger.debug({ walId, records: records.length, sequence: this.#to }, 'shipped a batch of a log')
    this.superseded += result.superseded
    this.rejected += result.rejected
    this.#batch = new Map()
    this.#bytes = 0
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
