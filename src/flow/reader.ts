/**
 * The way of a read by key: the newest of pending and hot; where neither is certain, cold as well.
 *
 * The order matters: pending is asked first, because what leaves pending is in cold by then, and hot before cold, because
 * what leaves hot is in cold by then. What cold answers is promoted to hot in the background, guarded by hot itself
 * (rules R1 to R3 and H8 of flow/README.md).
 */

import type { ColdTier } from '../cold/cold-tier.ts'
import { decodeKind, decodeRecord, encodeRecord } from '../entry/codec.ts'
import { type EntryKey, keyText } from '../entry/entry-key.ts'
import type { EntryKind, MemoryEntry } from '../entry/memory-entry.ts'
import { type AccessStats, type EntryRecord, isLive, toEntry } from '../entry/record.ts'
import { type VersionClock, ZERO_VERSION } from '../entry/version.ts'
import { isThermoclineError, ThermoclineError, withoutContent } from '../errors.ts'
import type { HotRead, HotTier } from '../hot/hot-tier.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Patience, runningOut, throwIfAborted, withDeadline } from '../kernel/deadline.ts'
import type { Logger } from '../kernel/logger.ts'
import type { AccessCounter } from './access-counter.ts'
import type { MissedWrites } from './missed-writes.ts'
import type { Pending } from './pending.ts'

export interface ReaderParts {
  readonly pending: Pending
  readonly hot: HotTier
  readonly cold: Pick<ColdTier, 'read'>
  readonly access: AccessCounter
  readonly versions: VersionClock
  readonly clock: Clock
  readonly logger: Logger
  /** Reads of an entry before it is promoted; undefined: never. */
  readonly minAccesses: number | undefined
  /** What hot is known to hold too old. @default nothing: hot is this process's own */
  readonly missed?: MissedWrites | undefined
  /** Told after each promotion: hot has grown. */
  readonly onPromoted: () => void
}

/** Where a version of an entry stands. */
export interface Placement {
  readonly version: string
  readonly deleted: boolean
  readonly expired: boolean
}

/** Where an entry lives, tier by tier; a tier that lacks it, or did not answer, is undefined. */
export interface Explanation {
  readonly pending: Placement | undefined
  readonly hot: Placement | undefined
  readonly cold: Placement | undefined
  /** Whether cold has the newest version of those that are known; undefined where cold did not answer. */
  readonly shipped: boolean | undefined
  /** Of tiers that did not answer: `details.tier` says which, the message why. */
  readonly failures: readonly ThermoclineError<'ERR_TIER_UNAVAILABLE'>[]
}

interface Found {
  readonly record: EntryRecord
  readonly access: AccessStats | undefined
}

interface FromCold extends Found {
  /** Hot's time and generation before cold was asked. */
  readonly startedAt: number
  readonly generationId: string
}

/**
 * A cold read under way. A get may share it only if it was launched after that get began: an older one may have missed
 * what left pending or hot in between, and the get would go back in time.
 */
