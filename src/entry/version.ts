/**
 * Versions come from a hybrid logical clock (Kulkarni et al., "Logical Physical Clocks", 2014), so that the newest
 * write wins on every tier by comparing text: 12 hex digits of milliseconds, 4 of a counter within the millisecond, 8
 * of the writer. A writer never issues a version of a key at or below one that it issued or saw of that key, across
 * restarts and steps of the wall clock, whatever clocks other writers have and whether or not any tier is there to say
 * so (rules V1 and V2 of flow/README.md). JavaScript's `<`, Lua's and Postgres's `COLLATE "C"` agree on the order of
 * lower-case hex.
 *
 * The clock keeps that promise by rising above what it is told. Outliers are the exception: versions so far ahead that
 * they are not believed, and ours that had to rise above them. They are remembered key by key, until the clock has
 * passed them.
 */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../kernel/clock.ts'
import { type EntryKey, keyText } from './entry-key.ts'

/** 24 lower-case hex digits. */
export type Version = string

/** Below every version that a clock issues. */
export const ZERO_VERSION: Version = '0'.repeat(24)

/**
 * A version further ahead of our clock raises only the next version of its own key (rule V4 of flow/README.md). A store
 * does not open where clocks are further apart (store/open-time.ts).
 */
export const MAX_DRIFT_MS = 5_000

const MAX_COUNTER = 0xffff

/** The most outliers that are remembered: a few megabytes of keys. */
const MAX_OUTLIERS = 10_000

export class VersionClock {
  readonly #clock: Clock
  readonly #writerId: string
  readonly #maxOutliers: number
  #millis = 0
  #counter = 0
  /** The highest version of a key that was issued or seen and not believed. */
  readonly #outliers = new Map<string, Version>()
  /** The clock is above it: what is not above it tells nothing new. */
  #believed: Version = ZERO_VERSION

  /** @param writerId 8 hex digits, drawn anew at each open. */
  constructor(clock: Clock, writerId: string = randomBytes(4).toString('hex'), maxOutliers = MAX_OUTLIERS) {
    this.#clock = clock
    this.#writerId = writerId
    this.#maxOutliers = maxOutliers
  }

  /** Issues the next version of the key, above everything issued or observed of it and above `floor`. */
  next(key: EntryKey, floor?: Version): Version {
    // A clock corrected by a measured offset may tell fractions, which have no hex digits.
    const now = Math.floor(this.#clock.now())
    if (now > this.#millis) {
      this.#millis = now
      this.#counter = 0
    } else this.#step()
    const version = this.#format()
    const least = newest(floor, this.#outlierOf(key))
    if (least === undefined || version > least) return version
    if (this.#believe(least)) {
      this.#step()
      return this.#format()
    }
    const outlier = after(least, this.#writerId)
    this.#remember(key, outlier)
    return outlier
  }

  /**
   * Hears that the key has this version: what is issued of the key from now on is above it, and so is all else, unless
   * it is too far ahead of the wall clock to be believed.
   */
  observe(key: EntryKey, version: Version): void {
    if (version <= this.#believed) return
    if (this.#believe(version)) this.#believed = version
    else if (version > (this.#outlierOf(key) ?? ZERO_VERSION)) this.#remember(key, version)
  }

  /** Whether a clock that is right can have issued the version by now. */
  isCredible(version: Version): boolean {
    const { millis } = parseVersion(version)
    return millis <= this.#clock.now() + MAX_DRIFT_MS || millis <= this.#millis
  }

  /** Raises the clock without a doubt, by what our own log or cold has. */
  raise(millis: number, counter: number): void {
    if (millis < this.#millis || (millis === this.#millis && counter <= this.#counter)) return
    this.#millis = millis
    this.#counter = counter
  }

  /**
   * The highest time and counter that was issued or observed, for the header of a segment. Outliers count: whoever goes
   * on with the log may have nobody else who tells of them.
   */
  get highest(): { millis: number; counter: number } {
    let highest = hexOf(this.#millis, this.#counter)
    for (const outlier of this.#outliers.values()) if (outlier > highest) highest = outlier
    return parseVersion(highest)
  }

  /** Raises the clock to the time it is and answers a version that every one issued from now on is above. */
  takeWatermark(): Version {
    this.raise(Math.floor(this.#clock.now()), 0)
    return `${hexOf(this.#millis, this.#counter)}ffffffff`
  }

  /** Raises the clock to a version that is credible; false where it is not. */
  #believe(version: Version): boolean {
    if (!this.isCredible(version)) return false
    const { millis, counter } = parseVersion(version)
    this.raise(millis, counter)
    return true
  }

  #outlierOf(key: EntryKey): Version | undefined {
    return this.#outliers.size === 0 ? undefined : this.#outliers.get(keyText(key))
  }

  /**
   * Remembers an outlier. Where there are too many, the clock is raised to the highest instead, and none needs
   * remembering. To be ahead of the time is the lesser evil: every promise is about the order of versions, none about
   * their time, and whoever opens the store next begins above the highest version in cold anyway. To forget one would
   * let an acknowledged write lose to an older one.
   */
  #remember(key: EntryKey, version: Version): void {
    this.#outliers.set(keyText(key), version)
    if (this.#outliers.size <= this.#maxOutliers) return
    const passed = hexOf(this.#millis, this.#counter)
    for (const [name, outlier] of this.#outliers) if (outlier < passed) this.#outliers.delete(name)
    // Looking through all of them must not become the price of each write.
    if (this.#outliers.size <= this.#maxOutliers / 2) return
    for (const outlier of this.#outliers.values()) {
      const { millis, counter } = parseVersion(outlier)
      this.raise(millis, counter)
    }
    this.#outliers.clear()
  }

  #step(): void {
    if (this.#counter < MAX_COUNTER) this.#counter++
    else {
      this.#millis++
      this.#counter = 0
    }
  }

  #format(): Version {
    return hexOf(this.#millis, this.#counter) + this.#writerId
  }
}

function hexOf(millis: number, counter: number): string {
  return millis.toString(16).padStart(12, '0') + counter.toString(16).padStart(4, '0')
}

export function parseVersion(version: Version): { millis: number; counter: number } {
  return { millis: Number.parseInt(version.slice(0, 12), 16), counter: Number.parseInt(version.slice(12, 16), 16) }
}

/** No version of this millisecond, or of a later one, is below it. */
export function lowestAt(millis: number): Version {
  return hexOf(millis, 0).padEnd(ZERO_VERSION.length, '0')
}

/** The greatest text that is below the version and could be one itself. */
export function justBelow(version: Version): Version {
  return (BigInt(`0x${version}`) - 1n).toString(16).padStart(ZERO_VERSION.length, '0')
}

function after(floor: Version, writerId: string): Version {
  const { millis, counter } = parseVersion(floor)
  return (counter < MAX_COUNTER ? hexOf(millis, counter + 1) : hexOf(millis + 1, 0)) + writerId
}

export function isVersion(text: string): boolean {
  return /^[0-9a-f]{24}$/.test(text)
}

/** The greater of two versions, either of which may be missing. */
export function newest(a: Version | undefined, b: Version | undefined): Version | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return a > b ? a : b
}
