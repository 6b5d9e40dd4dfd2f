/**
 * Manages `wal/`, the folder with the logs of all writers on this machine: one folder per log, named by the id of the
 * log.
 */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isThermoclineError } from '../errors.ts'
import { DirectoryLock } from '../kernel/directory-lock.ts'
import { isUuid } from '../kernel/uuid.ts'
import { LockedLog, type LogLockOptions } from './locked-log.ts'
import { LogScan, type ScanOptions } from './log-scan.ts'

/** An owner does not delete segments so often in a row that every look at them comes upon one that has just gone. */
const MAX_LOOKS = 20

export interface LogBirth {
  readonly walId: string
  readonly at: number
}

export class LogFolder {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  /** Ids of the logs, oldest first; a folder that is not there has none. */
  async list(): Promise<string[]> {
    return (await this.births()).map(({ walId }) => walId)
  }

  /** Likewise, with when each began, in milliseconds since the epoch. */
  async births(): Promise<LogBirth[]> {
    const names = (await unlessGone(readdir(this.path))) ?? []
    const births = names
      .filter((name) => isLogId(name))
      .map(async (walId) => {
        const found = await unlessGone(stat(join(this.path, walId)))
        return found === undefined ? [] : [{ walId, at: found.birthtimeMs }]
      })
    const logs = (await Promise.all(births)).flat()
    return logs.sort((a, b) => a.at - b.at || (a.walId < b.walId ? -1 : 1))
  }

  /**
   * Makes this process the owner of a log. Undefined where the log is gone: then its records are in cold. Rejects with
   * `ERR_LOCKED` while another process that lives has it.
   */
  async claim(walId: string, options: LogLockOptions): Promise<LockedLog | undefined> {
    try {
      return await LockedLog.lock(this.path, walId, options)
    } catch (error) {
      if (isThermoclineError(error, 'ERR_NOT_FOUND')) return undefined
      throw error
    }
  }

  /** Likewise, but undefined as well where a living process has the log: then it is that one's own business. */
  async claimUnlessOwned(walId: string, options: Pick<LogLockOptions, 'logger'> = {}): Promise<LockedLog | undefined> {
    try {
      return await this.claim(walId, { ...options, lockTimeout: 0 })
    } catch (error) {
      if (isThermoclineError(error, 'ERR_LOCKED')) return undefined
      throw error
    }
  }

  /** Whether a living process owns the log. Holds nobody up who is about to. */
  isOwned(walId: string): Promise<boolean> {
    return DirectoryLock.isHeld(join(this.path, walId))
  }

  /** Reads a log that this process need not own. */
  scan(walId: string, options?: ScanOptions): LogScan {
    return new LogScan({ path: join(this.path, walId), walId }, options)
  }

  /**
   * Repeats a look at logs during which an owner deleted what was being read: segments it had shipped, or its whole
   * log.
   */
  async readBesideOwner<T>(look: () => Promise<T>): Promise<T> {
    for (let looks = 1; ; looks++) {
      try {
        return await look()
      } catch (error) {
        if (!isGone(error) || looks === MAX_LOOKS) throw error
      }
    }
  }
}

/** Ids are written in lower case. */
function isLogId(name: string): boolean {
  return isUuid(name) && name === name.toLowerCase()
}

/** Returns undefined where a file or folder is not there, or not any more. */
async function unlessGone<T>(looking: Promise<T>): Promise<T | undefined> {
  try {
    return await looking
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}

function isGone(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}
