import { ThermoclineError } from '../errors.ts'

/** Knows the calls that run, so that closing refuses new ones and waits for these. */
export class CallGate {
  readonly #running = new Set<Promise<unknown>>()
  #closed = false
  #failure: ThermoclineError | undefined

  /** Why calls are refused although the store was not closed. */
  get failure(): ThermoclineError | undefined {
    return this.#failure
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /** Runs the call, or rejects with `ERR_CLOSED`. What it throws at once becomes a rejection as well. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#closed)
      throw new ThermoclineError('ERR_CLOSED', 'the store is closed: open it again', { outcome: 'none' })
    if (this.#failure !== undefined) throw this.#failure
    const running = call()
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
    }
  }

  /** Refuses further calls with this error, for good. */
  fail(error: ThermoclineError): void {
    this.#failure ??= error
  }

  /** Refuses further calls. */
  close(): void {
    this.#closed = true
  }

  /** Resolves once no call runs. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#running)
  }
}
