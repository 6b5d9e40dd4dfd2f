/** A look at the logs of a data folder that takes no lock and changes nothing, also while their owner writes. */
import { join } from 'node:path'
import { namingFolder } from '../kernel/folder-error.ts'
import { dataFolder, readFormat } from '../store/data-folder.ts'
import { listLogs } from '../wal/locked-log.ts'
import { LogScan, type ScanReport } from '../wal/log-scan.ts'

export type { ScanReport } from '../wal/log-scan.ts'

/** An owner deletes segments that were shipped, and its whole log at the end; so often in a row it does not. */
const LOOKS = 20

/** One per log, oldest first. Rejects with `ERR_UNSUPPORTED` where the folder or a log is of a newer format. */
export function inspectStore(dir: string): Promise<ScanReport[]> {
  return namingFolder('dir', dir, () => inspectFolder(dir))
}

async function inspectFolder(dir: string): Promise<ScanReport[]> {
  await readFormat(dir)
  for (let look = 1; ; look++) {
    try {
      return await inspectLogs(dataFolder(dir).wal)
    } catch (error) {
      const hasVanished = (error as NodeJS.ErrnoException).code === 'ENOENT'
      if (!hasVanished || look === LOOKS) throw error
    }
  }
}

async function inspectLogs(dir: string): Promise<ScanReport[]> {
  const reports: ScanReport[] = []
  for (const walId of await listLogs(dir)) {
    const scan = new LogScan({ path: join(dir, walId), walId }, { salvage: true })
    for await (const _ of scan);
    reports.push(scan.report)
  }
  return reports
}
