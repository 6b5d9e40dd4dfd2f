/**
 * Does what `thermocline doctor` does: looks at the servers, the logs and the machine of a store, also where it would
 * not open, and changes nothing. What counts as wrong is decided in store-findings.ts.
 */
import { access, constants, readdir } from 'node:fs/promises'
import { totalmem } from 'node:os'
import type { ColdDriver } from '../cold/cold-driver.ts'
import { INSUFFICIENT_PRIVILEGE, sqlStateOf, TOO_MANY_CONNECTIONS } from '../cold/cold-errors.ts'
import type { RegisteredLog } from '../cold/cold-tier.ts'
import { isThermoclineError } from '../errors.ts'
import { namingFolder } from '../kernel/folder-error.ts'
import { examineFolder } from '../kernel/folder-trust.ts'
import { ReleaseStack } from '../kernel/release-stack.ts'
import type { MemoryStoreOptions } from '../options.ts'
import { type DataFolder, dataFolder } from '../store/data-folder.ts'
import { foldersOf, scarcestDisk } from '../store/disk-space.ts'
import { standingsOf } from '../store/log-standings.ts'
import { openColdDriver } from '../store/open-cold.ts'
import { type ResolvedOptions, resolveOptions } from '../store/resolve-options.ts'
import { LogFolder } from '../wal/log-folder.ts'
import { openOwnFolder } from './registered-logs.ts'
import type { Finding } from './store-findings.ts'
import * as findings from './store-findings.ts'

export type { Finding } from './store-findings.ts'

export interface Diagnosis {
  /** Empty where nothing is wrong. */
  readonly findings: readonly Finding[]
}

/**
 * Rejects where the store cannot be looked at: with `ERR_LOCKED` while another process has the folder of an embedded
 * database, with `ERR_INVALID_OPTIONS` where options are wrong. A server that is away, and a folder that cannot be
 * used, are findings, and the rest is looked at all the same.
 */
export async function diagnoseStore(given: MemoryStoreOptions): Promise<Diagnosis> {
  const options = resolveOptions(given)
  return ReleaseStack.within(options.logger, async (releases) => {
    const ofFolder: Finding[] = []
    const folder = await openUsableFolder(options, releases).catch((error: unknown) => {
      ofFolder.push(orFolderFinding(error))
      return undefined
    })
    const [ofRedis, ofMachine] = await Promise.all([lookAtRedis(options), lookAtMachine(options, folder)])
    // An embedded database is in the folder, or is used by whoever has that.
    const ofCold = ofFolder.length > 0 && !options.cold.isShared ? [] : await lookAtCold(options, folder, releases)
    return { findings: withoutRepetitions([...ofRedis, ...ofCold, ...ofFolder, ...ofMachine]) }
  })
}

/** Of a folder beside a database server, which is not opened, whether it could be: it need not be there. */
async function openUsableFolder(options: ResolvedOptions, releases: ReleaseStack): Promise<DataFolder | undefined> {
  const folder = await openOwnFolder(options, releases)
  const { path, wal } = dataFolder(options.dir)
  if (folder === undefined) for (const each of [path, wal]) await namingFolder('dir', path, () => mayBeUsed(each))
  return folder
}

