/**
 * What a write with an idempotency key asked for, as SHA-256: the same key with another input is refused by it. What
 * the store fills in anew at each attempt (an id that nobody chose, times of the put) is no part of it.
 */
import { createHash } from 'node:crypto'
import { encode } from '@msgpack/msgpack'
import { encodeRecord } from './codec.ts'
import type { EntryInput } from './memory-entry.ts'
import type { CheckedPatch } from './patch.ts'
import type { UnversionedRecord } from './validate.ts'
import { ZERO_VERSION } from './version.ts'

const NO_ID = '00000000-0000-0000-0000-000000000000'

/** @param parts what says it, of texts, numbers, bytes, nulls and arrays of these; undefined is not null. */
export function digestOf(...parts: readonly unknown[]): Uint8Array {
  const told = parts.map((part) => (part === undefined ? [] : part))
  return createHash('sha256').update(encode(told)).digest()
}

/** What a put asks for. @param input that `record` was made of. */
export function askedByPut(record: UnversionedRecord, input: unknown): Uint8Array {
  const { id, key, createdAt, ttl } = input as EntryInput
  const { expiresAt, updatedAt } = record
  return encodeRecord({
    ...record,
    id: id === undefined && key === undefined ? NO_ID : record.id,
    version: ZERO_VERSION,
    createdAt: createdAt === undefined ? 0 : record.createdAt,
    updatedAt: 0,
    expiresAt: ttl === undefined || expiresAt === null ? expiresAt : expiresAt - updatedAt,
    childVersions: null,
  })
}

/** What an update asks for. */
export function askedByPatch({ fields, metadata }: CheckedPatch): readonly unknown[] {
  return [[...fields], metadata === undefined ? null : JSON.stringify(metadata)]
}
