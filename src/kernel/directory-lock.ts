/**
 * Keeps a folder to one process, without a native addon: a holder listens on a unix socket in `<dir>/lock/`, its flag.
 * The kernel drops the socket with its process, however that dies, and keeps it while the process is stopped.
 *
 * To take the lock: look for a living flag; raise one's own; look again, and hold only if no other living flag stands.
 * Two that raise at once both see each other and both withdraw; a random pause lets one of them win. A flag appears
 * under its name only once it listens, and names are never reused, so a flag that refuses a connection is dead for
 * good.
 *
 * Holds among the processes of one kernel, across its containers; not across machines that share a network file system.
 *
 * Whoever removes a folder for good removes its lock as well, at any moment in which nobody holds it. So every step may
 * find that what the one before saw is gone, and begins anew, until the folder itself is gone.
 */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ThermoclineError } from '../errors.ts'
import { throwIfAborted } from './deadline.ts'
import { shared } from './shared.ts'

export interface LockOptions {
  /** Milliseconds to wait for a living holder to let go. */
  readonly timeout: number
  readonly signal?: AbortSignal | undefined
}

const FLAG = '.flag'
/** A flag on its way up, which does not count yet. */
const HIDDEN = '.new'
/** A hidden flag that refuses is either about to listen or left by a dead process; after so long it is the latter. */
const HIDDEN_FOR_MS = 10_000
/** Two contenders that withdraw see each other again after a few of these. */
const FIRST_PAUSE_MS = 4
const LONGEST_PAUSE_MS = 250
/** Contenders that withdraw at once deserve another try even where the caller would not wait for a holder. */
const LEAST_TRIES = 6

/**
 * Flags that this process keeps up for as long as a store is open. All copies of this module share them, by one name:
 * servers for development load the module anew while the store of the old copy is still open.
 */
const kept = shared('thermocline.kept-locks', () => new Set<string>())

interface Refusal {
  /** The flag in the way; undefined where it was another contender's, who may have withdrawn as well. */
  readonly holder: string | undefined
}

export class DirectoryLock implements AsyncDisposable {
  readonly #folder: FlagFolder
  readonly #flag: Flag
  #released: Promise<void> | undefined

  private constructor(folder: FlagFolder, flag: Flag) {
    this.#folder = folder
    this.#flag = flag
  }

  /**
   * Rejects with `ERR_LOCKED`, naming the holder's process, once the timeout has passed, or at once where this process
   * itself keeps the lock; with `ERR_NOT_FOUND` where there is no such folder.
   */
  static async acquire(dir: string, { timeout, signal }: LockOptions): Promise<DirectoryLock> {
    const deadline = performance.now() + timeout
    for (let tries = 1; ; tries++) {
      throwIfAborted(signal)
      const attempt = await DirectoryLock.#attempt(dir)
      if (attempt instanceof DirectoryLock) return attempt
      const { holder } = attempt
      if (holder !== undefined && kept.has(holder)) throw openAlready()
      const isContended = holder === undefined && tries < LEAST_TRIES
      if (!isContended && performance.now() >= deadline) throw locked(holder)
      await pause(Math.random() * Math.min(FIRST_PAUSE_MS * 2 ** tries, LONGEST_PAUSE_MS), undefined, { signal }).catch(
        () => throwIfAborted(signal),
      )
    }
  }

