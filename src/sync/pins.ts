/**
 * Entries that stay in hot while they live, because a caller asked for it. Cold alone knows which: a pin is no part of
 * a version, and goes with the tombstone of its entry (rules P1 to P3 of flow/README.md). The demoter leaves in hot
 * what is pinned; what hot lacks of it, as after a restart of Redis, each sync brings there.
 *
 *     pin    the newest lives ─► cold has it, or gets it ─► cold pins all or none ─► hot gets what it lacks
 *     sync   a page of pins ─► hot gets what it lacks, while half of it is not pinned ─► the next page
 */
import type { ColdTier, PinLimits, PinRequest } from '../cold/cold-tier.ts'
import { encodeRecord } from '../entry/codec.ts'
import { type EntryKey, keyText } from '../entry/entry-key.ts'
import { isThermoclineError, notFound, ThermoclineError } from '../errors.ts'
import { refusedByCold } from '../flow/compare-and-set.ts'
import type { Reader } from '../flow/reader.ts'
import type { HotMeasure, HotTier } from '../hot/hot-tier.ts'
import { type Patience, runningOut, throwIfOver } from '../kernel/deadline.ts'
import { KeyedLock } from '../kernel/keyed-lock.ts'
import type { Logger } from '../kernel/logger.ts'
import { slices } from '../kernel/slices.ts'
import type { OfKind, TierMoves } from './tier-moves.ts'

/** What became of an entry that was to be pinned. */
export type Pinning = 'pinned' | 'already-pinned'

/** What became of an entry that was not to stay in hot any more. */
export type Unpinning = 'unpinned' | 'not-pinned'

export interface PinsParts {
  readonly hot: HotTier
  readonly cold: Pick<ColdTier, 'pin' | 'unpin' | 'pins' | 'upsert'>
  /** Wait while the database is set back. */
  readonly reads: Pick<ColdTier, 'versions'>
  readonly reader: Pick<Reader, 'newest'>
  readonly moves: Pick<TierMoves, 'enter'>
  readonly logger: Logger
}

/** Largest share of hot that may be pinned; the rest is for what is read. */
const MOST_OF_HOT = 0.5
/** Entries whose content is in memory at a time. */
const AT_ONCE = 50
/** Pins of one statement, and those that one sync looks at: the next one goes on behind them. */
const PAGE = 1_000
const LOOKED_AT = 10_000
/** Pins of one call, which is one statement, since all are pinned or none. */
const MOST_AT_ONCE = 10_000

export class Pins {
  readonly #parts: PinsParts
  /** Each call sees what the one before it pinned. Where hot has a capacity, no other process uses it. */
  readonly #lock = new KeyedLock()
  /** Where the sync before ended. */
  #after: EntryKey | undefined
  /** What hot holds of the pins up to there. */
  #held = { entries: 0, bytes: 0 }
  #isTooMuch = false

  constructor(parts: PinsParts) {
    this.#parts = parts
  }

  /**
   * In order, no key twice; all are pinned or none. Rejects with `ERR_NOT_FOUND` where one is not there, and with
   * `ERR_BACKPRESSURE` where too much of hot would be pinned. What hot does not take now it gets by a later sync.
   */
  async pin(keys: readonly EntryKey[], kind: OfKind, options: Patience): Promise<Pinning[]> {
    if (keys.length > MOST_AT_ONCE) throw tooMany(keys.length)
    const patience = runningOut(options)
    const requests: PinRequest[] = []
    for (const some of slices(keys, AT_ONCE)) requests.push(...(await this.#inCold(some, kind, patience)))
    const limits = this.#limits()
    const pinned = await this.#lock.run('pins', async () => {
      throwIfOver(patience, { outcome: 'none' })
      return this.#parts.cold.pin(requests, limits)
    })
    if (pinned.status === 'absent') {
      const live = new Set(pinned.live.map(keyText))
      throw notFound(keys.find((key) => !live.has(keyText(key)))!)
    }
    if (pinned.status === 'full') throw tooMuch(limits)
    await this.#enterHot(keys)
    const added = new Set(pinned.added.map(keyText))
    return keys.map((key) => (added.has(keyText(key)) ? 'pinned' : 'already-pinned'))
  }

