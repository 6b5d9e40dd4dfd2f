/**
 * Runs a whole sync: ships, repairs hot, demotes from it and brings in what is pinned, then sweeps and indexes cold,
 * and has cold check rows that a migration left unchecked.
 */
import type { ColdTier } from '../cold/cold-tier.ts'
import { type ErrorCode, isThermoclineError } from '../errors.ts'
import type { AccessCounter } from '../flow/access-counter.ts'
import type { Logger } from '../kernel/logger.ts'
import { TRACES, traced } from '../kernel/tracing.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { AskedCuts } from './asked-cuts.ts'
import type { Checkpointer } from './checkpointer.ts'
import type { DemoteStats } from './demoter.ts'
import type { HotUpkeep } from './hot-upkeep.ts'
import { indexVectors } from './index-vectors.ts'
import type { OutageReport } from './outage-report.ts'
import type { StoreTime } from './store-time.ts'
import { sweep } from './sweep.ts'

export interface FullSyncParts {
  readonly access: AccessCounter
  readonly checkpointer: Checkpointer
  /** Undefined: this process alone uses the store. */
  readonly cuts: AskedCuts | undefined
  readonly hot: HotUpkeep
  readonly cold: ColdTier
  readonly time: StoreTime
  readonly outages: OutageReport
  readonly telemetry: Telemetry
  readonly logger: Logger
}

/** What one sync did. */
export interface SyncStats {
  /** Entries that left hot. */
  readonly synced: number
  /** Entries that changed while they were to leave, and stay. */
  readonly skipped: number
  /** Entries that cold would not take. */
  readonly errors: number
  /** Payload bytes shipped to cold. */
  readonly bytes: number
  /** Expired entries that became tombstones, tombstones collected, rows put into the vector index. */
  readonly expired: number
  readonly collected: number
  readonly indexed: number
  readonly durationMs: number
  readonly startedAt: Date
}

/** One that did not end well. */
export interface FailedSync {
  readonly at: Date
  readonly code: ErrorCode | undefined
}

export class FullSync {
  readonly #parts: FullSyncParts
  #latest: SyncStats | undefined
  #failed: FailedSync | undefined

  constructor(parts: FullSyncParts) {
    this.#parts = parts
  }

  /** The latest of this process that ended well. */
  get latest(): SyncStats | undefined {
    return this.#latest
  }

  /** The latest of this process, where it failed. */
  get failed(): FailedSync | undefined {
    return this.#failed
  }

  /** @param signal ends it between two batches. */
  async run(signal: AbortSignal): Promise<SyncStats> {
    const { events } = this.#parts.telemetry
    try {
      this.#latest = await this.#traced(signal)
      this.#failed = undefined
      const { synced, errors, durationMs } = this.#latest
      events.emit('sync', () => ({ ok: true, synced, errors, durationMs }))
      return this.#latest
    } catch (error) {
      const at = new Date(this.#parts.time.clock.now())
      const code = isThermoclineError(error) ? error.code : undefined
      this.#failed = { at, code }
      events.emit('sync', () => ({ ok: false, code }))
      throw error
    }
  }

  async #traced(signal: AbortSignal): Promise<SyncStats> {
    if (!TRACES.sync.hasSubscribers) return this.#run(signal)
    return traced(
      TRACES.sync,
      { operation: 'sync' },
      () => this.#run(signal),
      ({ synced, bytes }) => ({ count: synced, bytes }),
    )
  }

  async #run(signal: AbortSignal): Promise<SyncStats> {
    const { access, checkpointer, cold, cuts, hot, logger, outages, telemetry, time } = this.#parts
    const startedAt = new Date(time.clock.now())
    const began = performance.now()
    // Counts first: what was read a moment ago must not look idle.
    await access.flush()
    await time.database?.measure()
    const shipped = await checkpointer.checkpointNow({ heartbeat: true, inBackground: true })
    outages.isBack('cold')
    // A disk that is full keeps a log from being cut, and must not keep the rest from being done.
    await cuts?.run().catch((error: unknown) => outages.report(error))
    await hot.repair()
    const left = [await hot.moveAllToCold(), await hot.demoteIdle(), await hot.demoteOverflow()]
    await hot.keepPinned()
    const swept = await sweep(cold, signal)
    telemetry.counts.expired += swept.expired
    telemetry.counts.collected += swept.collected
    telemetry.events.emit('expire', () => (swept.expired === 0 ? undefined : { count: swept.expired }))
    const indexed = await indexVectors(cold, signal)
    if (!signal.aborted) await cold.validate()
    const sum = (pick: (stats: DemoteStats) => number): number => left.map(pick).reduce((a, b) => a + b)
    const stats: SyncStats = {
      synced: sum(({ demoted }) => demoted),
      skipped: sum(({ skipped }) => skipped),
      errors: sum(({ errors }) => errors) + shipped.rejected,
      bytes: sum(({ bytes }) => bytes) + shipped.bytes,
      ...swept,
      indexed,
      durationMs: Math.round(performance.now() - began),
      startedAt,
    }
    await cold.recordSyncRun({ ...stats, startedAt: startedAt.getTime() })
    logger.info(stats, 'synced')
    return stats
  }
}
