/**
 * The way of a read by key: the newest of pending and hot; where neither is certain, cold as well.
 *
 * The order matters: pending is asked first, because what leaves pending is in cold by then, and hot before cold, because
 * what leaves hot is in cold by then. What cold answers is promoted to hot in the background, guarded by hot itself.
 */

import type { Clock } from '../clock.ts'
import type { ColdTier } from '../cold/cold-tier.ts'
import type { CallOptions } from '../deadline.ts'
import { throwIfAborted, withDeadline } from '../deadline.ts'
import { decodeRecord, encodeRecord } from '../entry/codec.ts'
import type { MemoryEntry } from '../entry/memory-entry.ts'
import { type AccessStats, type EntryKey, type EntryRecord, isLive, keyText, toEntry } from '../entry/record.ts'
import type { VersionClock } from '../entry/version.ts'
import { isThermoclineError, ThermoclineError, withoutContent } from '../errors.ts'
import type { HotRead, HotTier } from '../hot/hot-tier.ts'
import type { Logger } from '../log.ts'
import type { AccessCounter } from './access.ts'
import type { Pending } from './pending.ts'

export interface ReaderParts {
  readonly pending: Pending
  readonly hot: HotTier
  readonly cold: ColdTier
  readonly access: AccessCounter
  readonly versions: VersionClock
  readonly clock: Clock
  readonly logger: Logger
  /** Reads of an entry before it is promoted; undefined: never. */
  readonly minAccesses: number | undefined
  /** Told after each promotion: hot has grown. */
  readonly onPromoted: () => void
}

/** Where a version of an entry stands. */
export interface Placement {
  readonly version: string
  readonly deleted: boolean
  readonly expired: boolean
}

/** Where an entry lives, tier by tier; a tier that lacks it is undefined. */
export interface Explanation {
  readonly pending: Placement | undefined
  readonly hot: Placement | undefined
  readonly cold: Placement | undefined
  /** Whether cold has the newest version of the three. */
  readonly shipped: boolean
}

interface Found {
  readonly record: EntryRecord
  readonly access: AccessStats | undefined
}

/**
 * A cold read under way. A get may share it only if it was launched after that get began: an older one may have missed
 * what left pending or hot in between, and the get would go back in time.
 */
interface Flight {
  readonly launched: number
  /** Hot's time before cold was asked. */
  readonly startedAt: number
  readonly row: Promise<Found | undefined>
}

export class Reader {
  readonly #parts: ReaderParts
  readonly #flights = new Map<string, Flight>()
  readonly #promotions = new Set<Promise<void>>()
  /** Orders the beginnings of gets and flights. */
  #tick = 0

  constructor(parts: ReaderParts) {
    this.#parts = parts
  }

