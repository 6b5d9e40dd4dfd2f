/**
 * The background half of a store: checkpoints about once a second, and on a schedule a sync, which demotes, sweeps and
 * indexes. Runs never overlap; `syncNow` and `checkpointNow` join a run that has not begun yet, else start one.
 *
 * Lifecycle: idle → `start()` → running → `shutdown()` → stopped, which finishes the batch under way and starts no other.
 */
import { Cron } from 'croner'
import type { ColdTier } from '../cold/cold-tier.ts'
import { isThermoclineError, ThermoclineError, withoutContent } from '../errors.ts'
import type { AccessCounter } from '../flow/access-counter.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/logger.ts'
import { SingleFlight } from '../kernel/single-flight.ts'
import type { Checkpointer, CheckpointStats } from './checkpointer.ts'
import type { DatabaseClock } from './database-clock.ts'
import type { Demoter, DemoteStats } from './demoter.ts'
import type { HotRepair } from './hot-repair.ts'
import type { Lease } from './lease.ts'
import { OutageReport } from './outage-report.ts'
import { indexVectors, sweep } from './sweep.ts'

/** @internal */
export interface SyncWorkerParts {
  readonly checkpointer: Checkpointer
  readonly demoter: Demoter
  readonly access: AccessCounter
  readonly cold: ColdTier
  readonly clock: Clock
  readonly logger: Logger
  /** Milliseconds between checkpoints; jittered by a tenth, so that processes do not march in step. */
  readonly checkpointEvery: number
  /** Cron pattern of the sync, seconds first; undefined: only when asked. */
  readonly schedule: string | undefined
  /** Milliseconds without an access after which an entry leaves hot. */
  readonly hotToColdAge: number
  /** Held by the one process of several that demotes, sweeps and indexes on schedule. @default there is no other process */
  readonly lease?: Lease
  /** Milliseconds between signs of life while there is nothing to ship. @default none, but one a sync */
  readonly heartbeatEvery?: number
  /** Ships and retires logs whose process is gone, until the signal fires. @default there are none */
  readonly adoptLogs?: (signal: AbortSignal) => Promise<void>
  /** Brings a shared hot tier back in step. @default hot is this process's own */
  readonly repair?: HotRepair
  /** Whether a shared hot tier is away. @default hot is this process's own */
  readonly isHotAway?: () => boolean
  /** Measures the time that processes share, on every heartbeat and when it is due. @default the clock is this process's own */
  readonly time?: Pick<DatabaseClock, 'isDue' | 'measure'>
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

const NO_DEMOTION: DemoteStats = { demoted: 0, skipped: 0, errors: 0, bytes: 0 }

export class SyncWorker {
  readonly #parts: SyncWorkerParts
  readonly #stop = new AbortController()
  readonly #sync = new SingleFlight(() => this.#runSync())
  readonly #handOver = new SingleFlight(() => this.#handOverHot())
  readonly #overflow = new SingleFlight(() => this.#parts.demoter.demoteOverflow(this.#stop.signal))
  /** What schedules have begun. */
  readonly #background = new Set<Promise<void>>()
  #cron: Cron | undefined
  #timer: NodeJS.Timeout | undefined
  #started = false
  /** Whether this process is the one that syncs on schedule. */
  #isLeader = false
  #heartbeatAt = performance.now()
  readonly #outages: OutageReport
  /** Cold was set back, so hot may have entries that cold lost. */
  #owesHot = false

  /** @internal Every store has one: `store.worker`. */
  constructor(parts: SyncWorkerParts) {
    this.#parts = parts
    this.#outages = new OutageReport(parts.logger)
  }

  /** Begins the schedules; they keep no process alive by themselves. */
  start(): void {
    if (this.#started) return
    this.#started = true
    this.#scheduleCheckpoint()
    const { schedule } = this.#parts
    if (schedule !== undefined) {
      this.#cron = new Cron(schedule, { protect: true, unref: true }, () =>
        this.#inBackground(() => this.#syncIfLeader()),
      )
    }
  }

  /** When the schedule fires next; null without one. */
  get nextRun(): Date | null {
    return this.#cron?.nextRun() ?? null
  }

  /** A whole sync: checkpoint, demote by age and over capacity, sweep, index. Rejects with the first failure. */
  async syncNow(): Promise<SyncStats> {
    this.#refuseWhenStopped()
    return this.#sync.run()
  }

  /** Ships every write acknowledged so far to cold. */
  async checkpointNow(): Promise<CheckpointStats> {
    this.#refuseWhenStopped()
    return this.#parts.checkpointer.checkpointNow()
  }

  /** @internal Begins a checkpoint in the background, for writers that wait for room; one that will begin anyway is enough. */
  checkpointSoon(): void {
    const { checkpointer } = this.#parts
    if (!checkpointer.isQueued) this.#inBackground(() => checkpointer.checkpointNow())
  }

