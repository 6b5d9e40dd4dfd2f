/** A log's folder, held by this process. */
import { mkdir, open, readdir, rm, rmdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { MARK_FILE } from './durable-mark.ts'
import { segmentNumber } from './format.ts'
import { DirectoryLock } from './lock.ts'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Ids of the logs in a folder, oldest first; an absent folder has none. */
export async function listLogs(dir: string): Promise<string[]> {
  const names = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const logs = await Promise.all(
    names.filter((name) => UUID.test(name)).map(async (id) => ({ id, at: (await stat(join(dir, id))).birthtimeMs })),
  )
  return logs.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1)).map(({ id }) => id)
}

export class LockedLog {
  readonly walId: string
  readonly path: string
  readonly #lock: DirectoryLock

  private constructor(walId: string, path: string, lock: DirectoryLock) {
    this.walId = walId
    this.path = path
    this.#lock = lock
  }

  /** Rejects with `ERR_LOCKED` while a living process owns the log. */
  static async lock(dir: string, walId: string, { lockTimeout }: { readonly lockTimeout: number }): Promise<LockedLog> {
    const path = join(dir, walId)
    await mkdir(path, { recursive: true, mode: 0o700 })
    return new LockedLog(walId, path, await DirectoryLock.acquire(path, { timeout: lockTimeout }))
  }

  /** Idempotent. */
  release(): Promise<void> {
    return this.#lock.release()
  }

  /**
   * Removes the log for good; its every record MUST be in cold. The mark goes before the last segment, since a mark without
   * its segment would look like a loss; the segments go oldest first.
   */
  async remove(): Promise<void> {
    await rm(join(this.path, MARK_FILE), { force: true })
    await syncFolder(this.path)
    const names = (await readdir(this.path)).filter((name) => name !== 'lock')
    for (const name of names.sort(bySegment)) await rm(join(this.path, name), { force: true })
    await syncFolder(this.path)
    await this.release()
    // Somebody who came for the lock at this moment leaves it non-empty, finds no segment, and removes it in turn.
    await removeIfEmpty(join(this.path, 'lock'))
    await removeIfEmpty(this.path)
    await syncFolder(dirname(this.path))
  }
}

/** Makes the entries of a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function bySegment(a: string, b: string): number {
  return (segmentNumber(a) ?? 0) - (segmentNumber(b) ?? 0)
}

async function removeIfEmpty(path: string): Promise<void> {
  try {
    await rmdir(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOENT') throw error
  }
}