interface Flight {
  readonly launched: number
  /** Hot's time and generation before cold was asked. */
  readonly startedAt: number
  readonly generationId: string
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
  async get(keys: readonly EntryKey[], options: Patience): Promise<(MemoryEntry | undefined)[]> {
    const found = await this.#find(keys, options)
    const now = this.#parts.clock.now()
    return found.map((row) => row && toEntry(row.record, this.#parts.access.count(row.record, row.access, now)))
  }

  /** The same, neither counted nor promoted. */
  async peek(keys: readonly EntryKey[], options: Patience): Promise<(MemoryEntry | undefined)[]> {
    const found = await this.#find(keys, options, { promote: false })
    return found.map((row) => row && toEntry(row.record, row.access))
  }

  /** Kind of the live entry with this key, as far as this process knows without asking anybody. */
  kindAtHand(key: EntryKey): EntryKind | undefined {
    const { pending, hot, clock } = this.#parts
    const record = pending.get(key)
    const held = hot.held?.(key)
    const now = clock.now()
    if (held === undefined || (record !== undefined && record.version >= held.version))
      return record !== undefined && isLive(record, now) ? (record.kind ?? undefined) : undefined
    const isThere = isLive({ deletedAt: held.deleted ? 0 : null, expiresAt: held.expiresAt }, now)
    return isThere ? (decodeKind(held.payload) ?? undefined) : undefined
  }

  async explain(key: EntryKey, options: Patience): Promise<Explanation> {
    const pending = this.#parts.pending.get(key)
    const failures: ThermoclineError<'ERR_TIER_UNAVAILABLE'>[] = []
    const unlessAway = (error: unknown): undefined[] => {
      if (!isThermoclineError(error, 'ERR_TIER_UNAVAILABLE')) throw error
      failures.push(error)
      return [undefined]
    }
    const [[hot], [cold]] = await withDeadline(
      Promise.all([
        this.#parts.hot.read([key]).catch(unlessAway),
        this.#parts.cold.read([key], options).catch(unlessAway),
      ]),
      options,
    )
    const isColdAway = failures.some(({ details }) => details.tier === 'cold')
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
      shipped: isColdAway
        ? undefined
        : cold !== undefined && others.every((version) => version === undefined || version <= cold.record.version),
      failures,
    }
  }

  /** Waits for promotions in the background. */
  async settled(): Promise<void> {
    await Promise.all(this.#promotions)
  }

  async #find(keys: readonly EntryKey[], options: Patience, { promote = true } = {}): Promise<(Found | undefined)[]> {
    throwIfAborted(options.signal)
    const patience = runningOut(options)
    const began = ++this.#tick
    const pending = keys.map((key) => this.#parts.pending.get(key))
    const { values: hot, isAway } = await withDeadline(this.#readHot(keys), patience)
    const absent = keys.filter((_, i) => hot[i] === undefined)
    const isPendingEnough = isAway && pending.every((record) => record !== undefined)
    const cold = await this.#readColdBehind(absent, began, patience, isPendingEnough)
    return keys.map((key, i) => this.#choose(key, pending[i], hot[i], cold.get(keyText(key)), promote))
  }

  /**
   * Where hot and cold are both away, pending is what there is. Where hot has only missed, it is not enough: something
   * newer of another process may have left hot and be in cold alone.
   */
  async #readColdBehind(
    keys: readonly EntryKey[],
    began: number,
    options: Patience,
    isPendingEnough: boolean,
  ): Promise<ReadonlyMap<string, FromCold | undefined>> {
    if (keys.length === 0) return new Map()
    try {
      const rows = await this.#readCold(keys, began, options)
      return new Map(keys.map((key, i) => [keyText(key), rows[i]]))
    } catch (error) {
      if (!isPendingEnough || !isThermoclineError(error, 'ERR_TIER_UNAVAILABLE')) throw error
      return new Map()
    }
  }

  #choose(
    key: EntryKey,
    pending: EntryRecord | undefined,
    hot: HotRead | undefined,
    cold: FromCold | undefined,
    promote: boolean,
  ): Found | undefined {
    const access = hot ?? cold?.access
    let record = pending ?? cold?.record
    if (hot !== undefined) {
      this.#parts.versions.observe(key, hot.version)
      if (record === undefined || hot.version > record.version) record = decodeRecord(hot.payload)
    } else if (cold !== undefined) {
      this.#parts.versions.observe(key, cold.record.version)
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

  /** Hot away is as good as missing: cold and pending know everything it knew. So is what cold is known to have newer. */
  async #readHot(keys: readonly EntryKey[]): Promise<{ values: (HotRead | undefined)[]; isAway: boolean }> {
    const { hot, missed, logger } = this.#parts
    const away = () => ({ values: keys.map(() => undefined), isAway: true })
    if (missed?.isBypassing) return away()
    // Before hot is asked: once it is repaired, nobody knows any more what it answered too old.
    const least = missed && keys.map((key) => missed.leastVersion(key) ?? ZERO_VERSION)
    try {
      const found = await hot.read(keys)
      if (least === undefined) return { values: found, isAway: false }
      const isOld = (value: HotRead | undefined, i: number) => value !== undefined && value.version < least[i]!
      return { values: found.map((value, i) => (isOld(value, i) ? undefined : value)), isAway: false }
    } catch (error) {
      if (!isThermoclineError(error, 'ERR_TIER_UNAVAILABLE')) throw error
      logger.debug({ err: withoutContent(error) }, 'reading without hot')
      return away()
    }
  }

  /** Gets that began before a cold read of their key was launched share it. */
  async #readCold(keys: readonly EntryKey[], began: number, options: Patience): Promise<(FromCold | undefined)[]> {
    const fresh = keys.filter((key) => (this.#flights.get(keyText(key))?.launched ?? 0) < began)
    if (fresh.length > 0) this.#launch(fresh)
    const flights = keys.map((key) => this.#flights.get(keyText(key))!)
    const rows = await withDeadline(Promise.all(flights.map(({ row }) => row)), options)
    return rows.map((row, i) => {
      const { startedAt, generationId } = flights[i]!
      return row && { ...row, startedAt, generationId }
    })
  }

  #launch(keys: readonly EntryKey[]): void {
    const launched = ++this.#tick
    const { generationId } = this.#parts.hot
    const startedAt = this.#parts.hot.now()
    const rows = this.#parts.cold.read(keys)
    for (const [i, key] of keys.entries()) {
      const text = keyText(key)
      const land = (): void => {
        if (this.#flights.get(text) === flight) this.#flights.delete(text)
      }
      const row = rows.then((found) => found[i])
      const flight: Flight = { launched, startedAt, generationId, row }
      this.#flights.set(text, flight)
      row.then(land, land)
    }
  }

  #promote({ record, access, startedAt, generationId }: FromCold): void {
    const { hot, minAccesses, logger, onPromoted } = this.#parts
    const reads = (access?.accessCount ?? 0) + this.#parts.access.unflushed(record) + 1
    if (minAccesses === undefined || reads < minAccesses) return
    const { version, expiresAt } = record
    const value = { version, expiresAt, deleted: false, payload: encodeRecord(record) }
    const origin = { reason: 'promotion', startedAt, generationId } as const
    const promotion = hot
      .write([{ key: record, ...value, ...origin, ...(access === undefined ? {} : { access }) }])
      .then(
        () => onPromoted(),
        (error: unknown) => logger.debug({ err: withoutContent(error) }, 'an entry was not promoted'),
      )
    this.#promotions.add(promotion)
    void promotion.finally(() => this.#promotions.delete(promotion))
  }
}