  /** In order, no key twice. They stay in hot as long as any others. */
  async unpin(keys: readonly EntryKey[], kind: OfKind): Promise<Unpinning[]> {
    const gone = new Set<string>()
    for (const some of slices(keys, PAGE))
      for (const key of await this.#parts.cold.unpin(some, kind)) gone.add(keyText(key))
    return keys.map((key) => (gone.has(keyText(key)) ? 'unpinned' : 'not-pinned'))
  }

  /**
   * Brings into hot what is pinned and not there, until all or enough was looked at, or `signal` fires. No more than
   * half of hot: entries grow after they were pinned, and a store may be opened with a smaller hot.
   */
  async keepInHot(signal: AbortSignal): Promise<void> {
    const { cold, hot, moves } = this.#parts
    for (let left = LOOKED_AT; left > 0 && !signal.aborted; left -= PAGE) {
      const page = await cold.pins(this.#after, PAGE)
      const lacking = this.#count(page, await hot.measure(page))
      for (const some of slices(lacking, AT_ONCE)) {
        if (this.#isOverLimits()) return this.#beginAnew(true)
        await moves.enter(some)
        if (isLimited(hot.capacity)) this.#count(some, await hot.measure(some))
      }
      this.#after = page.at(-1)
      if (page.length < PAGE) return this.#beginAnew(false)
    }
  }

  /** Adds what hot has of them; returns those that it has not. */
  #count(keys: readonly EntryKey[], held: readonly (HotMeasure | undefined)[]): EntryKey[] {
    for (const found of held) {
      if (found === undefined) continue
      this.#held.entries++
      this.#held.bytes += found.bytes
    }
    return keys.filter((_, i) => held[i] === undefined)
  }

  #isOverLimits(): boolean {
    const { entries = Number.POSITIVE_INFINITY, bytes = Number.POSITIVE_INFINITY } = this.#limits()
    return this.#held.entries >= entries || this.#held.bytes >= bytes
  }

  /** The next sync begins with the first pin. */
  #beginAnew(isTooMuch: boolean): void {
    if (isTooMuch && !this.#isTooMuch)
      this.#parts.logger.warn(
        { ...this.#held },
        'more is pinned than half of hot may hold: the rest stays there by its reads; unpin, or raise the capacity',
      )
    this.#isTooMuch = isTooMuch
    this.#after = undefined
    this.#held = { entries: 0, bytes: 0 }
  }

  /** What cold is asked for: a pin needs a row there, whatever pending or hot alone have. */
  async #inCold(keys: readonly EntryKey[], kind: OfKind, patience: Patience): Promise<PinRequest[]> {
    const { cold, reader, reads } = this.#parts
    const newest = await reader.newest(keys, patience)
    const records = newest.map((record, i) => {
      if (record === undefined || (kind !== undefined && record.kind !== kind)) throw notFound(keys[i]!)
      return record
    })
    const versions = await reads.versions(keys, patience)
    const lacking = records.filter(({ version }, i) => versions[i] === undefined || versions[i] < version)
    const { rejected } = lacking.length === 0 ? { rejected: 0 } : await cold.upsert(lacking)
    if (rejected > 0) throw refusedByCold('it cannot be pinned')
    return records.map((record) => {
      const { namespace, id } = record
      return { namespace, id, bytes: encodeRecord(record).byteLength }
    })
  }

  /** The pins are there by now, so whatever keeps hot from taking an entry refuses nothing. */
  async #enterHot(keys: readonly EntryKey[]): Promise<void> {
    try {
      for (const some of slices(keys, AT_ONCE)) await this.#parts.moves.enter(some)
    } catch (error) {
      if (!isThermoclineError(error, 'ERR_TIER_UNAVAILABLE')) throw error
      this.#parts.logger.debug({ err: error }, 'what was pinned enters hot by a later sync')
    }
  }

  #limits(): PinLimits {
    const { maxEntries, maxBytes } = this.#parts.hot.capacity
    const share = (most: number | undefined) => most && Math.floor(most * MOST_OF_HOT)
    return { entries: share(maxEntries), bytes: share(maxBytes) }
  }
}

function isLimited({ maxEntries, maxBytes }: HotTier['capacity']): boolean {
  return maxEntries !== undefined || maxBytes !== undefined
}

function tooMany(count: number): ThermoclineError<'ERR_INVALID_ENTRY'> {
  const message = `at most ${MOST_AT_ONCE} entries are pinned together, not ${count}: pin them in several calls`
  return new ThermoclineError('ERR_INVALID_ENTRY', message, { field: 'ids' })
}

function tooMuch({ entries, bytes }: PinLimits): ThermoclineError<'ERR_BACKPRESSURE'> {
  const message =
    `at most half of what hot may hold can be pinned, ${entries} entries and ${bytes} bytes: ` +
    'unpin what need not stay there, or raise `hot.maxEntries` or `hot.maxBytes`'
  return new ThermoclineError('ERR_BACKPRESSURE', message, { outcome: 'none' })
}
