/**
 * Decides how much of the machine a checkpoint takes that has more than a batch to ship, as after an outage of cold:
 * between two batches it rests for as long as the one before took, so that callers hardly notice. It does not rest
 * while somebody waits for what it ships, nor where pending is half full, as under a load that it only just keeps up
 * with.
 */
import { setTimeout as delay } from 'node:timers/promises'

const MOST_REST_MS = 250
/** After so long it is looked whether somebody waits by now. */
const STEP_MS = 20
const ROOMY = 0.5

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

  /** Somebody waits for what is shipped until then. */
  async hurry<T>(until: Promise<T>): Promise<T> {
    this.#waiting++
    try {
      return await until
    } finally {
      this.#waiting--
    }
  }

  /** @param batchMs milliseconds that the batch before took. */
  async rest(batchMs: number): Promise<void> {
    const { pendingFill, wait } = this.#options
    for (let left = Math.min(batchMs, MOST_REST_MS); left > 0; left -= STEP_MS) {
      if (this.#waiting > 0 || pendingFill() >= ROOMY) return
      await wait(Math.min(STEP_MS, left))
    }
  }
}
