import crc32 from 'crc-32'
import { type EntryKey, keyText } from '../../entry/entry-key.ts'

/**
 * Slots of the tier, each a hash tag of its own, so that one script always finds all its keys on one master of a
 * cluster. Fixed for ever within a generation: all processes must agree. More would spread a cluster more evenly, and
 * cost `size()` and `candidates()` a round trip each.
 */
export const SLOT_COUNT = 64

export const ALL_SLOTS: readonly number[] = Array.from({ length: SLOT_COUNT }, (_, slot) => slot)

export function slotOf(name: string): number {
  return (crc32.str(name) >>> 0) % SLOT_COUNT
}

/** One of the items of a call, with its name in its slot and its place among all items. */
export interface SlotItem<T> {
  readonly name: string
  readonly item: T
  readonly index: number
}

/** Items of one slot stay in their order. */
export function groupBySlot<T>(items: readonly T[], name: (item: T) => string): Map<number, SlotItem<T>[]> {
  const groups = new Map<number, SlotItem<T>[]>()
  for (const [index, item] of items.entries()) {
    const named = { name: name(item), item, index }
    const slot = slotOf(named.name)
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
  return `${storePrefix(storeId)}}:nonce`
}

/** Names of the keys of one generation. */
export class GenerationKeys {
  readonly prefix: string
  /** Only what stands between the braces decides the slot of a cluster; names may hold braces. */
  readonly #tags: readonly string[]

  constructor(storeId: string, generationId: string) {
    this.prefix = `${storePrefix(storeId)}:${generationId}:`
    this.#tags = ALL_SLOTS.map((slot) => `${this.prefix}${slot}}`)
  }

  /** Hash with the floor and the bytes of a slot. */
  slot(slot: number): string {
    return `${this.#tags[slot]}:slot`
  }

  byLastAccess(slot: number): string {
    return `${this.#tags[slot]}:used`
  }

  byExpiry(slot: number): string {
    return `${this.#tags[slot]}:expires`
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
