/**
 * The background half of a store: checkpoints about once a second, and on a schedule a sync, which demotes, sweeps and
 * indexes. Runs never overlap; `syncNow` and `checkpointNow` join a run that has not begun yet, else start one.
 *
 * Lifecycle: idle → `start()` → running → `shutdown()` → stopped, which finishes the batch under way and starts no
 * other.
 */
import { ThermoclineError } from '../errors.ts'
import type { Need, Pressure } from '../flow/pressure.ts'
import { SingleFlight } from '../kernel/single-flight.ts'
import type { Checkpointer, CheckpointStats } from './checkpointer.ts'
import type { FullSync, SyncStats } from './full-sync.ts'
import type { HotUpkeep } from './hot-upkeep.ts'
import type { OutageReport } from './outage-report.ts'
import type { Peers } from './peers.ts'
// Its type alone: the package exports this class, and importing it loads no library of schedules.
import type { beginSchedule, SyncSchedule } from './sync-schedule.ts'

/** When a worker does what by itself. */
export interface Schedule {
  /** Milliseconds between checkpoints; jittered by a tenth, so that processes do not march in step. */
  readonly checkpointEvery: number
  /** Cron pattern of the sync (sync-schedule.ts); undefined: only when asked. */
  readonly sync: string | undefined
}

/** @internal */
export interface SyncWorkerParts {
  readonly sync: FullSync
  readonly checkpointer: Checkpointer
  readonly hot: HotUpkeep
  /** Undefined: this process alone uses the store. */
  readonly peers: Peers | undefined
  readonly pressure: Pressure
  readonly outages: OutageReport
  readonly schedule: Schedule
  readonly beginSchedule: typeof beginSchedule
}

export class SyncWorker {
  readonly #parts: SyncWorkerParts
  readonly #stop = new AbortController()
  readonly #sync = new SingleFlight(() => this.#parts.sync.run(this.#stop.signal))
  /** What schedules have begun. */
  readonly #background = new Set<Promise<void>>()
  #schedule: SyncSchedule | undefined
  #timer: NodeJS.Timeout | undefined
  #started = false

  /** @internal Every store has one: `store.worker`. */
  constructor(parts: SyncWorkerParts) {
    this.#parts = parts
    parts.pressure.needs.subscribe((need) => this.#relieve(need))
    parts.checkpointer.restored.subscribe(() => this.#handOverHot())
  }

  /** Begins the schedules; they keep no process alive by themselves. */
  start(): void {
    if (this.#started) return
    this.#started = true
    this.#scheduleCheckpoint()
    const { schedule, beginSchedule } = this.#parts
    const tick = (): Promise<void> => this.#inBackground(() => this.#syncIfLeader())
    if (schedule.sync !== undefined) this.#schedule = beginSchedule(schedule.sync, tick)
  }

  /** When the schedule fires next; null without one. */
  get nextRun(): Date | null {
    return this.#schedule?.nextRun() ?? null
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

  /** Finishes the batch under way and stops; idempotent. Resolves once nothing runs any more. */
  async shutdown(): Promise<void> {
    const { checkpointer, hot, peers } = this.#parts
    this.#stop.abort()
    this.#schedule?.stop()
    clearTimeout(this.#timer)
    await Promise.all([hot.stop(), this.#sync.idle()])
    await checkpointer.idle()
    await Promise.all(this.#background)
    await hot.repaired()
    await peers?.resign()
  }

  /** A run that will begin anyway is enough for writers that wait for room. */
  #relieve(need: Need): void {
    const { checkpointer, hot } = this.#parts
    if (need === 'demotion') this.#inBackground(() => hot.demoteOverflowEarly())
    // A log that another process took over is shipped by that one.
    else if (!checkpointer.isQueued && checkpointer.fenced === undefined)
      this.#inBackground(() => checkpointer.checkpointNow())
  }

  /** Until that was done, each sync does it first. */
  #handOverHot(): void {
    const { hot } = this.#parts
    hot.oweCold()
    this.#inBackground(() => hot.handOver())
  }

  /** What concerns this process alone is done by each; the rest by the one that leads. */
  async #syncIfLeader(): Promise<void> {
    const { checkpointer, peers } = this.#parts
    const { signal } = this.#stop
    await this.#try(async () => peers?.adoptLogs(signal))
    if (signal.aborted) return
    // Whoever cannot ship for good cannot sync either, and must not keep others from it.
    if (checkpointer.fenced !== undefined) {
      await peers?.resign()
      throw checkpointer.fenced
    }
    if (peers === undefined || (await peers.lead())) await this.syncNow()
    else await checkpointer.checkpointNow({ heartbeat: true })
  }

  #scheduleCheckpoint(): void {
    const wait = this.#parts.schedule.checkpointEvery * (0.9 + Math.random() * 0.2)
    this.#timer = setTimeout(() => {
      this.#inBackground(() => this.#checkpointOnTime()).finally(() => {
        if (!this.#stop.signal.aborted) this.#scheduleCheckpoint()
      })
    }, wait).unref()
  }

  /** Hot is repaired also where there is nothing to ship, or it cannot be shipped: other processes ship as well. */
  async #checkpointOnTime(): Promise<void> {
    const { checkpointer, hot, outages, peers } = this.#parts
    hot.noteOutage()
    // Also where there is nothing to ship: else nothing would tell that cold is back.
    const heartbeat = peers?.isHeartbeatDue || outages.isAway('cold')
    if (heartbeat || peers?.isTimeDue) await peers?.measureTime()
    try {
      await checkpointer.checkpointNow({ heartbeat })
      if (heartbeat) {
        peers?.noteHeartbeat()
        outages.isBack('cold')
      }
    } finally {
      if (!this.#stop.signal.aborted) await this.#try(() => hot.repair())
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
      this.#parts.outages.report(error)
    }
  }

  #refuseWhenStopped(): void {
    if (this.#stop.signal.aborted) throw new ThermoclineError('ERR_CLOSED', 'the sync worker was shut down', {})
  }
}
