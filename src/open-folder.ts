/** The data folder: kept by one process where it holds the database, shared by all where the database is a server. */
import { type DataFolder, prepareDataFolder } from './data-folder.ts'
import { makeFolder } from './folder/make-folder.ts'
import type { ResolvedOptions } from './options.ts'
import type { ReleaseStack } from './release-stack.ts'
import { DirectoryLock } from './wal/lock.ts'

/** What a store does about its folder once it is open. */
export interface OpenedFolder extends DataFolder {
  /** Another opener in this process is refused at once from now on, since nobody closes the store for it. */
  readonly keep: () => void
  /** The store is closing: whoever asks for the folder may wait for that. */
  readonly releaseSoon: () => void
}

/** Rejects with `ERR_LOCKED` while another process has the folder, and with `ERR_UNSUPPORTED` when it is of a newer format. */
export async function openFolder(options: ResolvedOptions, releases: ReleaseStack): Promise<OpenedFolder> {
  const { cold, dir, wal, logger } = options
  // Before the lock makes it, and leaves its name to chance.
  await makeFolder(dir)
  const lock = await DirectoryLock.acquire(dir, { timeout: wal.lockTimeout })
  if (cold.kind === 'postgres') {
    // Each log has a lock of its own; the folder's is for what happens to the folder itself.
    try {
      return withLocks(await prepareDataFolder(dir, logger), [])
    } finally {
      await lock.release()
    }
  }
  releases.push(() => lock.release())
  const folder = await prepareDataFolder(dir, logger)
  if (cold.dir === undefined) return withLocks(folder, [lock])
  // A database elsewhere needs a lock of its own: two openers corrupt it, and their data folders may differ.
  await makeFolder(cold.dir)
  const database = await DirectoryLock.acquire(cold.dir, { timeout: wal.lockTimeout })
  releases.push(() => database.release())
  return withLocks({ ...folder, cold: cold.dir }, [lock, database])
}

function withLocks(folder: DataFolder, locks: readonly DirectoryLock[]): OpenedFolder {
  return {
    ...folder,
    keep: () => {
      for (const lock of locks) lock.keep()
    },
    releaseSoon: () => {
      for (const lock of locks) lock.releaseSoon()
    },
  }
}
