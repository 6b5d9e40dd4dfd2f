/**
 * Gives one process of a store a task at a time, by a lease: a row in cold that expires by the database's clock. So a
 * process that died or was paused loses its lease after {@link LEASE_MS}, and another takes it over. A lease is only a
 * hint: two holders at once do no harm to data.
 */
import { randomUUID } from 'node:crypto'
import type { ColdTier } from '../cold/cold-tier.ts'
import { withoutContent } from '../errors.ts'
import type { Logger } from '../kernel/logger.ts'

/** How long a lease holds since it was last extended: a holder that died keeps others out for so long at the most. */
export const LEASE_MS = 15_000
/** How long after each extension the holder extends it again. */
const RENEW_MS = 5_000

export class Lease {
  readonly #cold: ColdTier
  readonly #name: string
  /** By which cold knows this process as the one that has it. */
  readonly holder = randomUUID()
  readonly #logger: Logger
  #renewal: NodeJS.Timeout | undefined
  #renewing: Promise<void> = Promise.resolve()
  #isReleased = false

  constructor(cold: ColdTier, name: string, logger: Logger) {
    this.#cold = cold
    this.#name = name
    this.#logger = logger
  }

  /** Takes or extends it; returns whether it is ours now. */
  hold(): Promise<boolean> {
    return this.#cold.holdLease(this.#name, this.holder, LEASE_MS)
  }

  /**
   * Extends it from now on, in the background; `onLost` when somebody else has it. A database that is away is asked
   * again.
   */
  keep(onLost: () => void): void {
    if (this.#isReleased || this.#renewal !== undefined) return
    this.#renewal = setTimeout(() => {
      this.#renewal = undefined
      this.#renewing = this.hold().then(
        (isHeld) => (isHeld ? this.keep(onLost) : onLost()),
        (error: unknown) => {
          this.#logger.debug({ lease: this.#name, err: withoutContent(error) }, 'a lease was not extended')
          this.keep(onLost)
        },
      )
    }, RENEW_MS).unref()
  }

  /** Lets others have it at once. */
  async release(): Promise<void> {
    this.#isReleased = true
    clearTimeout(this.#renewal)
    // An extension that is on its way would take it again.
    await this.#renewing
    try {
      await this.#cold.releaseLease(this.#name, this.holder)
    } catch (error) {
      this.#logger.debug({ lease: this.#name, err: withoutContent(error) }, 'a lease is left to expire')
    }
  }
}
