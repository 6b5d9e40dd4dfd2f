/**
 * Opens the log to which a store writes: in memory, or in its data folder, where other processes may have left theirs.
 */
import { join } from 'node:path'
import type { ColdTier } from '../cold/cold-tier.ts'
import type { LogValue } from '../entry/record-bundle.ts'
import type { VersionClock } from '../entry/version.ts'
import { ThermoclineError, WHOLE_LOG } from '../errors.ts'
import { Journal } from '../flow/journal.ts'
import { Pending } from '../flow/pending.ts'
import { namingFolder } from '../kernel/folder-error.ts'
import { adoptLogs, type OpenedLog, openLog, retireLog } from '../recovery/adopt-logs.ts'
import { missingLogs } from '../recovery/missing-logs.ts'
import { type ResumedLog, resumeLog } from '../recovery/resume-log.ts'
import type { OwnLog } from '../sync/checkpointer.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import { ClosedLog } from '../wal/closed-log.ts'
import { InProcessLog } from '../wal/in-process-log.ts'
import type { AppendedRecord } from '../wal/log-contract.ts'
import type { OpenLogDevice } from '../wal/log-device.ts'
import { LogScan } from '../wal/log-scan.ts'
import type { WrittenGroup } from '../wal/write-ahead-log.ts'
import { checkpointRoom } from './checkpoint-room.ts'
import { type DataFolder, placeOf } from './data-folder.ts'
import type { ResolvedOptions } from './resolve-options.ts'

export interface StoreLogParts {
  readonly options: ResolvedOptions
  readonly cold: ColdTier
  /** Whether cold was away when the store began to open. */
  readonly isColdAway: boolean
  readonly versions: VersionClock
  readonly telemetry: Telemetry
  /** @default a device in a thread that starts then */
  readonly openDevice?: OpenLogDevice | undefined
}

/** A log, how it is read again and how it ends. */
export interface StoreLog extends OwnLog {
  /** Ends the log. It MUST be called only after everything was shipped. */
  readonly retire: () => Promise<void>
  /** Ships and retires the logs in the same folder whose process is gone, until the signal fires. */
  readonly adoptOthers: (signal: AbortSignal) => Promise<void>
}

/**
 * Recovers what others left in the folder first; while cold is away, what the log itself holds is pending again
 * instead.
 * @param folder undefined: a log in memory, or none that takes anything where the store is only read.
 */
export function openStoreLog(folder: DataFolder | undefined, parts: StoreLogParts): Promise<StoreLog> {
  if (folder === undefined) return parts.options.looks ? openClosedLog() : openInProcessLog(parts)
  return namingFolder('dir', folder.path, () => openLogIn(folder, parts))
}

/** What is durable is pending before anybody is told of it. */
function takingInto(pending: Pending, { telemetry }: StoreLogParts) {
  return (records: readonly AppendedRecord<LogValue>[]): void => {
    pending.apply(records)
    telemetry.events.logged(records)
  }
}

async function openInProcessLog(parts: StoreLogParts): Promise<StoreLog> {
  const { cold } = parts
  const pending = new Pending()
  const log = new InProcessLog<LogValue>(takingInto(pending, parts))
  const { sequence } = await cold.takeOver(log.walId, log.epoch)
  return {
    journal: new Journal(log, pending),
    checkpoint: sequence,
    retire: () => cold.retire(log.walId, log.epoch),
    adoptOthers: async () => {},
  }
}

/** A log that cold knows holds up the collection of tombstones until it has ended, and its process may be killed. */
async function openClosedLog(): Promise<StoreLog> {
  const journal = new Journal(new ClosedLog<LogValue>(), new Pending())
  return { journal, checkpoint: 0, takesNothing: true, retire: async () => {}, adoptOthers: async () => {} }
}

async function openLogIn({ wal: dir, quarantine }: DataFolder, parts: StoreLogParts): Promise<StoreLog> {
  const { cold, isColdAway, openDevice, versions } = parts
  const pending = new Pending()
  const { logger, wal, dir: folder } = parts.options
  const place = placeOf(folder)
  const { segmentBytes, lockTimeout } = wal
  const onDurable = takingInto(pending, parts)
  const onGroup = ({ milliseconds, isFailed }: WrittenGroup) =>
    parts.telemetry.record('log', 'append', milliseconds, isFailed)
  const options = {
    wal: { dir, segmentBytes, lockTimeout, logger, onDurable, onGroup, openDevice, ...roomBesideCold(parts, pending) },
    cold,
    versions,
    logger,
    place,
  }
  if (parts.options.cold.isInDataFolder) await refuseWithoutLogs(cold, { wal: dir, quarantine })
  const opened: OpenedLog | ResumedLog = isColdAway ? await resumeLog(options) : await openLog(options)
  const { log, checkpoint, firstSequence, shippedOf } = opened
  if (shippedOf !== undefined) pending.resumed()
  return {
    journal: new Journal(log, pending),
    checkpoint,
    firstSequence,
    shippedOf,
    place,
    retire: () => retireLog(log, cold),
    scanAfter: (afterSequence) =>
      new LogScan({ path: join(dir, log.walId), walId: log.walId }, { salvage: true, afterSequence }),
    adoptOthers: (signal) => adoptLogs({ ...options, signal }),
  }
}

/** A folder of a log that is gone took acknowledged writes with it, and nothing else would tell. */
async function refuseWithoutLogs(
  cold: ColdTier,
  { wal, quarantine }: Pick<DataFolder, 'wal' | 'quarantine'>,
): Promise<void> {
  const [missing] = await missingLogs(cold, { wal, quarantine })
  if (missing === undefined) return
  const { walId, sequence } = missing
  throw new ThermoclineError(
    'ERR_WAL_CORRUPT',
    `the folder of log ${walId} is gone, and with it whatever was acknowledged from its record ${sequence + 1} on; restore ${join(wal, walId)} from a copy, or run \`npx thermocline recover\``,
    { walId, ...WHOLE_LOG, missing: { from: sequence + 1, to: undefined } },
  )
}

/**
 * Returns the room that must be free where the database is on the same disk: for a group, and to ship it and what is
 * pending.
 */
function roomBesideCold({ options: { cold } }: StoreLogParts, pending: Pending) {
  if (!cold.isInDataFolder) return {}
  return { roomFor: (bytes: number) => bytes + checkpointRoom(pending.bytes + bytes) }
}
