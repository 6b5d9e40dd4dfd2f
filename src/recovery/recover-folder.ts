/**
 * Recovers every log of a data folder, for an operator whose backends are gone. A log that is whole is shipped and
 * retired. A damaged one is shipped as far as it verifies and stays where it is, with its checkpoint before the damage,
 * so that a file restored from a copy is shipped by the next run; accepting the loss moves it to `quarantine`.
 *
 * The caller MUST hold the lock of the data folder. Running it again gives the same result, also after a kill.
 */
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { ColdTier } from '../cold/cold-tier.ts'
import type { EntryRecord } from '../entry/record.ts'
import { isThermoclineError, type SequenceRange } from '../errors.ts'
import { makeFolder, syncFolder } from '../kernel/durable-files.ts'
import type { Logger } from '../kernel/logger.ts'
import { segmentName } from '../wal/format.ts'
import { LockedLog } from '../wal/locked-log.ts'
import { LogFolder } from '../wal/log-folder.ts'
import { WriteAheadLog, type WriteAheadLogOptions } from '../wal/write-ahead-log.ts'
import { retireLog } from './adopt-logs.ts'
import { type DatedRange, dateLosses } from './date-losses.ts'
import { missingLogs } from './missing-logs.ts'
import { isRetired, type LogDamage, type Recovery, recoverLog } from './recover-log.ts'

export interface RecoverFolderOptions {
  readonly wal: Omit<WriteAheadLogOptions<EntryRecord>, 'highestVersion' | 'onDurable'>
  /** Where damaged logs go once their loss is accepted. */
  readonly quarantine: string
  readonly cold: ColdTier
  readonly logger: Logger
  readonly acceptLoss: boolean
  /** Whether every log that cold knows belongs into this folder: then one that is not there is reported. @default false */
  readonly ownsEveryLog?: boolean
  /** Asks the run to end once the batch under way is in cold. */
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: RecoverProgress) => void) | undefined
}

export interface RecoverProgress {
  readonly walId: string
  /** Bytes of its segments, and how many of them have been read. */
  readonly totalBytes: number
  readonly bytes: number
}

export type LogRecovery = RecoveredLog | OwnedLog | InterruptedLog | MissingLog

/** A living process has it, which ships it itself. */
export interface OwnedLog {
  readonly walId: string
  readonly outcome: 'locked'
  /** Of the owner, where it is known. */
  readonly pid?: number | undefined
}

/** This run was asked to end before it came to the end of the log; the next one goes on. */
export interface InterruptedLog {
  readonly walId: string
  readonly outcome: 'interrupted'
  /** Writes that this run put into cold. */
  readonly shipped: number
}

/** Cold expects records of it, and its folder is gone. */
export interface MissingLog {
  readonly walId: string
  readonly outcome: 'missing'
  /** Where its folder was. */
  readonly path: string
  /** Whatever it acknowledged from here on. */
  readonly lost: readonly SequenceRange[]
  /** The loss is recorded, and cold expects nothing of it any more. */
  readonly isAccepted: boolean
}

export interface DamagedFile extends LogDamage {
  /** Name of the segment's file; absent where no one file is at fault. */
  readonly file?: string
}

/** What one log held, and what became of it. */
export interface RecoveredLog {
  readonly walId: string
  /** Its folder before. */
  readonly path: string
  /** Writes that the log holds, as far as they verify. */
  readonly records: number
  /** Of these, written to cold by this run. */
  readonly shipped: number
  /** Of these, read by this run and left out for a later write to the same entry. */
  readonly replaced: number
  /** Of these, what cold had already, in the same or a newer version. */
  readonly alreadyInCold: number
  /** Of these, what the database refused; they are in its table thermocline.dead_letters. */
  readonly rejected: number
  /** An unfinished write at the end, which was never acknowledged. */
  readonly tornTail: { readonly bytes: number; readonly records: number; readonly ambiguous: boolean } | undefined
  readonly damage: readonly DamagedFile[]
  /** Acknowledged records that neither the log nor cold has. Empty where cold has everything that the damage hit. */
  readonly lost: readonly DatedRange[]
  /** `retired`: all of it is in cold, and the log is gone. `kept`: it stays as it is. `quarantined`: see `movedTo`. */
  readonly outcome: 'retired' | 'kept' | 'quarantined'
  readonly movedTo?: string
}

/** One per log, oldest first. */
export async function recoverFolder(options: RecoverFolderOptions): Promise<LogRecovery[]> {
  const walIds = await new LogFolder(options.wal.dir).list()
  await forgetQuarantined(walIds, options)
  const recoveries: LogRecovery[] = []
  for (const walId of walIds) {
    const recovery = options.signal?.aborted ? interrupted(walId) : await recoverUnlessOwned(walId, options)
    if (recovery !== undefined) recoveries.push(recovery)
  }
  return options.ownsEveryLog ? [...recoveries, ...(await reportMissing(options))] : recoveries
}

async function reportMissing({
  wal,
  quarantine,
  cold,
  acceptLoss,
  logger,
}: RecoverFolderOptions): Promise<MissingLog[]> {
  const missing: MissingLog[] = []
  for (const { walId, epoch, sequence } of await missingLogs(cold, { wal: wal.dir, quarantine })) {
    const lost = [{ from: sequence + 1, to: undefined }]
    if (acceptLoss) {
      logger.error({ walId, lost }, 'the loss of a whole log was accepted')
      await cold.recordLoss({ walId, epoch, lost, reason: 'the folder of the log is gone' })
      await cold.retire(walId, epoch)
    }
    missing.push({ walId, outcome: 'missing', path: join(wal.dir, walId), lost, isAccepted: acceptLoss })
  }
  return missing
}