  /** @internal Begins early demotion in the background, likewise. */
  demoteSoon(): void {
    if (!this.#overflow.isQueued) this.#inBackground(() => this.#overflow.run())
  }

  /** @internal Whether cold lost something that hot may still hold, and hot was not handed over since. */
  get owesHot(): boolean {
    return this.#owesHot
  }

  /** @internal Begins to move all that hot holds to cold, which has lost some of it; until that was done, each sync does it first. */
  handOverHotSoon(): void {
    this.#owesHot = true
    this.#inBackground(() => this.#unlessHotIsAway(() => this.#handOver.run()))
  }

  /** Finishes the batch under way and stops; idempotent. Resolves once nothing runs any more. */
  async shutdown(): Promise<void> {
    this.#stop.abort()
    this.#cron?.stop()
    clearTimeout(this.#timer)
    await Promise.all([this.#sync.idle(), this.#overflow.idle(), this.#handOver.idle()])
    await this.#parts.checkpointer.idle()
    await Promise.all(this.#background)
    await this.#parts.repair?.idle()
    await this.#parts.lease?.release()
  }

  /** What concerns this process alone is done by each; the rest by whoever has the lease. Two at once would do no harm. */
  async #syncIfLeader(): Promise<void> {
    const { adoptLogs, checkpointer, lease, logger } = this.#parts
    const { signal } = this.#stop
    await this.#try(async () => adoptLogs?.(signal))
    if (signal.aborted) return
    // Whoever cannot ship for good cannot sync either, and must not keep others from it.
    if (checkpointer.fenced !== undefined) {
      this.#isLeader = false
      await lease?.release()
      throw checkpointer.fenced
    }
    if (lease !== undefined && !(await lease.hold())) {
      if (this.#isLeader) logger.warn({}, 'another process syncs now')
      this.#isLeader = false
      await checkpointer.checkpointNow({ heartbeat: true })
      return
    }
    if (!this.#isLeader && lease !== undefined) logger.info({}, 'this process syncs from now on')
    this.#isLeader = true
    lease?.keep(() => {
      this.#isLeader = false
    })
    await this.syncNow()
  }

  async #runSync(): Promise<SyncStats> {
    const { access, checkpointer, clock, cold, demoter, hotToColdAge, repair, time } = this.#parts
    const { signal } = this.#stop
    const startedAt = new Date(clock.now())
    const began = performance.now()
    // Counts first: what was read a moment ago must not look idle.
    await access.flush()
    await time?.measure()
    const shipped = await checkpointer.checkpointNow({ heartbeat: true })
    this.#outages.isBack('cold')
    await repair?.run()
    const handedOver = this.#owesHot ? await this.#unlessHotIsAway(() => this.#handOver.run()) : NO_DEMOTION
    const aged = await this.#unlessHotIsAway(() => demoter.demoteIdle(clock.now() - hotToColdAge, signal))
    const overflow = await this.#unlessHotIsAway(() => this.#overflow.run())
    const swept = await sweep(cold, signal)
    const indexed = await indexVectors(cold, signal)
    const sum = (pick: (stats: DemoteStats) => number): number => pick(handedOver) + pick(aged) + pick(overflow)
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
    this.#parts.logger.info(stats, 'synced')
    return stats
  }

  async #handOverHot(): Promise<DemoteStats> {
    if (!this.#owesHot) return NO_DEMOTION
    const { isComplete, ...stats } = await this.#parts.demoter.demoteAll(this.#stop.signal)
    if (isComplete) this.#owesHot = false
    return stats
  }

  /** What concerns cold alone must not wait for hot to come back. */
  async #unlessHotIsAway(demote: () => Promise<DemoteStats>): Promise<DemoteStats> {
    try {
      return await demote()
    } catch (error) {
      if (!isThermoclineError(error, 'ERR_TIER_UNAVAILABLE') || error.details.tier !== 'hot') throw error
      this.#outages.note(error)
      return NO_DEMOTION
    }
  }

  #scheduleCheckpoint(): void {
    const wait = this.#parts.checkpointEvery * (0.9 + Math.random() * 0.2)
    this.#timer = setTimeout(() => {
      this.#inBackground(() => this.#checkpointOnTime()).finally(() => {
        if (!this.#stop.signal.aborted) this.#scheduleCheckpoint()
      })
    }, wait).unref()
  }

  /** Hot is repaired also where there is nothing to ship, or it cannot be shipped: other processes ship as well. */
  async #checkpointOnTime(): Promise<void> {
    const { checkpointer, heartbeatEvery, isHotAway, repair, time } = this.#parts
    if (isHotAway?.()) this.#outages.isGone('hot')
    else this.#outages.isBack('hot')
    const isDue = performance.now() - this.#heartbeatAt >= (heartbeatEvery ?? Number.POSITIVE_INFINITY)
    // Also where there is nothing to ship: else nothing would tell that cold is back.
    const heartbeat = isDue || this.#outages.isAway('cold')
    if (heartbeat || time?.isDue) await this.#measureTime()
    try {
      await checkpointer.checkpointNow({ heartbeat })
      if (heartbeat) {
        this.#heartbeatAt = performance.now()
        this.#outages.isBack('cold')
      }
    } finally {
      if (!this.#stop.signal.aborted) await this.#try(async () => repair?.run())
    }
  }

  async #measureTime(): Promise<void> {
    try {
      await this.#parts.time?.measure()
    } catch (error) {
      this.#parts.logger.debug({ err: withoutContent(error) }, 'the time of the database was not measured')
    }
  }

  /** A scheduled run that fails is logged and tried again at the next tick: the log still holds everything. */
  #inBackground(work: () => Promise<unknown>): Promise<void> {
    if (this.#stop.signal.aborted) return Promise.resolve()
    const run = this.#try(work).finally(() => this.#background.delete(run))
    this.#background.add(run)
    return run
  }

  async #try(work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (this.#outages.note(error)) return
      this.#parts.logger.error({ err: withoutContent(error) }, 'a background run failed; it will be tried again')
    }
  }

  #refuseWhenStopped(): void {
    if (this.#stop.signal.aborted) throw new ThermoclineError('ERR_CLOSED', 'the sync worker was shut down', {})
  }
}
