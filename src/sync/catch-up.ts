/**
 * Decides how much of the machine a checkpoint takes that has more than a batch to ship, as after an outage of cold:
 * its batches are small, since callers stand still while an embedded database has one encoded, and find any database
 * busy with it; and between two of them it rests for as long as the one before took. It does neither while somebody
 * waits for what it ships, nor where pending is half full, as under a load that it only just keeps up with.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { BatchLimits } from '../flow/pending.ts'
import { SHIP_LIMITS } from '../recovery/batch-limits.ts'

/** Rows, and bytes of their payload, of a batch that is in no hurry. */
const CALM_LIMITS: BatchLimits = { rows: 250, bytes: 1024 * 1024 }

const MOST_REST_MS = 250
/** After so long it is looked whether somebody waits by now. */
const STEP_MS = 20
/** Share of pending from which on it hurries. */
const HALF_FULL = 0.5

export interface CatchUpOptions {
  /** Share of `wal.maxPendingBytes` that is taken. */
  readonly pendingFill: () => number
  /** @default a timer */
  readonly wait?: (ms: number) => Promise<unknown>
}

export class CatchUp {
  readonly #options: Required<CatchUpOptions>
  #waiting = 0

  constructor({ pendingFill, wait = delay }: CatchUpOptions) {
    this.#options = { pendingFill, wait }
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
    return this.#isUrgent ? SHIP_LIMITS : CALM_LIMITS
  }

  /** @param batchMs milliseconds that the batch before took. */
  async rest(batchMs: number): Promise<void> {
    const { wait } = this.#options
    for (let left = Math.min(batchMs, MOST_REST_MS); left > 0 && !this.#isUrgent; left -= STEP_MS)
      await wait(Math.min(STEP_MS, left))
  }

  get #isUrgent(): boolean {
    return this.#waiting > 0 || this.#options.pendingFill() >= HALF_FULL
  }
}
