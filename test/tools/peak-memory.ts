/** The most memory that a process took. */
import { existsSync, readFileSync } from 'node:fs'

const STATUS = '/proc/self/status'

/** MiB that this process took at its height. */
export function peakMemory(): number {
  // Where Linux tells it: `maxRSS` begins with what the process took that started this one.
  const told = existsSync(STATUS) ? /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(STATUS, 'utf8'))?.[1] : undefined
  return Math.round(Number(told ?? process.resourceUsage().maxRSS) / 1024)
}
