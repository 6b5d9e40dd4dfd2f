/**
 * Releases what was opened, last in, first out. Each resource pushes its release as it opens; all of them run, and the
 * first error is the one that counts.
 */
import { withoutContent } from '../errors.ts'
import { unlessLate } from './deadline.ts'
import type { Logger } from './logger.ts'

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

/**
 * Lets go of something once the work with it is over. Where that fails, the logger is told and nobody else: how the
 * work ended is what its caller has to hear, and what could not be let go of goes with the process.
 */
export async function letGo(name: string, run: () => Promise<void>, logger: Logger): Promise<void> {
  try {
    await run()
  } catch (error) {
    logger.error({ err: withoutContent(error) }, `letting go of ${name} failed`)
  }
}

export class ReleaseStack {
  readonly #releases: Release[] = []
  readonly #logger: Logger

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** Runs `work` and releases what it opened; where both fail, the error of `work` is kept. */
  static async within<T>(logger: Logger, work: (releases: ReleaseStack) => Promise<T>): Promise<T> {
    const releases = new ReleaseStack(logger)
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

  /** Idempotent. Waits for each for as long as it takes, or within limits. The logger is told of each that fails. */
  async release(limits?: ReleaseLimits): Promise<void> {
    const failures: unknown[] = []
    const left: Promise<unknown>[] = []
    for (let next = this.#releases.pop(); next !== undefined; next = this.#releases.pop()) {
      const { name, run, isGuard } = next
      const running = isGuard && left.length > 0 ? Promise.allSettled(left).then(run) : begin(run)
      try {
        const isOver = await endsWithin(running, limits && Math.max(LEAST_MS, limits.timeLeft()))
        if (isOver) continue
        left.push(running)
        limits?.onLeft(name, running)
      } catch (error) {
        this.#logger.error({ err: withoutContent(error) }, `letting go of ${name} failed`)
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }
}

/** A release that fails before it has begun keeps no other from its turn. */
async function begin(run: () => Promise<void>): Promise<void> {
  await run()
}

/** Whether it has ended by then. Rejects as it does. */
async function endsWithin(work: Promise<void>, timeout: number | undefined): Promise<boolean> {
  const ended = work.then(() => true)
  return timeout === undefined ? ended : ((await unlessLate(ended, timeout)) ?? false)
}
