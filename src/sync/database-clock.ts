/**
 * The time of a database that several machines share, as far as a process can know it: its own clock and the offset
 * measured last. Versions of all writers are then as close as their measurements, whatever their own clocks say.
 */
import type { Clock } from '../clock.ts'
import type { ColdTier } from '../cold/cold-tier.ts'
import { MAX_DRIFT_MS } from '../entry/version.ts'
import { ThermoclineError } from '../errors.ts'

export class DatabaseClock implements Clock {
  readonly #cold: Pick<ColdTier, 'time'>
  readonly #own: Clock
  /** The database's clock less ours. */
  #offset = 0

  constructor(cold: Pick<ColdTier, 'time'>, own: Clock) {
    this.#cold = cold
    this.#own = own
  }

  now(): number {
    return Math.floor(this.#own.now() + this.#offset)
  }

  /**
   * Measures anew; answers the offset in milliseconds. It is known to half of the round trip: an answer that was slow, and
   * does not contradict what is known, says nothing new.
   */
  async measure(): Promise<number> {
    const sentAt = this.#own.now()
    const time = await this.#cold.time()
    const answeredAt = this.#own.now()
    const offset = time - (sentAt + answeredAt) / 2
    if (Math.abs(offset - this.#offset) > (answeredAt - sentAt) / 2) this.#offset = offset
    return this.#offset
  }

  /** Rejects where the two clocks are so far apart that one of them must be wrong. */
  async measureOrRefuse(): Promise<void> {
    const offset = await this.measure()
    if (Math.abs(offset) <= MAX_DRIFT_MS) return
    const drift = `${(Math.abs(offset) / 1_000).toFixed(1)} s ${offset > 0 ? 'behind' : 'ahead of'}`
    throw new ThermoclineError(
      'ERR_TIER_UNAVAILABLE',
      `the clock of this machine is ${drift} that of the database: set both by NTP, then open the store again`,
      { tier: 'cold' },
    )
  }
}
