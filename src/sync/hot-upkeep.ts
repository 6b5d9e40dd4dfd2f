/**
 * Does for hot what is not a write or a read: has entries demoted by age and over capacity (demoter.ts), moves all of
 * hot to cold where cold has lost entries, repairs a shared hot (hot-repair.ts), and brings in what is pinned
 * (pins.ts). Where hot is away, the rest of a sync goes on without it.
 */
import { isThermoclineError } from '../errors.ts'
import { SingleFlight } from '../kernel/single-flight.ts'
import type { Demoter, DemoteStats } from './demoter.ts'
import type { HotRepair } from './hot-repair.ts'
import type { MigrationPace } from './migration-pace.ts'
import type { OutageReport } from './outage-report.ts'
import type { Pins } from './pins.ts'

export interface HotUpkeepParts {
  /** Whether hot is known to be away without asking it. */
  readonly hot: { readonly isAway: () => boolean }
  readonly demoter: Demoter
  readonly pace: Pick<MigrationPace, 'rested' | 'failed' | 'succeeded'>
  readonly pins: Pick<Pins, 'keepInHot'>
  /** Undefined: hot is this process's own, and always current. */
  readonly repair: HotRepair | undefined
  readonly outages: OutageReport
}

const NO_DEMOTION: DemoteStats = { demoted: 0, skipped: 0, errors: 0, bytes: 0 }

export class HotUpkeep {
  readonly #parts: HotUpkeepParts
  readonly #stop = new AbortController()
  readonly #moving = new SingleFlight(() => this.#moveMissingToCold())
  readonly #overflow = new SingleFlight(() => this.#demoteOverflow())
  #coldHasLost = false

  constructor(parts: HotUpkeepParts) {
    this.#parts = parts
  }

  /** Whether cold lost entries that hot may still hold, and not all of hot was moved to cold since. */
  get coldHasLost(): boolean {
    return this.#coldHasLost
  }

  /** Cold has lost entries, as a database that was restored to an earlier state. */
  noteColdLoss(): void {
    this.#coldHasLost = true
  }

  /** Moves all that hot holds to cold, if cold has lost entries. */
  moveAllToCold(): Promise<DemoteStats> {
    return this.#coldHasLost ? this.#unlessAway(() => this.#moving.run()) : Promise.resolve(NO_DEMOTION)
  }

  /** Demotes what was not accessed for long. */
  demoteIdle(): Promise<DemoteStats> {
    return this.#unlessAway(() => this.#parts.demoter.demoteIdle(this.#stop.signal))
  }

  /** Demotes until hot is within its capacity. */
  demoteOverflow(): Promise<DemoteStats> {
    return this.#unlessAway(() => this.#overflow.run())
  }

  /** Brings in what is pinned and not there. */
  async keepPinned(): Promise<void> {
    await this.#unlessAway(async () => {
      await this.#parts.pins.keepInHot(this.#stop.signal)
      return NO_DEMOTION
    })
  }

  /** The same for writers that wait; a run that will begin anyway is enough. Rejects where hot is away. */
  async demoteOverflowEarly(): Promise<void> {
    if (!this.#overflow.isQueued) await this.#overflow.run()
  }

  /** Rejects where cold is away. */
  async repair(): Promise<void> {
    await this.#parts.repair?.run()
  }

  /** Tells the logger, once each, that hot is away and that it is back. */
  noteOutage(): void {
    const { hot, outages } = this.#parts
    if (hot.isAway()) outages.isGone('hot')
    else outages.isBack('hot')
  }

  /** Begins no further batch, and resolves once the one under way is done. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.all([this.#overflow.idle(), this.#moving.idle()])
  }

  async repaired(): Promise<void> {
    await this.#parts.repair?.idle()
  }

  /**
   * The same while the store closes, after everything else: even the last checkpoint may find that cold lost entries.
   */
  async moveAllToColdAtLast(signal: AbortSignal): Promise<void> {
    if (this.#coldHasLost) await this.#parts.demoter.demoteAll(signal)
  }

  /** While cold is away each write asks for it: a tier that failed is left alone for a while. */
  async #demoteOverflow(): Promise<DemoteStats> {
    const { demoter, pace } = this.#parts
    await pace.rested(this.#stop.signal)
    try {
      const demoted = await demoter.demoteOverflow(this.#stop.signal)
      pace.succeeded()
      return demoted
    } catch (error) {
      pace.failed()
      throw error
    }
  }

  async #moveMissingToCold(): Promise<DemoteStats> {
    if (!this.#coldHasLost) return NO_DEMOTION
    const { isComplete, ...stats } = await this.#parts.demoter.demoteAll(this.#stop.signal)
    if (isComplete) this.#coldHasLost = false
    return stats
  }

  /** What concerns cold alone must not wait for hot to come back. */
  async #unlessAway(demote: () => Promise<DemoteStats>): Promise<DemoteStats> {
    try {
      return await demote()
    } catch (error) {
      if (!isThermoclineError(error, 'ERR_TIER_UNAVAILABLE') || error.details.tier !== 'hot') throw error
      this.#parts.outages.note(error)
      return NO_DEMOTION
    }
  }
}
