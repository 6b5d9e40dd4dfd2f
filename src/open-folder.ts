/** The data folder under its lock, and the database in it: where opening a store and the commands on its folder begin. */
import type { ColdTier } from './cold/cold-tier.ts'
import { openPgliteCold } from './cold/pglite.ts'
import { type DataFolder, prepareDataFolder } from './data-folder.ts'
import type { ResolvedOptions } from './options.ts'
import type { ReleaseStack } from './release-stack.ts'
import { DirectoryLock } from './wal/lock.ts'

/** Rejects with `ERR_LOCKED` while another process has the folder, and with `ERR_UNSUPPORTED` when it is of a newer format. */
export async function lockFolder(options: ResolvedOptions, releases: ReleaseStack): Promise<DataFolder> {
  const lock = await DirectoryLock.acquire(options.dir, { timeout: options.wal.lockTimeout })
  releases.push(() => lock.release())
  const folder = await prepareDataFolder(options.dir, options.logger)
  if (options.cold.dir === undefined) return folder
  // A database elsewhere needs a lock of its own: two openers corrupt it, and their data folders may differ.
  const database = await DirectoryLock.acquire(options.cold.dir, { timeout: options.wal.lockTimeout })
  releases.push(() => database.release())
  return { ...folder, cold: options.cold.dir }
}

/** @param folder undefined: a database in memory. */
export async function openCold(
  options: ResolvedOptions,
  folder: DataFolder | undefined,
  releases: ReleaseStack,
): Promise<ColdTier> {
  const { cold: tier, timeouts, logger } = options
  const cold = await openPgliteCold({ ...tier, dir: folder?.cold, timeout: timeouts.cold, logger })
  releases.push(() => cold.close())
  return cold
}
