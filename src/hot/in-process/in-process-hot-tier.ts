/**
 * Implements the hot tier inside this process: the embedded default, on which the tests of the flows also run. It
 * guarantees what hot-tier.ts asks of every driver. The whole tier is one slot, each call is one step that nothing
 * interrupts, and its generation is the life of the object. It never evicts. Where it holds more than its capacity,
 * flow/pressure.ts sees that by `capacity` and `size()` and has the demoter make room, once cold has what leaves.
 */
import { randomUUID } from 'node:crypto'
import { getHeapStatistics } from 'node:v8'
import { type EntryKey, keyText } from '../../entry/entry-key.ts'
import type { AccessStats } from '../../entry/record.ts'
import { newest, type Version, ZERO_VERSION } from '../../entry/version.ts'
import { ThermoclineError } from '../../errors.ts'
import { type Clock, systemClock } from '../../kernel/clock.ts'
import { type Activation, activationAt } from '../../policy/decaying-activation.ts'
import { HotContent } from '../hot-content.ts'
import {
  DEFAULT_MARKER_TTL,
  type HotCandidate,
  type HotCapacity,
  type HotExtension,
  type HotMeasure,
  type HotPostponement,
  type HotRead,
  type HotRemoval,
  type HotReservation,
  type HotReserved,
  type HotSize,
  type HotState,
  type HotTier,
  type HotTouch,
  type HotWrite,
  type HotWriteResult,
} from '../hot-tier.ts'
import { KeyedHeap } from './keyed-heap.ts'
import { Markers } from './markers.ts'
import { SteadyClock } from './steady-clock.ts'

export interface InProcessHotTierOptions {
  readonly maxEntries: number
  /** Counts payloads; keys and bookkeeping (some hundred bytes an entry) come on top. */
  readonly maxBytes: number
  /** Milliseconds. @default 60_000 */
  readonly markerTtl?: number
  readonly clock?: Clock
  /** Under which cold knows this generation, where others share cold. */
  readonly generationNumber?: number | undefined
  /** Milliseconds in which an activation halves. @default none are kept */
  readonly activationHalfLife?: number | undefined
}

/** Reads of an entry that nobody else knows of yet. */
export interface CountedRead extends AccessStats {
  readonly key: EntryKey
}

/** What the tier keeps per key. */
interface Held {
  readonly key: EntryKey
  version: Version
  deleted: boolean
  expiresAt: number | null
  content: HotContent
  /** Reads that cold knows of already. */
  knownAccesses: number
  /** Reads since the key entered hot. */
  accesses: number
  /** Entering hot and being replaced count as well: neither makes a candidate of a value just written. */
  lastAccessedAt: number
  /** Undefined while nobody has read it here, or where none are kept. */
  activation: Activation | undefined
}

const STORED: HotWriteResult = { status: 'stored' }
const LATE: HotWriteResult = { status: 'late' }
const NOTHING = new HotContent(new Uint8Array())

export class InProcessHotTier implements HotTier {
  readonly capacity: HotCapacity
  readonly markerTtl: number
  readonly generationId = randomUUID()
  readonly generationNumber: number | undefined
  readonly #wall: Clock
  readonly #steady: SteadyClock
  readonly #held = new Map<string, Held>()
  readonly #byLastAccess = new KeyedHeap<Held>()
  readonly #byExpiry = new KeyedHeap<Held>()
  /** Those with reads that cold does not know of. */
  readonly #read = new Set<Held>()
  readonly #markers: Markers
  readonly #halfLife: number
  /** The highest version that ever left. */
  #floor = ZERO_VERSION
  #bytes = 0
  #isClosed = false

  constructor(options: InProcessHotTierOptions) {
    const { maxEntries, maxBytes, markerTtl = DEFAULT_MARKER_TTL, clock = systemClock, generationNumber } = options
    this.capacity = { maxEntries, maxBytes }
    this.markerTtl = markerTtl
    this.generationNumber = generationNumber
    this.#wall = clock
    this.#halfLife = options.activationHalfLife ?? 0
    this.#steady = new SteadyClock(clock)
    this.#markers = new Markers(markerTtl, this.#steady)
  }

  now(): number {
    return this.#steady.now()
  }

  held(key: EntryKey): HotRead | undefined {
    const held = this.#held.get(keyText(key))
    if (held === undefined) return undefined
    const { version, deleted, expiresAt, knownAccesses, accesses, lastAccessedAt, content } = held
    return { version, deleted, expiresAt, accessCount: knownAccesses + accesses, lastAccessedAt, content }
  }

  async read(keys: readonly EntryKey[]): Promise<(HotRead | undefined)[]> {
    this.#refuseIfClosed()
    return keys.map((key) => this.held(key))
  }

