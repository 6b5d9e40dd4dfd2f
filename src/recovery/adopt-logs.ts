/** Takes over the logs whose owner is gone, ships what they hold, and answers the log this process appends to. */
import type { ColdTier } from '../cold/cold-tier.ts'
import type { EntryRecord } from '../entry/record.ts'
import { parseVersion, type VersionClock } from '../entry/version.ts'
import { isThermoclineError } from '../errors.ts'
import type { Logger } from '../kernel/logger.ts'
import type { LockedLog } from '../wal/locked-log.ts'
import { LogFolder } from '../wal/log-folder.ts'
import { WriteAheadLog, type WriteAheadLogOptions } from '../wal/write-ahead-log.ts'
import { isRetired, type RecoverOptions, type Recovery, recoverLog } from './recover-log.ts'

export interface OpenLogOptions {
  readonly wal: Omit<WriteAheadLogOptions<EntryRecord>, 'highestVersion'>
  readonly cold: ColdTier
  readonly versions: VersionClock
  readonly logger: Logger
  /** Host and folder of the log, for people. */
  readonly place?: string
  readonly onProgress?: NonNullable<RecoverOptions['onProgress']>
}

export interface AdoptOptions extends OpenLogOptions {
  /** Ends it between two batches; the log is adopted the next time. */
  readonly signal: AbortSignal
}

export interface OpenedLog {
  readonly log: WriteAheadLog<EntryRecord>
  /** Every record of the log up to this sequence is in cold. */
  readonly checkpoint: number
  /** Recovery has looked whether its segments reach back to the checkpoint. */
  readonly firstSequence?: undefined
  /** One per log that an earlier process left. */
  readonly recoveries: readonly Recovery[]
}

/** Rejects with `ERR_WAL_CORRUPT` when one of the logs lost acknowledged writes; everything is left as it was then. */
export async function openLog(options: OpenLogOptions): Promise<OpenedLog> {
  const { cold, versions } = options
  const wal = { ...options.wal, highestVersion: () => versions.highest }
  const folder = new LogFolder(wal.dir)
  const recoveries: Recovery[] = []
  let own: { log: WriteAheadLog<EntryRecord>; checkpoint: number } | undefined
  try {
    for (const walId of await folder.list()) {
      const locked = await folder.claimUnlessOwned(walId)
      if (locked === undefined) continue
      const recovery = await orRelease(locked, () => recoverUnlessRetired(locked, options))
      if (recovery === undefined) continue
      recoveries.push(recovery)
      const { epoch, sequence } = recovery.checkpoint
      const log = await WriteAheadLog.continue(locked, { ...recovery.report.end, epoch: epoch - 1 }, wal)
      if (own === undefined) own = { log, checkpoint: sequence }
      else await retireLog(log, cold)
    }
    if (own === undefined) {
      await observeHighest(cold, versions)
      const log = await WriteAheadLog.create(wal)
      own = { log, checkpoint: 0 }
      await cold.takeOver(log.walId, log.epoch, options.place)
    }
    await own.log.release(own.checkpoint)
    return { ...own, recoveries }
  } catch (error) {
    // Its lock would keep this very process out when it tries again.
    await own?.log.close().catch(() => {})
    throw error
  }
}

/**
 * Ships and retires the logs whose owner has died since. One that is damaged or cannot be read is left to an operator, and
 * the others go on; the rejection is that of the first. Without cold none goes on.
 */
export async function adoptLogs(options: AdoptOptions): Promise<void> {
  const { cold, versions, logger, signal } = options
  const wal = { ...options.wal, highestVersion: () => versions.highest, onDurable: () => {} }
  const folder = new LogFolder(wal.dir)
  let failure: unknown
  for (const walId of await folder.list()) {
    if (signal.aborted) return
    try {
      const locked = await folder.claimUnlessOwned(walId)
      if (locked === undefined) continue
      const recovery = await orRelease(locked, () => recoverUnlessRetired(locked, options))
      if (recovery === undefined) continue
      if (recovery.isInterrupted) return await locked.release()
      const { epoch } = recovery.checkpoint
      await retireLog(await WriteAheadLog.continue(locked, { ...recovery.report.end, epoch: epoch - 1 }, wal), cold)
      logger.info({ walId, records: recovery.records }, 'adopted and retired the log of a process that is gone')
    } catch (error) {
      if (isThermoclineError(error, 'ERR_TIER_UNAVAILABLE')) throw error
      failure ??= error
    }
  }
  if (failure !== undefined) throw failure
}

/** Undefined where the log had been retired, and is gone now. */
async function recoverUnlessRetired(
  log: LockedLog,
  options: OpenLogOptions | AdoptOptions,
): Promise<Recovery | undefined> {
  const { cold, versions } = options
  if (await isRetired(log, cold)) {
    await log.remove()
    return undefined
  }
  const recovery = await recoverLog({ ...options, log })
  const { millis, counter } = recovery.report.highestVersion
  versions.raise(millis, counter)
  await observeHighest(cold, versions)
  return recovery
}

/** Ends a log that was shipped to its end. */
export async function retireLog(log: WriteAheadLog<EntryRecord>, cold: ColdTier): Promise<void> {
  const { walId, epoch } = log
  await log.retire(() => cold.retire(walId, epoch))
}

export async function orRelease<T>(log: LockedLog, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    await log.release()
    throw error
  }
}

/** No version may be issued at or below one that cold has seen, whatever the wall clock says. */
async function observeHighest(cold: ColdTier, versions: VersionClock): Promise<void> {
  const highest = await cold.highestVersion()
  if (highest === undefined) return
  const { millis, counter } = parseVersion(highest)
  versions.raise(millis, counter)
}
