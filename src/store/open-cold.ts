/** Opens the database of a store: a server, or the embedded one. */
import { stat } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { ColdDriver } from '../cold/cold-driver.ts'
import type { ColdTier } from '../cold/cold-tier.ts'
import { LateColdTier } from '../cold/late-cold-tier.ts'
import type { PgliteClient } from '../cold/pglite/pglite-client.ts'
import type { PgliteColdOptions } from '../cold/pglite/pglite-driver.ts'
import { holdsDatabase } from '../cold/pglite/pglite-folder.ts'
import type { PostgresDriverOptions } from '../cold/postgres/postgres-driver.ts'
import { isPermanent } from '../cold/postgres/postgres-errors.ts'
import { isThermoclineError, ThermoclineError } from '../errors.ts'
import type { Logger } from '../kernel/logger.ts'
import type { ReleaseStack } from '../kernel/release-stack.ts'
import { LogFolder } from '../wal/log-folder.ts'
import { type DataFolder, namingFolder, readStoreId } from './data-folder.ts'
import type { ResolvedOptions } from './resolve-options.ts'

const RETRY_MS = 250

interface ColdOpening {
  readonly replacesLost?: boolean
  readonly makesNone?: boolean
  readonly thread?: PgliteClient | undefined
}

/**
 * Waits up to `timeouts.open` for a server that is away; nothing of the store is touched before it is there.
 * @param folder undefined: an embedded database in memory.
 * @param replacesLost make an embedded database where there is only its folder, although there are logs of another.
 * @param makesNone refuse an embedded database that is not there.
 * @param thread of an embedded database, where it was started before.
 */
export async function openCold(
  options: ResolvedOptions,
  folder: DataFolder | undefined,
  releases: ReleaseStack,
  { replacesLost = false, makesNone = false, thread }: ColdOpening = {},
): Promise<ColdTier> {
  const { cold: given, timeouts, logger } = options
  if (folder !== undefined && !(replacesLost && (await namingFolder('dir', folder.path, () => isThere(folder.cold)))))
    await refuseWithoutDatabase(options, folder, makesNone || (replacesLost && (await belongsToStore(folder))))
  const cold =
    given.kind === 'embedded'
      ? await openEmbedded(
          { ...given, dir: folder?.cold, timeout: timeouts.cold, logger, clock: options.clock },
          thread,
        )
      : await openServer({ ...given, timeout: timeouts.cold, logger }, options, folder)
  releases.push('the cold tier', () => cold.close())
  return cold
}

/**
 * Opens the database as it is, to be looked at: nothing is made, migrated or checked, and a server that is away is not
 * waited for.
 */
export async function openColdDriver(
  options: ResolvedOptions,
  folder: DataFolder | undefined,
  releases: ReleaseStack,
): Promise<ColdDriver> {
  const { cold: given, timeouts, logger } = options
  if (folder !== undefined) await refuseWithoutDatabase(options, folder, true)
  const own = { ...given, migrate: 'check', timeout: timeouts.cold, logger } as const
  const driver = own.kind === 'embedded' ? await embeddedDriver(own, folder) : await serverDriver(own)
  releases.push('the database', () => driver.close())
  return driver
}

async function embeddedDriver(options: Omit<PgliteColdOptions, 'dir'>, folder: DataFolder | undefined) {
  const { startPglite } = await import('../cold/pglite/start-pglite.ts')
  const { PgliteDriver } = await import('../cold/pglite/pglite-driver.ts')
  return new PgliteDriver(await startPglite({ ...options, dir: folder?.cold }), options.timeout, options.logger)
}

async function serverDriver(options: PostgresDriverOptions) {
  const { PostgresDriver } = await import('../cold/postgres/postgres-driver.ts')
  return PostgresDriver.connect(options)
}

/** The driver is loaded while the database starts. */
async function openEmbedded(options: PgliteColdOptions, thread: PgliteClient | undefined): Promise<ColdTier> {
  const { placePglite } = await import('../cold/pglite/start-pglite.ts')
  const placed = await placePglite(options, thread)
  try {
    const { openPgliteCold } = await import('../cold/pglite/pglite-driver.ts')
    return await openPgliteCold(options, placed.started)
  } catch (error) {
    // Before anybody lets go of the lock over its folder.
    await placed.end()
    throw error
  }
}

/** Serving without it takes a folder that says which store it belongs to. */
async function openServer(
  server: PostgresDriverOptions,
  { requireCold, timeouts, logger }: ResolvedOptions,
  folder: DataFolder | undefined,
): Promise<ColdTier> {
  const { openPostgresCold } = await import('../cold/postgres/postgres-driver.ts')
  const open = (signal?: AbortSignal) => openPostgresCold(server, signal)
  try {
    return await openOnceReachable(open, timeouts.open, logger)
  } catch (error) {
    if (requireCold || folder === undefined || !mayPass(error)) throw error
    const storeId = await readStoreId(folder.path)
    if (storeId === undefined) throw error
    logger.warn({ err: error }, 'opening without the cold tier: its entries cannot be read until it is there')
    return new LateColdTier({ storeId, open, reason: error as ThermoclineError, logger })
  }
}

async function openOnceReachable(open: () => Promise<ColdTier>, patience: number, logger: Logger): Promise<ColdTier> {
  const deadline = performance.now() + patience
  for (let attempt = 1; ; attempt++) {
    try {
      return await open()
    } catch (error) {
      if (!mayPass(error) || performance.now() + RETRY_MS > deadline) throw error
      if (attempt === 1) logger.warn({ patience }, `${(error as Error).message}; waiting for it`)
    }
    await delay(RETRY_MS)
  }
}

function mayPass(error: unknown): boolean {
  if (!isThermoclineError(error, 'ERR_TIER_UNAVAILABLE')) return false
  const { cause } = error
  const code = cause instanceof ThermoclineError ? undefined : (cause as { code?: string } | undefined)?.code
  return code === undefined || !isPermanent(code)
}

/** The folder of a store on servers has none; who lost an embedded database makes it. */
async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

async function belongsToStore({ path }: DataFolder): Promise<boolean> {
  return (await readStoreId(path)) !== undefined
}

/**
 * A log goes once it is shipped, so it must not be shipped into a new database by mistake: its owner may well write to
 * a server that this process was not told of.
 */
async function refuseWithoutDatabase({ cold }: ResolvedOptions, folder: DataFolder, makesNone: boolean): Promise<void> {
  if (cold.isShared || (await holdsDatabase(folder.cold))) return
  const logs = await new LogFolder(folder.wal).list()
  if (logs.length === 0 && !makesNone) return
  const message =
    `${folder.path} holds ${logs.length} log${logs.length === 1 ? '' : 's'} and no database, and nothing was changed: ` +
    'name the database that the backends write to (DATABASE_URL, or `cold` in --config); ' +
    `only where an embedded one is gone for good, make the empty folder ${folder.cold}, have ` +
    '`thermocline migrate` make a database in it, then run `thermocline recover`'
  throw new ThermoclineError('ERR_INVALID_OPTIONS', message, { option: 'cold' })
}
