import type { Version } from '../../entry/version.ts'
import type { Clock } from '../../kernel/clock.ts'

/** Markers looked at per clean-up: enough to shrink under any load, since each removal adds one and cleans up two. */
const CLEANED_AT_ONCE = 2

interface Marker {
  readonly version: Version
  readonly endsAt: number
}

/**
 * What has lately left hot: per key the version, for `ttl` milliseconds. All markers live equally long and the clock
 * never goes back, so the map's insertion order is the order in which they end.
 */
export class Markers {
  readonly #ttl: number
  readonly #clock: Clock
  readonly #markers = new Map<string, Marker>()

  constructor(ttl: number, clock: Clock) {
    this.#ttl = ttl
    this.#clock = clock
  }

  get count(): number {
    return this.#markers.size
  }

  set(name: string, version: Version): void {
    this.#cleanUp()
    this.#markers.delete(name)
    this.#markers.set(name, { version, endsAt: this.#clock.now() + this.#ttl })
  }

  get(name: string): Version | undefined {
    const marker = this.#markers.get(name)
    return marker !== undefined && marker.endsAt > this.#clock.now() ? marker.version : undefined
  }

  clear(): void {
    this.#markers.clear()
  }

  #cleanUp(): void {
    const now = this.#clock.now()
    let looked = 0
    for (const [name, marker] of this.#markers) {
      if (marker.endsAt > now || looked++ === CLEANED_AT_ONCE) return
      this.#markers.delete(name)
    }
  }
}
