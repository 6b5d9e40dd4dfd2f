/**
 * Warns people of the Redis that they have, of each once: that it may evict (`mayEvict` in redis-masters.ts), that it
 * does not tell whether it is the same one as before, and that it is there but cannot be used. What a full Redis does
 * that does not evict is decided in redis-scripts.ts.
 */
import { withoutContent } from '../../errors.ts'
import type { Logger } from '../../kernel/logger.ts'
import { type MasterReport, mayEvict } from './redis-masters.ts'

export class RedisWarnings {
  readonly #logger: Logger
  #hasWarnedOfEviction = false
  #hasWarnedOfSilence = false
  #hasWarnedOfFailure = false

  constructor(logger: Logger) {
    this.#logger = logger
  }

  ofMaster(report: MasterReport): void {
    if (mayEvict(report)) this.#ofEviction(report.evictionPolicy)
    if (report.fingerprint === undefined) this.#ofSilence()
  }

  /** Warns once until Redis could be {@link entered} again; further failures are for debugging. */
  ofFailure(error: unknown): void {
    const level = this.#hasWarnedOfFailure ? 'debug' : 'warn'
    this.#hasWarnedOfFailure = true
    this.#logger[level]({ err: withoutContent(error) }, 'Redis is there, but the hot tier cannot be entered yet')
  }

  entered(): void {
    this.#hasWarnedOfFailure = false
  }

  #ofEviction(policy: string | undefined): void {
    if (this.#hasWarnedOfEviction) return
    this.#hasWarnedOfEviction = true
    this.#logger.warn(
      { policy },
      'Redis may evict: an evicted write can show its older version until it is shipped, and an evicted key of bookkeeping throws away all that is hot; set maxmemory-policy noeviction',
    )
  }

  #ofSilence(): void {
    if (this.#hasWarnedOfSilence) return
    this.#hasWarnedOfSilence = true
    this.#logger.warn(
      {},
      'INFO is blocked: a Redis that comes back with an old snapshot cannot be told apart; allow INFO to every process',
    )
  }
}
