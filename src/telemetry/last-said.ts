/**
 * What a tier said of itself when it was last asked. One that is known to be away is asked and not waited for, so that
 * it is noticed when it is back; of one that does not answer in time nothing newer is known either.
 */
import type { Clock } from '../kernel/clock.ts'
import { unlessLate } from '../kernel/deadline.ts'

export interface Said<T> {
  readonly value: T
  /** Milliseconds since the epoch. */
  readonly at: number
}

export interface LastSaidParts<T> {
  /** Returns undefined where the tier does not answer. */
  readonly ask: () => Promise<T | undefined>
  readonly isAway: () => boolean
  /** Milliseconds to wait for an answer. @default as long as asking takes */
  readonly patience?: number | undefined
  readonly clock: Clock
}

export class LastSaid<T> {
  readonly #parts: LastSaidParts<T>
  #last: Said<T> | undefined
  #asking: Promise<T | undefined> | undefined

  constructor(parts: LastSaidParts<T>) {
    this.#parts = parts
  }

  /** The latest answer, however old. */
  get last(): Said<T> | undefined {
    return this.#last
  }

  /** Asks; returns undefined where the tier is away or too slow. Rejects with what is no outage. */
  async now(): Promise<T | undefined> {
    const { isAway, patience } = this.#parts
    const asking = this.#ask()
    // Where nobody waits for it any more, only the next who asks hears what became of it.
    asking.catch(() => {})
    if (isAway()) return undefined
    return patience === undefined ? asking : unlessLate(asking, patience)
  }

  /** A tier that does not answer is not asked again and again. */
  #ask(): Promise<T | undefined> {
    const { ask, clock } = this.#parts
    this.#asking ??= ask()
      .then((value) => {
        if (value !== undefined) this.#last = { value, at: clock.now() }
        return value
      })
      .finally(() => {
        this.#asking = undefined
      })
    return this.#asking
  }
}
