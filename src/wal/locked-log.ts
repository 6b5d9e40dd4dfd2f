/** Locks the folder of a log for this process. */
import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isThermoclineError, ThermoclineError } from '../errors.ts'
import { DirectoryLock } from '../kernel/directory-lock.ts'
import { makeFolder, syncFolder } from '../kernel/durable-files.ts'
import { refuseForeign } from '../kernel/folder-trust.ts'
import { type Logger, warningLogger } from '../kernel/logger.ts'
import { letGo } from '../kernel/release-stack.ts'
import { encodeMark, MARK_FILE } from './durable-mark.ts'
import { segmentNumber } from './format.ts'
import { type LogDevice, type LogOperation, removal, WorkerLogDevice } from './log-device.ts'
import { filesIn } from './log-files.ts'
import { LogOutline } from './log-outline.ts'
import { takeOwnership } from './log-owner.ts'

export interface LogLockOptions {
  /** Milliseconds to wait for a living owner to let go. */
  readonly lockTimeout: number
  /** Told where the lock cannot be let go of. @default warnings of the process */
  readonly logger?: Logger
}

const LOCK = 'the lock of a log'

/** So often in a row nobody comes first to a folder that was just made. */
const TRIES = 20

export class LockedLog {
  readonly walId: string
  readonly path: string
  /** Whether the log is still ours: before a sync is relied on. */
  readonly stillOwned: LogOperation
  readonly #lock: DirectoryLock
  readonly #logger: Logger
  #outline: Promise<LogOutline> | undefined
  #isHandedOn = false

  private constructor(
    { walId, path }: Pick<LockedLog, 'walId' | 'path'>,
    lock: DirectoryLock,
    stillOwned: LogOperation,
    logger: Logger,
  ) {
    this.walId = walId
    this.path = path
    this.stillOwned = stillOwned
    this.#lock = lock
    this.#logger = logger
  }

  /** Makes a new log, of which this process is the owner. */
  static async create(dir: string, options: LogLockOptions): Promise<LockedLog> {
    await makeFolder(dir)
    for (let tries = 1; ; tries++) {
      const walId = randomUUID()
      await mkdir(join(dir, walId), { mode: 0o700 })
      try {
        const log = await LockedLog.lock(dir, walId, options)
        await syncFolder(dir)
        return log
      } catch (error) {
        // Whoever looked for logs to adopt came first, and removes it as left over.
        const isTaken = isThermoclineError(error, 'ERR_LOCKED') || isThermoclineError(error, 'ERR_NOT_FOUND')
        if (!isTaken || tries === TRIES) throw error
      }
    }
  }

  /**
   * Makes this process the owner. Rejects with `ERR_LOCKED` while another one that lives is, and with `ERR_NOT_FOUND`
   * where the log is gone: then its records are in cold.
   */
  static async lock(dir: string, walId: string, options: LogLockOptions): Promise<LockedLog> {
    const { lockTimeout, logger = warningLogger } = options
    const path = join(dir, walId)
    await refuseForeign('dir', path).catch((error: NodeJS.ErrnoException) => {
      // The lock says so as well, and that is what callers expect to hear it from.
      if (error.code !== 'ENOENT') throw error
    })
    const lock = await DirectoryLock.acquire(path, { timeout: lockTimeout })
    try {
      return new LockedLog({ walId, path }, lock, await takeOwnership(path), logger)
    } catch (error) {
      await letGo(LOCK, () => lock.release(), logger)
      throw error
    }
  }

  /** Read once: whoever had the log before cannot acknowledge anything more in it. */
  outline(): Promise<LogOutline> {
    this.#outline ??= LogOutline.read(filesIn(this.path), this.walId)
    return this.#outline
  }

  /**
   * Notes that this owner takes an epoch, before cold is told: what cold then has of that epoch is known to be of this
   * folder, and not of a copy of it. Where it cannot be noted, cold is taken to know less than it does.
   */
  async noteEpoch(epoch: number): Promise<void> {
    const { mark } = await this.outline()
    if (mark === undefined) return
    const device = await WorkerLogDevice.open(this.path)
    try {
      const failure = await device.run([
        { op: 'open', name: MARK_FILE, handle: MARK_FILE },
        this.stillOwned,
        { op: 'write', handle: MARK_FILE, ...encodeMark({ ...mark, markNumber: mark.markNumber + 1, epoch }) },
        { op: 'fdatasync', handle: MARK_FILE },
      ])
      if (failure !== undefined)
        this.#logger.warn({ walId: this.walId, epoch, code: failure.code }, 'the epoch of a log could not be noted')
    } finally {
      await device.close()
    }
  }

  /** From now on the caller is who releases it, whatever becomes of the scope that claimed it. */
  handOn(): void {
    this.#isHandedOn = true
  }

  /** Idempotent. */
  release(): Promise<void> {
    return this.#lock.release()
  }

  /** Never rejects: why the scope was left is what its caller has to hear. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isHandedOn) await this.letGo()
  }

  /** As {@link release}, at the end of work whose outcome counts. */
  letGo(): Promise<void> {
    return letGo(LOCK, () => this.release(), this.#logger)
  }

  /**
   * Removes the log for good; its every record MUST be in cold. The mark goes before the last segment, since a mark
   * without its segment would look like a loss; the segments go oldest first, and the last one says that the log is
   * closed.
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
