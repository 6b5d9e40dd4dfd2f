/**
 * Lists the logs from which a database still expects records: who writes each, and how much it has not shipped. While a
 * log is registered, no tombstone is collected that its records may be older than.
 */
import type { RegisteredLog } from '../cold/cold-tier.ts'
import type { MemoryStoreOptions } from '../options.ts'
import type { LogFolder } from '../wal/log-folder.ts'
import { withRegisteredLogs } from './registered-logs.ts'

export interface LogStanding extends Omit<RegisteredLog, 'cutAsked' | 'cutDone'> {
  /** Whether its files are in the data folder that was looked at. */
  readonly isHere: boolean
  /** Writes in its files that cold does not have; undefined where the files are elsewhere. */
  readonly owed: number | undefined
  /** Whether its files have lost records; undefined likewise. */
  readonly isDamaged: boolean | undefined
}

/** Every registered log, the one not heard of for longest first. */
export async function listRegisteredLogs(options: MemoryStoreOptions): Promise<LogStanding[]> {
  return withRegisteredLogs(options, async (cold, folder) => standingsOf(await cold.logs(), folder))
}

/** In the same order. */
export async function standingsOf(logs: readonly RegisteredLog[], folder: LogFolder): Promise<LogStanding[]> {
  const here = new Set(await folder.list())
  const standings: LogStanding[] = []
  for (const { cutAsked: _asked, cutDone: _done, ...log } of logs) {
    const isHere = here.has(log.walId)
    const debt = isHere ? await debtOf(log, folder) : { owed: undefined, isDamaged: undefined }
    standings.push({ ...log, isHere, ...debt })
  }
  return standings
}

function debtOf({ walId, sequence: shipped }: Pick<RegisteredLog, 'walId' | 'sequence'>, folder: LogFolder) {
  return folder.readBesideOwner(async () => {
    // Its owner has shipped it to its end and removed it since it was listed.
    if (!(await folder.list()).includes(walId)) return { owed: 0, isDamaged: false }
    const scan = folder.scan(walId, { salvage: true })
    let owed = 0
    for await (const { sequence } of scan) if (sequence > shipped) owed++
    return { owed, isDamaged: scan.report.damage.length > 0 }
  })
}
