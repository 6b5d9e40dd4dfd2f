/**
 * Recovers every log of a data folder, for an operator whose backends are gone. Each log is shipped as far as it
 * verifies (recover-log.ts); what becomes of it then is decided in settle-log.ts.
 *
 * The caller MUST hold the lock of the data folder. Another run gives the same result, also after a kill.
 */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isThermoclineError, type SequenceRange } from '../errors.ts'
import type { LockedLog } from '../wal/locked-log.ts'
import { LogFolder } from '../wal/log-folder.ts'
import { type DatedRange, dateLosses } from './date-losses.ts'
import { missingLogs } from './missing-logs.ts'
import { forgetQuarantined } from './move-to-quarantine.ts'
import { type LogDamage, type Recovery, recoverLog } from './recover-log.ts'
import { type Settlement, type SettleOptions, settleLog } from './settle-log.ts'

export interface RecoverFolderOptions extends SettleOptions {
  /**
   * Whether every log that cold knows belongs into this folder: then one that is not there is reported. @default false
   */
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
  /** The process id of the owner, where it is known. */
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

/** What one log held, and what became of it. */
export interface RecoveredLog extends Settlement {
  readonly walId: string
  /** Its folder before. */
  readonly path: string
  /** Writes that the log holds, as far as they verify. */
  readonly records: number
  /** Those of them that this run wrote to cold. */
  readonly shipped: number
  /** Those of them that this run read and left out for a later write to the same entry. */
  readonly replaced: number
  /** Those of them that cold had already, in the same or a newer version. */
  readonly alreadyInCold: number
  /** Those of them that the database refused; they are in its table thermocline.dead_letters. */
  readonly rejected: number
  /** An unfinished write at the end, which was never acknowledged. */
  readonly tornTail: { readonly bytes: number; readonly records: number; readonly ambiguous: boolean } | undefined
  readonly damage: readonly LogDamage[]
  /** Acknowledged records that neither the log nor cold has. Empty where cold has everything that the damage hit. */
  readonly lost: readonly DatedRange[]
}

/** One per log, oldest first. */
export async function recoverFolder(options: RecoverFolderOptions): Promise<LogRecovery[]> {
  const { wal, quarantine, cold, signal, ownsEveryLog } = options
  const folder = new LogFolder(wal.dir)
  const walIds = await folder.list()
  await forgetQuarantined(quarantine, cold, walIds)
  const recoveries: LogRecovery[] = []
  for (const walId of walIds) {
    const recovery = signal?.aborted ? interrupted(walId) : await recoverUnlessOwned(folder, walId, options)
    if (recovery !== undefined) recoveries.push(recovery)
  }
  return ownsEveryLog ? [...recoveries, ...(await reportMissing(options))] : recoveries
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

/** Returns undefined where the log had been retired, and is gone now. */
async function recoverUnlessOwned(
  folder: LogFolder,
  walId: string,
  options: RecoverFolderOptions,
): Promise<LogRecovery | undefined> {
  let claimed: LockedLog | undefined
  try {
    claimed = await folder.claim(walId, options.wal)
  } catch (error) {
    if (!isThermoclineError(error, 'ERR_LOCKED')) throw error
    return { walId, outcome: 'locked', pid: error.details.pid }
  }
  await using log = claimed
  return log && (await recoverOne(log, options))
}

async function recoverOne(log: LockedLog, options: RecoverFolderOptions): Promise<LogRecovery | undefined> {
  const { walId, path } = log
  const recovery = await ship(log, options)
  if (recovery === undefined) return undefined
  const { report, damage, records, replaced, superseded, rejected } = recovery
  const shipped = records - replaced - superseded - rejected
  if (recovery.isInterrupted) return interrupted(walId, shipped)
  const lost = await dateLosses(log, lostRanges(recovery))
  return {
    walId,
    path,
    records: report.records,
    shipped,
    replaced,
    alreadyInCold: report.records - records + superseded,
    rejected,
    tornTail: report.tornTail,
    damage,
    lost,
    ...(await settleLog(log, { recovery, lost }, options)),
  }
}

async function ship(log: LockedLog, options: RecoverFolderOptions): Promise<Recovery | undefined> {
  const { walId } = log
  const { cold, logger, signal, onProgress } = options
  const totalBytes = await bytesIn(log.path)
  const show = (bytes: number): void => onProgress?.({ walId, bytes, totalBytes })
  const recovery = await recoverLog({
    log,
    cold,
    logger,
    salvage: true,
    signal,
    onProgress: ({ bytes }) => show(bytes),
  })
  if (recovery !== undefined && !recovery.isInterrupted) show(totalBytes)
  return recovery
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
