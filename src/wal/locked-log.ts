/** A log's folder, held by this process. */
import { mkdir, open, readdir, rmdir, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { ThermoclineError } from '../errors.ts'
import { MARK_FILE } from './durable-mark.ts'
import { segmentNumber } from './format.ts'
import { DirectoryLock } from './lock.ts'
import { type LogDevice, type LogOperation, removal, WorkerLogDevice } from './log-device.ts'
import { takeOwnership } from './owner.ts'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Ids of the logs in a folder, oldest first; an absent folder has none. */
export async function listLogs(dir: string): Promise<string[]> {
  const names = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const found = await Promise.all(names.filter((name) => UUID.test(name)).map((id) => birthOf(dir, id)))
  const logs = found.filter((log) => log !== undefined)
  return logs.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1)).map(({ id }) => id)
}

/** Undefined where the log has been retired meanwhile. */
async function birthOf(dir: string, id: string): Promise<{ id: string; at: number } | undefined> {
  try {
    return { id, at: (await stat(join(dir, id))).birthtimeMs }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

export class LockedLog {
  readonly walId: string
  readonly path: string
  /** Whether the log is still ours: before a sync is relied on. */
  readonly stillOwned: LogOperation
  readonly #lock: DirectoryLock

  private constructor(walId: string, path: string, lock: DirectoryLock, stillOwned: LogOperation) {
    this.walId = walId
    this.path = path
    this.stillOwned = stillOwned
    this.#lock = lock
  }

  /** Makes this process the owner. Rejects with `ERR_LOCKED` while another one that lives is. */
  static async lock(dir: string, walId: string, { lockTimeout }: { readonly lockTimeout: number }): Promise<LockedLog> {
    const path = join(dir, walId)
    await mkdir(path, { recursive: true, mode: 0o700 })
    const lock = await DirectoryLock.acquire(path, { timeout: lockTimeout })
    try {
      return new LockedLog(walId, path, lock, await takeOwnership(path))
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  /** Idempotent. */
  release(): Promise<void> {
    return this.#lock.release()
  }

  /**
   * Removes the log for good; its every record MUST be in cold. The mark goes before the last segment, since a mark without
   * its segment would look like a loss; the segments go oldest first, and the last one says that the log is closed.
   */
  async remove(device?: LogDevice): Promise<void> {
    const names = (await readdir(this.path)).filter((name) => name !== 'lock' && name !== MARK_FILE)
    const operations = [this.stillOwned, ...[MARK_FILE, ...names.sort(bySegment)].flatMap(removal)]
    const remover = device ?? (await WorkerLogDevice.open(this.path))
    try {
      const failure = await remover.run(operations).catch(() => ({ code: 'EDEVICE' }))
      if (failure !== undefined) throw notRemoved(failure.code)
    } finally {
      if (device === undefined) await remover.close()
    }
    await this.release()
    // Somebody who came for the lock at this moment leaves it non-empty, finds no segment, and removes it in turn.
    await removeIfEmpty(join(this.path, 'lock'))
    await removeIfEmpty(this.path)
    await syncFolder(dirname(this.path))
  }
}

/** Makes a folder whose name survives a power cut, and those above it that were missing, whoever made them. */
export async function makeFolder(path: string): Promise<void> {
  const folder = resolve(path)
  const topmost = resolve((await mkdir(folder, { recursive: true, mode: 0o700 })) ?? folder)
  // The folder's own name in any case: an earlier process may have made it and died before that was durable.
  for (let made = folder; made.length >= topmost.length; made = dirname(made)) await syncFolder(dirname(made))
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

function notRemoved(code: string): ThermoclineError<'ERR_WAL_FAILED'> {
  const message = `a log that is in the database could not be removed (${code}): look at the disk, then open the store again`
  return new ThermoclineError('ERR_WAL_FAILED', message, { outcome: 'none' })
}
