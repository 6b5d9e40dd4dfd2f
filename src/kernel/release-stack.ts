/**
 * Each resource pushes its release as it opens; releases run last in, first out, all of them, and the first error is
 * kept.
 */
import { MAX_TIMER_MS } from './deadline.ts'

interface Release {
  /** Of what is released, for people. */
  readonly name: string
  readonly run: () => Promise<void>
  readonly isGuard: boolean
}

export interface ReleaseLimits {
  /** Milliseconds. */
  readonly timeLeft: () => number
  /** Told of a release that is not waited for any longer, and goes on. */
  readonly onLeft: (name: string, release: Promise<void>) => void
}

/** What takes moments is waited for also where something before it used up the time. */
const LEAST_MS = 1_000

export class ReleaseStack {
  readonly #releases: Release[] = []

  /** Runs `work` and releases what it opened; where both fail, the error of `work` is kept. */
  static async within<T>(work: (releases: ReleaseStack) => Promise<T>): Promise<T> {
    const releases = new ReleaseStack()
    let result: T
    try {
      result = await work(releases)
    } catch (error) {
      await releases.release().catch(() => {})
      throw error
    }
    await releases.release()
    return result
  }

  push(name: string, run: () => Promise<void>): void {
    this.#releases.push({ name, run, isGuard: false })
  }

  /** Of a lock: it is kept until all that was opened under it is released, however long that takes. */
  pushGuard(name: string, run: () => Promise<void>): void {
    this.#releases.push({ name, run, isGuard: true })
  }

  /** Idempotent. Waits for each for as long as it takes, or within limits. */
  async release(limits?: ReleaseLimits): Promise<void> {
    const failures: unknown[] = []
    const left: Promise<unknown>[] = []
    for (let next = this.#releases.pop(); next !== undefined; next = this.#releases.pop()) {
      const { name, run, isGuard } = next
      const running = isGuard && left.length > 0 ? Promise.allSettled(left).then(run) : run()
      try {
        const isOver = await endsWithin(running, limits && Math.max(LEAST_MS, limits.timeLeft()))
        if (isOver) continue
        left.push(running)
        limits?.onLeft(name, running)
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }
}

/** Whether it has ended by then. Rejects as it does. */
async function endsWithin(work: Promise<void>, timeout: number | undefined): Promise<boolean> {
  const ended = work.then(() => true)
  if (timeout === undefined) return ended
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), Math.min(timeout, MAX_TIMER_MS))
  })
  try {
    return await Promise.race([ended, late])
  } finally {
    clearTimeout(timer)
  }
}
