/**
 * Decides what `health()` says of a store; `stats()` is in store-stats.ts. When a tier counts as away is decided in
 * flow/tier-watch.ts.
 */
import type { ThermoclineError } from '../errors.ts'
import type { Journal } from '../flow/journal.ts'
import type { TierState, TierWatch } from '../flow/tier-watch.ts'
import type { CallGate } from '../repository/call-gate.ts'
import type { Checkpointer } from '../sync/checkpointer.ts'
import type { SetBack } from '../sync/set-back.ts'

export interface StoreHealth {
  /**
   * False when the log has failed, another process took it over, the database no longer knows it, another process needs
   * the database to itself (it has no Redis), or the store is closed. `error` says which, but not of a closed store.
   */
  readonly live: boolean
  /**
   * True when a tier is away. Without hot every call still works, more slowly. Without cold, writes still work, and so
   * do reads of entries that are pending or in hot.
   */
  readonly degraded: boolean
  /** Whether each tier answers, by the latest calls of this process; nothing is asked for it. */
  readonly hot: TierState
  readonly cold: TierState
  readonly error?: ThermoclineError
  /**
   * The database was found in an earlier state than it had been in, as after a restore. Stays until the store is opened
   * again.
   */
  readonly setBack?: SetBack
}

/** @internal */
export interface StoreStatusParts {
  readonly journal: Journal
  readonly checkpointer: Checkpointer
  readonly watches: { readonly hot: TierWatch; readonly cold: TierWatch }
  readonly gate: CallGate
}

/** @internal */
export class StoreStatus {
  readonly #parts: StoreStatusParts

  constructor(parts: StoreStatusParts) {
    this.#parts = parts
  }

  health(): StoreHealth {
    const { journal, checkpointer, gate, watches } = this.#parts
    const hot = watches.hot.state()
    const cold = watches.cold.state()
    const tiers = { degraded: hot.is === 'away' || cold.is === 'away', hot, cold }
    const { setBack } = checkpointer
    const error = journal.log.failure ?? checkpointer.fenced ?? gate.failure
    const live = error === undefined && !gate.isClosed
    return { live, ...tiers, ...(error && { error }), ...(setBack && { setBack }) }
  }
}
