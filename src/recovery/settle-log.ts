/**
 * Decides what becomes of a log that an operator has recovered. An undamaged log is in cold, and is retired. A damaged
 * log that lost nothing which cold lacks goes to `quarantine/` (move-to-quarantine.ts). A log that did lose something
 * stays in place, with its checkpoint before the damage, so that a file restored from a copy is shipped by the next
 * run; it goes to `quarantine/` once its loss is accepted.
 */
import type { ColdTier } from '../cold/cold-tier.ts'
import type { EntryRecord } from '../entry/record.ts'
import type { Logger } from '../kernel/logger.ts'
import type { LockedLog } from '../wal/locked-log.ts'
import { hasNoRoom } from '../wal/log-errors.ts'
import type { WriteAheadLogOptions } from '../wal/write-ahead-log.ts'
import { retireLog } from './adopt-logs.ts'
import type { DatedRange } from './date-losses.ts'
import { moveToQuarantine } from './move-to-quarantine.ts'
import { continueLog, type Recovery } from './recover-log.ts'

export interface SettleOptions {
  readonly wal: Omit<WriteAheadLogOptions<EntryRecord>, 'highestVersion' | 'onDurable'>
  /** Where damaged logs go that lost nothing, or whose loss is accepted. */
  readonly quarantine: string
  readonly cold: ColdTier
  readonly logger: Logger
  readonly acceptLoss: boolean
}

export interface Settlement {
  /**
   * `retired`: all of it is in cold, and the log is gone. `shipped`: all of it is in cold, and its files stay until the
   * disk has room to end it. `kept`: it stays as it is. `quarantined`: see `movedTo`.
   */
  readonly outcome: 'retired' | 'shipped' | 'kept' | 'quarantined'
  readonly movedTo?: string
}

/** What was read of a log, and what of it is lost. */
export interface Findings {
  readonly recovery: Recovery
  readonly lost: readonly DatedRange[]
}

/** Decides what becomes of the log, and does it. */
export async function settleLog(log: LockedLog, findings: Findings, options: SettleOptions): Promise<Settlement> {
  const { recovery, lost } = findings
  if (recovery.damage.length === 0) return { outcome: await retireOnceThereIsRoom(log, recovery, options) }
  if (lost.length > 0 && !options.acceptLoss) return { outcome: 'kept' }
  return { outcome: 'quarantined', movedTo: await giveUp(log, findings, options) }
}

/** To ship it took no room, and to end it takes some: a crash must not leave a log that cold has forgotten. */
async function retireOnceThereIsRoom(log: LockedLog, recovery: Recovery, options: SettleOptions) {
  try {
    await retire(log, recovery, options)
    return 'retired'
  } catch (error) {
    if (!hasNoRoom(error)) throw error
    return 'shipped'
  }
}

/** Ends a log that is in cold to its last record. */
async function retire(log: LockedLog, recovery: Recovery, { wal, cold }: SettleOptions): Promise<void> {
  const { highestVersion } = recovery.report
  const options = { ...wal, highestVersion: () => highestVersion, onDurable: () => {} }
  await retireLog(await continueLog(log, recovery, options), cold)
}

/** Ends a damaged log that is in cold as far as it verifies. Answers where its files are. */
async function giveUp(
  { walId, path }: LockedLog,
  { recovery, lost }: Findings,
  { cold, logger, quarantine }: SettleOptions,
): Promise<string> {
  const { epoch } = recovery.checkpoint
  if (lost.length > 0) {
    logger.error({ walId, lost }, 'the loss of acknowledged records was accepted')
    const reasons = new Set(recovery.damage.map(({ reason }) => reason))
    await cold.recordLoss({ walId, epoch, lost, reason: [...reasons].join('; ') })
  }
  const movedTo = await moveToQuarantine(path, quarantine)
  // Last: only cold can tell what of the damaged part it had, as long as the log may have to be recovered once more.
  await cold.retire(walId, epoch)
  return movedTo
}
