/**
 * Decides when a write may begin. While cold is away the log goes on taking writes, up to a bound; past it a write
 * waits for room, and is refused with `ERR_BACKPRESSURE` before anything of it was written.
 *
 * Each write begins in the very step that found room for it, and those that wait begin in the order they came, so that
 * however many arrive at once, each sees what the ones before it took.
 */

import { isThermoclineError, ThermoclineError } from '../errors.ts'
import type { Patience } from '../kernel/deadline.ts'
import { throwIfAborted, withDeadline } from '../kernel/deadline.ts'

export interface AdmissionOptions {
  /** Whether a write may begin now. Cheap: it is asked before every write. */
  readonly hasRoom: () => boolean
  /** Called when a write has to wait: whoever can make room should begin. */
  readonly onFull: () => void
  /** Longest wait in milliseconds where the caller named none. */
  readonly timeout: number
}

export class Admission {
  readonly #options: AdmissionOptions
  /** Oldest first. */
  readonly #waiting = new Set<() => void>()

  constructor(options: AdmissionOptions) {
    this.#options = options
  }

  /** Settles as `begin` does, which MUST take its room before it returns. Rejects where `begin` was not called. */
  async admit<T>(begin: () => Promise<T>, options: Patience): Promise<T> {
    throwIfAborted(options.signal, { outcome: 'none' })
    if (this.#waiting.size === 0 && this.#options.hasRoom()) return begin()
    return this.#wait(begin, options)
  }

  /** Room may have been made: as many of the waiting begin as fit. */
  roomMade(): void {
    for (const start of this.#waiting) {
      if (!this.#options.hasRoom()) return
      this.#waiting.delete(start)
      start()
    }
  }

  async #wait<T>(begin: () => Promise<T>, options: Patience): Promise<T> {
    const { signal, timeout = this.#options.timeout, wholeTimeout = timeout } = options
    let start = (): void => {}
    let begun: Promise<T> | undefined
    const room = new Promise<void>((resolve) => {
      start = () => {
        begun = begin()
        resolve()
      }
    })
    this.#waiting.add(start)
    this.#options.onFull()
    try {
      await withDeadline(room, { signal, timeout }, { outcome: 'none' })
    } catch (error) {
      // Once begun, its own outcome counts, even where patience ended in the same instant.
      if (begun === undefined) throw this.#refusal(error, wholeTimeout)
    } finally {
      this.#waiting.delete(start)
    }
    return begun!
  }

  #refusal(error: unknown, timeout: number): unknown {
    if (!isThermoclineError(error, 'ERR_TIMEOUT')) return error
    return new ThermoclineError(
      'ERR_BACKPRESSURE',
      `no room for another write within ${timeout} ms: cold does not take what is pending fast enough, or is away`,
      { outcome: 'none' },
    )
  }
}
