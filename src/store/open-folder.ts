/**
 * Opens the data folder, and decides which processes may: one at a time where the folder, or `cold.dir`, has the
 * embedded database; all at once where the database is a server. The lock itself is in kernel/directory-lock.ts.
 */
import { join } from 'node:path'
import { DirectoryLock } from '../kernel/directory-lock.ts'
import { makeFolder } from '../kernel/durable-files.ts'
import { type FolderOption, namingFolder } from '../kernel/folder-error.ts'
import { examineFolder, examineOwnFolder } from '../kernel/folder-trust.ts'
import { letGo, type ReleaseStack } from '../kernel/release-stack.ts'
import { type DataFolder, prepareDataFolder } from './data-folder.ts'
import { warnOfAccess } from './folder-warnings.ts'
import type { ResolvedOptions } from './resolve-options.ts'

/** What a store does about its folder once it is open. */
export interface OpenedFolder extends DataFolder {
  /** Another opener in this process is refused at once from now on, since nobody closes the store for it. */
  readonly keep: () => void
  /** The store is closing: whoever asks for the folder may wait for that. */
  readonly releaseSoon: () => void
}

/**
 * Rejects with `ERR_LOCKED` while another process has the folder, with `ERR_UNSUPPORTED` when it is of a newer format,
 * and with `ERR_INVALID_OPTIONS` where a folder cannot be used, or not safely.
 */
export async function openFolder(options: ResolvedOptions, releases: ReleaseStack): Promise<OpenedFolder> {
  const { cold, dir, logger } = options
  const lock = await lockFolder('dir', dir, options)
  if (cold.isShared) {
    // Each log has a lock of its own; the folder's is for what happens to the folder itself.
    try {
      return withLocks(await namingFolder('dir', dir, () => prepareDataFolder(dir, logger)), [])
    } finally {
      await letGo('the data folder', () => lock.release(), logger)
    }
  }
  releases.pushGuard('the data folder', () => lock.release())
  const folder = await namingFolder('dir', dir, () => prepareDataFolder(dir, logger))
  if (cold.dir === undefined) {
    await namingFolder('dir', dir, () => examineOwnFolder('dir', folder.cold))
    return withLocks(folder, [lock])
  }
  // A database elsewhere needs a lock of its own: two openers corrupt it, and their data folders may differ.
  const database = await lockFolder('cold.dir', cold.dir, options)
  releases.pushGuard('the folder of the database', () => database.release())
  return withLocks({ ...folder, cold: cold.dir }, [lock, database])
}

/** Makes the folder where need be. One that was there is left as it is, with a warning where that is worth one. */
async function lockFolder(
  option: FolderOption,
  path: string,
  { logger, wal }: Pick<ResolvedOptions, 'logger' | 'wal'>,
): Promise<DirectoryLock> {
  return namingFolder(option, path, async () => {
    // Before the lock makes it, and leaves its name to chance.
    await makeFolder(path)
    warnOfAccess(option, await examineFolder(option, path), logger)
    await examineOwnFolder(option, join(path, 'lock'))
    return DirectoryLock.acquire(path, { timeout: wal.lockTimeout })
  })
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
