/** What of a log goes to cold together: of several writes to a key only the newest, until one transaction is full. */

import { keyText } from '../entry/entry-key.ts'
import type { EntryRecord } from '../entry/record.ts'
import { SHIP_LIMITS } from './batch-limits.ts'

export class NewestPerKey {
  readonly #newest = new Map<string, EntryRecord>()
  #added = 0
  #bytes = 0

  /** Records added since the last {@link take}, those that a newer one replaced included. */
  get added(): number {
    return this.#added
  }

  get isFull(): boolean {
    return this.#newest.size >= SHIP_LIMITS.rows || this.#bytes >= SHIP_LIMITS.bytes
  }

  /** @param bytes What it takes in the log. */
  add(record: EntryRecord, bytes: number): void {
    const key = keyText(record)
    const known = this.#newest.get(key)
    if (known === undefined || known.version < record.version) this.#newest.set(key, record)
    this.#added++
    this.#bytes += bytes
  }

  /** Hands over what was gathered, and begins anew. */
  take(): EntryRecord[] {
    const records = [...this.#newest.values()]
    this.#newest.clear()
    this.#added = 0
    this.#bytes = 0
    return records
  }
}
