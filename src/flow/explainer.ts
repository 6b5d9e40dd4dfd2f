/** Explains an entry: which tiers hold it, in which version, and so why a read returns what it does. */
import type { ColdRow, ColdTier } from '../cold/cold-tier.ts'
import type { EntryKey } from '../entry/entry-key.ts'
import type { EntryRecord } from '../entry/record.ts'
import { isThermoclineError, type ThermoclineError } from '../errors.ts'
import type { HotTier } from '../hot/hot-tier.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Patience, withDeadline } from '../kernel/deadline.ts'
import type { Pending } from './pending.ts'

/** Where a version of an entry stands. */
export interface Placement {
  readonly version: string
  readonly deleted: boolean
  readonly expired: boolean
}

/** Where an entry lives, tier by tier; a tier that lacks it, or did not answer, is undefined. */
export interface Explanation {
  readonly pending: Placement | undefined
  readonly hot: Placement | undefined
  readonly cold: Placement | undefined
  /** Whether cold has the newest version of those that are known; undefined where cold did not answer. */
  readonly shipped: boolean | undefined
  /** Whether it stays in hot while it lives; undefined where cold did not answer. */
  readonly pinned: boolean | undefined
  /** The errors of tiers that did not answer: `details.tier` says which, the message why. */
  readonly failures: readonly ThermoclineError<'ERR_TIER_UNAVAILABLE'>[]
}

export interface ExplainerParts {
  readonly pending: Pending
  readonly hot: Pick<HotTier, 'read'>
  readonly cold: Pick<ColdTier, 'read' | 'arePinned'>
  readonly clock: Clock
}

type Standing = Pick<EntryRecord, 'version' | 'deletedAt' | 'expiresAt'>

export class Explainer {
  readonly #parts: ExplainerParts

  constructor(parts: ExplainerParts) {
    this.#parts = parts
  }

  /** Asks every tier. Counts no access and promotes nothing. */
  async explain(key: EntryKey, options: Patience): Promise<Explanation> {
    const pending = this.#parts.pending.get(key)
    const failures: ThermoclineError<'ERR_TIER_UNAVAILABLE'>[] = []
    const unlessAway = (error: unknown): [] => {
      if (!isThermoclineError(error, 'ERR_TIER_UNAVAILABLE')) throw error
      failures.push(error)
      return []
    }
    const hotRead = this.#parts.hot.read([key]).catch(unlessAway)
    const coldRead = this.#askCold(key, options).catch(unlessAway)
    const [[hot], [cold, pinned]] = await withDeadline(Promise.all([hotRead, coldRead]), options)
    const isColdAway = failures.some(({ details }) => details.tier === 'cold')
    const known = [pending?.version, hot?.version].filter((version) => version !== undefined)
    const isShipped = cold !== undefined && known.every((version) => version <= cold.record.version)
    return {
      pending: this.#place(pending),
      hot: this.#place(hot && { ...hot, deletedAt: hot.deleted ? 0 : null }),
      cold: this.#place(cold?.record),
      shipped: isColdAway ? undefined : isShipped,
      pinned,
      failures,
    }
  }

  async #askCold(key: EntryKey, options: Patience): Promise<[row?: ColdRow | undefined, pinned?: boolean | undefined]> {
    const { cold } = this.#parts
    const [[row], [pinned]] = await Promise.all([cold.read([key], options), cold.arePinned([key], options)])
    return [row, pinned]
  }

  #place(standing: Standing | undefined): Placement | undefined {
    if (standing === undefined) return undefined
    const { version, deletedAt, expiresAt } = standing
    const expired = expiresAt !== null && expiresAt <= this.#parts.clock.now()
    return { version, deleted: deletedAt !== null, expired }
  }
}
