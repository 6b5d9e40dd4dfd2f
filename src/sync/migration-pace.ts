/**
 * Decides how fast entries leave hot, so that callers hardly notice: what is idle leaves at no more than
 * `sync.maxMigrationsPerSecond`, and at ever less while callers wait longer beside a batch than they do between two.
 * What makes room for writers that wait is not slowed down; after a failure of a tier it rests, longer each time
 * (hot-upkeep.ts). One batch is under way at a time (demoter.ts).
 *
 *     ── batch ──┬────── until the next one ──────┬── batch ──
 *      beside a batch ───────────┤ between two ───┤
 *
 * Whoever waited behind a batch is answered in the first half of what follows. What others do on the machine is in
 * both: calls that were measured before all of it would hold the pace down for as long as others go on.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { LatencyHistogram } from '../kernel/latency-histogram.ts'

/** Batches of a second: smaller ones take callers less long at a time. */
const BATCHES_PER_SECOND = 20
/** Callers may wait so much longer before it goes slower. */
const TOLERATED = { share: 1.2, ms: 0.1 }
/**
 * The 99th percentile of a few calls is high now and then by itself. It takes three of ten such looks to hold the
 * pace down, so that chance alone does not; where callers do wait longer, it is at its slowest within a second.
 */
const SLOWER = 0.8
const FASTER = 1.1
/** It never stops for good. */
const SLOWEST = 0.02
/** Of the limit, where it begins. */
const FIRST = 0.5
/** Calls by which how long they take is judged, and what is usual where nothing is known of that yet. */
const ENOUGH = 30
/** Calls that tell better what is usual: the 99th percentile of a few would be the longest of them. */
const ENOUGH_FOR_USUAL = 200
/** After the first failure, and at most: writers that wait for room have longer. */
const REST_MS = { first: 100, most: 2_000 }

export interface PaceOptions {
  /** Entries a second; without end: as fast as it goes. */
  readonly most: number
  /** How long calls by id took since it was asked last. */
  readonly takeCallTimes: () => LatencyHistogram
  /** Steady milliseconds. @default performance.now() */
  readonly now?: () => number
  /** @default a timer that keeps no process alive */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>
}

export class MigrationPace {
  readonly #options: Required<PaceOptions>
  #rate: number
  #nextAt = 0
  /** Milliseconds that calls take at the 99th percentile while nothing moves. */
  #usual: number | undefined
  /** Of calls beside batches, since it was judged last. */
  #beside = new LatencyHistogram()
  /** Of calls between them, since it was last said what is usual. */
  #between = new LatencyHistogram()
  #restMs = 0
  #restsUntil = 0

  constructor({ now = () => performance.now(), wait = unlessAborted, ...options }: PaceOptions) {
    this.#options = { now, wait, ...options }
    this.#rate = FIRST * options.most
  }

  /** Entries a second at present. */
  get rate(): number {
    return this.#rate
  }

  get #isLimited(): boolean {
    return Number.isFinite(this.#options.most)
  }

  /** Entries of one batch, of those that there may be. */
  batchOf(most: number): number {
    return this.#isLimited ? Math.max(1, Math.min(most, Math.ceil(this.#rate / BATCHES_PER_SECOND))) : most
  }

  /** What calls took until now they took undisturbed; of what was beside batches before, nothing counts any more. */
  begin(): void {
    if (!this.#isLimited) return
    const times = this.#options.takeCallTimes()
    const enough = this.#usual === undefined ? ENOUGH : ENOUGH_FOR_USUAL
    if (times.count >= enough) this.#usual = times.percentile(0.99)
    this.#beside = new LatencyHistogram()
    this.#between = new LatencyHistogram()
    this.#nextAt = this.#options.now()
  }

  /** Resolves once the next batch may leave, or the signal fires. */
  async turn(signal: AbortSignal): Promise<void> {
    if (!this.#isLimited) return
    const { now, wait, takeCallTimes } = this.#options
    const ms = this.#nextAt - now()
    if (ms <= 0) return
    await wait(ms / 2, signal)
    this.#beside.add(takeCallTimes())
    await wait(Math.max(0, this.#nextAt - now()), signal)
    this.#between.add(takeCallTimes())
    if (this.#between.count < ENOUGH_FOR_USUAL) return
    this.#usual = this.#between.percentile(0.99)
    this.#between = new LatencyHistogram()
  }

  /** So many have left. Looking at what stays is not slowed down. */
  moved(count: number): void {
    if (!this.#isLimited) return
    this.#adapt()
    this.#nextAt = Math.max(this.#nextAt, this.#options.now()) + (1_000 * count) / this.#rate
  }

  /** Resolves once the rest after a failure is over, or the signal fires. */
  async rested(signal: AbortSignal): Promise<void> {
    const { now, wait } = this.#options
    const ms = this.#restsUntil - now()
    if (ms > 0) await wait(ms, signal)
  }

  /** A tier did not do its part. */
  failed(): void {
    this.#restMs = Math.min(REST_MS.most, 2 * this.#restMs || REST_MS.first)
    this.#restsUntil = this.#options.now() + this.#restMs
  }

  succeeded(): void {
    this.#restMs = 0
  }

  #adapt(): void {
    const { most, takeCallTimes } = this.#options
    this.#beside.add(takeCallTimes())
    if (this.#beside.count < ENOUGH) return
    const p99 = this.#beside.percentile(0.99)
    this.#beside = new LatencyHistogram()
    this.#usual ??= p99
    const isSlow = p99 > TOLERATED.share * this.#usual + TOLERATED.ms
    this.#rate = Math.min(most, Math.max(SLOWEST * most, this.#rate * (isSlow ? SLOWER : FASTER)))
  }
}

async function unlessAborted(ms: number, signal: AbortSignal): Promise<void> {
  // To be aborted is to be done with waiting.
  await delay(ms, undefined, { signal, ref: false }).catch(() => undefined)
}
