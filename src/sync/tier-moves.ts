/**
 * Moves entries between hot and cold because a caller asks for it, under the same guards as what moves by itself: what
 * enters hot is a promotion (rule H8 of flow/README.md), and what leaves it leaves by the demoter (rules L1 and L2).
 *
 *     promote   hot ─ not held ─► the newest of pending and cold ─► guarded write ─► hot
 *     demote    hot ─ held ─► cold has that version, or gets it ─► hot drops exactly that version
 *     prefetch  a page of ids of cold and pending ─► promote ─► the next page, while hot has room
 */
import type { ColdTier } from '../cold/cold-tier.ts'
import { encodeRecord } from '../entry/codec.ts'
import type { EntryKey } from '../entry/entry-key.ts'
import { isLive } from '../entry/expiry.ts'
import type { EntryKind } from '../entry/memory-entry.ts'
import { newerOf } from '../entry/record.ts'
import { mayHaveSlid } from '../entry/sliding.ts'
import { ZERO_VERSION } from '../entry/version.ts'
import { ThermoclineError } from '../errors.ts'
import type { HotReads } from '../flow/hot-reads.ts'
import type { Pending } from '../flow/pending.ts'
import type { Pressure } from '../flow/pressure.ts'
import type { PageRequest, Searcher } from '../flow/searcher.ts'
import { recordIn } from '../hot/hot-content.ts'
import type { HotRead, HotTier, HotWrite } from '../hot/hot-tier.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Patience, runningOut, throwIfOver } from '../kernel/deadline.ts'
import { slices } from '../kernel/slices.ts'
import type { Filter } from '../query/filter.ts'
import type { Scope } from '../query/scope.ts'
import type { Select } from '../query/select.ts'
import { entriesOf, eventEntry } from '../telemetry/store-events.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { Demoter } from './demoter.ts'

/**
 * What became of an entry that was to enter hot. `refused`: hot does not take it now, since a version of it left hot
 * less than a minute ago, or because hot changed meanwhile. `absent`: there is no such entry.
 */
export type Promotion = 'promoted' | 'already-hot' | 'refused' | 'absent'

/**
 * What became of an entry that was to leave hot. `kept`: it was written meanwhile, or cold would not take it. `pinned`:
 * it stays until it is unpinned.
 */
export type Demotion = 'demoted' | 'not-hot' | 'kept' | 'pinned'

export interface TierMovesParts {
  readonly hot: HotTier
  readonly hotReads: HotReads
  /** Its reads wait while the database is set back. */
  readonly cold: Pick<ColdTier, 'read' | 'arePinned'>
  readonly pending: Pending
  readonly searcher: Searcher
  readonly demoter: Demoter
  readonly pressure: Pressure
  readonly clock: Clock
  readonly telemetry: Telemetry
}

/** Of what a repository does not see, nothing moves. */
export type OfKind = EntryKind | undefined

/** Entries that are read from cold and written to hot together; some of them may be large. */
const AT_ONCE = 50

const KEYS: Select = new Set(['namespace', 'id'])

/** What hot has room for. */
interface Room {
  entries: number
  bytes: number
}

interface Moved {
  readonly outcome: Promotion
  readonly bytes: number
}

export class TierMoves {
  readonly #parts: TierMovesParts

  constructor(parts: TierMovesParts) {
    this.#parts = parts
  }

  /**
   * In order, no key twice. Waits while hot is overfull (rule L3), at most as long as a write. Rejects with
   * `ERR_TIER_UNAVAILABLE` where hot is away, or is not believed until it was repaired.
   */
  async promote(keys: readonly EntryKey[], kind: OfKind, options: Patience): Promise<Promotion[]> {
    const patience = runningOut(options)
    const outcomes: Promotion[] = []
    for (const some of slices(keys, AT_ONCE)) {
      throwIfOver(patience)
      const waiting = () => this.#parts.pressure.roomInHot(patience)
      const moved = await this.#promoteSome(some, kind, waiting)
      outcomes.push(...moved.map(({ outcome }) => outcome))
    }
    return outcomes
  }

