/**
 * Decides when a tier that does not answer is left alone for a while: every call that waits for its timeout adds to a
 * queue that the tier has to work off when it comes back.
 *
 * States: *closed*, calls go through; *open*, after `threshold` failures in a row, calls are refused for `restMs`;
 * *half-open*, after that, one call goes through as a probe and the others are refused until it has its answer: success
 * closes the breaker, failure opens it again.
 */
import type { Clock } from '../../kernel/clock.ts'

export interface GuardOptions {
  readonly threshold: number
  readonly restMs: number
  /** Whether an error says that the tier does not answer. One that it answered with says the opposite. */
  readonly isOutage: (error: unknown) => boolean
  readonly clock: Clock
}

export class CircuitOpen extends Error {
  override readonly name = 'CircuitOpen'
}

type State = { is: 'closed'; failures: number } | { is: 'open'; until: number } | { is: 'half-open' }

export class CircuitBreaker {
  readonly #options: GuardOptions
  #state: State = { is: 'closed', failures: 0 }

  constructor(options: GuardOptions) {
    this.#options = options
  }

  /**
   * Settles as `work` does, or throws {@link CircuitOpen} without starting it.
   * @param calls that fail where the work fails.
   */
  async run<T>(work: () => Promise<T>, calls = 1): Promise<T> {
    this.#admit()
    const before = this.#state
    try {
      const result = await work()
      this.close()
      return result
    } catch (error) {
      if (this.#options.isOutage(error)) this.#countFailure(before, calls)
      else this.close()
      throw error
    }
  }

  /** Lets calls through at once, for whoever knows that the tier is back. */
  close(): void {
    this.#state = { is: 'closed', failures: 0 }
  }

  #admit(): void {
    if (this.#state.is === 'closed') return
    if (this.#state.is === 'half-open' || this.#options.clock.now() < this.#state.until)
      throw new CircuitOpen('the tier failed lately and is left alone for a moment')
    this.#state = { is: 'half-open' }
  }

  /** Calls that began under an earlier state say nothing about this one. */
  #countFailure(before: State, calls: number): void {
    if (this.#state !== before) return
    if (this.#state.is === 'closed') {
      this.#state.failures += calls
      if (this.#state.failures < this.#options.threshold) return
    }
    this.#state = { is: 'open', until: this.#options.clock.now() + this.#options.restMs }
  }
}
