/**
 * Holds the process's own acknowledged writes that cold does not have yet, the newest version of each key. Through it a
 * process reads its own writes whatever hot and cold are doing, and it is what checkpoints ship: everything in it is
 * durable in the log. Iteration follows log order, because a newer version of a key moves to the end.
 */

import { type EntryKey, keyText } from '../entry/entry-key.ts'
import type { EntryRecord } from '../entry/record.ts'
import { entriesIn, type LogValue } from '../entry/record-bundle.ts'
import type { Version } from '../entry/version.ts'
import type { HotWrite, HotWriteResult } from '../hot/hot-tier.ts'
import { isWithin } from '../query/scope.ts'
import type { AppendedRecord } from '../wal/log-contract.ts'

/** One that cold lacks. */
export interface PendingRecord extends Omit<AppendedRecord<EntryRecord>, 'value'> {
  /** Of one version; when that expires is learned. */
  value: EntryRecord
  /** Number of the hot generation that is known to hold it, or a newer version. */
  confirmedIn: number | undefined
  /** Whether hot did not take it, so that it may hold an older version. */
  isRefused: boolean
}

/** How much a run holds at most, or a little more: what was logged together goes together. */
export interface BatchLimits {
  readonly rows: number
  /** Of payload. */
  readonly bytes: number
}

/** A run of pending records from the oldest on. */
export interface PendingBatch {
  readonly items: readonly PendingRecord[]
  /** Cold has every record up to this sequence once it has the items. */
  readonly to: number
}

export class Pending {
  readonly #items = new Map<string, PendingRecord>()
  #bytes = 0
  #highestSequence = 0
  /** Up to here it came from a log that was resumed without cold; 0 once cold has told what it had of that. */
  #resumedTo = 0

  get size(): number {
    return this.#items.size
  }

  /** Payload bytes of what is pending. */
  get bytes(): number {
    return this.#bytes
  }

  /** What has waited longest for cold. */
  get oldest(): EntryRecord | undefined {
    return this.#items.values().next().value?.value
  }

  /** Sequence of the last record that became durable. */
  get highestSequence(): number {
    return this.#highestSequence
  }

  /** Takes over what the log has just made durable, in log order. */
  apply(records: readonly AppendedRecord<LogValue>[]): void {
    for (const { sequence, bytes, value } of records) {
      this.#highestSequence = sequence
      const members = entriesIn(value)
      for (const record of members) this.#add(record, sequence, Math.ceil(bytes / members.length))
    }
  }

  /**
   * What is pending by now came from a log that cold, which is away, may have had already, and have deleted and
   * collected since. So it enters no generation of hot before {@link settle}.
   */
  resumed(): void {
    this.#resumedTo = this.#highestSequence
  }

  /** Whether cold has told what it had of a log that was resumed. */
  get isSettled(): boolean {
    return this.#resumedTo === 0
  }

  /** Cold had every record up to `sequence` before: those are not pending after all. */
  settle(sequence: number): void {
    this.#resumedTo = 0
    for (const [key, item] of this.#items) {
      if (item.sequence > sequence) return
      this.#drop(key, item)
    }
  }

