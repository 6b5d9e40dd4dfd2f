/**
 * The background half of a store: it starts the schedule of checkpoints (checkpoint-schedule.ts) and that of syncs
 * (sync-schedule.ts), and what gives entries their vectors (background-embedding.ts). A sync demotes, sweeps and
 * indexes (full-sync.ts); of several processes one runs it (peers.ts).
 * Runs never overlap: `syncNow` and `checkpointNow` join a run that has not begun yet, else they start one.
 *
 * Lifecycle: idle → `start()` → running → `shutdown()` → stopped. Shutting down finishes the batch under way and starts
 * no other.
 */
import { ThermoclineError } from '../errors.ts'
import type { Need, Pressure } from '../flow/pressure.ts'
import { SingleFlight } from '../kernel/single-flight.ts'
import type { AskedCuts } from './asked-cuts.ts'
import type { BackgroundEmbedding } from './background-embedding.ts'
import { CheckpointSchedule } from './checkpoint-schedule.ts'
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
  /** Undefined, like `peers`: this process alone uses the store. */
  readonly cuts: AskedCuts | undefined
  readonly hot: HotUpkeep
  /** Undefined: this process alone uses the store. */
  readonly peers: Peers | undefined
  /** Undefined: the store makes no vectors. */
  readonly embedding: BackgroundEmbedding | undefined
  readonly pressure: Pressure
  readonly outages: OutageReport
  readonly schedule: Schedule
  readonly beginSchedule: typeof beginSchedule
}

export class SyncWorker {
  readonly #parts: SyncWorkerParts
  readonly #stop = new AbortController()
  readonly #sync = new SingleFlight(() => this.#parts.sync.run(this.#stop.signal))
  /** Runs in the background that have not ended. */
  readonly #background = new Set<Promise<void>>()
  readonly #checkpoints: CheckpointSchedule
  #schedule: SyncSchedule | undefined
  #started = false

  /** @internal Every store has one: `store.worker`. */
  constructor(parts: SyncWorkerParts) {
    this.#parts = parts
    const { checkpointer, cuts, hot, outages, peers, schedule } = parts
    const inBackground = (work: () => Promise<unknown>): Promise<void> => this.#inBackground(work)
    const when = { every: schedule.checkpointEvery, inBackground, stop: this.#stop.signal }
    this.#checkpoints = new CheckpointSchedule({ checkpointer, cuts, hot, outages, peers, ...when })
    parts.pressure.needs.subscribe((need) => this.#relieve(need))
    parts.checkpointer.restored.subscribe(() => this.#moveHotToCold())
    parts.checkpointer.shipped.subscribe(() => parts.embedding?.wake())
    // It could write no vector any more, and must not keep others from it.
    parts.checkpointer.ended.subscribe(() => void parts.embedding?.stop())
  }

  /** Begins the schedules; they keep no process alive by themselves. */
  start(): void {
    if (this.#started) return
    this.#started = true
    this.#checkpoints.start()
    this.#parts.embedding?.start()
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
    const { checkpointer, embedding, hot, peers } = this.#parts
    this.#stop.abort()
    this.#schedule?.stop()
    await Promise.all([hot.stop(), this.#sync.idle(), embedding?.stop()])
    await checkpointer.idle()
    await Promise.all(this.#background)
    await hot.repaired()
    await peers?.resign()
  }

  #relieve(need: Need): void {
    if (need === 'demotion') this.#inBackground(() => this.#parts.hot.demoteOverflowEarly())
    else this.#checkpoints.beginEarly()
  }

  /** Cold was restored to an earlier state. Until hot was moved there, each sync tries that first. */
  #moveHotToCold(): void {
    const { hot } = this.#parts
    hot.noteColdLoss()
    this.#inBackground(() => hot.moveAllToCold())
  }

  /** What concerns this process alone is done by each; the rest by the one that leads. */
  async #syncIfLeader(): Promise<void> {
    const { checkpointer, peers } = this.#parts
    const { signal } = this.#stop
    await this.#try(async () => peers?.adoptLogs(signal))
    if (signal.aborted) return
    // Whoever cannot ship for good cannot sync either, and must not keep others from it.
    if (checkpointer.fenced !== undefined) await peers?.resign()
    else if (peers === undefined || (await peers.lead())) await this.syncNow()
    else await checkpointer.checkpointNow({ heartbeat: true, inBackground: true })
  }

  /** A scheduled run that fails is logged and tried again at the next tick: the log still holds everything. */
  #inBackground(work: () => Promise<unknown>): Promise<void> {
    if (this.#stop.signal.aborted) return Promise.resolve()
    const run = this.#try(work).finally(() => this.#background.delete(run))
    this.#background.add(run)
    return run
  }

  async #try(work: () => Promise<unknown>): Promise<void> {
    const { checkpointer, outages } = this.#parts
    try {
      await work()
    } catch (error) {
      // That nothing ships any more was told once, and no run changes it.
      if (error !== checkpointer.fenced) outages.report(error)
    }
  }

  #refuseWhenStopped(): void {
    if (this.#stop.signal.aborted) throw new ThermoclineError('ERR_CLOSED', 'the sync worker was shut down', {})
  }
}