  /** Keeps payloads as they are, except views of a larger buffer, which are copied. */
  async write(writes: readonly HotWrite[]): Promise<HotWriteResult[]> {
    this.#refuseIfClosed()
    return writes.map((write) => {
      const name = keyText(write.key)
      const held = this.#held.get(name)
      const refusal = this.#judge(write, name, held)
      if (refusal === undefined) this.#store(write, name, held)
      return refusal ?? STORED
    })
  }

  async touch(touches: readonly HotTouch[]): Promise<HotTouch[]> {
    this.#refuseIfClosed()
    return touches.filter((touch) => {
      const held = this.#held.get(keyText(touch.key))
      if (held === undefined) return true
      if (this.#halfLife > 0) held.activation = this.#activated(held, touch)
      held.accesses += touch.accesses
      if (held.accesses > 0) this.#read.add(held)
      this.#setLastAccess(held, touch.lastAccessedAt)
      return false
    })
  }

  async extend(extensions: readonly HotExtension[]): Promise<void> {
    this.#refuseIfClosed()
    for (const { key, version, expiresAt } of extensions) {
      const held = this.#held.get(keyText(key))
      if (held?.version !== version || held.deleted || held.expiresAt === null || held.expiresAt >= expiresAt) continue
      held.expiresAt = expiresAt
      this.#byExpiry.set(held, expiresAt)
    }
  }

  async candidates({ limit, idleSince }: { limit: number; idleSince: number }): Promise<HotCandidate[]> {
    this.#refuseIfClosed()
    const idle = this.#byLastAccess.smallest(limit, idleSince)
    const expired = this.#byExpiry.smallest(limit, this.#wall.now())
    return [...new Set([...idle, ...expired])]
      .sort((a, b) => a.lastAccessedAt - b.lastAccessedAt)
      .slice(0, limit)
      .map((held) => ({ key: held.key, ...stateOf(held) }))
  }

  async postpone(postponements: readonly HotPostponement[]): Promise<void> {
    this.#refuseIfClosed()
    for (const { key, asIfAccessedAt } of postponements) {
      const held = this.#held.get(keyText(key))
      if (held !== undefined && asIfAccessedAt > held.lastAccessedAt) this.#byLastAccess.set(held, asIfAccessedAt)
    }
  }

  async sample(limit: number): Promise<HotCandidate[]> {
    this.#refuseIfClosed()
    return this.#byLastAccess.draw(limit).map((held) => ({ key: held.key, ...stateOf(held) }))
  }

  async activations(keys: readonly EntryKey[], at: number): Promise<(number | undefined)[]> {
    this.#refuseIfClosed()
    return keys.map((key) => {
      const activation = this.#held.get(keyText(key))?.activation
      return activation && activationAt(activation, at, this.#halfLife)
    })
  }

  /** Of the heap of this process, most of which may be somebody else's. */
  async memoryUse(): Promise<number> {
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics()
    return Math.max(used, this.#bytes) / limit
  }

  async remove(removals: readonly HotRemoval[]): Promise<(AccessStats | undefined)[]> {
    this.#refuseIfClosed()
    return removals.map(({ key, version }) => {
      const name = keyText(key)
      const held = this.#held.get(name)
      if (held?.version !== version) return undefined
      this.#mark(name, version)
      return this.#drop(name, held)
    })
  }

  async repair(repairs: readonly HotRemoval[]): Promise<(AccessStats | undefined)[]> {
    this.#refuseIfClosed()
    return repairs.map(({ key, version }) => {
      const name = keyText(key)
      const held = this.#held.get(name)
      this.#mark(name, version)
      return held !== undefined && held.version < version ? this.#drop(name, held) : undefined
    })
  }

  async reserve(reservations: readonly HotReservation[]): Promise<HotReserved[]> {
    this.#refuseIfClosed()
    return reservations.map(({ key, newest: known, below }) => {
      const name = keyText(key)
      const held = this.#held.get(name)
      if (held !== undefined && held.version > known) return { status: 'newer' }
      this.#mark(name, below)
      return { status: 'reserved', reads: held && this.#drop(name, held) }
    })
  }

  async verify(): Promise<void> {
    this.#refuseIfClosed()
  }

  /**
   * At most `limit` entries with reads that cold does not know of; they count as known from now on. Costs what it
   * answers.
   */
  takeReads(limit: number): CountedRead[] {
    const taken: CountedRead[] = []
    for (const held of this.#read) {
      if (taken.length === limit) break
      this.#read.delete(held)
      taken.push({ key: held.key, accessCount: held.accesses, lastAccessedAt: held.lastAccessedAt })
      held.knownAccesses += held.accesses
      held.accesses = 0
    }
    return taken
  }

  async measure(keys: readonly EntryKey[]): Promise<(HotMeasure | undefined)[]> {
    this.#refuseIfClosed()
    return keys.map((key) => {
      const held = this.#held.get(keyText(key))
      if (held === undefined) return undefined
      const { version, deleted, expiresAt, content } = held
      return { version, deleted, expiresAt, bytes: content.byteLength }
    })
  }

  async size(): Promise<HotSize> {
    this.#refuseIfClosed()
    return { entries: this.#held.size, bytes: this.#bytes }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#held.clear()
    this.#byLastAccess.clear()
    this.#byExpiry.clear()
    this.#read.clear()
    this.#markers.clear()
    this.#bytes = 0
  }

  /** What stands against the write; undefined where it may be stored. */
  #judge(write: HotWrite, name: string, held: Held | undefined): HotWriteResult | undefined {
    if (held?.version === write.version) return STORED
    if (held !== undefined && held.version > write.version) return refused(held.version)
    const marker = this.#markers.get(name)
    if (marker !== undefined && marker >= write.version)
      return refused(write.reason === 'put' ? newest(marker, this.#floor)! : marker)
    if (this.now() - write.startedAt > this.markerTtl / 2) return LATE
    if ((write.generationId ?? this.generationId) !== this.generationId) return LATE
    // The floor is for puts alone. A re-push was acknowledged already, so its version cannot rise. A promotion needs no
    // floor once the marker is gone: had a newer version left hot after `startedAt`, its marker would outlive every
    // promotion that is not late; had it left before, cold held it by then (that is what lets anything leave), and the
    // read that began at `startedAt` would have found it. And a floor shared by all keys would refuse nearly all
    // promotions: what comes back from cold is older than the latest demotion.
    if (write.reason === 'put' && held === undefined && write.version <= this.#floor) return refused(this.#floor)
    return undefined
  }

  #store(write: HotWrite, name: string, before: Held | undefined): void {
    const held = before ?? this.#enter(name, write)
    const content = new HotContent(ownBytes(write.payload))
    this.#bytes += content.byteLength - held.content.byteLength
    held.version = write.version
    held.deleted = write.deleted
    held.expiresAt = write.expiresAt
    held.content = content
    this.#setLastAccess(held, Math.max(this.#wall.now(), write.access?.lastAccessedAt ?? 0))
    if (held.expiresAt === null) this.#byExpiry.delete(held)
    else this.#byExpiry.set(held, held.expiresAt)
  }

  /** Makes a place for a key that hot lacks, to be filled by {@link #store}. */
  #enter(name: string, { key, access }: HotWrite): Held {
    const held: Held = {
      key: { namespace: key.namespace, id: key.id },
      version: ZERO_VERSION,
      deleted: false,
      expiresAt: null,
      content: NOTHING,
      knownAccesses: access?.accessCount ?? 0,
      accesses: 0,
      lastAccessedAt: 0,
      activation: undefined,
    }
    this.#held.set(name, held)
    return held
  }

  #drop(name: string, held: Held): AccessStats {
    this.#held.delete(name)
    this.#byLastAccess.delete(held)
    this.#byExpiry.delete(held)
    this.#read.delete(held)
    this.#bytes -= held.content.byteLength
    return { accessCount: held.accesses, lastAccessedAt: held.lastAccessedAt }
  }

  /** This version of the key is not here, and has been or might have been. */
  #mark(name: string, version: Version): void {
    this.#markers.set(name, newest(this.#markers.get(name), version)!)
    if (version > this.#floor) this.#floor = version
  }

  /** With the reads of a touch. To have entered hot counts as one. */
  #activated({ activation, lastAccessedAt }: Held, touch: HotTouch): Activation {
    const before = activation ?? { value: 1, at: lastAccessedAt }
    const at = Math.max(before.at, touch.lastAccessedAt)
    return { value: activationAt(before, at, this.#halfLife) + touch.accesses, at }
  }

  #setLastAccess(held: Held, time: number): void {
    held.lastAccessedAt = Math.max(held.lastAccessedAt, time)
    this.#byLastAccess.set(held, held.lastAccessedAt)
  }

  #refuseIfClosed(): void {
    if (this.#isClosed) throw new ThermoclineError('ERR_CLOSED', 'the hot tier is closed', {})
  }
}

function refused(floor: Version): HotWriteResult {
  return { status: 'refused', floor }
}

function stateOf(held: Held): HotState & AccessStats {
  const { version, deleted, expiresAt, knownAccesses, accesses, lastAccessedAt } = held
  return { version, deleted, expiresAt, accessCount: knownAccesses + accesses, lastAccessedAt }
}

/** A view of something larger would keep all of that alive and change when that is used again. */
function ownBytes(bytes: Uint8Array): Uint8Array {
  // What `encodeRecord` makes is all of its buffer but a few bytes.
  return bytes.buffer.byteLength - bytes.byteLength < 4 ? bytes : Uint8Array.from(bytes)
}