  /**
   * As {@link promote}, of few that have their room in hot, since they are pinned: nothing is waited for, and what hot
   * refuses it gets later.
   */
  async enter(keys: readonly EntryKey[]): Promise<void> {
    await this.#promoteSome(keys, undefined, async () => {})
  }

  /** In order, no key twice. Rejects as {@link promote}; what left before that has left. */
  async demote(keys: readonly EntryKey[], kind: OfKind, options: Patience): Promise<Demotion[]> {
    const patience = runningOut(options)
    const outcomes: Demotion[] = []
    for (const some of slices(keys, AT_ONCE)) {
      throwIfOver(patience)
      outcomes.push(...(await this.#demoteSome(some, kind)))
    }
    return outcomes
  }

  /** Returns how many entered hot; it ends where hot is full. */
  async prefetch(scope: Scope, filter: Filter, asked: PageRequest, options: Patience): Promise<number> {
    const { searcher } = this.#parts
    const patience = runningOut(options)
    const room = await this.#room()
    let promoted = 0
    let cursor: string | undefined
    for (let left = asked.limit; left > 0 && room.entries > 0 && room.bytes > 0; ) {
      throwIfOver(patience)
      const limit = Math.min(left, room.entries, AT_ONCE)
      const page = await searcher.find(scope, filter, { ...asked, limit, cursor, select: KEYS }, patience)
      const moved = await this.#promoteSome(page.items as unknown as EntryKey[], undefined, async () => {}, room)
      promoted += moved.filter(({ outcome }) => outcome === 'promoted').length
      left -= page.items.length
      cursor = page.nextCursor
      if (cursor === undefined) break
    }
    return promoted
  }

  async #room(): Promise<Room> {
    const { maxEntries, maxBytes } = this.#parts.hot.capacity
    if (maxEntries === undefined && maxBytes === undefined) return { entries: Infinity, bytes: Infinity }
    const { entries, bytes } = await this.#parts.hot.size()
    return { entries: (maxEntries ?? Infinity) - entries, bytes: (maxBytes ?? Infinity) - bytes }
  }

  /**
   * @param roomThere resolves once something may enter hot, before cold is read: hot refuses what was read long ago.
   * @param room is lessened by what enters; what it has no place for is not asked of hot.
   */
  async #promoteSome(
    keys: readonly EntryKey[],
    kind: OfKind,
    roomThere: () => Promise<void>,
    room?: Room,
  ): Promise<Moved[]> {
    const { clock } = this.#parts
    const held = await this.#held(keys)
    const moved = new Map<EntryKey, Moved>()
    const missing: EntryKey[] = []
    for (const [i, key] of keys.entries()) {
      const value = held[i]
      const own = this.#parts.pending.get(key)?.version ?? ZERO_VERSION
      const isThere = value !== undefined && value.version >= own && !mayHaveSlid(recordIn(value), clock.now())
      if (!isThere) missing.push(key)
      else moved.set(key, { outcome: this.#isThere(value, kind) ? 'already-hot' : 'absent', bytes: 0 })
    }
    if (missing.length > 0) await roomThere()
    const writes = await this.#promotions(missing, kind)
    const fitting = [...writes].filter(([, write]) => room === undefined || takes(room, write))
    // Nobody knows how large the next ones are; a page that was read in vain is enough.
    if (room !== undefined && fitting.length < writes.size) room.bytes = 0
    const results = fitting.length === 0 ? [] : await this.#parts.hot.write(fitting.map(([, write]) => write))
    if (fitting.length > 0) this.#parts.pressure.hotChanged()
    this.#tell(fitting.filter((_, i) => results[i]!.status === 'stored').map(([, write]) => write))
    for (const [i, [key, { payload }]] of fitting.entries()) {
      const isStored = results[i]!.status === 'stored'
      moved.set(key, { outcome: isStored ? 'promoted' : 'refused', bytes: payload.byteLength })
    }
    return keys.map((key) => moved.get(key) ?? { outcome: writes.has(key) ? 'refused' : 'absent', bytes: 0 })
  }

  #tell(promoted: readonly HotWrite[]): void {
    const { counts, events } = this.#parts.telemetry
    counts.promoted += promoted.length
    events.emit('promote', () => entriesOf(promoted, ({ key, version }) => eventEntry({ ...key, version })))
  }

  /**
   * The newest that pending and cold have of the keys. Pending goes first: what cold gets in between it has then. Cold
   * need not have it: nothing leaves hot before it does (rule L1).
   */
  async #promotions(keys: readonly EntryKey[], kind: OfKind): Promise<Map<EntryKey, HotWrite>> {
    const { pending, cold, hotReads, clock } = this.#parts
    const writes = new Map<EntryKey, HotWrite>()
    if (keys.length === 0) return writes
    const { startedAt, generationId } = hotReads.origin
    const own = keys.map((key) => pending.getSettled(key))
    const rows = await cold.read(keys)
    const now = clock.now()
    for (const [i, key] of keys.entries()) {
      const record = newerOf(own[i], rows[i]?.record)
      if (record === undefined || !isLive(record, now)) continue
      if (kind !== undefined && record.kind !== kind) continue
      const access = rows[i]?.access
      const value = { version: record.version, deleted: false, expiresAt: record.expiresAt }
      const origin = { reason: 'promotion', startedAt, generationId } as const
      const known = access === undefined ? {} : { access }
      writes.set(key, { key: record, ...value, payload: encodeRecord(record), ...origin, ...known })
    }
    return writes
  }

