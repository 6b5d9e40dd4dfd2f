/**
 * Does what `thermocline doctor` does: looks at the servers, the logs and the machine of a store, also where it would
 * not open, and changes nothing. What counts as wrong is decided in store-findings.ts.
 */
import { totalmem } from 'node:os'
import type { ColdDriver } from '../cold/cold-driver.ts'
import { INSUFFICIENT_PRIVILEGE, sqlStateOf, TOO_MANY_CONNECTIONS } from '../cold/cold-errors.ts'
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
 * database, with `ERR_INVALID_OPTIONS` where options are wrong. A server that is away is a finding.
 */
export async function diagnoseStore(given: MemoryStoreOptions): Promise<Diagnosis> {
  const options = resolveOptions(given)
  return ReleaseStack.within(options.logger, async (releases) => {
    const folder = await openOwnFolder(options, releases)
    const [ofRedis, ofMachine] = await Promise.all([lookAtRedis(options), lookAtMachine(options, folder)])
    const driver = await openColdDriver(options, folder, releases).catch(orFinding('database'))
    const ofCold = 'code' in driver ? [driver] : await lookAtDatabase(driver, options)
    return { findings: [...ofRedis, ...ofCold, ...ofMachine] }
  })
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
    const standings = await namingFolder('dir', dir, () => standingsOf(schema.logs, new LogFolder(dataFolder(dir).wal)))
    return [...found, ...findings.findingsOfSchema(schema), ...findings.findingsOfLogs(standings, dir)]
  } catch (error) {
    return [orFinding('database')(error)]
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
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** Bytes of this machine, or of the container that this process is in. */
function availableMemory(): number {
  const constrained = process.constrainedMemory()
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
}

/** What is wrong with a server, or with what it is reached by, is found; anything else ends the look. */
function orFinding(tier: 'redis' | 'database'): (error: unknown) => Finding {
  return (error) => {
    if (isThermoclineError(error, 'ERR_UNSUPPORTED') && error.details.packages !== undefined)
      return findings.notInstalled(error.message, error.details.packages)
    const isOfServer = (['ERR_TIER_UNAVAILABLE', 'ERR_UNSUPPORTED', 'ERR_SCHEMA'] as const).some((code) =>
      isThermoclineError(error, code),
    )
    if (!isOfServer) throw error
    if (sqlStateOf(error) === INSUFFICIENT_PRIVILEGE) return findings.rightsMissing((error as Error).message)
    if (sqlStateOf(error) === TOO_MANY_CONNECTIONS) return findings.connectionLimit((error as Error).message)
    return findings.unreachable(tier, (error as Error).message)
  }
}
