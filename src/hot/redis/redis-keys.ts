/** Decides the names of keys in Redis, and in which slot an entry is. */
import { randomUUID } from 'node:crypto'
import crc32 from 'crc-32'
import { type EntryKey, keyText } from '../../entry/entry-key.ts'
import { LAYOUT } from './redis-values.ts'

/**
 * A slot's hash tag is its own, so that one script always finds all its keys on one master of a cluster. A cluster
 * spreads the more evenly the more slots there are, and one server has only work with them. How many a generation has
 * is part of its nonce, so that all processes agree; at most so many.
 */
export const MAX_SLOTS = 64

/** Generations of layout 1, which had no more than this to say of themselves, had as many slots as that. */
export const FORMER_SLOTS = 64

function slotOf(name: string, slots: number): number {
  return slots === 1 ? 0 : (crc32.str(name) >>> 0) % slots
}

/** One of the items of a call, with its name in its slot and its place among all items. */
export interface SlotItem<T> {
  readonly name: string
  readonly item: T
  readonly index: number
}

/** Items of one slot stay in their order. */
export function groupBySlot<T>(
  items: readonly T[],
  slots: number,
  name: (item: T) => string,
): Map<number, SlotItem<T>[]> {
  const groups = new Map<number, SlotItem<T>[]>()
  for (const [index, item] of items.entries()) {
    const named = { name: name(item), item, index }
    const slot = slotOf(named.name, slots)
    const group = groups.get(slot)
    if (group === undefined) groups.set(slot, [named])
    else group.push(named)
  }
  return groups
}

/** Every key that a store ever had in this Redis begins so. */
export function storePrefix(storeId: string): string {
  return `{${storeId}`
}

/** Outlives generations: it tells them apart. */
export function nonceKey(storeId: string): string {
  return `${storePrefix(storeId)}}:nonce:${LAYOUT}`
}

/** Where processes that know only layout 1 look for theirs. */
export function formerNonceKey(storeId: string): string {
  return `${storePrefix(storeId)}}:nonce`
}

/** A nonce that nobody had before, for generations of so many slots. */
export function makeNonce(slots: number): string {
  return `${slots}-${randomUUID()}`
}

export function slotsOf(nonce: string): number {
  return Math.min(Math.max(1, Number.parseInt(nonce, 10) || 1), MAX_SLOTS)
}

/** Names of the keys of one generation. */
export class GenerationKeys {
  readonly prefix: string
  /** Every slot. */
  readonly slots: readonly number[]
  /** Only what stands between the braces decides the slot of a cluster; names may hold braces. */
  readonly #tags: readonly string[]

  constructor(storeId: string, generationId: string, slots: number) {
    this.prefix = `${storePrefix(storeId)}:${generationId}:`
    this.slots = Array.from({ length: slots }, (_, slot) => slot)
    this.#tags = this.slots.map((slot) => `${this.prefix}${slot}}`)
  }

  /** What the slot knows of itself: its floor above all. */
  slot(slot: number): string {
    return `${this.#tags[slot]}:slot`
  }

  byLastAccess(slot: number): string {
    return `${this.#tags[slot]}:used`
  }

  byExpiry(slot: number): string {
    return `${this.#tags[slot]}:expires`
  }

  activations(slot: number): string {
    return `${this.#tags[slot]}:active`
  }

  entry(slot: number, name: string): string {
    return `${this.#tags[slot]}:e:${name}`
  }

  marker(slot: number, name: string): string {
    return `${this.#tags[slot]}:m:${name}`
  }

  /** A key by which it is tried out what this user may do. */
  get trial(): string {
    return `${this.#tags[0]}:rehearsal`
  }
}

/** The key that a name was made of. */
export function keyOfName(name: string): EntryKey {
  const end = name.indexOf('\0')
  return { namespace: name.slice(0, end), id: name.slice(end + 1) }
}

export const nameOf = keyText
