/**
 * The time of a database that several machines share, as far as a process can know it: a steady clock of its own, which
 * nobody sets, and the offset measured last. Versions of all writers are then as close as their measurements, whatever
 * is done to their own clocks. Every process measures, for each issues versions and judges what has expired.
 *
 * The time told may go back when a measurement says so: versions rise all the same (see {@link ../entry/version.ts}), and
 * expiry is judged by what is known best.
 */
import type { Clock } from '../clock.ts'
import type { ColdTier } from '../cold/cold-tier.ts'
import { MAX_DRIFT_MS } from '../entry/version.ts'
import { ThermoclineError } from '../errors.ts'
import { type Logger, silentLogger } from '../log.ts'

export interface DatabaseClockOptions {
  /** Never set by anybody, and does not care what time it is. @default performance */
  readonly steady?: Clock
  /** What the own clock is, for people. */
  readonly name?: string
  readonly logger?: Logger
}

/** The own clock went on by so much more or less than the steady one: it was set, or the machine slept. */
const STEP_MS = 500

export class DatabaseClock implements Clock {
  readonly #cold: Pick<ColdTier, 'time'>
  readonly #own: Clock
  readonly #steady: Clock
  readonly #name: string
  readonly #logger: Logger
  /** The database's time less the steady clock's; until it was measured, our own time stands for the database's. */
  #offset: number
  /** The same of our own clock, when the offset was measured. */
  #ownOffset: number
  #isMeasured = false
  #isApart = false

  /** @param own the clock that is set to the time of day. */
  constructor(cold: Pick<ColdTier, 'time'>, own: Clock, options: DatabaseClockOptions = {}) {
    const { steady = performance, name = 'the clock of this machine', logger = silentLogger } = options
    this.#cold = cold
    this.#own = own
    this.#steady = steady
    this.#name = name
    this.#logger = logger
    this.#ownOffset = own.now() - steady.now()
    this.#offset = this.#ownOffset
  }

  now(): number {
    return Math.floor(this.#steady.now() + this.#offset)
  }

  /** Whether something happened that only a measurement can judge: a sleeping machine's steady clock may stand still. */
  get isDue(): boolean {
    const step = this.#own.now() - this.#steady.now() - this.#ownOffset
    return !this.#isMeasured || Math.abs(step) > STEP_MS
  }

  /**
   * Measures anew; answers how far the database is ahead of our own clock, in milliseconds. It is known to half of the
   * round trip: an answer that was slow, and does not contradict what is known, says nothing new.
   */
  async measure(): Promise<number> {
    const drift = await this.#measure()
    this.#tell(drift)
    return drift
  }

  /** Rejects where the two clocks are so far apart that one of them must be wrong. */
  async measureOrRefuse(): Promise<void> {
    const drift = await this.#measure()
    if (Math.abs(drift) <= MAX_DRIFT_MS) return
    const message = `${this.#describe(drift)}: set both by NTP, then open the store again`
    throw new ThermoclineError('ERR_TIER_UNAVAILABLE', message, { tier: 'cold' })
  }

  async #measure(): Promise<number> {
    const sentAt = this.#steady.now()
    const time = await this.#cold.time()
    const answeredAt = this.#steady.now()
    const offset = time - (sentAt + answeredAt) / 2
    if (Math.abs(offset - this.#offset) > (answeredAt - sentAt) / 2) this.#offset = offset
    this.#ownOffset = this.#own.now() - answeredAt
    this.#isMeasured = true
    return this.#offset - this.#ownOffset
  }

  #tell(drift: number): void {
    const isApart = Math.abs(drift) > MAX_DRIFT_MS
    if (isApart === this.#isApart) return
    this.#isApart = isApart
    const details = { driftMs: Math.round(drift) }
    if (isApart) this.#logger.error(details, `${this.#describe(drift)}: set both by NTP`)
    else this.#logger.info(details, `${this.#name} and that of the database agree again`)
  }

  #describe(drift: number): string {
    return `${this.#name} is ${(Math.abs(drift) / 1_000).toFixed(1)} s ${drift > 0 ? 'behind' : 'ahead of'} that of the database`
  }
}
