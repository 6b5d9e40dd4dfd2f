/**
 * A store: repositories in front, worker behind. Opening and closing are in {@link ./open-store.ts}.
 */
import type { CallOptions } from '../call-options.ts'
import type { ColdTier } from '../cold/cold-tier.ts'
import type { Duration } from '../entry/duration.ts'
import { DEFAULT_NAMESPACE, namespacePath } from '../entry/namespace.ts'
import type { EntryRecord } from '../entry/record.ts'
import { parseVersion } from '../entry/version.ts'
import { isThermoclineError, type ThermoclineError, withoutContent } from '../errors.ts'
import type { Pending } from '../flow/pending.ts'
import type { TierState } from '../flow/tier-watch.ts'
import type { HotTier } from '../hot/hot-tier.ts'
import { MAX_TIMER_MS, withDeadline } from '../kernel/deadline.ts'
import type { Logger } from '../kernel/logger.ts'
import { CALLS } from '../repository/calls.ts'
import type { RepositoryParts } from '../repository/memory-repository.ts'
import { NamespaceView } from '../repository/namespace-view.ts'
import type { Checkpointer, CheckpointStats, SetBack } from '../sync/checkpointer.ts'
import type { SyncStats, SyncWorker } from '../sync/sync-worker.ts'
import type { AppendLog } from '../wal/append-log.ts'

/** @internal */
export interface StoreParts extends RepositoryParts {
  readonly log: AppendLog<EntryRecord>
  readonly pending: Pending
  readonly hot: HotTier
  readonly cold: ColdTier
  readonly checkpointer: Checkpointer
  readonly worker: SyncWorker
  readonly hotState: () => TierState
  readonly coldState: () => TierState
  readonly logger: Logger
  /** Ends the store: waits, ships what it can before the deadline, releases everything. */
  readonly shutDown: (signal: AbortSignal, timeLeft: () => number) => Promise<CloseResult>
}

/** What is local is always told; a tier that does not answer is undefined, and `health()` says since when. */
export interface StoreStats {
  /** Acknowledged writes that cold does not have yet. */
  readonly pending: { readonly entries: number; readonly bytes: number }
  readonly hot: { readonly entries: number; readonly bytes: number } | undefined
  /**
   * `entries`: live ones. `unindexed`: rows that the vector index does not cover yet. `deadLetters`: acknowledged writes that
   * the database refused; they are kept in its table `thermocline.dead_letters`, with the reason.
   */
  readonly cold:
    | {
        readonly entries: number
        readonly tombstones: number
        readonly unindexed: number
        readonly deadLetters: number
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
  /** False once the log has failed: writes are refused until the store is opened again. */
  readonly live: boolean
  /** Whether a tier is away. Without hot everything goes on, slower; without cold writes, and reads of what is near. */
  readonly degraded: boolean
  /** By the latest calls to each tier, of this process; nothing is asked for it. */
  readonly hot: TierState
  readonly cold: TierState
  readonly error?: ThermoclineError
  /** The database was found in an earlier state than it had been in, as after a restore. Stays until the store is opened again. */
  readonly setBack?: SetBack
}

export interface CloseOptions {
  /** How long to wait for running calls, the last checkpoint and what is let go of; a second for each of those at least. @default '10s' */
  readonly timeout?: Duration | undefined
}

export interface CloseResult {
  /** Records shipped to cold by this close. */
  readonly shipped: number
  /** Records that stay in the log for the next open. */
  readonly remaining: number
}

export class MemoryStore implements AsyncDisposable {
  readonly #parts: StoreParts
  readonly #default: NamespaceView
  #closing: Promise<CloseResult> | undefined

  /** @internal */
  constructor(parts: StoreParts) {
    this.#parts = parts
    this.#default = new NamespaceView(parts, DEFAULT_NAMESPACE)
  }

  /** Entries of every kind in the namespace `default`. */
  get entries(): NamespaceView['entries'] {
    return this.#default.entries
  }

  get chunks(): NamespaceView['chunks'] {
    return this.#default.chunks
  }

  get embeddings(): NamespaceView['embeddings'] {
    return this.#default.embeddings
  }

  get metadata(): NamespaceView['metadata'] {
    return this.#default.metadata
  }

  get raptorNodes(): NamespaceView['raptorNodes'] {
    return this.#default.raptorNodes
  }

  /** The background worker; it runs already. */
  get worker(): SyncWorker {
    return this.#parts.worker
  }