  async #demoteSome(keys: readonly EntryKey[], kind: OfKind): Promise<Demotion[]> {
    const held = await this.#held(keys)
    const leaving = keys.flatMap((key, i) => {
      const value = held[i]
      const isOurs = value !== undefined && (kind === undefined || value.content.kind === kind)
      if (!isOurs) return []
      const { version, deleted, expiresAt, lastAccessedAt, accessCount } = value
      return [{ index: i, candidate: { key, version, deleted, expiresAt, lastAccessedAt, accessCount } }]
    })
    const { cold, demoter } = this.#parts
    const pinned = await cold.arePinned(leaving.map(({ candidate }) => candidate.key))
    const left = await demoter.demote(leaving.flatMap(({ candidate }, i) => (pinned[i] ? [] : [candidate])))
    const outcomes = new Array<Demotion>(keys.length).fill('not-hot')
    for (const [i, { index, candidate }] of leaving.entries())
      outcomes[index] = pinned[i] ? 'pinned' : left.has(candidate) ? 'demoted' : 'kept'
    return outcomes
  }

  /** What hot holds, as far as it is believed. */
  async #held(keys: readonly EntryKey[]): Promise<readonly (HotRead | undefined)[]> {
    const { values, isAway } = await this.#parts.hotReads.read(keys)
    if (!isAway) return values
    throw new ThermoclineError(
      'ERR_TIER_UNAVAILABLE',
      'hot is away, or is read past until it was repaired: ask again later',
      { tier: 'hot' },
    )
  }

  #isThere({ deleted, expiresAt, content }: HotRead, kind: OfKind): boolean {
    const isAlive = isLive({ deletedAt: deleted ? 0 : null, expiresAt }, this.#parts.clock.now())
    return isAlive && (kind === undefined || content.kind === kind)
  }
}

/** Whether the room has a place for it, which it takes then. */
function takes(room: Room, { payload }: HotWrite): boolean {
  if (room.entries < 1 || room.bytes < payload.byteLength) return false
  room.entries--
  room.bytes -= payload.byteLength
  return true
}
