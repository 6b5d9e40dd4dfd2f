import type { CallSchema } from '../call-options.ts'
import { ThermoclineError, unforeseen } from '../errors.ts'

/**
 * Every call passes the gate on its way to the flows. The gate knows the calls that run, so that closing refuses new
 * ones and waits for these, and it has the options of each call checked.
 */
export class CallGate {
  readonly #running = new Set<Promise<unknown>>()
  #closed = false
  #failure: ThermoclineError | undefined

  /** The reason why calls are refused, where it is not that the store was closed. */
  get failure(): ThermoclineError | undefined {
    return this.#failure
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /**
   * Runs the call with its options checked, or rejects with `ERR_CLOSED`. What is thrown at once becomes a rejection as
   * well. The call begins within this very step, so that it may copy what the caller gave.
   */
  async run<O, T>(schema: CallSchema<O>, given: unknown, call: (options: O) => Promise<T>): Promise<T> {
    if (this.#closed)
      throw new ThermoclineError('ERR_CLOSED', 'the store is closed: open it again', { outcome: 'none' })
    if (this.#failure !== undefined) throw this.#failure
    let running: Promise<T> | undefined
    try {
      running = call(schema(given))
      this.#running.add(running)
      return await running
    } catch (error) {
      throw unforeseen(error)
    } finally {
      if (running !== undefined) this.#running.delete(running)
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
