/**
 * Tells the time of a database that several machines share, as far as a process can know it: the time of a steady
 * clock, which nobody sets, plus the offset to the database that was measured last. So versions of all writers are as
 * close to each other as these measurements, however their own clocks are set. Every process measures, since each
 * issues versions and judges what has expired. The steady clock may stand still while a machine sleeps; then the time
 * since boot says how long the machine slept, and that is added.
 *
 * A measurement may set this time back. Versions rise all the same (entry/version.ts), and what has expired is judged
 * by the latest measurement. How far apart clocks may be is `MAX_DRIFT_MS` there; a larger drift is logged here, or
 * refused when a store opens (store/open-time.ts).
 */
import { uptime } from 'node:os'
import type { ColdTier } from '../cold/cold-tier.ts'
import { MAX_DRIFT_MS } from '../entry/version.ts'
import { ThermoclineError } from '../errors.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Logger, silentLogger } from '../kernel/logger.ts'

export interface DatabaseClockOptions {
  /** Never set by anybody, and does not care what time it is. @default performance */
  readonly steady?: Clock
  /** A clock that is as steady, and goes on while the machine sleeps. @default the time since boot */
  readonly sinceBoot?: Clock
  /** What the own clock is, for people. */
  readonly name?: string
  readonly logger?: Logger
}

/** The own clock went on by so much more or less than the steady one: it was set, or the machine slept. */
const STEP_MS = 500
/** Some systems tell the time since boot in whole seconds. */
const SHORTEST_SLEEP_MS = 1_000

const timeSinceBoot: Clock = { now: () => uptime() * 1_000 }

export class DatabaseClock implements Clock {
  readonly #cold: Pick<ColdTier, 'time'>
  readonly #own: Clock
  readonly #steady: Clock
  readonly #sinceBoot: Clock
  readonly #name: string
  readonly #logger: Logger
  /**
   * The database's time less that of the steady clock and of sleep; until it was measured, our own time stands for it.
   */
  #offset = 0
  #isMeasured = false
  /** Our own time less the steady clock's, when they were last compared, and likewise the time since boot. */
  #ownOffset: number
  #bootOffset: number
  #hasStepped = false
  #slept = 0
  #isApart = false
  #drift: number | undefined

  /** @param own the clock that is set to the time of day. */
  constructor(cold: Pick<ColdTier, 'time'>, own: Clock, options: DatabaseClockOptions = {}) {
    const {
      steady = performance,
      sinceBoot = timeSinceBoot,
      name = 'the clock of this machine',
      logger = silentLogger,
    } = options
    this.#cold = cold
    this.#own = own
    this.#steady = steady
    this.#sinceBoot = sinceBoot
    this.#name = name
    this.#logger = logger
    this.#ownOffset = own.now() - steady.now()
    this.#bootOffset = sinceBoot.now() - steady.now()
  }

  now(): number {
    return Math.floor(this.#isMeasured ? this.#awakeAndAsleep() + this.#offset : this.#own.now())
  }

  /** How far the database was ahead of our own clock when that was measured last, in milliseconds. */
  get drift(): number | undefined {
    return this.#drift
  }

  /** Whether something happened that only a measurement can judge: the own clock was set, or the machine slept. */
  get isDue(): boolean {
    this.#awakeAndAsleep()
    return !this.#isMeasured || this.#hasStepped
  }

  /**
   * Measures anew; returns how far the database is ahead of our own clock, in milliseconds. It is known to half of the
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
    const sentAt = this.#awakeAndAsleep()
    const time = await this.#cold.time()
    const answeredAt = this.#awakeAndAsleep()
    const ownOffset = this.#own.now() - answeredAt
    const offset = time - (sentAt + answeredAt) / 2
    const known = this.#isMeasured ? this.#offset : ownOffset
    this.#offset = Math.abs(offset - known) > (answeredAt - sentAt) / 2 ? offset : known
    this.#ownOffset = ownOffset + this.#slept
    this.#hasStepped = false
    this.#isMeasured = true
    this.#drift = this.#offset - ownOffset
    return this.#drift
  }

  /**
   * The steady clock's time and that of sleep. To ask for the time since boot costs a system call, and is done only
   * where the own clock went apart from the steady one.
   */
  #awakeAndAsleep(): number {
    const steady = this.#steady.now()
    const ownOffset = this.#own.now() - steady
    if (Math.abs(ownOffset - this.#ownOffset) > STEP_MS) {
      this.#ownOffset = ownOffset
      this.#hasStepped = true
      const grown = this.#sinceBoot.now() - steady - this.#bootOffset
      if (grown > SHORTEST_SLEEP_MS) {
        this.#slept += grown
        this.#bootOffset += grown
      }
    }
    return steady + this.#slept
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
