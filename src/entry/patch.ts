/**
 * Decides what an update changes. A field of the patch replaces the entry's, null removes it, and `metadata` is merged
 * by RFC 7396 (JSON merge patch). The patch is copied when it is checked, so later changes to the caller's object have
 * no effect.
 */
import { types } from 'node:util'
import { isPlainObject } from '../kernel/plain-object.ts'
import { invalid, metadataText } from './field-checks.ts'
import type { EntryInput, EntryKind, GivenMetadata, InputBase, JsonObject, JsonValue } from './memory-entry.ts'
import { type EntryRecord, keptChildVersions, toEntry } from './record.ts'
import { OWN_FIELDS, type UnversionedRecord, validateInput } from './validate.ts'

type Changeable<I extends EntryInput> = I extends EntryInput
  ? { readonly [F in Exclude<keyof I, keyof InputBase | 'kind'>]?: I[F] | null }
  : never

/** Fields of inputs `I` that may change, each with null for "remove it". */
export type Patch<I extends EntryInput> = Changeable<I> & {
  /** Members are merged; null removes one, at any depth. Null in place of the object removes all of it. */
  readonly metadata?: GivenMetadata | null | undefined
  readonly embeddingModel?: string | null | undefined
}

/** A patch as it was checked. */
export interface CheckedPatch {
  /** Null removes the field; of each array a copy. */
  readonly fields: ReadonlyMap<string, unknown>
  /** What is merged into `metadata`. */
  readonly metadata: JsonObject | undefined
}

const COMMON = ['metadata', 'embeddingModel']

/** @param kind of the entry, where it is known before it is read. */
export function parsePatch(patch: unknown, kind: EntryKind | undefined): CheckedPatch {
  if (!isPlainObject(patch)) throw invalid('patch', 'must be an object of the fields to change')
  const known = new Set([...(kind === undefined ? Object.values(OWN_FIELDS).flat() : OWN_FIELDS[kind]), ...COMMON])
  const fields = new Map<string, unknown>()
  for (const field of Object.keys(patch)) {
    if (!known.has(field))
      throw invalid('patch', `has a field \`${field}\`, which an update cannot change; it can ${[...known].join(', ')}`)
    const value = patch[field]
    if (value !== undefined) fields.set(field, copyOf(value))
  }
  const given = fields.get('metadata')
  if (given === undefined || given === null) return { fields, metadata: undefined }
  fields.delete('metadata')
  return { fields, metadata: JSON.parse(metadataText(given)) as JsonObject }
}

/** Whether a node is made anew of its children, so that it has to remember their versions. */
export function isAboutChildren({ fields }: CheckedPatch): boolean {
  return fields.has('children') || fields.has('summary')
}

/** Whether it says which vector the entry has from then on. */
export function givesVector({ fields }: CheckedPatch): boolean {
  return (fields.get('embedding') ?? null) !== null
}

/** The entry with the changes, checked as a put would be. */
export function patched(current: EntryRecord, patch: CheckedPatch, now: number): UnversionedRecord {
  return toPatched(current, patchedInput(current, patch), now)
}

/** The entry with the changes, for {@link toPatched} to check. */
export function patchedInput(current: EntryRecord, { fields, metadata }: CheckedPatch): Record<string, unknown> {
  const input = toEntry(current, undefined) as unknown as Record<string, unknown>
  for (const field of ['version', 'updatedAt', 'lastAccessedAt', 'accessCount', 'expiresAt', 'slidingTtl'])
    delete input[field]
  for (const [field, value] of fields) {
    if (value === null) delete input[field]
    else input[field] = value
  }
  if (metadata !== undefined) input.metadata = merged(input.metadata as JsonValue | undefined, metadata)
  return input
}

/** @param input What became of the entry. */
export function toPatched(current: EntryRecord, input: Record<string, unknown>, now: number): UnversionedRecord {
  const { namespace, createdAt, expiresAt, slidingTtl } = current
  // Not looked up anew unless the patch is about them.
  return {
    ...validateInput(input, { namespace, now }),
    createdAt,
    expiresAt,
    slidingTtl,
    childVersions: keptChildVersions(current),
  }
}

/** RFC 7396, of what was parsed from JSON, so that nothing is deeper than metadata may be. */
function merged(target: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (!isPlainObject(patch)) return patch
  const result: Record<string, JsonValue> = isPlainObject(target) ? target : {}
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name]
    else set(result, name, merged(Object.hasOwn(result, name) ? result[name] : undefined, value))
  }
  return result
}

/** An assignment would take a member named `__proto__` for something else. */
function set(target: Record<string, JsonValue>, name: string, value: JsonValue): void {
  Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true })
}

function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return Array.from(value)
  // That of a Buffer copies nothing.
  if (types.isUint8Array(value)) return new Uint8Array(value)
  return ArrayBuffer.isView(value) && 'slice' in value ? (value as Float32Array).slice() : value
}
