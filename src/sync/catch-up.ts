/**
 * Decides how much of the machine a checkpoint takes that has more than a batch to ship, as after an outage of cold:
 * its batches are small, since each is encoded at once and callers stand still meanwhile, and between two of them it
 * rests. As long as what waits becomes less even so, batches are the smallest and rests the longest: the `fdatasync` of
 * a put stands behind the commit of a batch where the log and Postgres share a disk. It does neither while somebody
 * waits for what it ships, nor where pending is half full, as under a load that it only just keeps up with.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { BatchLimits } from '../flow/pending.ts'
import { SHIP_LIMITS } from '../recovery/batch-limits.ts'

/** How large a batch is, and how long it rests after it, as a multiple of what the batch took. */
interface Pace extends BatchLimits {
  readonly rests: number
}

/** Where it only just keeps up: a thousand rows of 3 KB take 20 ms to encode. */
const CALM: Pace = { rows: 250, bytes: 1024 * 1024, rests: 1 }
/** As long as what waits becomes less. */
const GENTLE: Pace = { rows: 100, bytes: 512 * 1024, rests: 3 }
/** It becomes less where each batch leaves at least this share of its rows fewer than there were before it. */
const ENOUGH = 0.5

const MOST_REST_MS = 250
/** After so long it is looked whether somebody waits by now. */
const STEP_MS = 20
/** Share of pending from which on it hurries. */
const HALF_FULL = 0.5

export interface CatchUpOptions {
  /** Share of `wal.maxPendingBytes` that is taken. */
  readonly pendingFill: () => number
  /** How many records wait for cold. */
  readonly pendingRecords: () => number
  /** @default a timer */
  readonly wait?: (ms: number) => Promise<unknown>
}

export class CatchUp {
  readonly #options: Required<CatchUpOptions>
  #waiting = 0
  #pace = GENTLE
  /** How many waited at the end of the batch before. */
  #waitedBefore = Number.POSITIVE_INFINITY

  constructor({ wait = delay, ...options }: CatchUpOptions) {
    this.#options = { ...options, wait }
  }

  /**
   * Until this is settled somebody waits for what is shipped: batches are as large as in a recovery from the next one
   * on, and nothing rests between them. Answers as it does.
   */
  async hurry<T>(until: Promise<T>): Promise<T> {
    this.#waiting++
    try {
      return await until
    } finally {
      this.#waiting--
    }
  }

  /** Rows, and bytes of their payload, that the next batch may hold: many where it hurries or pending is half full. */
  get limits(): BatchLimits {
    return this.#isUrgent ? SHIP_LIMITS : this.#pace
  }

  /** Rests between the batch before, of so many rows and milliseconds, and the next one. */
  async rest({ rows, ms }: { readonly rows: number; readonly ms: number }): Promise<void> {
    const { pendingRecords, wait } = this.#options
    const waitsNow = pendingRecords()
    this.#pace = this.#waitedBefore - waitsNow >= rows * ENOUGH ? GENTLE : CALM
    this.#waitedBefore = waitsNow
    for (let left = Math.min(ms * this.#pace.rests, MOST_REST_MS); left > 0 && !this.#isUrgent; left -= STEP_MS)
      await wait(Math.min(STEP_MS, left))
  }

  get #isUrgent(): boolean {
    return this.#waiting > 0 || this.#options.pendingFill() >= HALF_FULL
  }
}