  /** Live entries in order; each counts as an access. */
  async get(keys: readonly EntryKey[], options: CallOptions): Promise<(MemoryEntry | undefined)[]> {
    const found = await this.#find(keys, options)
    const now = this.#parts.clock.now()
    return found.map((row) => row && toEntry(row.record, this.#parts.access.count(row.record, row.access, now)))
  }

  /** The same, neither counted nor promoted. */
  async peek(keys: readonly EntryKey[], options: CallOptions): Promise<(MemoryEntry | undefined)[]> {
    const found = await this.#find(keys, options, { promote: false })
    return found.map((row) => row && toEntry(row.record, row.access))
  }

  async explain(key: EntryKey, options: CallOptions): Promise<Explanation> {
    const pending = this.#parts.pending.get(key)
    const [[hot], [cold]] = await Promise.all([this.#parts.hot.read([key]), this.#parts.cold.read([key], options)])
    const now = this.#parts.clock.now()
    const place = (record: Pick<EntryRecord, 'version' | 'deletedAt' | 'expiresAt'> | undefined) =>
      record && {
        version: record.version,
        deleted: record.deletedAt !== null,
        expired: record.expiresAt !== null && record.expiresAt <= now,
      }
    const others = [pending?.version, hot?.version]
    return {
      pending: place(pending),
      hot: place(hot && { ...hot, deletedAt: hot.deleted ? 0 : null }),
      cold: place(cold?.record),
      shipped: cold !== undefined && others.every((version) => version === undefined || version <= cold.record.version),
    }
  }

  /** Waits for promotions in the background. */
  async settled(): Promise<void> {
    await Promise.all(this.#promotions)
  }

  async #find(
    keys: readonly EntryKey[],
    options: CallOptions,
    { promote = true } = {},
  ): Promise<(Found | undefined)[]> {
    throwIfAborted(options.signal)
    const began = ++this.#tick
    const pending = keys.map((key) => this.#parts.pending.get(key))
    const hot = await withDeadline(this.#readHot(keys), options)
    const absent = keys.filter((_, i) => hot[i] === undefined)
    const cold = absent.length === 0 ? [] : await this.#readCold(absent, began, options)
    let next = 0
    return keys.map((key, i) => {
      const fromCold = hot[i] === undefined ? cold[next++] : undefined
      return this.#choose(key, pending[i], hot[i], fromCold, promote)
    })
  }

  #choose(
    key: EntryKey,
    pending: EntryRecord | undefined,
    hot: HotRead | undefined,
    cold: (Found & { startedAt: number }) | undefined,
    promote: boolean,
  ): Found | undefined {
    const access = hot ?? cold?.access
    let record = pending ?? cold?.record
    if (hot !== undefined) {
      this.#parts.versions.observe(hot.version)
      if (record === undefined || hot.version > record.version) record = decodeRecord(hot.payload)
    } else if (cold !== undefined) {
      this.#parts.versions.observe(cold.record.version)
      if (cold.record.version > record!.version) record = cold.record
    }
    if (record === undefined || !isLive(record, this.#parts.clock.now())) return undefined
    // A cached value is only as good as its key: a scope must never be left, whatever a tier answers.
    if (record.namespace !== key.namespace || record.id !== key.id)
      throw new ThermoclineError('ERR_TIER_UNAVAILABLE', 'a tier answered with another entry than it was asked for', {
        tier: hot === undefined ? 'cold' : 'hot',
      })
    if (promote && record === cold?.record) this.#promote(cold)
    return { record, access }
  }

  /** Hot away is as good as missing: cold and pending know everything it knew. */
  async #readHot(keys: readonly EntryKey[]): Promise<(HotRead | undefined)[]> {
    try {
      return await this.#parts.hot.read(keys)
    } catch (error) {
      if (!isThermoclineError(error, 'ERR_TIER_UNAVAILABLE')) throw error
      this.#parts.logger.debug({ err: withoutContent(error) }, 'reading without hot')
      return keys.map(() => undefined)
    }
  }

  /** Gets that began before a cold read of their key was launched share it. */
  async #readCold(
    keys: readonly EntryKey[],
    began: number,
    options: CallOptions,
  ): Promise<((Found & { startedAt: number }) | undefined)[]> {
    const fresh = keys.filter((key) => (this.#flights.get(keyText(key))?.launched ?? 0) < began)
    if (fresh.length > 0) this.#launch(fresh)
    const flights = keys.map((key) => this.#flights.get(keyText(key))!)
    const rows = await withDeadline(Promise.all(flights.map(({ row }) => row)), options)
    return rows.map((row, i) => row && { ...row, startedAt: flights[i]!.startedAt })
  }

  #launch(keys: readonly EntryKey[]): void {
    const launched = ++this.#tick
    const startedAt = this.#parts.hot.now()
    const rows = this.#parts.cold.read(keys)
    for (const [i, key] of keys.entries()) {
      const text = keyText(key)
      const land = (): void => {
        if (this.#flights.get(text) === flight) this.#flights.delete(text)
      }
      const row = rows.then((found) => found[i])
      const flight: Flight = { launched, startedAt, row }
      this.#flights.set(text, flight)
      row.then(land, land)
    }
  }

  #promote({ record, access, startedAt }: Found & { startedAt: number }): void {
    const { hot, minAccesses, logger, onPromoted } = this.#parts
    const reads = (access?.accessCount ?? 0) + this.#parts.access.unflushed(record) + 1
    if (minAccesses === undefined || reads < minAccesses) return
    const { version, expiresAt } = record
    const value = { version, expiresAt, deleted: false, payload: encodeRecord(record) }
    const promotion = hot
      .write([{ key: record, ...value, reason: 'promotion', startedAt, ...(access === undefined ? {} : { access }) }])
      .then(
        () => onPromoted(),
        (error: unknown) => logger.debug({ err: withoutContent(error) }, 'an entry was not promoted'),
      )
    this.#promotions.add(promotion)
    void promotion.finally(() => this.#promotions.delete(promotion))
  }
}
