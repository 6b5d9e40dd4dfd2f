/** Defines the time that a store goes by; which clock that is, is decided in store/open-time.ts. */
import type { VersionClock } from '../entry/version.ts'
import type { Clock } from '../kernel/clock.ts'
import type { DatabaseClock } from './database-clock.ts'

/** The time of a store. */
export interface StoreTime {
  /** The clock by which entries expire and versions are issued. */
  readonly clock: Clock
  readonly versions: VersionClock
  /** Measures the time that processes share; undefined where there is no other process. */
  readonly database: DatabaseClock | undefined
}
