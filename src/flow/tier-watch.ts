/** Whether a tier answers, by what became of the latest calls to it: nothing is asked for the sake of knowing. */
import { isThermoclineError, type TierName } from '../errors.ts'

/** `since`: when a call first failed after the last one that succeeded. */
export type TierState = { readonly is: 'there' } | { readonly is: 'away'; readonly since: Date }

/**
 * What the database says while it is not to be had: broken connections, shutting down, starting up, too many clients.
 */
const UNREACHABLE = /^(08|57P|53)/

export class TierWatch {
  readonly #name: TierName
  readonly #isKnownAway: () => boolean
  #awaySince: number | undefined

  /** @param isKnownAway from elsewhere, such as a connection that is gone. */
  constructor(name: TierName, isKnownAway: () => boolean = () => false) {
    this.#name = name
    this.#isKnownAway = isKnownAway
  }

  /** Answers the same tier, except that what its methods answer is seen here. */
  over<T extends object>(tier: T): T {
    // Made once: calls are many.
    const seen = new Map<unknown, (...args: unknown[]) => unknown>()
    return new Proxy(tier, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        const known = seen.get(value)
        if (known !== undefined) return known
        const call = (...args: unknown[]) => this.#see(Reflect.apply(value, target, args))
        seen.set(value, call)
        return call
      },
    })
  }

  state(): TierState {
    if (this.#isKnownAway()) this.#awaySince ??= Date.now()
    return this.#awaySince === undefined ? { is: 'there' } : { is: 'away', since: new Date(this.#awaySince) }
  }

  #see(answer: unknown): unknown {
    if (answer instanceof Promise)
      answer.then(
        () => {
          this.#awaySince = undefined
        },
        (error: unknown) => {
          if (this.#isOutage(error)) this.#awaySince ??= Date.now()
        },
      )
    return answer
  }

  #isOutage(error: unknown): boolean {
    if (!isThermoclineError(error, 'ERR_TIER_UNAVAILABLE') || error.details.tier !== this.#name) return false
    const { code } = (error.cause ?? {}) as { readonly code?: string }
    // A statement was refused by a database that is there; other codes are of the network.
    return code === undefined || !/^[0-9A-Z]{5}$/.test(code) || UNREACHABLE.test(code)
  }
}
