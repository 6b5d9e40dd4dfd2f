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

/** Begins the schedule, and calls `tick` as often as it fires. */
export function beginSchedule(pattern: string, tick: () => Promise<void>): SyncSchedule {
  return new Cron(pattern, UNATTENDED, tick)
}
