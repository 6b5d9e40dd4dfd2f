import { setTimeout as sleep } from 'node:timers/promises'

/** A wait after a failure that doubles with each further one, up to a bound, unless it is said how long it takes. */
export interface RestLimits {
  /** Milliseconds of the first. */
  readonly first: number
  /** The longest, where nobody says otherwise. */
  readonly longest: number
}

/** Whoever asks for more is asked again before. */
const LONGEST_ASKED_MS = 3_600_000

export class Rest {
  readonly #limits: RestLimits
  #since: Date | undefined
  #failures = 0
  #milliseconds = 0
  #until = 0

  constructor(limits: RestLimits) {
    this.#limits = limits
  }

  /** Whether it lasts still. */
  get isOn(): boolean {
    return performance.now() < this.#until
  }

  /** Resolves at its end. */
  over(): Promise<void> {
    return sleep(Math.max(0, this.#until - performance.now()), undefined)
  }

  /** How long the latest lasts. */
  get milliseconds(): number {
    return this.#milliseconds
  }

  /** When the first of the failures in a row was. */
  get since(): Date {
    return this.#since ?? new Date(0)
  }

  /** @param asked Milliseconds that whoever failed wants to be left alone for. */
  begin(now: Date, asked: number | undefined): void {
    const { first, longest } = this.#limits
    this.#since ??= now
    const doubled = Math.min(longest, first * 2 ** this.#failures)
    this.#failures++
    // Jittered, so that processes do not all come back at the same moment.
    const own = doubled * (0.9 + Math.random() * 0.2)
    this.#milliseconds = Math.round(asked === undefined ? own : Math.min(asked, LONGEST_ASKED_MS))
    this.#until = performance.now() + this.#milliseconds
  }

  /** There was no failure since. */
  end(): void {
    this.#since = undefined
    this.#failures = 0
    this.#until = 0
  }
}
