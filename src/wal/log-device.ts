/**
 * Changes a log folder; nothing else does. A list of operations runs in order and stops at the first that fails; lists
 * run one after the other. The real device runs them with synchronous calls in a worker thread of its own, because
 * fdatasync in libuv's pool waits behind whatever else the application does there. Tests put a device of their own in
 * its place.
 *
 * A shortage of descriptors or memory fails a list at its first operation, before anything is done; in the midst of a
 * list the device waits for it to pass, and it keeps a descriptor in reserve for that.
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { WORKER_SOURCE } from './log-device-worker.embedded.ts'

/** Files are named relative to the log folder, and opened under a handle that the caller chooses. */
export type LogOperation =
  /** Creates a file, 0600, in place of what has its name. */
  | { readonly op: 'create'; readonly name: string; readonly handle: string }
  /** Opens a file as it is, but never what a link leads to; `orCreate`: creates it, 0600, where there is none. */
  | { readonly op: 'open'; readonly name: string; readonly handle: string; readonly orCreate?: true }
  /**
   * Writes all bytes, however many calls it takes. A view of a SharedArrayBuffer is not copied on its way to the
   * thread; it MUST stay as it is until the list is answered.
   */
  | { readonly op: 'write'; readonly handle: string; readonly bytes: Uint8Array; readonly position: number }
  | { readonly op: 'fdatasync'; readonly handle: string }
  | { readonly op: 'fsync'; readonly handle: string }
  | { readonly op: 'close'; readonly handle: string }
  /** A second name for a file. Fails with `EEXIST` rather than take a name from another file. */
  | { readonly op: 'link'; readonly from: string; readonly to: string }
  /** A file that is not there is no error. */
  | { readonly op: 'unlink'; readonly name: string }
  | { readonly op: 'fsync-folder' }
  /** Fails with `ENOSPC` unless so many bytes are free on the disk, as far as it tells. */
  | { readonly op: 'expect-room'; readonly bytes: number }
  /** Fails with {@link CHANGED} unless a file of this name begins with this text, in ASCII. */
  | { readonly op: 'expect'; readonly name: string; readonly text: string }

/** Code of an `expect` that was disappointed. */
export const CHANGED = 'ECHANGED'

export interface LogDeviceFailure {
  /** The one that failed; those before it were done, those after it not begun. */
  readonly operation: LogOperation
  /** Name of the system's error, like `ENOSPC`. */
  readonly code: string
  /** Bytes that a failed write had written before. */
  readonly written: number
}

/** What the worker thread answers, which hands no bytes back. */
export interface WorkerFailure extends Omit<LogDeviceFailure, 'operation'> {
  /** Of the operation in its list. */
  readonly index: number
}

export interface LogDevice {
  /** Resolves to undefined when every operation was done. Rejects only when the device itself is gone. */
  run(operations: readonly LogOperation[]): Promise<LogDeviceFailure | undefined>
  /** Closes what is open. Idempotent. */
  close(): Promise<void>
}

/** Deletes a file durably before anything after it is done, so that no power cut undoes it alone. */
export function removal(name: string): LogOperation[] {
  return [{ op: 'unlink', name }, { op: 'fsync-folder' }]
}

export type OpenLogDevice = (folder: string) => Promise<LogDevice>

interface Waiting {
  readonly operations: readonly LogOperation[]
  readonly resolve: (failure: LogDeviceFailure | undefined) => void
  readonly reject: (error: Error) => void
}

function failureOf(operations: readonly LogOperation[], { index, code, written }: WorkerFailure): LogDeviceFailure {
  return { operation: operations[index]!, code, written }
}

/** A thread that waits to be told its folder. */
function startWorker(): Worker {
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(WORKER_SOURCE)}`))
}

/**
 * A thread for a device, which takes tens of milliseconds to begin and so begins before its folder is known. Either
 * {@link open} or {@link end} MUST follow.
 */
export class EarlyLogThread {
  #worker: Worker | undefined

  constructor() {
    this.#worker = startWorker()
    // One that cannot begin is as good as none: the device starts its own, and is told why that cannot.
    this.#worker.once('error', () => {
      this.#worker = undefined
    })
  }

  /** Opens a device in this thread, and a further one in its own. */
  readonly open: OpenLogDevice = (folder) => {
    const worker = this.#worker
    this.#worker = undefined
    return WorkerLogDevice.open(folder, worker)
  }

  /** Does nothing where a device was opened. Idempotent. */
  async end(): Promise<void> {
    const worker = this.#worker
    this.#worker = undefined
    await worker?.terminate()
  }
}

export class WorkerLogDevice implements LogDevice {
  readonly #worker: Worker
  /** Answers come in the order of the questions. */
  readonly #waiting: Waiting[] = []
  #gone: Error | undefined

  /** @param worker {@link startWorker} */
  static async open(folder: string, worker: Worker = startWorker()): Promise<WorkerLogDevice> {
    worker.postMessage(folder)
    await once(worker, 'message')
    return new WorkerLogDevice(worker)
  }

  private constructor(worker: Worker) {
    this.#worker = worker
    worker.on('message', (failure: WorkerFailure | undefined) => this.#answer(failure))
    worker.on('error', (error) => this.#end(error))
    worker.on('exit', () => this.#end(new Error('the log writer has ended')))
    worker.unref()
  }

  run(operations: readonly LogOperation[]): Promise<LogDeviceFailure | undefined> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone)
    return new Promise((resolve, reject) => {
      // Only an unfinished write keeps the process alive.
      if (this.#waiting.push({ operations, resolve, reject }) === 1) this.#worker.ref()
      this.#worker.postMessage(operations)
    })
  }

  async close(): Promise<void> {
    if (this.#gone !== undefined) return
    const exit = once(this.#worker, 'exit')
    this.#worker.ref()
    this.#worker.postMessage('end')
    await exit
  }

  #answer(failure: WorkerFailure | undefined): void {
    const waiting = this.#waiting.shift()
    if (this.#waiting.length === 0) this.#worker.unref()
    waiting?.resolve(failure && failureOf(waiting.operations, failure))
  }

  #end(error: Error): void {
    this.#gone ??= error
    for (const { reject } of this.#waiting.splice(0)) reject(this.#gone)
  }
}
