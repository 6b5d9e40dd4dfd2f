/**
 * Decides when two writes with one idempotency key count as the same: when the SHA-256 of what they asked for is equal.
 * A key that comes again with another digest is refused (flow/compare-and-set.ts). What the store fills in anew at each
 * attempt (an id that nobody chose, the times of the put) is not part of the digest.
 */
import { createHash } from 'node:crypto'
import { encode } from '@msgpack/msgpack'
import { NIL } from 'uuid'
import { encodeRecord } from './codec.ts'
import type { EntryInput } from './memory-entry.ts'
import { MetadataFault, metadataJson } from './metadata.ts'
import type { CheckedPatch } from './patch.ts'
import { checkedField, type UnversionedRecord } from './validate.ts'
import { ZERO_VERSION } from './version.ts'

/**
 * @param parts what says it, of texts, numbers, booleans, bytes, nulls and arrays; undefined, as a part, is not null.
 */
export function digestOf(...parts: readonly unknown[]): Uint8Array {
  const told = parts.map((part) => (part === undefined ? [] : part))
  return createHash('sha256').update(encode(told)).digest()
}

/**
 * Metadata as the caller gave it, as JSON: a schema may fill in something else each time. Undefined where only a schema
 * makes JSON of it.
 */
export function askedMetadata(input: unknown): string | null | undefined {
  const { metadata } = (input ?? {}) as EntryInput
  if (metadata === undefined) return null
  const json = metadataJson(metadata)
  return json instanceof MetadataFault ? undefined : json
}

/**
 * What a put asks for.
 * @param input that `record` was made of.
 * @param metadata as it was given, where a schema has changed it.
 */
export function askedByPut(
  record: UnversionedRecord,
  input: unknown,
  metadata: string | null = record.metadata,
): Uint8Array {
  const { id, key, createdAt, ttl } = input as EntryInput
  const { expiresAt, updatedAt } = record
  return encodeRecord({
    ...record,
    id: id === undefined && key === undefined ? NIL : record.id,
    version: ZERO_VERSION,
    metadata,
    createdAt: createdAt === undefined ? 0 : record.createdAt,
    updatedAt: 0,
    expiresAt: ttl === undefined || expiresAt === null ? expiresAt : expiresAt - updatedAt,
    childVersions: null,
  })
}

/** What an update asks for: the same whatever order its fields have, and however an embedding was given. */
export function askedByPatch({ fields, metadata }: CheckedPatch): readonly unknown[] {
  const told = [...fields].sort(([a], [b]) => (a < b ? -1 : 1))
  return [
    told.map(([field, value]) => [field, value === null ? null : checkedField(field, value)]),
    metadata === undefined ? null : JSON.stringify(metadata),
  ]
}
