/** Decides the exit code of a command; the README has the same list. */
import type { LogRecovery } from '../admin/recover-store.ts'
import { type ErrorCode, isThermoclineError } from '../errors.ts'

export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  damaged: 3,
  locked: 4,
  notErasedEverywhere: 5,
  interruptedTwice: 130,
} as const

/** The command was called wrongly. Its message names the remedy and never quotes a configuration. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

const BY_CODE: Partial<Record<ErrorCode, number>> = {
  ERR_INVALID_OPTIONS: EXIT.usage,
  ERR_WAL_CORRUPT: EXIT.damaged,
  ERR_ARCHIVE_CORRUPT: EXIT.damaged,
  ERR_LOCKED: EXIT.locked,
}

/** What is still to be done after `recover`, by the outcome of a log. The others leave nothing. */
export const UNFINISHED_RECOVERY = {
  kept: EXIT.damaged,
  missing: EXIT.damaged,
  shipped: EXIT.failed,
  interrupted: EXIT.failed,
  locked: EXIT.locked,
} as const satisfies Partial<Record<LogRecovery['outcome'], number>>

export type UnfinishedRecovery = keyof typeof UNFINISHED_RECOVERY

/** Whether anything is still to be done about a log: not where it is gone and the loss was accepted. */
export function isUnfinished(recovery: LogRecovery): boolean {
  return recovery.outcome in UNFINISHED_RECOVERY && !(recovery.outcome === 'missing' && recovery.isAccepted)
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage
  return isThermoclineError(error) ? (BY_CODE[error.code] ?? EXIT.failed) : EXIT.failed
}
