/**
 * Decides when a sync runs by itself: by a cron pattern, in the time zone of the process. When a checkpoint does is
 * decided in checkpoint-schedule.ts.
 */
import { Cron } from 'croner'

/** A schedule that has begun. */
export interface SyncSchedule {
  nextRun(): Date | null
  stop(): void
}

/** A tick that comes while the one before runs is left out, and none keeps the process alive. */
const UNATTENDED = { protect: true, unref: true }

export function isCronPattern(pattern: string): boolean {
  try {
    new Cron(pattern, { paused: true }).stop()
    return true
  } catch {
    return false
  }
}

/** Runs that are looked at, and the gap beyond which no other is looked for. */
const MOST_RUNS = 200
const DAY_MS = 86_400_000

/** The longest time between two of the next runs, in milliseconds. */
export function longestGap(pattern: string): number {
  const cron = new Cron(pattern, { paused: true })
  let longest = 0
  let run = cron.nextRun()
  for (let seen = 0; run !== null && seen < MOST_RUNS && longest < DAY_MS; seen++) {
    const next = cron.nextRun(run)
    if (next !== null) longest = Math.max(longest, next.getTime() - run.getTime())
    run = next
  }
  cron.stop()
  return longest
}

/** Begins the schedule, and calls `tick` as often as it fires. */
export function beginSchedule(pattern: string, tick: () => Promise<void>): SyncSchedule {
  return new Cron(pattern, UNATTENDED, tick)
}