function interrupted(walId: string, shipped = 0): InterruptedLog {
  return { walId, outcome: 'interrupted', shipped }
}

/** Undefined where the log had been retired, and is gone now. */
async function recoverUnlessOwned(walId: string, options: RecoverFolderOptions): Promise<LogRecovery | undefined> {
  const { dir, lockTimeout } = options.wal
  let log: LockedLog
  try {
    log = await LockedLog.lock(dir, walId, { lockTimeout })
  } catch (error) {
    // Its owner has shipped and removed it.
    if (isThermoclineError(error, 'ERR_NOT_FOUND')) return undefined
    if (!isThermoclineError(error, 'ERR_LOCKED')) throw error
    return { walId, outcome: 'locked', pid: error.details.pid }
  }
  try {
    if (!(await isRetired(log, options.cold))) return await recoverOne(log, options)
    await log.remove()
    return undefined
  } finally {
    await log.release()
  }
}

async function recoverOne(log: LockedLog, options: RecoverFolderOptions): Promise<LogRecovery> {
  const { walId, path } = log
  const { cold, logger, acceptLoss, signal, onProgress } = options
  const totalBytes = await bytesIn(log.path)
  const recovery = await recoverLog({
    log,
    cold,
    logger,
    salvage: true,
    signal,
    onProgress: ({ bytes }) => onProgress?.({ walId, bytes, totalBytes }),
  })
  const { report, damage, records, replaced, superseded, rejected } = recovery
  const shipped = records - replaced - superseded - rejected
  if (recovery.isInterrupted) return interrupted(walId, shipped)
  onProgress?.({ walId, bytes: totalBytes, totalBytes })
  const lost = await dateLosses(log, lostRanges(recovery))
  const summary = {
    walId,
    path,
    records: report.records,
    shipped,
    replaced,
    alreadyInCold: report.records - records + superseded,
    rejected,
    tornTail: report.tornTail,
    damage: damage.map((found) => (found.segment === 0 ? found : { ...found, file: segmentName(found.segment) })),
    lost,
  }
  if (damage.length === 0) {
    await retire(log, recovery, options)
    return { ...summary, outcome: 'retired' }
  }
  if (lost.length > 0 && !acceptLoss) return { ...summary, outcome: 'kept' }
  const { epoch } = recovery.checkpoint
  if (lost.length > 0) {
    logger.error({ walId, lost }, 'the loss of acknowledged records was accepted')
    await cold.recordLoss({ walId, epoch, lost, reason: [...new Set(damage.map(({ reason }) => reason))].join('; ') })
  }
  const movedTo = await moveAside(log.path, options.quarantine)
  // Its lock went along; until here it kept others out. Who waits for it may just be raising a flag in it.
  await rm(join(movedTo, 'lock'), { recursive: true, force: true, maxRetries: 5 })
  // Last: only cold can tell what of the damaged part it had, as long as the log may have to be recovered once more.
  await cold.retire(walId, epoch)
  return { ...summary, outcome: 'quarantined', movedTo }
}

/** What an earlier run that was killed had set aside: cold would wait for its records, and keep every tombstone till then. */
async function forgetQuarantined(
  present: readonly string[],
  { quarantine, cold }: RecoverFolderOptions,
): Promise<void> {
  for (const walId of await new LogFolder(quarantine).list()) {
    const checkpoint = present.includes(walId) ? undefined : await cold.checkpointOf(walId)
    if (checkpoint !== undefined) await cold.retire(walId, checkpoint.epoch)
  }
}

async function bytesIn(folder: string): Promise<number> {
  let bytes = 0
  for (const name of await readdir(folder)) bytes += (await stat(join(folder, name))).size
  return bytes
}

/** What the damage hit and cold did not have before; damage that took no record has an empty range. */
function lostRanges({ damage, known }: Recovery): SequenceRange[] {
  return damage.flatMap(({ missing: { from, to } }) =>
    to !== undefined && to <= Math.max(known, from - 1) ? [] : [{ from: Math.max(from, known + 1), to }],
  )
}

/** Ends a log that is in cold to its last record. */
async function retire(log: LockedLog, { report, checkpoint }: Recovery, options: RecoverFolderOptions): Promise<void> {
  const wal = { ...options.wal, highestVersion: () => report.highestVersion, onDurable: () => {} }
  const end = { ...report.end, epoch: checkpoint.epoch - 1 }
  await retireLog(await WriteAheadLog.continue<EntryRecord>(log, end, wal), options.cold)
}

/** Both folders are synced, so that a power cut leaves the log in one of them. Answers where it is now. */
async function moveAside(path: string, quarantine: string): Promise<string> {
  await makeFolder(quarantine)
  const target = await freeName(join(quarantine, basename(path)))
  await rename(path, target)
  await syncFolder(quarantine)
  await syncFolder(dirname(path))
  return target
}

/** A copy of a log that was set aside before may have been put back. */
async function freeName(path: string): Promise<string> {
  for (let copy = 1; ; copy++) {
    const name = copy === 1 ? path : `${path}-${copy}`
    try {
      await stat(name)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return name
      throw error
    }
  }
}
