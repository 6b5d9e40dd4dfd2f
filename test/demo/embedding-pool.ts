/**
 * Sentence embeddings from worker threads, since the model blocks its thread for some 75 ms per text. Jobs are given to
 * whichever worker is free, in the order of the calls.
 *
 * A worker that dies rejects its job and all later ones: the pool does not restart it, because what killed it (a
 * missing package, too little memory) would kill the next one as well.
 */
import { Worker } from 'node:worker_threads'

/** Dimensions of each vector. */
export const DIMENSIONS = 512
export const MODEL = 'universal-sentence-encoder-lite'

const DEFAULT_SCRIPT = new URL('./embed-worker.js', import.meta.url)

export interface PoolOptions {
  /** @default 2 */
  readonly workers?: number
  /** Another model's worker, which speaks as embed-worker.js does. */
  readonly script?: URL
  /** Ends open jobs and refuses later ones with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

type Answer =
  | { readonly type: 'done'; readonly vectors: Float32Array[] }
  | { readonly type: 'failed'; readonly message: string }

interface Job {
  readonly texts: readonly string[]
  readonly resolve: (vectors: Float32Array[]) => void
  readonly reject: (error: unknown) => void
}

export class EmbeddingPool {
  readonly #workers: Worker[]
  readonly #idle: Worker[]
  readonly #waiting: Job[] = []
  readonly #running = new Map<Worker, Job>()
  readonly #signal: AbortSignal | undefined
  readonly #onAbort = (): void => this.#fail(this.#signal?.reason)
  /** Why no further job is taken. */
  #failure: unknown

  /** Resolves once every worker has its model in memory: about half a second and 250 MB for each. */
  static async open(options: PoolOptions = {}): Promise<EmbeddingPool> {
    const pool = new EmbeddingPool(options)
    try {
      // One job for each idle worker; it waits until the model is loaded.
      await Promise.all(pool.#workers.map(() => pool.embed(['ready'])))
      return pool
    } catch (error) {
      await pool.close()
      throw error
    }
  }

  private constructor({ workers = 2, script = DEFAULT_SCRIPT, signal }: PoolOptions) {
    this.#workers = Array.from({ length: workers }, () => new Worker(script))
    this.#idle = [...this.#workers]
    this.#signal = signal
    for (const worker of this.#workers) {
      worker.on('message', (answer: Answer) => this.#settle(worker, answer))
      worker.on('error', (cause) => this.#fail(failure('an embedding worker failed', cause)))
      worker.on('exit', (code) => this.#fail(failure(`an embedding worker ended with code ${code}`)))
    }
    signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** How many jobs run at once. */
  get size(): number {
    return this.#workers.length
  }

  /** One vector per text, in order. No text may be empty. */
  embed(texts: readonly string[]): Promise<Float32Array[]> {
    const empty = texts.findIndex((text) => text.trim() === '')
    if (empty >= 0) return Promise.reject(new RangeError(`text ${empty} has no words to embed`))
    if (this.#signal?.aborted) return Promise.reject(this.#signal.reason)
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ texts, resolve, reject })
      this.#dispatch()
    })
  }

  async close(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#fail(new Error('the embedding pool is closed'))
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #dispatch(): void {
    while (this.#idle.length > 0 && this.#waiting.length > 0) {
      const worker = this.#idle.pop() as Worker
      const job = this.#waiting.shift() as Job
      this.#running.set(worker, job)
      worker.postMessage(job.texts)
    }
  }

  #settle(worker: Worker, answer: Answer): void {
    const job = this.#running.get(worker)
    // An answer to a job that was given up meanwhile.
    if (job === undefined) return
    this.#running.delete(worker)
    this.#idle.push(worker)
    if (answer.type === 'done') job.resolve(answer.vectors)
    else job.reject(failure('the embedding model refused a text', new Error(answer.message)))
    this.#dispatch()
  }

  #fail(error: unknown): void {
    this.#failure ??= error
    for (const job of [...this.#running.values(), ...this.#waiting]) job.reject(error)
    this.#running.clear()
    this.#waiting.length = 0
  }
}

function failure(what: string, cause?: unknown): Error {
  const remedy = 'run `npm install`, and see that some 600 MB of memory are free'
  const why = cause instanceof Error ? ` (${cause.message.split('\n')[0]})` : ''
  return new Error(`${what}${why}: ${remedy}`, { cause })
}