async function mayBeUsed(path: string): Promise<void> {
  try {
    // Also that it is a folder.
    await readdir(path)
    await access(path, constants.W_OK | constants.X_OK)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/** The folder of the logs is come upon in several ways. */
function withoutRepetitions(found: readonly Finding[]): Finding[] {
  return found.filter(({ code, what }, nth) => found.findIndex((one) => one.code === code && one.what === what) === nth)
}

async function lookAtCold(options: ResolvedOptions, folder: DataFolder | undefined, releases: ReleaseStack) {
  const driver = await openColdDriver(options, folder, releases).catch(orFinding('database'))
  return 'code' in driver ? [driver] : lookAtDatabase(driver, options)
}

async function lookAtRedis({ hot, timeouts }: ResolvedOptions): Promise<Finding[]> {
  if (hot.kind !== 'redis') return []
  const { readRedisFacts } = await import('../hot/redis/diagnose-redis.ts')
  try {
    return findings.findingsOfRedis(await readRedisFacts(hot.server, timeouts.hot))
  } catch (error) {
    return [orFinding('redis')(error)]
  }
}

async function lookAtDatabase(driver: ColdDriver, options: ResolvedOptions): Promise<Finding[]> {
  const { clock, cold, dir, timeouts } = options
  const { readDatabaseFacts, readSchemaFacts } = await import('../cold/sql/diagnose-database.ts')
  try {
    const sent = clock.now()
    const facts = await readDatabaseFacts(driver)
    // Half-way of the answer; an embedded database has the clock of this machine.
    const now = cold.isShared ? (sent + clock.now()) / 2 : facts.now
    const found = findings.findingsOfDatabase(facts, { timeout: timeouts.cold, now })
    if (facts.missingMigrations.length > 0) return found
    const schema = await readSchemaFacts(driver, cold)
    return [...found, ...findings.findingsOfSchema(schema), ...(await lookAtLogs(schema.logs, dir))]
  } catch (error) {
    return [orFinding('database')(error)]
  }
}

async function lookAtLogs(logs: readonly RegisteredLog[], dir: string): Promise<Finding[]> {
  try {
    const folder = new LogFolder(dataFolder(dir).wal)
    return findings.findingsOfLogs(await namingFolder('dir', dir, () => standingsOf(logs, folder)), dir)
  } catch (error) {
    return [orFolderFinding(error)]
  }
}

async function lookAtMachine({ cold, dir, hot, wal }: ResolvedOptions, folder: DataFolder = dataFolder(dir)) {
  const given = cold.kind === 'embedded' && cold.dir !== undefined ? [dir, cold.dir] : [dir]
  const held = (hot.kind === 'memory' ? hot.maxBytes : 0) + wal.maxPendingBytes
  return [
    ...findings.findingsOfDisk(await scarcestDisk(foldersOf(folder, !cold.isShared))),
    ...(await Promise.all(given.map(lookAtFolder))).flat(),
    ...findings.findingsOfMemory({ held, available: availableMemory() }),
  ]
}

/** Beside a database server there need be none. */
async function lookAtFolder(path: string): Promise<Finding[]> {
  try {
    return findings.findingsOfFolder(path, await examineFolder('dir', path))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // A folder in one that this user may not enter was found to be of no use.
    if (code === 'ENOENT' || code === 'EACCES') return []
    return [orFolderFinding(error)]
  }
}

/** Bytes of this machine, or of the container that this process is in. */
function availableMemory(): number {
  const constrained = process.constrainedMemory()
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
}

/** What is wrong with a folder, as its message says; anything else ends the look, as that another process has it. */
function orFolderFinding(error: unknown): Finding {
  const isOfFolder =
    (isThermoclineError(error, 'ERR_INVALID_OPTIONS') && /^(cold\.)?dir$/.test(error.details.option ?? '')) ||
    (['ERR_UNSUPPORTED', 'ERR_BACKPRESSURE', 'ERR_WAL_FAILED'] as const).some((code) => isThermoclineError(error, code))
  if (!isOfFolder) throw error
  return findings.folderUnusable((error as Error).message)
}

/** What is wrong with a server, or with what it is reached by, is found; anything else ends the look. */
function orFinding(tier: 'redis' | 'database'): (error: unknown) => Finding {
  return (error) => {
    if (isThermoclineError(error, 'ERR_UNSUPPORTED') && error.details.packages !== undefined)
      return findings.notInstalled(error.message, error.details.packages)
    if (isThermoclineError(error, 'ERR_INVALID_OPTIONS') && error.details.option === 'cold')
      return findings.databaseMissing(error.message)
    const isOfServer = (['ERR_TIER_UNAVAILABLE', 'ERR_UNSUPPORTED', 'ERR_SCHEMA'] as const).some((code) =>
      isThermoclineError(error, code),
    )
    if (!isOfServer) throw error
    if (sqlStateOf(error) === INSUFFICIENT_PRIVILEGE) return findings.rightsMissing((error as Error).message)
    if (sqlStateOf(error) === TOO_MANY_CONNECTIONS) return findings.connectionLimit((error as Error).message)
    return findings.unreachable(tier, (error as Error).message)
  }
}
