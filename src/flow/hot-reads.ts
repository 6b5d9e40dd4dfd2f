/**
 * Reads hot, and decides how far the answer is believed. Where hot is away, or is known to be older than cold, the
 * entry counts as missing in hot: pending and cold have everything that hot had.
 */
import type { EntryKey } from '../entry/entry-key.ts'
import { ZERO_VERSION } from '../entry/version.ts'
import { isThermoclineError, withoutContent } from '../errors.ts'
import type { HotRead, HotTier } from '../hot/hot-tier.ts'
import type { Logger } from '../kernel/logger.ts'
import type { MissedWrites } from './missed-writes.ts'

/**
 * Hot's time and generation before cold was asked: a promotion of what cold answered is late in any other generation.
 */
export interface Origin {
  readonly startedAt: number
  readonly generationId: string
}

export interface HotAnswer {
  /** Returns results in order. */
  readonly values: readonly (HotRead | undefined)[]
  readonly isAway: boolean
}

export interface HotReadsParts {
  readonly hot: HotTier
  /** Whether hot may keep what it answers, in this process; otherwise each answer is one caller's alone. */
  readonly sharesContent: boolean
  /** What hot is known to hold too old; undefined: nothing, ever. */
  readonly missed: MissedWrites | undefined
  readonly logger: Logger
}

export class HotReads {
  readonly #hot: HotTier
  /** Once: looking it up costs as much as asking. */
  readonly #held: HotTier['held']
  /** As in {@link HotReadsParts}. */
  readonly sharesContent: boolean
  readonly #missed: MissedWrites | undefined
  readonly #logger: Logger

  constructor({ hot, sharesContent, missed, logger }: HotReadsParts) {
    this.#hot = hot
    this.#held = hot.held?.bind(hot)
    this.sharesContent = sharesContent
    this.#missed = missed
    this.#logger = logger
  }

  get origin(): Origin {
    return { startedAt: this.#hot.now(), generationId: this.#hot.generationId }
  }

  /** What hot holds of the key, where it can tell at once and is believed. */
  held(key: EntryKey): HotRead | undefined {
    const held = this.#held?.(key)
    if (held === undefined || this.#missed === undefined) return held
    const isOld = this.#missed.isBypassing || held.version < (this.#missed.leastVersion(key) ?? ZERO_VERSION)
    return isOld ? undefined : held
  }

  async read(keys: readonly EntryKey[]): Promise<HotAnswer> {
    const away = () => ({ values: keys.map(() => undefined), isAway: true })
    if (this.#missed?.isBypassing) return away()
    // Before hot is asked: once it is repaired, nobody knows any more what it answered too old.
    const least = keys.map((key) => this.#missed?.leastVersion(key) ?? ZERO_VERSION)
    try {
      const found = await this.#hot.read(keys)
      const values = found.map((value, i) => {
        if (value === undefined || value.version < least[i]!) return undefined
        if (!this.#lacksBytes(value)) return value
        this.#drop(keys[i]!, value)
        return undefined
      })
      return { values, isAway: false }
    } catch (error) {
      if (!isThermoclineError(error, 'ERR_TIER_UNAVAILABLE')) throw error
      this.#logger.debug({ err: withoutContent(error) }, 'reading without hot')
      return away()
    }
  }

  /** What cold has whole enters hot by a later read. */
  #drop(key: EntryKey, { version }: HotRead): void {
    this.#hot.remove([{ key, version }]).catch((error: unknown) => {
      this.#logger.debug({ err: withoutContent(error) }, 'a blob without its bytes stays in hot')
    })
  }

  /**
   * A process of a version that knows no blobs reads one from cold without its bytes, and promotes that: it counts as a
   * miss. A hot tier in this process has seen no other version.
   */
  #lacksBytes({ deleted, content }: HotRead): boolean {
    if (deleted || this.sharesContent) return false
    const { kind, bytes } = content.record
    return kind === 'blob' && bytes === null
  }
}
