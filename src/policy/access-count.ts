/** Keeps in hot for longer what was read often, however long ago. What fades is in decaying-activation.ts. */
import type { Duration } from '../entry/duration.ts'
import { atLeast, positive } from './policy-argument.ts'
import type { TieringPolicy } from './tiering-policy.ts'

export interface AccessCountOptions {
  /** Reads from which on an entry stays for longer. @default 3 */
  readonly minAccesses?: number | undefined
  /** Time without an access after which one that was read less leaves. @default '5m' */
  readonly after?: Duration | undefined
  /** And one that was read as often as that. @default '1h' */
  readonly atLatest?: Duration | undefined
}

/** @throws ThermoclineError `ERR_INVALID_OPTIONS` */
export function byAccessCount(options: AccessCountOptions = {}): TieringPolicy {
  const reads = atLeast('minAccesses', options.minAccesses ?? 3, 1)
  const soon = positive('after', options.after ?? '5m')
  const late = positive('atLatest', options.atLatest ?? '1h')
  return {
    name: 'access count',
    leastIdle: Math.min(soon, late),
    decide: ({ tier, accessCount, idleMs }) => {
      if (tier === 'cold') return 'promote'
      return idleMs >= (accessCount < reads ? soon : late) ? 'demote' : 'stay'
    },
    // As long as it was idle, shared out among its reads.
    rank: ({ accessCount, idleMs }) => idleMs / (1 + accessCount),
  }
}
