/** The data folder: kept by one process where it holds the database, shared by all where the database is a server. */
import { type DataFolder, prepareDataFolder } from './data-folder.ts'
import type { ResolvedOptions } from './options.ts'
import type { ReleaseStack } from './release-stack.ts'
import { DirectoryLock } from './wal/lock.ts'
import { makeFolder } from './wal/locked-log.ts'

/** Rejects with `ERR_LOCKED` while another process has the folder, and with `ERR_UNSUPPORTED` when it is of a newer format. */
export async function openFolder(options: ResolvedOptions, releases: ReleaseStack): Promise<DataFolder> {
  const { cold, dir, wal, logger } = options
  // Before the lock makes it, and leaves its name to chance.
  await makeFolder(dir)
  const lock = await DirectoryLock.acquire(dir, { timeout: wal.lockTimeout })
  if (cold.kind === 'postgres') {
    // Each log has a lock of its own; the folder's is for what happens to the folder itself.
    try {
      return await prepareDataFolder(dir, logger)
    } finally {
      await lock.release()
    }
  }
  releases.push(() => lock.release())
  const folder = await prepareDataFolder(dir, logger)
  if (cold.dir === undefined) return folder
  // A database elsewhere needs a lock of its own: two openers corrupt it, and their data folders may differ.
  await makeFolder(cold.dir)
  const database = await DirectoryLock.acquire(cold.dir, { timeout: wal.lockTimeout })
  releases.push(() => database.release())
  return { ...folder, cold: cold.dir }
}
