/** Does what `thermocline logs` does: tells of each log that the database knows or the folder holds. */
import type { MemoryStoreOptions } from '../options.ts'
import { type LogStanding, standingsOf } from '../store/log-standings.ts'
import { withRegisteredLogs } from './registered-logs.ts'

/** Every registered log, the one not heard of for longest first; then those of the folder that are not registered. */
export async function listLogs(options: MemoryStoreOptions): Promise<LogStanding[]> {
  return withRegisteredLogs(options, async (cold, folder) => standingsOf(await cold.logs(), folder))
}
