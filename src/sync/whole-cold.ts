/**
 * Cold as reads see it. A database that was set back answers with what was overwritten and deleted long ago: from the
 * moment that this is known until it has again what the log held, reads wait, and one that was under way is done again.
 * Where it cannot get that from this process, they are refused.
 */
import type { ColdTier } from '../cold/cold-tier.ts'
import { ThermoclineError } from '../errors.ts'
import { type Patience, withDeadline } from '../kernel/deadline.ts'
import type { Checkpointer } from './checkpointer.ts'

export type ColdReads = Pick<ColdTier, 'read' | 'versions' | 'find' | 'count' | 'search'>

export function wholeCold(
  cold: ColdReads,
  checkpointer: Pick<Checkpointer, 'setBack' | 'isCatchingUp' | 'isLost' | 'caughtUp'>,
): ColdReads {
  const whole = async <T>(read: () => Promise<T>, options: Patience = {}): Promise<T> => {
    for (;;) {
      if (checkpointer.isCatchingUp) await withDeadline(checkpointer.caughtUp(), options)
      if (checkpointer.isLost) throw setBackForGood()
      const { setBack } = checkpointer
      const answer = await read()
      if (checkpointer.setBack === setBack) return answer
    }
  }
  return {
    read: (keys, options) => whole(() => cold.read(keys, options), options),
    versions: (keys, options) => whole(() => cold.versions(keys, options), options),
    find: (query, limit, options) => whole(() => cold.find(query, limit, options), options),
    count: (query, own, options) => whole(() => cold.count(query, own, options), options),
    search: (query, options) => whole(() => cold.search(query, options), options),
  }
}

function setBackForGood(): ThermoclineError {
  const message = 'the database was set back, and does not get from here what it lost: open the store again'
  return new ThermoclineError('ERR_TIER_UNAVAILABLE', message, { tier: 'cold' })
}
