/**
 * Keeps in hot what was read lately and often: each read adds 1, and what it added halves with each half-life, so that
 * a burst long ago counts less than a few reads lately. Where the number is kept, is decided by the tiers
 * (`activations` of hot/hot-tier.ts).
 */
import type { Duration } from '../entry/duration.ts'
import { atLeast, positive } from './policy-argument.ts'
import type { TieringPolicy } from './tiering-policy.ts'

/** How active something was at a time, in milliseconds. */
export interface Activation {
  readonly value: number
  readonly at: number
}

/** What is left of it at a later time; all of it where that is no later. */
export function activationAt({ value, at }: Activation, now: number, halfLife: number): number {
  return value * 2 ** (-Math.max(0, now - at) / halfLife)
}

/** As how long idle something counts: as long as one read takes to fade so far. Negative for more than that. */
export function idleAsActive(activation: number, halfLife: number): number {
  return activation > 0 ? -halfLife * Math.log2(activation) : Number.MAX_SAFE_INTEGER
}

export interface ActivationOptions {
  /**
   * Activation below which an entry leaves, above 0: at 0.5, one half-life after a single read, and later the more it
   * was read. @default 0.5
   */
  readonly below?: number | undefined
  /** Activation from which on an entry that is read enters hot; a first read has 1. @default 1 */
  readonly promoteFrom?: number | undefined
  /** Time without an access before its activation is looked at. @default '5m' */
  readonly leastIdle?: Duration | undefined
}

/** The half-life is that of the store, `sync.activationHalfLife`. @throws ThermoclineError `ERR_INVALID_OPTIONS` */
export function byActivation(options: ActivationOptions = {}): TieringPolicy {
  const below = atLeast('below', options.below ?? 0.5, 0.001)
  const from = atLeast('promoteFrom', options.promoteFrom ?? 1, 0)
  return {
    name: 'decaying activation',
    leastIdle: positive('leastIdle', options.leastIdle ?? '5m'),
    decide: ({ tier, activation }) => {
      if (tier === 'cold') return activation >= from ? 'promote' : 'stay'
      return activation < below ? 'demote' : 'stay'
    },
    rank: ({ activation, halfLifeMs }) => idleAsActive(activation, halfLifeMs),
  }
}
