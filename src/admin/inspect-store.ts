/** Reads the logs of a data folder without a lock, also while their owner writes, and changes nothing. */
import { namingFolder } from '../kernel/folder-error.ts'
import { dataFolder, readFormat } from '../store/data-folder.ts'
import { LogFolder } from '../wal/log-folder.ts'
import type { ScanReport } from '../wal/log-scan.ts'

export type { ScanReport } from '../wal/log-scan.ts'

/**
 * Returns a report per log, oldest first. Rejects with `ERR_UNSUPPORTED` where the folder or a log is of a newer
 * format.
 */
export function inspectStore(dir: string): Promise<ScanReport[]> {
  return namingFolder('dir', dir, async () => {
    await readFormat(dir)
    const folder = new LogFolder(dataFolder(dir).wal)
    return folder.readBesideOwner(async () => {
      const reports: ScanReport[] = []
      for (const walId of await folder.list()) reports.push(await folder.scan(walId, { salvage: true }).toEnd())
      return reports
    })
  })
}
