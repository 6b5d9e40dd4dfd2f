/**
 * Takes over the logs whose owners are gone, ships what they hold, and returns the log to which this process appends.
 */
import type { ColdTier } from '../cold/cold-tier.ts'
import type { LogValue } from '../entry/record-bundle.ts'
import { parseVersion, type VersionClock } from '../entry/version.ts'
import { isThermoclineError } from '../errors.ts'
import type { Logger } from '../kernel/logger.ts'
import { LogFolder } from '../wal/log-folder.ts'
import { WriteAheadLog, type WriteAheadLogOptions } from '../wal/write-ahead-log.ts'
import { continueLog, type RecoverOptions, type Recovery, recoverLog } from './recover-log.ts'

export interface OpenLogOptions {
  readonly wal: Omit<WriteAheadLogOptions<LogValue>, 'highestVersion'>
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
  readonly log: WriteAheadLog<LogValue>
  /** Every record of the log up to this sequence is in cold. */
  readonly checkpoint: number
  /** Recovery has looked whether its segments reach back to the checkpoint. */
  readonly firstSequence?: undefined
  readonly shippedOf?: undefined
}

/** Rejects with `ERR_WAL_CORRUPT` when one of the logs lost acknowledged writes; everything is left as it was then. */
export async function openLog(options: OpenLogOptions): Promise<OpenedLog> {
  const { cold, versions, wal, place } = options
  const folder = new LogFolder(wal.dir)
  let own: OpenedLog | undefined
  try {
    for (const walId of await folder.list()) {
      const taken = await takeOver(folder, walId, options)
      if (taken === undefined) continue
      if (own === undefined) own = { log: taken.log, checkpoint: taken.recovery.checkpoint.sequence }
      else await retireLog(taken.log, cold)
    }
    if (own === undefined) {
      await observeHighest(cold, versions)
      own = { log: await WriteAheadLog.create(withVersions(wal, versions)), checkpoint: 0 }
      await cold.takeOver(own.log.walId, own.log.epoch, place)
    }
    await own.log.release(own.checkpoint)
    return own
  } catch (error) {
    // Its lock would keep this very process out when it tries again.
    await own?.log.close().catch(() => {})
    throw error
  }
}

/**
 * Ships and retires the logs whose owner has died since. One that is damaged or cannot be read is left to an operator,
 * and the others go on; the rejection is that of the first. Without cold none goes on.
 */
export async function adoptLogs(options: AdoptOptions): Promise<void> {
  const { cold, wal, logger, signal } = options
  const folder = new LogFolder(wal.dir)
  let failure: unknown
  for (const walId of await folder.list()) {
    if (signal.aborted) return
    try {
      const taken = await takeOver(folder, walId, { ...options, wal: { ...wal, onDurable: () => {} } })
      if (taken === undefined) continue
      await retireLog(taken.log, cold)
      logger.info({ walId, records: taken.recovery.records }, 'adopted and retired the log of a process that is gone')
    } catch (error) {
      if (isThermoclineError(error, 'ERR_TIER_UNAVAILABLE')) throw error
      failure ??= error
    }
  }
  if (failure !== undefined) throw failure
}

interface TakenOver {
  readonly log: WriteAheadLog<LogValue>
  readonly recovery: Recovery
}

/**
 * Undefined where there is nothing to go on with: a living process has the log, all of it was in cold, or the signal
 * came.
 */
async function takeOver(
  folder: LogFolder,
  walId: string,
  options: OpenLogOptions | AdoptOptions,
): Promise<TakenOver | undefined> {
  const { cold, versions, wal } = options
  await using log = await folder.claimUnlessOwned(walId, options)
  if (log === undefined) return undefined
  const recovery = await recoverLog({ ...options, log })
  if (recovery === undefined) return undefined
  const { millis, counter } = recovery.report.highestVersion
  versions.raise(millis, counter)
  await observeHighest(cold, versions)
  if (recovery.isInterrupted) return undefined
  return { recovery, log: await continueLog(log, recovery, withVersions(wal, versions)) }
}

function withVersions(wal: OpenLogOptions['wal'], versions: VersionClock): WriteAheadLogOptions<LogValue> {
  return { ...wal, highestVersion: () => versions.highest }
}

/** Ends a log that was shipped to its end. */
export async function retireLog(log: WriteAheadLog<LogValue>, cold: ColdTier): Promise<void> {
  const { walId, epoch } = log
  await log.retire(() => cold.retire(walId, epoch))
}

/** No version may be issued at or below one that cold has seen, whatever the wall clock says. */
async function observeHighest(cold: ColdTier, versions: VersionClock): Promise<void> {
  const highest = await cold.highestVersion()
  if (highest === undefined) return
  const { millis, counter } = parseVersion(highest)
  versions.raise(millis, counter)
}
