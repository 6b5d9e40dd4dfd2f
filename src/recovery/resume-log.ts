/**
 * Continues a log while cold is away: its records become pending again, as far as its segments are still there, and
 * stay in these segments. Its epoch is raised in cold by the first checkpoint, before that ships anything. What the
 * killed owner had written and not synced is synced first, when the log begins its new segment.
 */
import type { LogCheckpoint } from '../cold/cold-tier.ts'
import { entriesIn, type LogValue } from '../entry/record-bundle.ts'
import type { VersionClock } from '../entry/version.ts'
import type { Logger } from '../kernel/logger.ts'
import type { LockedLog } from '../wal/locked-log.ts'
import { LogFolder } from '../wal/log-folder.ts'
import { LogScan, type ScanReport } from '../wal/log-scan.ts'
import { WriteAheadLog, type WriteAheadLogOptions } from '../wal/write-ahead-log.ts'
import { drawEpochAbove } from './draw-epoch.ts'
import { entriesOf, type LogEntry } from './log-entries.ts'
import { shippedOf } from './recover-log.ts'

export interface ResumeOptions {
  readonly wal: Omit<WriteAheadLogOptions<LogValue>, 'highestVersion'>
  readonly versions: VersionClock
  readonly logger: Logger
}

export interface ResumedLog {
  readonly log: WriteAheadLog<LogValue>
  /** Cold did not tell. */
  readonly checkpoint?: undefined
  /** Of what its segments hold. */
  readonly firstSequence: number
  /** Up to which record cold had it, once cold tells where the log stood. */
  readonly shippedOf: (known: LogCheckpoint | undefined) => number
}

/**
 * Other logs without an owner are left to adoption, once cold is there. Rejects with `ERR_WAL_CORRUPT` where the log is
 * damaged.
 */
export async function resumeLog(options: ResumeOptions): Promise<ResumedLog> {
  const { versions, logger } = options
  const wal = { ...options.wal, highestVersion: () => versions.highest }
  const folder = new LogFolder(wal.dir)
  for (const walId of (await folder.list()).reverse()) {
    await using log = await folder.claimUnlessOwned(walId, { logger })
    if (log === undefined) continue
    // Verified before any of it counts. Closed: all of it is in cold, and its owner was killed before its folder was
    // gone.
    const { closed, records } = await readEntries(log, () => {})
    if (closed || records === 0) continue
    const { end, firstSequence, highestVersion } = await readEntries(log, ({ sequence, payload, value }) => {
      // Cold, which would tell what the log has issued, is away.
      for (const record of entriesIn(value)) versions.observe(record, record.version)
      wal.onDurable([{ sequence, bytes: payload.byteLength, value }])
    })
    versions.raise(highestVersion.millis, highestVersion.counter)
    logger.warn({ walId, records }, 'serving from the log alone: cold is away')
    const outline = await log.outline()
    const epoch = drawEpochAbove(end.epoch) - 1
    const continued = await WriteAheadLog.continue<LogValue>(log, { ...end, epoch }, wal)
    return { log: continued, firstSequence, shippedOf: (known) => shippedOf(outline, known) }
  }
  return { log: await WriteAheadLog.create(wal), firstSequence: 1, shippedOf: () => 0 }
}

async function readEntries(log: LockedLog, onEntry: (entry: LogEntry) => void): Promise<ScanReport> {
  const scan = new LogScan(log)
  for await (const entry of entriesOf(scan)) onEntry(entry)
  return scan.report
}
