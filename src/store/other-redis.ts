/**
 * Finds out that another process of the store uses another Redis, as where `?db=` was forgotten. Each enters its own
 * generation in cold, which ends that of the other, again and again; meanwhile one may answer what the other has newer.
 * In one Redis all processes go over to the same generation, so there none ends while Redis still has it. A failover
 * that processes see at different times may look so, but a few times only.
 */
import type { Logger } from '../kernel/logger.ts'

const TIMES = 10
const WITHIN_MS = 120_000

export class OtherRedis {
  readonly #logger: Logger
  readonly #now: () => number
  /** When the latest generations ended, the oldest first. */
  readonly #endedAt: number[] = []
  #isTold = false

  /** @param now Milliseconds, rising. */
  constructor(logger: Logger, now: () => number = () => performance.now()) {
    this.#logger = logger
    this.#now = now
  }

  /** Whether there is one, as far as the latest two minutes tell. */
  get isThere(): boolean {
    const [first] = this.#endedAt
    return this.#endedAt.length === TIMES && this.#now() - first! <= WITHIN_MS
  }

  /** Cold says that the generation which Redis has was followed by another. */
  noteEnded(): void {
    if (!this.isThere) this.#isTold = false
    this.#endedAt.push(this.#now())
    if (this.#endedAt.length > TIMES) this.#endedAt.shift()
    if (!this.isThere || this.#isTold) return
    this.#isTold = true
    this.#logger.error({}, OTHER_REDIS)
  }
}

export const OTHER_REDIS =
  'another process of this store uses another Redis, and either may answer older values: compare `hot.url` of all of ' +
  'them, also its database (`?db=`)'
