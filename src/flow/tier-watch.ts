/** Decides when a tier counts as away: by the results of the latest calls to it. No call is made only to find out. */
import { isThermoclineError, type TierName } from '../errors.ts'
import { type Clock, systemClock } from '../kernel/clock.ts'
import { Emitter } from '../kernel/emitter.ts'
import type { OperationTiming } from '../telemetry/telemetry.ts'

/** `since`: when a call first failed after the last one that succeeded. */
export type TierState = { readonly is: 'there' } | { readonly is: 'away'; readonly since: Date }

/**
 * What the database says while it is not to be had: broken connections, shutting down, starting up, too many clients.
 */
const UNREACHABLE = /^(08|57P|53)/

/** `since`: when it went. */
export interface TierChange {
  readonly tier: TierName
  readonly isAway: boolean
  readonly since: number
}

const UNTIMED: OperationTiming = { begin: () => undefined, end: () => {} }

type AnyMethod = (...args: never[]) => unknown

/** Methods that return no promise: they cost a look, and are not timed. */
const SYNCHRONOUS: ReadonlySet<string | symbol> = new Set(['held', 'now'])

export class TierWatch {
  readonly #name: TierName
  readonly #isKnownAway: () => boolean
  readonly #clock: Clock
  #awaySince: number | undefined
  /** Told when the tier goes and when it is back. */
  readonly changes = new Emitter<TierChange>()

  /** @param isKnownAway from elsewhere, such as a connection that is gone. */
  constructor(name: TierName, isKnownAway: () => boolean = () => false, clock: Clock = systemClock) {
    this.#name = name
    this.#isKnownAway = isKnownAway
    this.#clock = clock
  }

  /** Returns the same tier, except that what its methods answer is seen here. */
  over<T extends object>(tier: T, timing = UNTIMED): T {
    // Made once: calls are many.
    const seen = new Map<unknown, (...args: unknown[]) => unknown>()
    return new Proxy(tier, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        const known = seen.get(value)
        if (known !== undefined) return known
        const call = SYNCHRONOUS.has(name)
          ? value.bind(target)
          : this.#watched(value as AnyMethod, target, String(name), timing)
        seen.set(value, call)
        return call
      },
    })
  }

  state(): TierState {
    if (this.#isKnownAway()) this.#gone()
    return this.#awaySince === undefined ? { is: 'there' } : { is: 'away', since: new Date(this.#awaySince) }
  }

  #watched(method: AnyMethod, tier: object, name: string, timing: OperationTiming) {
    return (...args: unknown[]): unknown => {
      const began = timing.begin(name)
      const answer: unknown = Reflect.apply(method, tier, args)
      if (answer instanceof Promise)
        answer.then(
          () => {
            this.#back()
            timing.end(name, began, false)
          },
          (error: unknown) => {
            if (this.#isOutage(error)) this.#gone()
            timing.end(name, began, true)
          },
        )
      return answer
    }
  }

  #gone(): void {
    if (this.#awaySince !== undefined) return
    this.#awaySince = this.#clock.now()
    this.changes.emit({ tier: this.#name, isAway: true, since: this.#awaySince })
  }

  #back(): void {
    const since = this.#awaySince
    if (since === undefined) return
    this.#awaySince = undefined
    this.changes.emit({ tier: this.#name, isAway: false, since })
  }

  #isOutage(error: unknown): boolean {
    if (!isThermoclineError(error, 'ERR_TIER_UNAVAILABLE') || error.details.tier !== this.#name) return false
    const { code } = (error.cause ?? {}) as { readonly code?: string }
    // A statement was refused by a database that is there; other codes are of the network.
    return code === undefined || !/^[0-9A-Z]{5}$/.test(code) || UNREACHABLE.test(code)
  }
}
