/** A gate in front of a real tier: single calls are held or refused on their way, and nothing is made up. */
import type { ColdTier } from '../../src/cold/cold-tier.ts'
import { ThermoclineError, type TierName } from '../../src/errors.ts'
import type { HotTier } from '../../src/hot/hot-tier.ts'
import type { MemoryStore, MemoryStoreOptions } from '../../src/index.ts'
import { openHot } from '../../src/store/open-hot.ts'
import { openMemoryStoreOver } from '../../src/store/open-store.ts'
import { describePairs, embeddedPair, openColdOrLent, type Pair } from './stores.ts'

type Method<T> = {
  [K in keyof T]-?: NonNullable<T[K]> extends (...args: never[]) => Promise<unknown> ? K : never
}[keyof T]

/** A call on its way to the tier (`before`), or on its way back: the tier has done it, the caller does not know yet. */
export interface HeldCall {
  readonly arrived: Promise<void>
  release(): void
}

/** What a tier answers by itself, without a way that could be held up. */
const AT_ONCE: ReadonlySet<string | symbol> = new Set(['close', 'now', 'held'])

const PASS = (): void => {}

export class Gate<T extends object> {
  /** Comes before each call. */
  onCall: (method: Method<T>) => unknown = PASS
  readonly #holds = new Map<Method<T>, { readonly where: 'before' | 'after'; readonly wait: () => Promise<void> }[]>()
  #refused: ReadonlySet<Method<T>> | 'all' = new Set()
  readonly #name: TierName
  #tier: T | undefined

  constructor(name: TierName) {
    this.#name = name
  }

  /** The tier behind the gate. */
  get tier(): T {
    return this.#tier!
  }

  /** The next call of this method, or its answer, waits for `release`. */
  hold(method: Method<T>, where: 'before' | 'after' = 'after'): HeldCall {
    let arrive = (): void => {}
    let release = (): void => {}
    const arrived = new Promise<void>((resolve) => {
      arrive = resolve
    })
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    const holds = this.#holds.get(method) ?? []
    const wait = () => {
      arrive()
      return released
    }
    holds.push({ where, wait })
    this.#holds.set(method, holds)
    return { arrived, release }
  }

  /** From now on these methods find the tier away; without names every one. */
  refuse(...methods: Method<T>[]): void {
    this.#refused = methods.length === 0 ? 'all' : new Set(methods)
  }

  allow(): void {
    this.#refused = new Set()
  }

  around(tier: T): T {
    this.#tier = tier
    return new Proxy(tier, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name)
        // Who looks at a tier at once passes by the gate, so nobody may while reads stop there.
        if (name === 'held' && typeof value === 'function')
          return (...args: unknown[]) => (this.#stops('read' as Method<T>) ? undefined : value.apply(target, args))
        if (typeof value !== 'function' || AT_ONCE.has(name)) return bound(value, target)
        return (...args: unknown[]) => this.#pass(name as Method<T>, () => value.apply(target, args))
      },
    })
  }

  #stops(method: Method<T>): boolean {
    const isRefused = this.#refused === 'all' || this.#refused.has(method)
    return isRefused || (this.#holds.get(method) ?? []).length > 0 || this.onCall !== PASS
  }

  async #pass(method: Method<T>, call: () => Promise<unknown>): Promise<unknown> {
    await this.onCall(method)
    if (this.#refused === 'all' || this.#refused.has(method))
      throw new ThermoclineError('ERR_TIER_UNAVAILABLE', 'the gate is closed', { tier: this.#name })
    const hold = this.#holds.get(method)?.shift()
    if (hold?.where === 'before') await hold.wait()
    const result = await call()
    if (hold?.where === 'after') await hold.wait()
    return result
  }
}

function bound(value: unknown, target: object): unknown {
  return typeof value === 'function' ? value.bind(target) : value
}

/** Declares the tests on each pair of drivers, both tiers behind gates. */
export function describeGated(name: string, body: (tiers: GatedTiers, pair: Pair) => void): void {
  describePairs(name, (pair) => body(new GatedTiers(pair), pair))
}

/** Stores whose tiers stand behind gates. */
export class GatedTiers {
  readonly cold = new Gate<ColdTier>('cold')
  readonly hot = new Gate<HotTier>('hot')

  readonly #pair: Pair

  constructor(pair: Pair = embeddedPair) {
    this.#pair = pair
  }

  /** Of the embedded pair in memory unless a `dir` is given. */
  async open(options: MemoryStoreOptions = {}): Promise<MemoryStore> {
    const tiers = {
      openCold: async (...args: Parameters<typeof openColdOrLent>) => this.cold.around(await openColdOrLent(...args)),
      openHot: async (...args: Parameters<typeof openHot>) => {
        const opened = await openHot(...args)
        return { ...opened, tier: this.hot.around(opened.tier) }
      },
    }
    return openMemoryStoreOver(tiers, { ...(await this.#pair.options(options)), ...options })
  }
}
