/**
 * Decides when a write must wait. While cold is away, the log still takes writes, and hot holds what cold does not
 * have; both up to a bound. Beyond it a write waits for room, and is refused with `ERR_BACKPRESSURE` before anything of
 * it was written (rules C6 and L3 of flow/README.md).
 *
 *     Writer ──── admit, queue, written ───┐                      ┌── 'checkpoint' ──► Checkpointer ── shipped ──┐
 *                                          ├──► Pressure ─ needs ─┤      (checkpoint-schedule.ts)                ├──► Pressure
 *     Promoter ── hotChanged ──────────────┘                      └── 'demotion' ────► Demoter ── hotChanged ────┘
 *
 * Pressure is built before all of them and calls none. Writers ask it, whoever fills or empties pending and hot reports
 * that to it, and the worker, which is built last, subscribes to its needs.
 *
 * Once the log ships nothing any more, none of its writes would come to cold: those that have not begun are refused.
 *
 * Each write begins in the very step that found room for it, and those that wait begin in the order they came, so that
 * however many arrive at once, each sees what the ones before it took.
 */
import { isThermoclineError, retold, ThermoclineError, withoutContent } from '../errors.ts'
import type { HotTier } from '../hot/hot-tier.ts'
import { type Patience, throwIfAborted, withDeadline } from '../kernel/deadline.ts'
import { Emitter } from '../kernel/emitter.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Pending } from './pending.ts'

/** What makes room: a checkpoint in pending, early demotion in hot. */
export type Need = 'checkpoint' | 'demotion'

export interface PressureLimits {
  /** Unshipped bytes that need a checkpoint at once. */
  readonly checkpointBytes: number
  /** Unshipped bytes beyond which writes wait. */
  readonly maxPendingBytes: number
  /** Longest wait in milliseconds where the caller named none. */
  readonly timeout: number
}

/** Writes wait once hot is this much fuller than its capacity; early demotion normally keeps up long before. */
const OVERFULL = 1.25

export class Pressure {
  /** Told as often as something is needed, also while it is under way. */
  readonly needs = new Emitter<Need>()
  readonly #pending: Pick<Pending, 'bytes'>
  readonly #hot: Pick<HotTier, 'capacity' | 'size'>
  readonly #limits: PressureLimits
  readonly #logger: Logger
  /** Payload bytes that the log has not made durable yet. */
  #queuedBytes = 0
  #isHotOverfull = false
  #isLookDue = false
  #latestFill = 0
  /** Why no write begins any more. */
  #refusal: ThermoclineError | undefined
  /** Begin the writes that wait, the oldest first, or refuse them. */
  readonly #waiting = new Set<() => void>()

  constructor(
    pending: Pick<Pending, 'bytes'>,
    hot: Pick<HotTier, 'capacity' | 'size'>,
    limits: PressureLimits,
    logger: Logger,
  ) {
    this.#pending = pending
    this.#hot = hot
    this.#limits = limits
    this.#logger = logger
  }

