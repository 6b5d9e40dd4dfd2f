/**
 * Decides from where a read by key is answered: from the newest of pending and hot, and also from cold where neither is
 * certain.
 *
 * The order matters: pending is asked first, because what leaves pending is in cold by then; and hot before cold,
 * because what leaves hot is in cold by then. What cold returns is promoted to hot in the background, guarded by hot
 * itself (rules R1 to R3 and H8 of flow/README.md).
 */
import type { ColdTier } from '../cold/cold-tier.ts'
import { type EntryKey, keyText } from '../entry/entry-key.ts'
import { isLive } from '../entry/expiry.ts'
import type { EntryKind, MemoryEntry } from '../entry/memory-entry.ts'
import { type AccessStats, type EntryRecord, newerOf, toEntry } from '../entry/record.ts'
import { mayHaveSlid } from '../entry/sliding.ts'
import type { VersionClock } from '../entry/version.ts'
import { isThermoclineError, ThermoclineError } from '../errors.ts'
import { recordIn } from '../hot/hot-content.ts'
import type { HotRead } from '../hot/hot-tier.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Patience, runningOut, throwIfAborted, withDeadline } from '../kernel/deadline.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { AccessCounter } from './access-counter.ts'
import type { HotReads } from './hot-reads.ts'
import type { Pending } from './pending.ts'
import type { Promoter, ReadFromCold } from './promoter.ts'
import { SharedColdReads, type Tick } from './shared-cold-reads.ts'
import type { SlidingExpiry } from './sliding-expiry.ts'

export interface ReaderParts {
  readonly pending: Pending
  readonly hot: HotReads
  readonly cold: Pick<ColdTier, 'read'>
  readonly access: AccessCounter
  readonly versions: VersionClock
  readonly clock: Clock
  readonly promoter: Promoter
  readonly sliding: Pick<SlidingExpiry, 'found'>
  readonly telemetry: Telemetry
}

interface Found {
  readonly record: EntryRecord
  /** Whether others have the record as well. */
  readonly isShared: boolean
  readonly access: AccessStats | undefined
}

/** What each place holds of one entry. Cold is asked only where hot has nothing. */
interface Copies {
  readonly key: EntryKey
  readonly pending: EntryRecord | undefined
  readonly hot: HotRead | undefined
  readonly cold: ReadFromCold | undefined
}

const NOTHING: ReadonlyMap<string, ReadFromCold> = new Map()
/** What a call looks at before it writes: no caller asked for it, so that it counts as no hit and no miss. */
const OWN_LOOK = { promote: false, isOwn: true }

export class Reader {
  readonly #parts: ReaderParts
  readonly #coldReads: SharedColdReads

  constructor(parts: ReaderParts) {
    this.#parts = parts
    this.#coldReads = new SharedColdReads(parts)
  }