  /** The same repositories in another namespace: `store.namespace('tenant', 'acme').chunks`. */
  namespace(...segments: readonly string[]): NamespaceView {
    return new NamespaceView(this.#parts, namespacePath(segments))
  }

  /** Runs a whole sync now: checkpoint, demote, sweep, index. */
  sync(options?: CallOptions): Promise<SyncStats> {
    return this.#parts.gate.run(CALLS.sync, options, (checked) => withDeadline(this.#parts.worker.syncNow(), checked))
  }

  /** Ships every write acknowledged so far to cold. */
  checkpoint(options?: CallOptions): Promise<CheckpointStats> {
    return this.#parts.gate.run(CALLS.checkpoint, options, (checked) =>
      withDeadline(this.#parts.worker.checkpointNow(), checked),
    )
  }

  stats(options?: CallOptions): Promise<StoreStats> {
    return this.#parts.gate.run(CALLS.stats, options, async (checked) => {
      const { log, pending, checkpointer, clock } = this.#parts
      const sizes = Promise.all([unlessAway(this.#parts.hot.size()), unlessAway(this.#parts.cold.stats())])
      const [hot, cold] = await withDeadline(sizes, checked)
      const oldest = pending.oldest
      return {
        pending: { entries: pending.size, bytes: pending.bytes },
        hot,
        cold: cold && {
          entries: cold.live,
          tombstones: cold.tombstones,
          unindexed: cold.unindexed,
          deadLetters: cold.deadLetters,
        },
        wal: {
          id: log.walId,
          epoch: log.epoch,
          sequence: log.lastSequence,
          checkpoint: checkpointer.sequence,
          oldestUnshippedMs: oldest === undefined ? 0 : Math.max(0, clock.now() - parseVersion(oldest.version).millis),
        },
      }
    })
  }

  /** Asks nobody: to be called as often as a load balancer likes. */
  health(): StoreHealth {
    const { log, checkpointer, gate } = this.#parts
    const hot = this.#parts.hotState()
    const cold = this.#parts.coldState()
    const tiers = { degraded: hot.is === 'away' || cold.is === 'away', hot, cold }
    const { setBack } = checkpointer
    const error = log.failure ?? checkpointer.fenced ?? gate.failure
    const live = error === undefined && !gate.isClosed
    return { live, ...tiers, ...(error && { error }), ...(setBack && { setBack }) }
  }

  /**
   * Refuses new calls, waits for running ones, ships what is pending and lets go of everything. What could not be shipped
   * in time stays in the log for the next open. Idempotent.
   */
  async close(options?: CloseOptions): Promise<CloseResult> {
    const { timeout = 10_000 } = CALLS.close(options)
    this.#closing ??= this.#close(timeout)
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(timeout: number): Promise<CloseResult> {
    const { gate, logger, shutDown } = this.#parts
    gate.close()
    const end = performance.now() + timeout
    const result = await shutDown(AbortSignal.timeout(Math.min(timeout, MAX_TIMER_MS)), () => end - performance.now())
    if (result.remaining > 0)
      logger.error(result, 'closed with records that cold does not have yet: they are in the log for the next open')
    return result
  }
}

/** Undefined where the tier does not answer. */
async function unlessAway<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (isThermoclineError(error, 'ERR_TIER_UNAVAILABLE') || isThermoclineError(error, 'ERR_TIMEOUT')) return undefined
    throw error
  }
}

/** Waits for `work`, but not beyond the signal; what failed or took too long is logged, for closing goes on regardless. */
export async function attempt(
  work: Promise<unknown>,
  signal: AbortSignal,
  logger: Logger,
  what: string,
): Promise<boolean> {
  try {
    await withDeadline(work, { signal })
    return true
  } catch (error) {
    const late = isThermoclineError(error, 'ERR_ABORTED')
    logger.error({ err: withoutContent(error) }, late ? `closing did not wait longer for ${what}` : `${what} failed`)
    return false
  }
}

/** The store is closed as far as its caller is concerned; what is left ends later, or with the process. */
export function tellWhatIsLeft(logger: Logger, what: string, release: Promise<void>): void {
  logger.error({}, `closing did not wait longer for ${what}`)
  release.then(
    () => logger.info({}, `${what} is closed, later than the store`),
    (error: unknown) => logger.error({ err: withoutContent(error) }, `closing ${what} failed`),
  )
}
