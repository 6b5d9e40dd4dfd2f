/**
 * Closes a store: waits for running calls → stops the worker → ships → retires the log, or leaves it → releases
 * everything. A step that fails or takes too long is logged, and closing continues: the log has everything for the next
 * open.
 */
import { isThermoclineError, withoutContent } from '../errors.ts'
import { handOverReads } from '../flow/access-counter.ts'
import { MAX_TIMER_MS, unlessLate, withDeadline } from '../kernel/deadline.ts'
import type { Logger } from '../kernel/logger.ts'
import type { ReleaseStack } from '../kernel/release-stack.ts'
import type { ConnectedFlows, Embedding } from './connect-flows.ts'
import type { OpenedParts } from './open-parts.ts'

export interface CloseResult {
  /** Records shipped to cold by this close. */
  readonly shipped: number
  /** Records that stay in the log for the next open. */
  readonly remaining: number
}

/** The part of the time for closing in which calls may wait for a model: all else needs the rest of it. */
const MODEL_SHARE = 1 / 2

/** @internal */
export class StoreCloser {
  readonly #opened: OpenedParts
  readonly #connected: ConnectedFlows
  readonly #releases: ReleaseStack
  readonly #logger: Logger

  constructor(opened: OpenedParts, connected: ConnectedFlows, releases: ReleaseStack, logger: Logger) {
    this.#opened = opened
    this.#connected = connected
    this.#releases = releases
    this.#logger = logger
  }

  /** @param timeout milliseconds. */
  async close(timeout: number): Promise<CloseResult> {
    const { folder, gate, log } = this.#opened
    gate.close()
    const end = performance.now() + timeout
    const signal = AbortSignal.timeout(Math.min(timeout, MAX_TIMER_MS))
    folder?.releaseSoon()
    await this.#connected.checkpointer.hurry(this.#stop(signal, timeout))
    const { shipped, isShipped } = await this.#ship(signal)
    await this.#handOver(signal)
    const { pending } = log.journal
    // A call that outlived the deadline may still be writing to the log.
    const isQuiet = isShipped && !signal.aborted && pending.size === 0 && log.journal.log.failure === undefined
    if (isQuiet) await this.#attempt(log.retire(), signal, 'retiring the log')
    try {
      await this.#releases.release({
        timeLeft: () => end - performance.now(),
        onLeft: (name, release) => this.#tellWhatIsLeft(name, release),
      })
      return { shipped, remaining: pending.size }
    } finally {
      this.#tellWhatRemains(shipped, pending.size)
    }
  }

  #tellWhatRemains(shipped: number, remaining: number): void {
    if (remaining === 0) return
    const message = 'closed with records that cold does not have yet: they are in the log for the next open'
    this.#logger.error({ shipped, remaining }, message)
  }

  /** Calls and whatever runs in the background. */
  async #stop(signal: AbortSignal, timeout: number): Promise<void> {
    const { embedding, flows, promoter, worker } = this.#connected
    const idle = this.#opened.gate.idle()
    if (embedding !== undefined) await patientWith(embedding, idle, timeout * MODEL_SHARE)
    await this.#attempt(idle, signal, 'running calls')
    await this.#attempt(flows.changes.settled(), signal, 'changes that nobody waits for')
    await this.#attempt(worker.shutdown(), signal, 'the worker')
    await this.#attempt(promoter.settled(), signal, 'promotions')
  }

  /** Ships, also where nothing is pending: cold may have been set back since, and only the log has what it lost. */
  async #ship(signal: AbortSignal): Promise<{ readonly shipped: number; readonly isShipped: boolean }> {
    let shipped = 0
    const ship = this.#connected.checkpointer.checkpointNow({ heartbeat: true }).then((stats) => {
      shipped = stats.shipped + stats.superseded
    })
    const isShipped = await this.#attempt(ship, signal, 'the last checkpoint')
    return { shipped, isShipped }
  }

  /** What only this process and its hot tier know. */
  async #handOver(signal: AbortSignal): Promise<void> {
    const { access, sliding, upkeep } = this.#connected
    const { cold, hot } = this.#opened
    if (upkeep.coldHasLost)
      await this.#attempt(upkeep.moveAllToColdAtLast(signal), signal, 'handing hot over to the database')
    await this.#attempt(access.flush(), signal, 'the last access counts')
    await this.#attempt(sliding.settled(), signal, 'what reads keep alive')
    sliding.stop()
    // A hot tier in this process goes with it: what it counted is carried to cold, which has every entry already.
    if (hot.takeReads !== undefined)
      await this.#attempt(handOverReads(hot.takeReads, cold, signal), signal, 'handing over access counts')
  }

  /** Waits for `work`, but not beyond the signal; returns whether it succeeded. */
  async #attempt(work: Promise<unknown>, signal: AbortSignal, what: string): Promise<boolean> {
    try {
      await withDeadline(work, { signal })
      return true
    } catch (error) {
      const isLate = isThermoclineError(error, 'ERR_ABORTED')
      const message = isLate ? `closing did not wait longer for ${what}` : `${what} failed`
      this.#logger.error({ err: withoutContent(error) }, message)
      return false
    }
  }

  /** The store is closed as far as its caller is concerned; what is left ends later, or with the process. */
  #tellWhatIsLeft(what: string, release: Promise<void>): void {
    this.#logger.error({}, `closing did not wait longer for ${what}`)
    release.then(
      () => this.#logger.info({}, `${what} is closed, later than the store`),
      (error: unknown) => this.#logger.error({ err: withoutContent(error) }, `closing ${what} failed`),
    )
  }
}

/** Lets calls that wait for a model have their answer, but not for long. */
async function patientWith({ embedder, former }: Embedding, idle: Promise<void>, milliseconds: number): Promise<void> {
  const isIdle = await unlessLate(
    idle.then(() => true),
    milliseconds,
  )
  if (!isIdle) for (const one of [embedder, ...former]) one.close()
}
