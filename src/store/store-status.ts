/** How a store is doing: what is where, and who answers. */
import type { ColdTier } from '../cold/cold-tier.ts'
import { parseVersion } from '../entry/version.ts'
import { isThermoclineError, type ThermoclineError } from '../errors.ts'
import type { Journal } from '../flow/journal.ts'
import type { TierState, TierWatch } from '../flow/tier-watch.ts'
import type { HotTier } from '../hot/hot-tier.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Patience, withDeadline } from '../kernel/deadline.ts'
import type { CallGate } from '../repository/call-gate.ts'
import type { Checkpointer } from '../sync/checkpointer.ts'
import type { SetBack } from '../sync/set-back.ts'

/** What is local is always told; a tier that does not answer is undefined, and `health()` says since when. */
export interface StoreStats {
  /** Acknowledged writes that cold does not have yet. */
  readonly pending: { readonly entries: number; readonly bytes: number }
  readonly hot: { readonly entries: number; readonly bytes: number } | undefined
  /**
   * `entries`: live ones. `unindexed`: rows that the vector index does not cover yet. `deadLetters`: acknowledged
   * writes that the database refused; they are kept in its table `thermocline.dead_letters`, with the reason.
   * `pinned`: entries that stay in hot.
   */
  readonly cold:
    | {
        readonly entries: number
        readonly tombstones: number
        readonly unindexed: number
        readonly deadLetters: number
        readonly pinned: number
      }
    | undefined
  readonly wal: {
    readonly id: string
    readonly epoch: number
    readonly sequence: number
    /** Cold has every record up to here. */
    readonly checkpoint: number
    /** Milliseconds since the oldest write that cold does not have yet; 0 where it has them all. */
    readonly oldestUnshippedMs: number
  }
}

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
  readonly hot: Pick<HotTier, 'size'>
  readonly cold: Pick<ColdTier, 'stats'>
  readonly watches: { readonly hot: TierWatch; readonly cold: TierWatch }
  readonly gate: CallGate
  readonly clock: Clock
}

/** @internal */
export class StoreStatus {
  readonly #parts: StoreStatusParts

  constructor(parts: StoreStatusParts) {
    this.#parts = parts
  }

  async stats(patience: Patience): Promise<StoreStats> {
    const { journal, checkpointer, clock } = this.#parts
    const { log, pending } = journal
    const sizes = Promise.all([unlessAway(this.#parts.hot.size()), unlessAway(this.#parts.cold.stats())])
    const [hot, cold] = await withDeadline(sizes, patience)
    const oldest = pending.oldest
    return {
      pending: { entries: pending.size, bytes: pending.bytes },
      hot,
      cold: cold && {
        entries: cold.live,
        tombstones: cold.tombstones,
        unindexed: cold.unindexed,
        deadLetters: cold.deadLetters,
        pinned: cold.pinned,
      },
      wal: {
        id: log.walId,
        epoch: log.epoch,
        sequence: log.lastSequence,
        checkpoint: checkpointer.sequence,
        oldestUnshippedMs: oldest === undefined ? 0 : Math.max(0, clock.now() - parseVersion(oldest.version).millis),
      },
    }
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

/** Answers undefined where the tier does not answer. */
async function unlessAway<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (isThermoclineError(error, 'ERR_TIER_UNAVAILABLE') || isThermoclineError(error, 'ERR_TIMEOUT')) return undefined
    throw error
  }
}
