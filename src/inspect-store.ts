/** A look at the logs of a data folder that takes no lock and changes nothing, also while their owner writes. */
import { join } from 'node:path'
import { dataFolder, readFormat } from './data-folder.ts'
import { listLogs } from './wal/locked-log.ts'
import { LogScan, type ScanReport } from './wal/log-scan.ts'

export type { ScanReport } from './wal/log-scan.ts'

/** One per log, oldest first. Rejects with `ERR_UNSUPPORTED` where the folder or a log is of a newer format. */
export async function inspectStore(dir: string): Promise<ScanReport[]> {
  await readFormat(dir)
  const { wal } = dataFolder(dir)
  const inspections: ScanReport[] = []
  for (const walId of await listLogs(wal)) inspections.push(await inspectLog(wal, walId))
  return inspections
}

async function inspectLog(dir: string, walId: string): Promise<ScanReport> {
  const scan = new LogScan({ path: join(dir, walId), walId }, { salvage: true })
  for await (const _ of scan);
  return scan.report
}
