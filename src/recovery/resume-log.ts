/**
 * Goes on with a log while cold is away: what it holds is pending again, as far as segments are kept, and stays in them.
 * Its epoch is raised in cold by the first checkpoint, before it ships anything. What the killed owner had written and not
 * synced is synced first, when the log begins its new segment.
 */
import { decodeRecord } from '../entry/codec.ts'
import type { EntryRecord } from '../entry/record.ts'
import type { VersionClock } from '../entry/version.ts'
import type { Logger } from '../kernel/logger.ts'
import type { AppendedRecord } from '../wal/append-log.ts'
import type { LockedLog } from '../wal/locked-log.ts'
import { LogFolder } from '../wal/log-folder.ts'
import { LogScan, type ScanReport } from '../wal/log-scan.ts'
import { WriteAheadLog, type WriteAheadLogOptions } from '../wal/write-ahead-log.ts'
import { orRelease } from './adopt-logs.ts'

export interface ResumeOptions {
  readonly wal: Omit<WriteAheadLogOptions<EntryRecord>, 'highestVersion'>
  readonly versions: VersionClock
  readonly logger: Logger
}

export interface ResumedLog {
  readonly log: WriteAheadLog<EntryRecord>
  /** Cold did not tell. */
  readonly checkpoint?: undefined
  /** Of what its segments hold. */
  readonly firstSequence: number
}

/** Records that become pending together. */
const BATCH = 1_000

/** Other logs without an owner are left to adoption, once cold is there. Rejects with `ERR_WAL_CORRUPT` where the log is damaged. */
export async function resumeLog(options: ResumeOptions): Promise<ResumedLog> {
  const { versions, logger } = options
  const wal = { ...options.wal, highestVersion: () => versions.highest }
  const folder = new LogFolder(wal.dir)
  for (const walId of (await folder.list()).reverse()) {
    const locked = await folder.claimUnlessOwned(walId)
    if (locked === undefined) continue
    // Verified before any of it counts. Closed: all of it is in cold, and its owner was killed before its folder was gone.
    const { closed, puts, deletes } = await orRelease(locked, () => read(locked, () => {}))
    if (closed || puts + deletes === 0) {
      await locked.release()
      continue
    }
    const report = await orRelease(locked, () =>
      read(locked, (records) => {
        // Cold, which would tell what the log has issued, is away.
        for (const { value } of records) versions.observe(value, value.version)
        wal.onDurable(records)
      }),
    )
    const { millis, counter } = report.highestVersion
    versions.raise(millis, counter)
    logger.warn({ walId, records: puts + deletes }, 'serving from the log alone: cold is away')
    const { end, firstSequence } = report
    return { log: await WriteAheadLog.continue<EntryRecord>(locked, end, wal), firstSequence }
  }
  return { log: await WriteAheadLog.create(wal), firstSequence: 1 }
}

async function read(
  log: LockedLog,
  onDurable: (records: readonly AppendedRecord<EntryRecord>[]) => void,
): Promise<ScanReport> {
  const scan = new LogScan(log)
  let batch: AppendedRecord<EntryRecord>[] = []
  for await (const { sequence, payload } of scan) {
    batch.push({ sequence, bytes: payload.byteLength, value: decodeRecord(payload) })
    if (batch.length < BATCH) continue
    onDurable(batch)
    batch = []
  }
  onDurable(batch)
  return scan.report
}
