/**
 * Decides how fast entries leave hot, so that callers hardly notice: what is idle leaves at no more than
 * `sync.maxMigrationsPerSecond`, and at ever less while callers wait longer than they do between two batches.
 * What makes room for writers that wait is not slowed down; after a failure of a tier it rests, longer each time
 * (hot-upkeep.ts). One batch is under way at a time, and two where there is no limit (demoter.ts).
 *
 *     ── batch ──┬────── until the next one ──────┬── batch ──
 *                           ┌──── between two ────┤
 *      all ──────────────────────────────────────────────
 *
 * Once a second the 99th percentile of all calls is held against that of those between two batches: what takes few of
 * them longer is not noticed. Whoever waited behind a batch is answered in the first half of what follows. What others
 * do on the machine is in both: calls that were measured before all of it would hold the pace down for as long as
 * others go on.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { LatencyHistogram } from '../kernel/latency-histogram.ts'

/** A batch has costs of its own: callers notice few of some size less than many small ones. */
const BATCH = { share: 1 / 5, least: 50 }
/** That is many batches, or few and long pauses: both belong to what callers notice. */
const JUDGED_EVERY_MS = 1_000
/** Callers may wait so much longer before it goes slower. */
const TOLERATED = { share: 1.2, ms: 0.1 }
/** What becomes of it each time, at most: so one second of four may be bad by chance. */
const CHANGE = { slowest: 0.6, fastest: 1.25 }
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
  /** Of all calls, since it was judged last. */
  #all = new LatencyHistogram()
  #judgedAt = 0
  /** Of those between batches, since it was last said what is usual. */
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

  /** Otherwise entries leave as fast as it goes. */
  get isLimited(): boolean {
    return Number.isFinite(this.#options.most)
  }

  /** Entries of one batch, of those that there may be. */
  batchOf(most: number): number {
    if (!this.isLimited) return most
    const least = Math.min(BATCH.least, this.#options.most)
    return Math.min(most, Math.ceil(Math.max(least, this.#rate * BATCH.share)))
  }

  /** What calls took until now they took undisturbed; of what was beside batches before, nothing counts any more. */
  begin(): void {
    if (!this.isLimited) return
    const times = this.#options.takeCallTimes()
    const enough = this.#usual === undefined ? ENOUGH : ENOUGH_FOR_USUAL
    if (times.count >= enough) this.#usual = times.percentile(0.99)
    this.#all = new LatencyHistogram()
    this.#between = new LatencyHistogram()
    this.#nextAt = this.#judgedAt = this.#options.now()
  }

  /** Resolves once the next batch may leave, or the signal fires. */
  async turn(signal: AbortSignal): Promise<void> {
    if (!this.isLimited) return
    const { now, wait, takeCallTimes } = this.#options
    const ms = this.#nextAt - now()
    if (ms <= 0) return
    await wait(ms / 2, signal)
    this.#all.add(takeCallTimes())
    await wait(Math.max(0, this.#nextAt - now()), signal)
    const between = takeCallTimes()
    this.#all.add(between)
    this.#between.add(between)
  }

  /** So many have left. Looking at what stays is not slowed down. */
  moved(count: number): void {
    if (!this.isLimited) return
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
    const { most, takeCallTimes, now } = this.#options
    this.#all.add(takeCallTimes())
    if (now() - this.#judgedAt < JUDGED_EVERY_MS || this.#all.count < ENOUGH) return
    const p99 = this.#all.percentile(0.99)
    if (this.#between.count >= ENOUGH_FOR_USUAL) {
      this.#usual = this.#between.percentile(0.99)
      this.#between = new LatencyHistogram()
    }
    this.#usual ??= p99
    const tolerated = TOLERATED.share * this.#usual + TOLERATED.ms
    const change = Math.min(CHANGE.fastest, Math.max(CHANGE.slowest, tolerated / p99))
    this.#rate = Math.min(most, Math.max(SLOWEST * most, this.#rate * change))
    this.#all = new LatencyHistogram()
    this.#judgedAt = now()
  }
}

async function unlessAborted(ms: number, signal: AbortSignal): Promise<void> {
  // To be aborted is to be done with waiting.
  await delay(ms, undefined, { signal, ref: false }).catch(() => undefined)
}
