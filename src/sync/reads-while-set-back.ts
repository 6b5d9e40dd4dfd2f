/**
 * Decides what reads do while the database is set back. It then returns what was overwritten and deleted long ago. From
 * the moment that this is known (set-back.ts) until the database has again what the log held, reads wait, and a read
 * that was under way is repeated. Where the database cannot get that from this process, reads are refused.
 */
import type { ColdTier } from '../cold/cold-tier.ts'
import { ThermoclineError } from '../errors.ts'
import { type Patience, runningOut, withDeadline } from '../kernel/deadline.ts'
import type { Checkpointer } from './checkpointer.ts'

export type ColdReads = Pick<
  ColdTier,
  | 'read'
  | 'versions'
  | 'arePinned'
  | 'highestVersion'
  | 'find'
  | 'count'
  | 'documents'
  | 'namespaces'
  | 'measure'
  | 'walk'
  | 'roots'
  | 'haveParents'
  | 'snapshot'
  | 'search'
  | 'searchTexts'
  | 'together'
>

export function readsWhileSetBack(
  cold: ColdReads,
  checkpointer: Pick<Checkpointer, 'setBack' | 'isCatchingUp' | 'isLost' | 'caughtUp'>,
): ColdReads {
  const whole = async <T>(
    read: (patience: Patience) => Promise<T>,
    options: Patience = {},
    letGo?: (answer: T) => Promise<void>,
  ): Promise<T> => {
    const patience = runningOut(options)
    for (;;) {
      if (checkpointer.isCatchingUp) await withDeadline(checkpointer.caughtUp(), patience)
      if (checkpointer.isLost) throw setBackForGood()
      const { setBack } = checkpointer
      const answer = await withDeadline(read(patience), patience)
      if (checkpointer.setBack === setBack) return answer
      await letGo?.(answer)
    }
  }
  return {
    read: (keys, options, fields) => whole((patience) => cold.read(keys, patience, fields), options),
    versions: (keys, options) => whole((patience) => cold.versions(keys, patience), options),
    arePinned: (keys, options) => whole((patience) => cold.arePinned(keys, patience), options),
    highestVersion: () => whole(() => cold.highestVersion()),
    find: (query, limit, options) => whole((patience) => cold.find(query, limit, patience), options),
    count: (query, own, options) => whole((patience) => cold.count(query, own, patience), options),
    documents: (query, limit, options) => whole((patience) => cold.documents(query, limit, patience), options),
    namespaces: (query, limit, options) => whole((patience) => cold.namespaces(query, limit, patience), options),
    measure: (query, limit, options) => whole((patience) => cold.measure(query, limit, patience), options),
    walk: (query, limit, options) => whole((patience) => cold.walk(query, limit, patience), options),
    roots: (query, limit, options) => whole((patience) => cold.roots(query, limit, patience), options),
    haveParents: (query, ids, options) => whole((patience) => cold.haveParents(query, ids, patience), options),
    snapshot: (query) =>
      whole(
        () => cold.snapshot(query),
        {},
        (snapshot) => snapshot.close(),
      ),
    search: (query, options) => whole((patience) => cold.search(query, patience), options),
    searchTexts: (query, options) => whole((patience) => cold.searchTexts(query, patience), options),
    together: (ask, options) => whole((patience) => cold.together(ask, patience), options),
  }
}

function setBackForGood(): ThermoclineError {
  const message = 'the database was set back, and does not get from here what it lost: open the store again'
  return new ThermoclineError('ERR_TIER_UNAVAILABLE', message, { tier: 'cold' })
}
