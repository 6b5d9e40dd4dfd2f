/** Does what `thermocline logs` does: tells of each log that a database knows, without opening the store. */
import type { MemoryStoreOptions } from '../options.ts'
import { type LogStanding, standingsOf } from '../store/log-standings.ts'
import { withRegisteredLogs } from './registered-logs.ts'

/** Every registered log, the one not heard of for longest first. */
export async function listRegisteredLogs(options: MemoryStoreOptions): Promise<LogStanding[]> {
  return withRegisteredLogs(options, async (cold, folder) => standingsOf(await cold.logs(), folder))
}