  static async #attempt(dir: string): Promise<DirectoryLock | Refusal> {
    let folder: FlagFolder | undefined
    let flag: Flag | undefined
    try {
      folder = await FlagFolder.open(dir)
      const holder = await folder.findLiving()
      flag = holder === undefined ? await folder.raise() : undefined
      if (flag !== undefined && (await folder.findLiving(flag.name)) === undefined)
        return new DirectoryLock(folder, flag)
      await flag?.lower()
      await folder.close()
      return { holder }
    } catch (error) {
      await flag?.lower()
      const isRemoved = (error as NodeJS.ErrnoException).code === 'ENOENT' || (await folder?.isRemoved())
      await folder?.close()
      if (!isRemoved) throw error
      if (!(await isThere(dir))) throw gone(error)
      return { holder: undefined }
    }
  }

  /** Says that it is kept until its owner closes: another opener in this process is refused at once from now on. */
  keep(): void {
    kept.add(this.#flag.name)
  }

  /**
   * Says that it will be released soon: another opener in this process waits for that, as one of another process does.
   */
  releaseSoon(): void {
    kept.delete(this.#flag.name)
  }

  /** Idempotent. */
  release(): Promise<void> {
    this.releaseSoon()
    this.#released ??= this.#flag.lower().then(() => this.#folder.close())
    return this.#released
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }
}

/** `<dir>/lock/`, where the flags stand. */
class FlagFolder {
  readonly #path: string
  readonly #handle: FileHandle
  /**
   * Path for socket calls: they cut a path after 107 bytes without a word, so on Linux it leads through the open
   * descriptor of the folder.
   */
  readonly #socketPath: string

  private constructor(path: string, handle: FileHandle) {
    this.#path = path
    this.#handle = handle
    this.#socketPath = process.platform === 'linux' ? `/proc/self/fd/${handle.fd}` : path
  }

  static async open(dir: string): Promise<FlagFolder> {
    const path = join(dir, 'lock')
    await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
    return new FlagFolder(path, await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW))
  }

  /** Answers a flag, other than `own`, whose process lives, and clears dead ones away. */
  async findLiving(own?: string): Promise<string | undefined> {
    for (const name of await readdir(this.#path)) {
      if (name.endsWith(HIDDEN)) await this.#clearAway(name)
      if (name === own || !name.endsWith(FLAG)) continue
      if (await isListening(join(this.#socketPath, name))) return name
      await rm(join(this.#path, name), { force: true })
    }
    return undefined
  }

  async raise(): Promise<Flag> {
    const stem = `${process.pid}-${randomBytes(8).toString('hex')}`
    const hidden = stem + HIDDEN
    const server = await listen(join(this.#socketPath, hidden))
    const name = stem + FLAG
    try {
      await rename(join(this.#path, hidden), join(this.#path, name))
    } catch (error) {
      server.close()
      throw error
    }
    return new Flag(name, join(this.#path, name), server)
  }

  /** Removes what a process left that was killed while it raised its flag. */
  async #clearAway(hidden: string): Promise<void> {
    const path = join(this.#path, hidden)
    const made = await stat(path).catch(() => undefined)
    if (made === undefined || Date.now() - made.mtimeMs < HIDDEN_FOR_MS) return
    if (!(await isListening(join(this.#socketPath, hidden)))) await rm(path, { force: true })
  }

  /** Binding a socket in a folder that was removed is answered with a misleading error. */
  async isRemoved(): Promise<boolean> {
    return (await this.#handle.stat()).nlink === 0
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}

class Flag {
  readonly name: string
  readonly #path: string
  readonly #server: Server

  constructor(name: string, path: string, server: Server) {
    this.name = name
    this.#path = path
    this.#server = server
  }

  /** Hides the flag before it closes the socket: whoever still sees a flag must find it living. */
  async lower(): Promise<void> {
    await rm(this.#path, { force: true })
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }
}

/** Whether the holder lives. It needs no turn of its event loop to answer: the kernel accepts into the backlog. */
function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    // Anything but a plain refusal, a full backlog for one, may be a living holder.
    socket.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'),
    )
  })
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.destroy()
    })
    server.once('error', reject)
    server.listen(path, () => {
      server.unref()
      resolve(server)
    })
  })
}

async function isThere(dir: string): Promise<boolean> {
  return lstat(dir).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  )
}

function locked(holder: string | undefined): ThermoclineError<'ERR_LOCKED'> {
  const pid = Number.parseInt(holder ?? '', 10)
  const message = `${nameOf(pid)} has the data folder open: stop it, or use another folder`
  return new ThermoclineError('ERR_LOCKED', message, Number.isNaN(pid) ? {} : { pid })
}

function nameOf(pid: number): string {
  if (Number.isNaN(pid)) return 'another process'
  // What a store of this thread keeps is told apart: this one is about to let go, or was counted in another container.
  return pid === process.pid ? `process ${pid} (this one, or one in another container)` : `process ${pid}`
}

function openAlready(): ThermoclineError<'ERR_LOCKED'> {
  const message =
    'this process has the data folder open already: use that store, or close it first; ' +
    'where modules are loaded anew during development, keep the store on globalThis'
  return new ThermoclineError('ERR_LOCKED', message, { pid: process.pid })
}

function gone(cause: unknown): ThermoclineError<'ERR_NOT_FOUND'> {
  return new ThermoclineError('ERR_NOT_FOUND', 'the folder to be locked is gone', {}, { cause })
}
