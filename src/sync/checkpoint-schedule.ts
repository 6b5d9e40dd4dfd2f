/**
 * Decides when a checkpoint begins by itself: every `checkpoint.every` milliseconds, give or take a tenth; and early,
 * where flow/pressure.ts says that more than `checkpointBytes` are pending or that a write waits for room. What a
 * checkpoint ships is decided in checkpointer.ts.
 */
import type { AskedCuts } from './asked-cuts.ts'
import type { Checkpointer } from './checkpointer.ts'
import type { HotUpkeep } from './hot-upkeep.ts'
import type { OutageReport } from './outage-report.ts'
import type { Peers } from './peers.ts'

export interface CheckpointScheduleParts {
  readonly checkpointer: Checkpointer
  /** Undefined, as `peers` is: nobody else can ask this log to begin a new file and delete those from before. */
  readonly cuts: AskedCuts | undefined
  readonly hot: HotUpkeep
  /** Undefined: this process alone uses the store. */
  readonly peers: Peers | undefined
  readonly outages: OutageReport
  /** Milliseconds between checkpoints. */
  readonly every: number
  /** Runs something in the background, unless the worker was stopped; a failure is logged. */
  readonly inBackground: (work: () => Promise<unknown>) => Promise<void>
  /** Aborted when the worker stops. */
  readonly stop: AbortSignal
}

export class CheckpointSchedule {
  readonly #parts: CheckpointScheduleParts
  #timer: NodeJS.Timeout | undefined

  constructor(parts: CheckpointScheduleParts) {
    this.#parts = parts
    parts.stop.addEventListener('abort', () => clearTimeout(this.#timer))
  }

  /** Sets the timer for the next checkpoint, and after that for the next; it keeps no process alive. */
  start(): void {
    const { every, inBackground, stop } = this.#parts
    // Jittered, so that processes do not all ship at the same moment.
    const wait = every * (0.9 + Math.random() * 0.2)
    this.#timer = setTimeout(() => {
      inBackground(() => this.#checkpointOnTime()).finally(() => {
        if (!stop.aborted) this.start()
      })
    }, wait).unref()
  }

  /** Begins a checkpoint now; one that is queued already is enough. */
  beginEarly(): void {
    const { checkpointer, inBackground } = this.#parts
    // A log that another process took over is shipped by that process.
    if (!checkpointer.isQueued && checkpointer.fenced === undefined)
      inBackground(() => checkpointer.checkpointNow({ inBackground: true }))
  }

  /** In the background: it waits for writes that have begun, and checkpoints go on meanwhile. */
  #cutIfAsked(): void {
    const { cuts, inBackground } = this.#parts
    if (cuts !== undefined && !cuts.isRunning) void inBackground(() => cuts.run())
  }

  /** Repairs hot as well, even where nothing is pending or cold is away: other processes ship too. */
  async #checkpointOnTime(): Promise<void> {
    const { checkpointer, hot, outages, peers, stop } = this.#parts
    hot.noteOutage()
    // While cold is away, something is sent even where nothing is pending: else nobody would notice that it is back.
    const heartbeat = checkpointer.fenced === undefined && (peers?.isHeartbeatDue || outages.isAway('cold'))
    if (heartbeat || peers?.isTimeDue) await peers?.measureTime()
    try {
      await checkpointer.checkpointNow({ heartbeat, inBackground: true })
      if (heartbeat) {
        peers?.noteHeartbeat()
        outages.isBack('cold')
      }
      this.#cutIfAsked()
    } finally {
      if (!stop.aborted) await hot.repair().catch((error: unknown) => outages.report(error))
    }
  }
}
