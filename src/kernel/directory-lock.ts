/**
 * Decides which process has a folder to itself, without a native addon. The holder listens on a unix socket in
 * `<dir>/lock/`, its lock socket. It counts as alive while its socket answers: the kernel drops the socket with its
 * process, however the process dies, and keeps it while the process is stopped.
 *
 * To take the lock: look for a socket that answers; create one's own; look again, and hold the lock only if no other
 * socket answers. Two processes that create theirs at once see each other and both withdraw; a random pause lets one of
 * them win. A socket gets its name only once it listens, and names are never reused, so a socket that refuses a
 * connection belongs to a dead process.
 *
 * The lock works among the processes of one kernel, across its containers; not across machines that share a network
 * file system.
 *
 * Whoever removes a folder for good removes its lock as well, at any moment in which nobody holds it. So every step may
 * find that what the step before saw is gone, and begins anew, until the folder itself is gone.
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
  /** Milliseconds to wait for the holder to release the lock. */
  readonly timeout: number
  readonly signal?: AbortSignal | undefined
}

/** Ends the name of a lock socket; processes of every version look for it. */
const SOCKET = '.flag'
/** Ends the name of a socket that may not listen yet, and so does not count. */
const UNFINISHED = '.new'
/** An unfinished socket that refuses is about to listen, or its process died; after so long it died. */
const UNFINISHED_FOR_MS = 10_000
/** Two contenders that withdraw see each other again after a few of these. */
const FIRST_PAUSE_MS = 4
const LONGEST_PAUSE_MS = 250
/** Contenders that withdraw at once deserve another try even where the caller would not wait for a holder. */
const LEAST_TRIES = 6

/**
 * Names of the lock sockets of stores that are open in this process. All copies of this module share them, by one name:
 * servers for development load the module anew while the store of the old copy is still open.
 */
const kept = shared('thermocline.kept-locks', () => new Set<string>())

interface Refusal {
  /** The holder's socket; undefined where it was another contender's, who may have withdrawn as well. */
  readonly holder: string | undefined
}

export class DirectoryLock implements AsyncDisposable {
  readonly #folder: SocketFolder
  readonly #socket: LockSocket
  #released: Promise<void> | undefined

  private constructor(folder: SocketFolder, socket: LockSocket) {
    this.#folder = folder
    this.#socket = socket
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
    let folder: SocketFolder | undefined
    let socket: LockSocket | undefined
    try {
      folder = await SocketFolder.open(dir)
      const holder = await folder.findAnswering()
      socket = holder === undefined ? await folder.create() : undefined
      if (socket !== undefined && (await folder.findAnswering(socket.name)) === undefined)
        return new DirectoryLock(folder, socket)
      await socket?.remove()
      await folder.close()
      return { holder }
    } catch (error) {
      await socket?.remove()
      const isRemoved = (error as NodeJS.ErrnoException).code === 'ENOENT' || (await folder?.isRemoved())
      await folder?.close()
      if (!isRemoved) throw error
      if (!(await isThere(dir))) throw gone(error)
      return { holder: undefined }
    }
  }

  /** Whether a living process has the lock, or is about to take it: a look that changes nothing. */
  static async isHeld(dir: string): Promise<boolean> {
    const folder = await SocketFolder.openIfThere(dir)
    if (folder === undefined) return false
    try {
      return await folder.hasAnswering()
    } finally {
      await folder.close()
    }
  }

  /** Says that it is kept until its owner closes: another opener in this process is refused at once from now on. */
  keep(): void {
    kept.add(this.#socket.name)
  }

  /**
   * Says that it will be released soon: another opener in this process waits for that, as one of another process does.
   */
  releaseSoon(): void {
    kept.delete(this.#socket.name)
  }

  /** Idempotent. */
  release(): Promise<void> {
    this.releaseSoon()
    this.#released ??= this.#socket.remove().then(() => this.#folder.close())
    return this.#released
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }
}

/** `<dir>/lock/`, which has the sockets. */
class SocketFolder {
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

  static async open(dir: string): Promise<SocketFolder> {
    const path = join(dir, 'lock')
    await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
    return SocketFolder.#openAt(path)
  }

  static async openIfThere(dir: string): Promise<SocketFolder | undefined> {
    try {
      return await SocketFolder.#openAt(join(dir, 'lock'))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  static async #openAt(path: string): Promise<SocketFolder> {
    return new SocketFolder(path, await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW))
  }

  /** Leaves what does not answer where it is. */
  async hasAnswering(): Promise<boolean> {
    for (const name of await readdir(this.#path))
      if (name.endsWith(SOCKET) && (await isListening(join(this.#socketPath, name)))) return true
    return false
  }

  /** Returns the name of a socket, other than `own`, that answers; removes those that do not. */
  async findAnswering(own?: string): Promise<string | undefined> {
    for (const name of await readdir(this.#path)) {
      if (name.endsWith(UNFINISHED)) await this.#removeUnfinished(name)
      if (name === own || !name.endsWith(SOCKET)) continue
      if (await isListening(join(this.#socketPath, name))) return name
      await rm(join(this.#path, name), { force: true })
    }
    return undefined
  }

  async create(): Promise<LockSocket> {
    const stem = `${process.pid}-${randomBytes(8).toString('hex')}`
    const unfinished = stem + UNFINISHED
    const server = await listen(join(this.#socketPath, unfinished))
    const name = stem + SOCKET
    try {
      await rename(join(this.#path, unfinished), join(this.#path, name))
    } catch (error) {
      server.close()
      throw error
    }
    return new LockSocket(name, join(this.#path, name), server)
  }

  /** Removes the socket of a process that was killed while it created it. */
  async #removeUnfinished(name: string): Promise<void> {
    const path = join(this.#path, name)
    const made = await stat(path).catch(() => undefined)
    if (made === undefined || Date.now() - made.mtimeMs < UNFINISHED_FOR_MS) return
    if (!(await isListening(join(this.#socketPath, name)))) await rm(path, { force: true })
  }

  /** Binding a socket in a folder that was removed is answered with a misleading error. */
  async isRemoved(): Promise<boolean> {
    return (await this.#handle.stat()).nlink === 0
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}

class LockSocket {
  readonly name: string
  readonly #path: string
  readonly #server: Server

  constructor(name: string, path: string, server: Server) {
    this.name = name
    this.#path = path
    this.#server = server
  }

  /** Removes the name before it closes the socket: whoever still sees the name must get an answer. */
  async remove(): Promise<void> {
    await rm(this.#path, { force: true })
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }
}

/** Whether the holder lives. Its event loop need not run for that: the kernel accepts connections into the backlog. */
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
