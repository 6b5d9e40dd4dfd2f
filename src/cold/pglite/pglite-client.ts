/**
 * Calls PGlite in its worker from the main thread. There is one session, so calls run one after another. Once the
 * worker has ended, for whatever reason, every call rejects.
 */
import { Worker } from 'node:worker_threads'
import type { Row } from '../cold-driver.ts'
import type { ImageFile } from './pglite-image.ts'
import { findPglite, type PglitePackages } from './pglite-packages.ts'
import { compiledProgram } from './pglite-program.ts'
import { WORKER_SOURCE } from './pglite-worker.embedded.ts'

type Image = readonly ImageFile[] | undefined

/** Where the files of the database are: neither, a new one in memory. */
interface Place {
  readonly folder: string | undefined
  readonly image: Image
}

interface Request {
  readonly operation: 'query' | 'exec' | 'copy' | 'close'
  readonly text: string
  readonly params?: readonly unknown[]
  readonly bytes?: Uint8Array<ArrayBuffer>
}

interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly error?: { readonly name: string; readonly code?: string; readonly constraint?: string }
}

/** A call that the worker has yet to answer. */
interface PendingCall {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

/** A refused statement, without anything of its text or rows; `code` is the SQLSTATE. */
class PgliteError extends Error {
  override readonly name = 'PgliteError'
  readonly code: string | undefined
  readonly constraint: string | undefined

  constructor(error: NonNullable<Answer['error']>) {
    super('the embedded database refused a statement')
    this.code = error.code
    this.constraint = error.constraint
  }
}

class PgliteEnded extends Error {
  override readonly name = 'PgliteEnded'
}

export class PgliteClient {
  readonly #worker: Worker
  /** The program, on its way to the thread. */
  readonly #loading: Promise<void>
  readonly #started: Promise<unknown>
  readonly #waiting = new Map<number, PendingCall>()
  readonly #exited: Promise<void>
  #hasEnded = false
  #hasFailed = false
  #lastId = 0
  /** Settles when everything asked for so far has. */
  #tail: Promise<unknown> = Promise.resolve()

  private constructor({ from, files }: PglitePackages) {
    const source = new URL(`data:text/javascript,${encodeURIComponent(WORKER_SOURCE)}`)
    this.#worker = new Worker(source, { workerData: { from } })
    this.#worker.on('message', (answer: Answer) => this.#settle(answer))
    // An error that the worker did not catch also ends it; what it says may hold rows, so only the end is told.
    this.#worker.on('error', () => {})
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#end()
        resolve()
      })
    })
    this.#started = new Promise((resolve, reject) => this.#waiting.set(0, { resolve, reject }))
    this.#loading = compiledProgram(files).then((program) => this.#worker.postMessage({ program }))
    // Both are told where they are waited for.
    for (const promise of [this.#started, this.#loading])
      promise.catch(() => {
        this.#hasFailed = true
      })
  }

  /**
   * Starts the thread, which loads all of Postgres that is not a file of the database; {@link place} or
   * {@link terminate} MUST follow. Throws `ERR_UNSUPPORTED` where the packages are not installed.
   */
  static spawn(): PgliteClient {
    return new PgliteClient(findPglite())
  }

  /** Whether it came to nothing already: {@link started} rejects. */
  get hasFailed(): boolean {
    return this.#hasFailed
  }

  /** @param folder @param image as {@link place} takes them */
  static async start(folder: string | undefined, image?: Image): Promise<PgliteClient> {
    const client = PgliteClient.spawn()
    client.place(folder, image)
    await client.started()
    return client
  }

  /**
   * Says which database it is; {@link started} MUST follow.
   * @param folder A database is made in an empty one; undefined for one in memory.
   * @param image of a database, for one in memory. @default it is made
   */
  place(folder: string | undefined, image?: Image): void {
    this.#worker.postMessage({ folder, image } satisfies Place)
  }

  /** Resolves once it takes calls. Ends the thread where it rejects. */
  async started(): Promise<void> {
    try {
      await this.#loading
      await this.#started
    } catch (error) {
      await this.terminate()
      throw error
    }
  }

  query(text: string, params: readonly unknown[] = []): Promise<{ rows: Row[] }> {
    return this.#inTurn(() => this.#ask({ operation: 'query', text, params })) as Promise<{ rows: Row[] }>
  }

  /** Several statements are one transaction. */
  exec(text: string): Promise<unknown> {
    return this.#inTurn(() => this.#ask({ operation: 'exec', text }))
  }

  /** Runs `COPY … FROM '/dev/blob'` over these bytes, which are moved to the worker; returns the number of rows. */
  copy(text: string, bytes: Uint8Array<ArrayBuffer>): Promise<number> {
    return this.#inTurn(() => this.#ask({ operation: 'copy', text, bytes })) as Promise<number>
  }

  /** Ends the thread as it is; a database in it is as after a kill. Idempotent. */
  async terminate(): Promise<void> {
    await this.#worker.terminate()
  }

  /** Lets running calls finish, then shuts the database down. */
  async close(): Promise<void> {
    await this.#inTurn(async () => {
      if (!this.#hasEnded) await this.#ask({ operation: 'close', text: '' })
    })
    await this.#exited
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work)
    // The next one waits for this one whatever becomes of it; its caller has the rejection.
    this.#tail = result.catch(() => {})
    return result
  }

  #ask(request: Request): Promise<unknown> {
    if (this.#hasEnded) return Promise.reject(ended())
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#worker.postMessage({ id, ...request }, request.bytes === undefined ? [] : [request.bytes.buffer])
    })
  }

  #settle({ id, result, error }: Answer): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) waiting?.resolve(result)
    else waiting?.reject(new PgliteError(error))
  }

  #end(): void {
    this.#hasEnded = true
    for (const { reject } of this.#waiting.values()) reject(ended())
    this.#waiting.clear()
  }
}

function ended(): Error {
  return new PgliteEnded('the embedded database has ended')
}
