/**
 * Finds logs from which cold expects records and whose folder is gone: somebody removed it, or restored everything
 * else. What opening does then is decided in store/open-log.ts.
 */
import type { ColdTier, RegisteredLog } from '../cold/cold-tier.ts'
import { LogFolder } from '../wal/log-folder.ts'

export interface LogFolders {
  readonly wal: string
  /** A log that was set aside there is accounted for. */
  readonly quarantine: string
}

/**
 * Returns the missing logs. It MUST be asked only where every registered log belongs into these folders, and nobody
 * else changes them.
 */
export async function missingLogs(cold: ColdTier, { wal, quarantine }: LogFolders): Promise<RegisteredLog[]> {
  const present = new Set([...(await new LogFolder(wal).list()), ...(await new LogFolder(quarantine).list())])
  return (await cold.logs()).filter(({ walId }) => !present.has(walId))
}