  #add(value: EntryRecord, sequence: number, bytes: number): void {
    const key = keyText(value)
    const known = this.#items.get(key)
    if (known !== undefined) {
      if (known.value.version > value.version) return
      this.#drop(key, known)
    }
    this.#items.set(key, { sequence, bytes, value, confirmedIn: undefined, isRefused: false })
    this.#bytes += bytes
  }

  get(key: EntryKey): EntryRecord | undefined {
    return this.#items.size === 0 ? undefined : this.#items.get(keyText(key))?.value
  }

  /** As {@link get}, without what cold has yet to {@link settle}. */
  getSettled(key: EntryKey): EntryRecord | undefined {
    const item = this.#items.get(keyText(key))
    return item !== undefined && item.sequence > this.#resumedTo ? item.value : undefined
  }

  /** Of all that is pending; undefined where nothing is. */
  highestVersion(): Version | undefined {
    let highest: Version | undefined
    for (const { value } of this.#items.values())
      if (highest === undefined || value.version > highest) highest = value.version
    return highest
  }

  /** Hot holds this version, or a newer one, in the generation of that number. */
  confirm(key: EntryKey, version: Version, generationNumber: number): void {
    const item = this.#items.get(keyText(key))
    if (item?.value.version === version) item.confirmedIn = generationNumber
  }

  /**
   * Notes what hot answered to writes. What it is known to hold in a generation, nobody has to repair once it is in
   * cold. Of what it did not take it may hold something older: that has to go as soon as cold has this version, for
   * pending shadows it no longer.
   * @param generationNumber undefined where it was not the same before and after the writes.
   */
  note(writes: readonly HotWrite[], results: readonly HotWriteResult[], generationNumber: number | undefined): void {
    for (const [i, { key, version }] of writes.entries()) {
      if (results[i]!.status !== 'stored') this.#refuse(key, version)
      else if (generationNumber !== undefined) this.confirm(key, version, generationNumber)
    }
  }

  /** Hot was asked to take this version, and did not. */
  #refuse(key: EntryKey, version: Version): void {
    const item = this.#items.get(keyText(key))
    if (item?.value.version === version) item.isRefused = true
  }

  /** Cold has this version, which slides, until then. */
  extend(key: EntryKey, version: Version, expiresAt: number): void {
    const name = keyText(key)
    const item = this.#items.get(name)
    if (item?.value.version !== version || (item.value.expiresAt ?? expiresAt) >= expiresAt) return
    item.value = { ...item.value, expiresAt }
  }

  /** What the generation of that number is not known to hold, and has to get. */
  unconfirmed(generationNumber: number): EntryRecord[] {
    const found: EntryRecord[] = []
    for (const { value, sequence, confirmedIn } of this.#items.values())
      if (confirmedIn !== generationNumber && sequence > this.#resumedTo) found.push(value)
    return found
  }

  /** A snapshot by {@link keyText}, tombstones included. */
  inScope(namespace: string, recursive: boolean): Map<string, EntryRecord> {
    return this.#within(namespace, recursive, ({ value }) => value)
  }

  /** As {@link inScope}, with what is known of each beside it. */
  itemsInScope(namespace: string, recursive: boolean): Map<string, PendingRecord> {
    return this.#within(namespace, recursive, (item) => item)
  }

  #within<T>(namespace: string, recursive: boolean, of: (item: PendingRecord) => T): Map<string, T> {
    const found = new Map<string, T>()
    for (const [key, item] of this.#items)
      if (isWithin(item.value.namespace, namespace, recursive)) found.set(key, of(item))
    return found
  }

  /**
   * The oldest records up to `target`. `to` is `target` in the last batch, which may be empty: a record that was
   * superseded since need not be shipped, its successor will be.
   */
  batch(target: number, most: BatchLimits): PendingBatch {
    const items: PendingRecord[] = []
    let bytes = 0
    for (const item of this.#items.values()) {
      if (item.sequence > target) break
      const last = items.at(-1)
      const isFull = items.length >= most.rows || bytes + item.bytes > most.bytes
      if (last !== undefined && isFull && item.sequence !== last.sequence) return { items, to: last.sequence }
      items.push(item)
      bytes += item.bytes
    }
    return { items, to: target }
  }

  /** Forgets shipped records, except where a newer version of the key has come meanwhile. */
  shipped(items: readonly PendingRecord[]): void {
    for (const item of items) {
      const key = keyText(item.value)
      if (this.#items.get(key) === item) this.#drop(key, item)
    }
  }

  #drop(key: string, item: PendingRecord): void {
    this.#items.delete(key)
    this.#bytes -= item.bytes
  }
}
