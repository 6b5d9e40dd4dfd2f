/**
 * Holds the content of a value in hot: the bytes that the tier got, and in their place, from the first use on, the
 * record that they decode to. So a tier that keeps the value decodes it once; to keep both forms would take twice the
 * memory.
 */
import { decodeKind, decodeRecord, encodeRecord } from '../entry/codec.ts'
import type { EntryKind } from '../entry/memory-entry.ts'
import type { EntryRecord } from '../entry/record.ts'

/** The record of what hot holds, which expires when hot says so: extensions leave the content as it is. */
export function recordIn({ content, expiresAt }: { readonly content: HotContent; readonly expiresAt: number | null }) {
  const { record } = content
  return record.expiresAt === expiresAt ? record : { ...record, expiresAt }
}

export class HotContent {
  /** Of the payload, whichever form is kept. */
  readonly byteLength: number
  #kept: Uint8Array | EntryRecord

  /** @param payload that nobody writes to any more. */
  constructor(payload: Uint8Array) {
    this.byteLength = payload.byteLength
    this.#kept = payload
  }

  /** Nobody may write to it. */
  get payload(): Uint8Array {
    return this.#kept instanceof Uint8Array ? this.#kept : encodeRecord(this.#kept)
  }

  /** Reads the kind alone, as far as nobody has read more. */
  get kind(): EntryKind | null {
    return this.#kept instanceof Uint8Array ? decodeKind(this.#kept) : this.#kept.kind
  }

  /** @internal Everybody gets the same one: it MUST NOT leave the store. */
  get record(): EntryRecord {
    if (this.#kept instanceof Uint8Array) this.#kept = decodeRecord(this.#kept)
    return this.#kept
  }
}
