/**
 * Recovers every log of a data folder, for an operator whose backends are gone. A log that is whole is shipped and
 * retired. A damaged one is shipped as far as it verifies and stays where it is, with its checkpoint before the damage,
 * so that a file restored from a copy is shipped by the next run; accepting the loss moves it to `quarantine`.
 *
 * The caller MUST hold the lock of the data folder. Running it again gives the same result, also after a kill.
 */
import { mkdir, readdir, rename, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { ColdTier } from '../cold/cold-tier.ts'
import type { EntryRecord } from '../entry/record.ts'
import type { SequenceRange } from '../errors.ts'
import type { Logger } from '../log.ts'
import { LockedLog, listLogs, syncFolder } from '../wal/locked-log.ts'
import { WriteAheadLog, type WriteAheadLogOptions } from '../wal/write-ahead-log.ts'
import { retireLog } from './open-log.ts'
import { isRetired, type LogDamage, type Recovery, recoverLog } from './recover.ts'

export interface RecoverFolderOptions {
  readonly wal: Omit<WriteAheadLogOptions<EntryRecord>, 'highestVersion' | 'onDurable'>
  /** Where damaged logs go once their loss is accepted. */
  readonly quarantine: string
  readonly cold: ColdTier
  readonly logger: Logger
  readonly acceptLoss: boolean
  readonly onProgress?: ((progress: RecoverProgress) => void) | undefined
}

export interface RecoverProgress {
  readonly walId: string
  /** Bytes of its segments, and how many of them have been read. */
  readonly totalBytes: number
  readonly bytes: number
}

/** What one log held, and what became of it. */
export interface LogRecovery {
  readonly walId: string
  /** Writes that the log holds, as far as they verify. */
  readonly records: number
  /** Of these, written to cold by this run. */
  readonly shipped: number
  /** Of these, what cold had already, in the same or a newer version. */
  readonly alreadyInCold: number
  /** Of these, what the database refused; they are in its table thermocline.dead_letters. */
  readonly rejected: number
  /** An unfinished write at the end, which was never acknowledged. */
  readonly tornTail: { readonly bytes: number; readonly records: number; readonly ambiguous: boolean } | undefined
  readonly damage: readonly LogDamage[]
  /** Acknowledged records that neither the log nor cold has. Empty where cold has everything that the damage hit. */
  readonly lost: readonly SequenceRange[]
  /** `retired`: all of it is in cold, and the log is gone. `kept`: it stays as it is. `quarantined`: see `movedTo`. */
  readonly outcome: 'retired' | 'kept' | 'quarantined'
  readonly movedTo?: string
}

/** One per log, oldest first. `ERR_LOCKED` when a living process owns one of them. */
export async function recoverFolder(options: RecoverFolderOptions): Promise<LogRecovery[]> {
  const { dir, lockTimeout } = options.wal
  const recoveries: LogRecovery[] = []
  for (const walId of await listLogs(dir)) {
    const log = await LockedLog.lock(dir, walId, { lockTimeout })
    try {
      if (await isRetired(log, options.cold)) await log.remove()
      else recoveries.push(await recoverOne(log, options))
    } finally {
      await log.release()
    }
  }
  return recoveries
}

async function recoverOne(log: LockedLog, options: RecoverFolderOptions): Promise<LogRecovery> {
  const { walId } = log
  const { cold, logger, acceptLoss, onProgress } = options
  const totalBytes = await bytesIn(log.path)
  const recovery = await recoverLog({
    log,
    cold,
    logger,
    salvage: true,
    onProgress: ({ bytes }) => onProgress?.({ walId, bytes, totalBytes }),
  })
  onProgress?.({ walId, bytes: totalBytes, totalBytes })
  const { report, damage, records, superseded, rejected } = recovery
  const lost = lostRanges(recovery)
  const summary = {
    walId,
    records: report.records,
    shipped: records - superseded - rejected,
    alreadyInCold: report.records - records + superseded,
    rejected,
    tornTail: report.tornTail,
    damage,
    lost,
  }
  if (damage.length === 0) {
    await retire(log, recovery, options)
    return { ...summary, outcome: 'retired' }
  }
  if (lost.length > 0 && !acceptLoss) return { ...summary, outcome: 'kept' }
  if (lost.length > 0) logger.error({ walId, lost }, 'the loss of acknowledged records was accepted')
  // Forgotten first: a kill between the two leaves a log that is simply recovered once more.
  await cold.retire(walId, recovery.checkpoint.epoch)
  // Its flag would go along; the lock of the data folder keeps others out.
  await log.release()
  return { ...summary, outcome: 'quarantined', movedTo: await moveAside(log.path, options.quarantine) }
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
  await mkdir(quarantine, { recursive: true, mode: 0o700 })
  await syncFolder(dirname(quarantine))
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
