/**
 * Keeps out of a full hot tier what is read no more often than what would have to leave for it (TinyLFU, see
 * frequency-sketch.ts), so that a scan over everything does not drive out what is read again and again. What leaves is
 * decided by another policy.
 */
import { byIdleTime } from './idle-time.ts'
import { atLeast } from './policy-argument.ts'
import type { TieringPolicy } from './tiering-policy.ts'

export interface TinyLfuOptions {
  /** Decides what leaves hot, and what enters it while it has room. @default byIdleTime() */
  readonly base?: TieringPolicy | undefined
  /** How full hot is, as a share, when an entry has to earn its place. @default 0.8 */
  readonly fullFrom?: number | undefined
}

/**
 * For a hot tier with a bound: one in this process, or a Redis with `maxmemory`; without one, it does as `base` does.
 * What is put enters hot all the same. @throws ThermoclineError `ERR_INVALID_OPTIONS`
 */
export function tinyLfu({ base = byIdleTime(), fullFrom = 0.8 }: TinyLfuOptions = {}): TieringPolicy {
  const full = atLeast('fullFrom', fullFrom, 0)
  return {
    name: `TinyLFU, ${base.name}`,
    leastIdle: base.leastIdle,
    asksFrequency: true,
    decide: (entry) => {
      const decision = base.decide(entry)
      if (decision !== 'promote' || entry.hotFill < full) return decision
      return entry.frequency > entry.rivalFrequency ? 'promote' : 'stay'
    },
    ...(base.rank && { rank: (entry) => base.rank!(entry) }),
  }
}
