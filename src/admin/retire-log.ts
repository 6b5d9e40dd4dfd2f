/**
 * Ends a registered log whose disk is gone. Nobody can ship it any more, and without an end every tombstone would wait
 * for its records.
 */
import type { RegisteredLog } from '../cold/cold-tier.ts'
import { type SequenceRange, ThermoclineError } from '../errors.ts'
import type { MemoryStoreOptions } from '../options.ts'
import { SILENT_MS } from '../store/log-standings.ts'
import type { LogFolder } from '../wal/log-folder.ts'
import { withRegisteredLogs } from './registered-logs.ts'

export interface LogLoss {
  readonly log: RegisteredLog
  /** Acknowledged records that only its files held. */
  readonly lost: SequenceRange
}

/**
 * Ends a log whose disk is gone, once its loss is accepted: records the loss and forgets the log. Answers what is lost,
 * or would be. Rejects with `ERR_NOT_FOUND` where no such log is registered, `ERR_LOCKED` while its owner may live, and
 * `ERR_INVALID_OPTIONS` where its files are in this very data folder.
 */
export async function retireLostLog(
  options: MemoryStoreOptions,
  walId: string,
  { acceptLoss }: { readonly acceptLoss: boolean },
): Promise<LogLoss> {
  return withRegisteredLogs(options, async (cold, folder) => {
    await refuseIfHere(walId.toLowerCase(), folder)
    const log = (await cold.logs()).find((each) => each.walId === walId.toLowerCase())
    if (log === undefined)
      throw new ThermoclineError('ERR_NOT_FOUND', 'no log of that id is registered: see `thermocline logs`', {})
    refuseWhileAlive(log)
    const lost = { from: log.sequence + 1, to: undefined }
    if (acceptLoss) {
      await cold.recordLoss({ walId: log.walId, epoch: log.epoch, lost: [lost], reason: 'the disk of the log is gone' })
      await cold.retire(log.walId, log.epoch)
    }
    return { log, lost }
  })
}

async function refuseIfHere(walId: string, folder: LogFolder): Promise<void> {
  if ((await folder.list()).includes(walId))
    throw new ThermoclineError(
      'ERR_INVALID_OPTIONS',
      `the files of log ${walId} are in this data folder: run \`thermocline recover\`, which ships what they hold`,
      { option: 'dir' },
    )
}

function refuseWhileAlive({ walId, heartbeatAgeMs }: RegisteredLog): void {
  if (heartbeatAgeMs < SILENT_MS)
    throw new ThermoclineError(
      'ERR_LOCKED',
      `log ${walId} was heard of ${Math.round(heartbeatAgeMs / 1_000)} s ago, so its owner lives: stop that process; it can be retired ${SILENT_MS / 60_000} minutes after its last sign of life`,
      {},
    )
}
