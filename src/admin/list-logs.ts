/**
 * The logs that a database expects records of: who writes them, what they still owe, and how one ends whose disk is gone.
 * While it is registered, no tombstone is collected that its records may be older than.
 */
import { join } from 'node:path'
import type { ColdTier, RegisteredLog } from '../cold/cold-tier.ts'
import { type SequenceRange, ThermoclineError } from '../errors.ts'
import { namingFolder } from '../kernel/folder-error.ts'
import { ReleaseStack } from '../kernel/release-stack.ts'
import type { MemoryStoreOptions } from '../options.ts'
import { dataFolder, readFormat } from '../store/data-folder.ts'
import { openCold } from '../store/open-cold.ts'
import { openFolder } from '../store/open-folder.ts'
import { type ResolvedOptions, resolveOptions } from '../store/resolve-options.ts'
import { listLogs } from '../wal/locked-log.ts'
import { LogScan } from '../wal/log-scan.ts'

/** As often in a row an owner does not delete segments under the eyes of a reader. */
const LOOKS = 20
/** An owner says at least every half minute that it lives. */
export const ALIVE_MS = 120_000

export interface LogStanding extends RegisteredLog {
  /** Whether its files are in the data folder that was looked at. */
  readonly isHere: boolean
  /** Writes in its files that cold does not have; undefined where the files are elsewhere. */
  readonly owed: number | undefined
  /** Whether its files have lost records; undefined likewise. */
  readonly isDamaged: boolean | undefined
}

/** Every registered log, the one not heard of for longest first. */
export async function listRegisteredLogs(options: MemoryStoreOptions): Promise<LogStanding[]> {
  return withLogs(options, async (cold, dir) => {
    const here = new Set(await listLogs(dir))
    const standings: LogStanding[] = []
    for (const log of await cold.logs()) standings.push(await standingOf(log, here.has(log.walId), dir))
    return standings
  })
}

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
  return withLogs(options, async (cold, dir) => {
    const log = (await cold.logs()).find((each) => each.walId === walId.toLowerCase())
    if (log === undefined)
      throw new ThermoclineError('ERR_NOT_FOUND', 'no log of that id is registered: see `thermocline logs`', {})
    if ((await listLogs(dir)).includes(log.walId))
      throw new ThermoclineError(
        'ERR_INVALID_OPTIONS',
        `the files of log ${log.walId} are in this data folder: run \`thermocline recover\`, which ships what they hold`,
        { option: 'dir' },
      )
    if (log.heartbeatAgeMs < ALIVE_MS)
      throw new ThermoclineError(
        'ERR_LOCKED',
        `log ${log.walId} was heard of ${Math.round(log.heartbeatAgeMs / 1_000)} s ago, so its owner lives: stop that process; it can be retired ${ALIVE_MS / 60_000} minutes after its last sign of life`,
        {},
      )
    const lost = { from: log.sequence + 1, to: undefined }
    if (acceptLoss) {
      await cold.recordLoss({ walId: log.walId, epoch: log.epoch, lost: [lost], reason: 'the disk of the log is gone' })
      await cold.retire(log.walId, log.epoch)
    }
    return { log, lost }
  })
}

/** Opens the database, which is left as it is, and the folder of the logs, which need not be there. */
async function withLogs<T>(
  given: MemoryStoreOptions,
  work: (cold: ColdTier, walFolder: string) => Promise<T>,
): Promise<T> {
  const options = resolveOptions({ ...given, cold: { ...given.cold, migrate: 'check', dimensions: [] } })
  return ReleaseStack.within(async (releases) => {
    const folder = await openOwnFolder(options, releases)
    const cold = await openCold(options, folder, releases, { makesNone: true })
    const { wal } = folder ?? dataFolder(options.dir)
    return namingFolder('dir', options.dir, () => work(cold, wal))
  })
}

/** Undefined where the database is a server: then the folder is looked at beside whoever uses it. */
async function openOwnFolder(options: ResolvedOptions, releases: ReleaseStack) {
  if (!options.cold.isShared) return openFolder(options, releases)
  await namingFolder('dir', options.dir, () => readFormat(options.dir))
  return undefined
}

async function standingOf(log: RegisteredLog, isHere: boolean, dir: string): Promise<LogStanding> {
  if (!isHere) return { ...log, isHere, owed: undefined, isDamaged: undefined }
  for (let look = 1; ; look++) {
    try {
      return { ...log, isHere, ...(await debtOf(log, dir)) }
    } catch (error) {
      // Its owner has deleted what was being read, because it is shipped, or the whole log, because it ends.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || look === LOOKS) throw error
      if (!(await listLogs(dir)).includes(log.walId)) return { ...log, isHere, owed: 0, isDamaged: false }
    }
  }
}

async function debtOf({ walId, sequence: shipped }: RegisteredLog, dir: string) {
  const scan = new LogScan({ path: join(dir, walId), walId }, { salvage: true })
  let owed = 0
  for await (const { sequence } of scan) if (sequence > shipped) owed++
  return { owed, isDamaged: scan.report.damage.length > 0 }
}
