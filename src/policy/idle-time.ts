/** Has an entry leave hot once nobody has read it for a while: what holds where no other policy is named. */
import type { Duration } from '../entry/duration.ts'
import { atLeast, positive } from './policy-argument.ts'
import type { TieringPolicy } from './tiering-policy.ts'

export interface IdleTimeOptions {
  /** Time without an access after which an entry leaves. @default '5m' */
  readonly after?: Duration | undefined
  /** Reads of an entry before it enters hot. @default 1 */
  readonly minAccesses?: number | undefined
}

/** @throws ThermoclineError `ERR_INVALID_OPTIONS` */
export function byIdleTime({ after = '5m', minAccesses = 1 }: IdleTimeOptions = {}): TieringPolicy {
  return idleTimePolicy(positive('after', after), atLeast('minAccesses', minAccesses, 1))
}

/** The same of milliseconds, which may be 0, or without end. */
export function idleTimePolicy(longest: number, reads: number): TieringPolicy {
  return {
    name: 'idle time',
    leastIdle: longest,
    decide: ({ tier, accessCount, idleMs }) => {
      if (tier === 'cold') return accessCount >= reads ? 'promote' : 'stay'
      return idleMs >= longest ? 'demote' : 'stay'
    },
  }
}
