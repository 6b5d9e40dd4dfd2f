/**
 * What a tier said of itself when it was last asked. One that is known to be away is asked and not waited for, so that
 * it is noticed when it is back; of one that does not answer in time, or refuses, nothing newer is known either. An
 * embedded database is no exception: while it vacuums or builds an index it answers nobody.
 */
import { type ErrorCode, isThermoclineError } from '../errors.ts'
import type { Clock } from '../kernel/clock.ts'
import { unlessLate } from '../kernel/deadline.ts'

export interface Said<T> {
  readonly value: T
  /** Milliseconds since the epoch. */
  readonly at: number
}

export interface LastSaidParts<T> {
  readonly ask: () => Promise<T>
  readonly isAway: () => boolean
  /** Milliseconds that an answer is waited for, from when it was asked for, by all together. @default 2 000 */
  readonly patience?: number
  readonly clock: Clock
}

interface Asking<T> {
  /** Undefined: it refused. */
  readonly answer: Promise<T | undefined>
  /** By the steady clock. */
  readonly began: number
}

export class LastSaid<T> {
  readonly #parts: LastSaidParts<T>
  #last: Said<T> | undefined
  #errorCode: ErrorCode | undefined
  #asking: Asking<T> | undefined

  constructor(parts: LastSaidParts<T>) {
    this.#parts = parts
  }

  /** The latest answer, however old. */
  get last(): Said<T> | undefined {
    return this.#last
  }

  /** Why the latest answer was a refusal; undefined where it was none. */
  get errorCode(): ErrorCode | undefined {
    return this.#errorCode
  }

  /** Asks; returns undefined where the tier is away, too slow, or refuses. Rejects with what no tier says. */
  async now(): Promise<T | undefined> {
    const { isAway, patience = 2_000 } = this.#parts
    const { answer, began } = this.#ask()
    // Where nobody waits for it any more, only the next who asks hears what became of it.
    answer.catch(() => {})
    if (isAway()) return undefined
    return unlessLate(answer, Math.max(0, began + patience - performance.now()))
  }

  /** A tier that does not answer is not asked again and again. */
  #ask(): Asking<T> {
    this.#asking ??= { answer: this.#answered(), began: performance.now() }
    return this.#asking
  }

  async #answered(): Promise<T | undefined> {
    const { ask, clock } = this.#parts
    try {
      const value = await ask()
      this.#last = { value, at: clock.now() }
      this.#errorCode = undefined
      return value
    } catch (error) {
      if (!isThermoclineError(error)) throw error
      this.#errorCode = error.code
      return undefined
    } finally {
      this.#asking = undefined
    }
  }
}
