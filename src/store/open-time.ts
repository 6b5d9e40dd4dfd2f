/** Decides by which clock a store goes. How a drift is measured is in sync/database-clock.ts. */
import type { ColdTier } from '../cold/cold-tier.ts'
import { VersionClock } from '../entry/version.ts'
import { type Clock, systemClock } from '../kernel/clock.ts'
import { DatabaseClock } from '../sync/database-clock.ts'
import type { StoreTime } from '../sync/store-time.ts'
import type { ResolvedOptions } from './resolve-options.ts'

/**
 * The time of a store: that of the database where processes share it, unless a clock was given; it is measured before
 * anything goes by it. Rejects where the clock of this machine is too far from the database's.
 */
export async function openTime(options: ResolvedOptions, cold: ColdTier, isColdAway: boolean): Promise<StoreTime> {
  if (!options.cold.isShared) return timeBy(options.clock, undefined)
  const { clock, logger } = options
  if (clock !== systemClock) {
    const database = new DatabaseClock(cold, clock, { logger, name: 'the clock given as `clock`' })
    // A clock that was given is used however far it is from the database's; that is only logged.
    if (!isColdAway) await database.measure()
    return timeBy(clock, database)
  }
  const database = new DatabaseClock(cold, clock, { logger })
  if (!isColdAway) await database.measureOrRefuse()
  return timeBy(database, database)
}

function timeBy(clock: Clock, database: DatabaseClock | undefined): StoreTime {
  return { clock, versions: new VersionClock(clock), database }
}
