/**
 * Versions come from a hybrid logical clock (Kulkarni et al., "Logical Physical Clocks", 2014), so that the newest
 * write wins on every tier by comparing text: 12 hex digits of milliseconds, 4 of a counter within the millisecond, 8
 * of the writer. A writer never issues a version at or below one that it issued or saw, across restarts and steps of
 * the wall clock. JavaScript's `<`, Lua's and Postgres's `COLLATE "C"` agree on the order of lower-case hex.
 */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../clock.ts'

/** 24 lower-case hex digits. */
export type Version = string

/** Below every version that a clock issues. */
export const ZERO_VERSION: Version = '0'.repeat(24)

/** A version further ahead of our clock than this raises only its own key's next version (one broken clock must not drag all). */
export const MAX_DRIFT_MS = 5_000

const MAX_COUNTER = 0xffff

export class VersionClock {
  readonly #clock: Clock
  readonly #writerId: string
  #millis = 0
  #counter = 0
  /** Highest version issued above a floor that was not believed. */
  #outlier: Version = ZERO_VERSION

  /** @param writerId 8 hex digits, drawn anew at each open. */
  constructor(clock: Clock, writerId: string = randomBytes(4).toString('hex')) {
    this.#clock = clock
    this.#writerId = writerId
  }

  /** Issues the next version, above everything issued or observed and above `floor`. */
  next(floor?: Version): Version {
    // A clock corrected by a measured offset may tell fractions, which have no hex digits.
    const now = Math.floor(this.#clock.now())
    if (now > this.#millis) {
      this.#millis = now
      this.#counter = 0
    } else this.#step()
    const version = this.#format()
    if (floor === undefined || version > floor) return version
    // A floor within the drift is observed for good; beyond it only this one version rises above it.
    if (this.observe(floor)) {
      this.#step()
      return this.#format()
    }
    // Above our own earlier ones as well: no version is ever issued twice.
    this.#outlier = after(this.#outlier > floor ? this.#outlier : floor, this.#writerId)
    return this.#outlier
  }

  /** Raises the clock to `version`; false when that is too far ahead of the wall clock to be believed. */
  observe(version: Version): boolean {
    const { millis, counter } = parse(version)
    if (millis > this.#clock.now() + MAX_DRIFT_MS && millis > this.#millis) return false
    this.raise(millis, counter)
    return true
  }

  /** Raises the clock without a doubt: what our own log or cold has already issued. */
  raise(millis: number, counter: number): void {
    if (millis < this.#millis || (millis === this.#millis && counter <= this.#counter)) return
    this.#millis = millis
    this.#counter = counter
  }

  /** Highest time and counter issued or observed, for the segment header. */
  get highest(): { millis: number; counter: number } {
    return { millis: this.#millis, counter: this.#counter }
  }

  /** Raises the clock to the time it is and answers a version that every one issued from now on is above. */
  takeWatermark(): Version {
    this.raise(Math.floor(this.#clock.now()), 0)
    return `${hexOf(this.#millis, this.#counter)}ffffffff`
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

export function parse(version: Version): { millis: number; counter: number } {
  return { millis: Number.parseInt(version.slice(0, 12), 16), counter: Number.parseInt(version.slice(12, 16), 16) }
}

function after(floor: Version, writerId: string): Version {
  const { millis, counter } = parse(floor)
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