  /**
   * Settles as `begin` does, which MUST {@link queue} what it writes before it returns. Rejects where `begin` was not
   * called.
   */
  async admit<T>(begin: () => Promise<T>, options: Patience): Promise<T> {
    throwIfAborted(options.signal, { outcome: 'none' })
    if (this.#refusal !== undefined) throw notBegun(this.#refusal)
    if (this.#waiting.size === 0 && this.#hasRoom()) return begin()
    return this.#wait(begin, options)
  }

  /** For good: no write begins any more, also none of those that wait. What has begun goes on. */
  refuse(reason: ThermoclineError): void {
    this.#refusal = reason
    this.#admitWaiting()
  }

  /** Counts payload bytes as taken until they are durable, and so in pending, or have failed. */
  queue(bytes: number, durable: Promise<unknown>): void {
    this.#queuedBytes += bytes
    const settle = (): void => {
      this.#queuedBytes -= bytes
    }
    // What a failed append had taken is room for another.
    durable.then(settle, settle).then(() => this.#admitWaiting())
  }

  /** A write is in pending, and in hot unless that is away. */
  written(): void {
    if (this.#pending.bytes > this.#limits.checkpointBytes) this.needs.emit('checkpoint')
    this.hotChanged()
  }

  /** Pending has shrunk. */
  shipped(): void {
    // What it held may be all that kept hot from being emptied.
    this.hotChanged()
  }

  /** Hot has grown or shrunk. What changes it together, as writes of one group of the log do, is one look at it. */
  hotChanged(): void {
    if (this.#isLookDue) return
    this.#isLookDue = true
    void this.#weighHot()
  }

  /** Share of `maxPendingBytes` that is taken; from 1 on writes wait for the database to take what is pending. */
  get pendingFill(): number {
    return (this.#pending.bytes + this.#queuedBytes) / this.#limits.maxPendingBytes
  }

  /** Whether writes wait for entries to leave hot. */
  get isHotOverfull(): boolean {
    return this.#isHotOverfull
  }

  /** How full hot was when it was last looked at, as {@link hotFill} says. */
  get latestFill(): number {
    return this.#latestFill
  }

  /** How full hot is: 1 at its capacity, 0 where it has none. Writes that wait for hot go by what is learnt here. */
  async hotFill(): Promise<number> {
    let fill = 0
    try {
      fill = await this.#measureHot()
      return fill
    } finally {
      this.#latestFill = fill
      // Where hot cannot tell, nothing waits for it.
      this.#isHotOverfull = fill > OVERFULL
      this.#admitWaiting()
    }
  }

  /** Resolves once writes need not wait for hot. Rejects as {@link admit}, and where hot cannot tell. */
  async roomInHot(options: Patience): Promise<void> {
    await this.hotFill()
    if (this.#isHotOverfull) await this.admit(async () => {}, options)
  }

  async #measureHot(): Promise<number> {
    const { maxEntries, maxBytes } = this.#hot.capacity
    if (maxEntries === undefined && maxBytes === undefined) return 0
    const { entries, bytes } = await this.#hot.size()
    return Math.max(entries / (maxEntries ?? Number.POSITIVE_INFINITY), bytes / (maxBytes ?? Number.POSITIVE_INFINITY))
  }

  /** Cheap: it is asked before every write. */
  #hasRoom(): boolean {
    return !this.#isHotOverfull && this.pendingFill < 1
  }

  async #weighHot(): Promise<void> {
    await undefined
    this.#isLookDue = false
    const fill = await this.hotFill().catch((error: unknown) => {
      this.#logger.debug({ err: withoutContent(error) }, 'hot did not tell how full it is')
      return 0
    })
    if (fill > 1) this.needs.emit('demotion')
  }

  /** Begins as many of the waiting writes as fit, or refuses all of them. */
  #admitWaiting(): void {
    for (const start of this.#waiting) {
      if (this.#refusal === undefined && !this.#hasRoom()) return
      this.#waiting.delete(start)
      start()
    }
  }

  async #wait<T>(begin: () => Promise<T>, options: Patience): Promise<T> {
    const { signal, timeout = this.#limits.timeout, wholeTimeout = timeout } = options
    let start = (): void => {}
    let begun: Promise<T> | undefined
    const room = new Promise<void>((resolve, reject) => {
      start = () => {
        if (this.#refusal !== undefined) return reject(notBegun(this.#refusal))
        begun = begin()
        resolve()
      }
    })
    this.#waiting.add(start)
    // Another process may have emptied hot, or hot may be gone, and nobody else would look.
    if (this.#isHotOverfull) this.hotChanged()
    else this.needs.emit('checkpoint')
    try {
      await withDeadline(room, { signal, timeout }, { outcome: 'none' })
    } catch (error) {
      // Once begun, its own outcome counts, even where patience ended in the same instant.
      if (begun === undefined) throw refusalOf(error, wholeTimeout, this.#isHotOverfull)
    } finally {
      this.#waiting.delete(start)
    }
    return begun!
  }
}

function notBegun(reason: ThermoclineError): ThermoclineError {
  return retold(reason, { ...reason.details, outcome: 'none' })
}

function refusalOf(error: unknown, timeout: number, isHotOverfull: boolean): unknown {
  if (!isThermoclineError(error, 'ERR_TIMEOUT')) return error
  const reason = isHotOverfull
    ? 'hot is over its capacity, and what it holds leaves it no faster: cold is slow or away'
    : 'cold does not take what is pending fast enough, or is away'
  const message = `no room for another write within ${timeout} ms: ${reason}`
  return new ThermoclineError('ERR_BACKPRESSURE', message, { outcome: 'none' })
}