  /** Live entries in order; each counts as an access. */
  async get(keys: readonly EntryKey[], options: Patience): Promise<(MemoryEntry | undefined)[]> {
    const found = await this.#find(keys, options)
    const now = this.#parts.clock.now()
    return found.map((row) => this.#counted(row, now))
  }

  /** As {@link get} of one key: at once, where hot is in this process and holds it. */
  getOne(key: EntryKey, options: Patience): MemoryEntry | undefined | Promise<MemoryEntry | undefined> {
    throwIfAborted(options.signal)
    const { pending, hot } = this.#parts
    const held = hot.held(key)
    if (held === undefined || this.#mayHaveSlid(held)) return this.get([key], options).then(([entry]) => entry)
    const own = pending.get(key)
    const { counts } = this.#parts.telemetry
    counts.hotHits++
    if (own === undefined) counts.pendingMisses++
    else counts.pendingHits++
    return this.#counted(this.#choose({ key, pending: own, hot: held, cold: undefined }, true))
  }

  #counted(found: Found | undefined, now = this.#parts.clock.now()): MemoryEntry | undefined {
    if (found === undefined) return undefined
    return toEntry(found.record, this.#parts.access.count(found.record, found.access, now), found.isShared)
  }

  /** As {@link get}, neither counted nor promoted. */
  async peek(keys: readonly EntryKey[], options: Patience): Promise<(MemoryEntry | undefined)[]> {
    const found = await this.#find(keys, options, { promote: false })
    return found.map((row) => row && toEntry(row.record, row.access, row.isShared))
  }

  /**
   * The records of live entries as {@link peek} finds them, or as this process acknowledged them while tiers were
   * asked: whoever decides by them takes back nothing that was acknowledged by then. They are shared, and MUST not
   * leave the store.
   */
  async newest(keys: readonly EntryKey[], options: Patience): Promise<(EntryRecord | undefined)[]> {
    const { pending, clock } = this.#parts
    const before = keys.map((key) => pending.get(key)?.version)
    const found = await this.#find(keys, options, OWN_LOOK)
    const now = clock.now()
    return found.map((row, i) => {
      // What was pending before them counts for no more than they said: another process may have deleted it.
      const own = pending.get(keys[i]!)
      const latest = own?.version === before[i] ? row?.record : newerOf(row?.record, own)
      return latest !== undefined && isLive(latest, now) ? latest : undefined
    })
  }

  /**
   * Reads of live entries, of which hot knows what cold learns when they leave it; those that this process has counted
   * until now are among them.
   */
  async reads(keys: readonly EntryKey[], options: Patience): Promise<(AccessStats | undefined)[]> {
    const patience = runningOut(options)
    await withDeadline(this.#parts.access.flush(), patience)
    return (await this.#find(keys, patience, OWN_LOOK)).map((row) => row?.access)
  }

  /** Counts an access of each, whether or not there is such an entry: nothing is read. */
  touch(keys: readonly EntryKey[]): void {
    const { access, clock } = this.#parts
    const now = clock.now()
    for (const key of keys) access.touch(key, now)
  }

  /** Kind of the live entry with this key, as far as this process knows without asking anybody. */
  kindAtHand(key: EntryKey): EntryKind | undefined {
    const { pending, hot, clock } = this.#parts
    const record = pending.get(key)
    const held = hot.held(key)
    const now = clock.now()
    if (held === undefined || (record !== undefined && record.version >= held.version))
      return record !== undefined && isLive(record, now) ? (record.kind ?? undefined) : undefined
    const isThere = isLive({ deletedAt: held.deleted ? 0 : null, expiresAt: held.expiresAt }, now)
    return isThere ? (held.content.kind ?? undefined) : undefined
  }

  async #find(
    keys: readonly EntryKey[],
    options: Patience,
    { promote = true, isOwn = false } = {},
  ): Promise<(Found | undefined)[]> {
    throwIfAborted(options.signal)
    const patience = runningOut(options)
    const began = this.#coldReads.begin()
    const pending = keys.map((key) => this.#parts.pending.get(key))
    const { values: hot, isAway } = await withDeadline(this.#parts.hot.read(keys), patience)
    const absent = keys.filter((_, i) => hot[i] === undefined || this.#mayHaveSlid(hot[i]))
    const now = this.#parts.clock.now()
    const isPendingEnough = isAway && pending.every((record) => record !== undefined && !mayHaveSlid(record, now))
    const cold = absent.length === 0 ? NOTHING : await this.#readColdBehind(absent, began, patience, isPendingEnough)
    if (!isOwn) this.#countLookups(pending, isAway ? [] : hot, cold)
    const coldOf = (key: EntryKey) => (cold.size === 0 ? undefined : cold.get(keyText(key)))
    return keys.map((key, i) => this.#choose({ key, pending: pending[i], hot: hot[i], cold: coldOf(key) }, promote))
  }

  /** @param hot nothing where it was not asked. */
  #countLookups(
    pending: readonly unknown[],
    hot: readonly unknown[],
    cold: ReadonlyMap<string, ReadFromCold | undefined>,
  ): void {
    const { counts } = this.#parts.telemetry
    const found = { pending: numberIn(pending), hot: numberIn(hot), cold: numberIn([...cold.values()]) }
    counts.pendingHits += found.pending
    counts.pendingMisses += pending.length - found.pending
    counts.hotHits += found.hot
    counts.hotMisses += hot.length - found.hot
    counts.coldHits += found.cold
    counts.coldMisses += cold.size - found.cold
  }

  /**
   * Where hot and cold are both away, pending is what there is. Where hot has only missed, it is not enough: something
   * newer of another process may have left hot and be in cold alone.
   */
  async #readColdBehind(
    keys: readonly EntryKey[],
    began: Tick,
    options: Patience,
    isPendingEnough: boolean,
  ): Promise<ReadonlyMap<string, ReadFromCold | undefined>> {
    try {
      const rows = await this.#coldReads.read(keys, began, options)
      return new Map(keys.map((key, i) => [keyText(key), rows[i]]))
    } catch (error) {
      if (!isPendingEnough || !isThermoclineError(error, 'ERR_TIER_UNAVAILABLE')) throw error
      return new Map()
    }
  }

  /** It is expired in hot, and cold may have extended it since: cold is asked, as for what hot lacks. */
  #mayHaveSlid(held: HotRead): boolean {
    const now = this.#parts.clock.now()
    return held.expiresAt !== null && held.expiresAt <= now && mayHaveSlid(recordIn(held), now)
  }

  #choose({ key, pending, hot, cold }: Copies, promote: boolean): Found | undefined {
    const access = hot ?? cold?.access
    const stored = hot?.version ?? cold?.record.version
    if (stored !== undefined) this.#parts.versions.observe(key, stored)
    const record = newestOf({ pending, hot, cold })
    if (record === undefined || !isLive(record, this.#parts.clock.now())) return undefined
    // A cached value is only as good as its key: a scope must never be left, whatever a tier answers.
    if (record.namespace !== key.namespace || record.id !== key.id)
      throw new ThermoclineError('ERR_TIER_UNAVAILABLE', 'a tier answered with another entry than it was asked for', {
        tier: hot === undefined ? 'cold' : 'hot',
      })
    if (promote && record === cold?.record) {
      if (hot?.version === record.version)
        this.#parts.sliding.found({ key, version: record.version, expiresAt: record.expiresAt! })
      else this.#parts.promoter.promote(cold)
    }
    const isHots = record !== pending && record !== cold?.record
    return { record, access, isShared: !isHots || this.#parts.hot.sharesContent }
  }
}

function numberIn(found: readonly unknown[]): number {
  let number = 0
  for (const one of found) if (one !== undefined) number++
  return number
}

function newestOf({ pending, hot, cold }: Omit<Copies, 'key'>): EntryRecord | undefined {
  const known = newerOf(cold?.record, pending)
  if (hot === undefined || (known !== undefined && hot.version < known.version)) return known
  // What hot holds is decoded only where it counts.
  // Of one version, the copy that expires later has heard of more extensions.
  const expiresLater = (hot.expiresAt ?? 0) > (known?.expiresAt ?? 0)
  return known === undefined || hot.version > known.version || expiresLater ? recordIn(hot) : known
}
