/**
 * Turns a caller's input into a record, or refuses it with `ERR_INVALID_ENTRY` that names the field and never shows its
 * value. Everything mutable is copied, so that a caller who goes on using an object changes nothing in the store.
 */
import { v5 as uuidv5, v7 as uuidv7 } from 'uuid'
import { ThermoclineError } from '../errors.ts'
import { parseDuration } from './duration.ts'
import { ENTRY_KINDS, type EntryInput, type EntryKind } from './memory-entry.ts'
import type { EntryRecord } from './record.ts'
import { MAX_NAME_BYTES, nameFault, textFault } from './text.ts'

/** pgvector's `vector` ends there, and no known model is larger. */
export const MAX_DIMENSIONS = 16_000
/** Longest record of the log. */
const MAX_ENTRY_BYTES = 16 * 1024 * 1024
/** Deeper JSON than this is refused: it would overflow somebody's stack. */
const MAX_JSON_DEPTH = 100
/** Largest `integer` in Postgres. */
const MAX_INT4 = 2_147_483_647
/** Last millisecond of year 9999: beyond it Date and Postgres no longer agree on text forms. */
const MAX_TIME = 253_402_300_799_999
/** Root of the ids derived from keys. Fixed for ever: two backends must derive the same id. */
const KEY_ID_ROOT = '5f0c1c4e-6f0a-5c53-9d0f-0d1a52a3b8f1'

/** Fields that the store fills in; naming them tells a caller who puts back what `get` returned what to do. */
const FILLED_IN = new Set(['namespace', 'version', 'updatedAt', 'lastAccessedAt', 'accessCount'])

const COMMON_FIELDS = ['kind', 'id', 'key', 'metadata', 'embeddingModel', 'createdAt', 'ttl', 'expiresAt'] as const
const OWN_FIELDS: Record<EntryKind, readonly string[]> = {
  embedding: ['embedding'],
  chunk: ['text', 'documentId', 'position', 'embedding'],
  metadata: [],
  raptor: ['level', 'summary', 'children', 'embedding'],
}
const FIELDS: Record<EntryKind, ReadonlySet<string>> = {
  embedding: new Set([...COMMON_FIELDS, ...OWN_FIELDS.embedding]),
  chunk: new Set([...COMMON_FIELDS, ...OWN_FIELDS.chunk]),
  metadata: new Set([...COMMON_FIELDS, ...OWN_FIELDS.metadata]),
  raptor: new Set([...COMMON_FIELDS, ...OWN_FIELDS.raptor]),
}

/** A record that still lacks its version: that is stamped in the same step that queues it for the log. */
export type UnversionedRecord = Omit<EntryRecord, 'version'>

export function validateInput(input: EntryInput, namespace: string, now: number): UnversionedRecord {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw invalid('input', 'must be an object with a `kind`')
  const kind = input.kind
  if (!ENTRY_KINDS.includes(kind)) throw invalid('kind', `must be one of ${ENTRY_KINDS.join(', ')}`)
  for (const field of Object.keys(input)) {
    if (FIELDS[kind].has(field)) continue
    if (FILLED_IN.has(field)) throw invalid(field, 'is filled in by the store: leave it out')
    throw invalid('input', `has a field that a ${kind} entry does not know; it knows ${[...FIELDS[kind]].join(', ')}`)
  }
  const raw = input as unknown as Partial<Record<string, unknown>>
  const key = optional(raw.key, (value) => name('key', value))
  const createdAt = optional(raw.createdAt, (value) => time('createdAt', value)) ?? now
  const record: UnversionedRecord = {
    namespace,
    id: idOf(raw.id, key, namespace),
    key,
    kind,
    text: kind === 'chunk' ? text('text', raw.text) : kind === 'raptor' ? text('summary', raw.summary) : null,
    documentId: optional(raw.documentId, (value) => name('documentId', value)),
    position: optional(raw.position, (value) => wholeNumber('position', value)),
    level: kind === 'raptor' ? wholeNumber('level', raw.level) : null,
    children: kind === 'raptor' ? childIds(raw.children) : null,
    metadata: kind === 'metadata' ? json(raw.metadata) : optional(raw.metadata, json),
    embedding: kind === 'embedding' ? vector(raw.embedding) : optional(raw.embedding, vector),
    embeddingModel: optional(raw.embeddingModel, (value) => name('embeddingModel', value)),
    createdAt,
    updatedAt: now,
    expiresAt: expiry(raw.ttl, raw.expiresAt, now),
    deletedAt: null,
  }
  if (sizeBound(record) > MAX_ENTRY_BYTES) throw invalid('input', 'is larger than 16 MiB: split it')
  return record
}

/** At least as many bytes as the encoded record has. Exact to a few hundred bytes. */
function sizeBound({ namespace, text, metadata, embedding, children }: UnversionedRecord): number {
  const texts = [namespace, text, metadata].reduce(
    (sum, part) => sum + (part === null ? 0 : Buffer.byteLength(part)),
    0,
  )
  return texts + (embedding?.byteLength ?? 0) + (children?.length ?? 0) * 40 + 4 * MAX_NAME_BYTES
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Any UUID in its usual text form, whatever its version bits; ids compare in lower case. */
export function validateId(id: unknown, field = 'id'): string {
  if (typeof id !== 'string' || !UUID.test(id)) throw invalid(field, 'must be a UUID')
  return id.toLowerCase()
}

/** The id of the entry with this key, in this namespace. */
export function idOfKey(namespace: string, key: string): string {
  // Neither part holds NUL, so no two pairs give the same name.
  return uuidv5(`${namespace}\0${name('key', key)}`, KEY_ID_ROOT)
}

/** A query vector under the same rules as a stored one. */
export function validateEmbedding(embedding: unknown): Float32Array {
  return vector(embedding)
}

function idOf(id: unknown, key: string | null, namespace: string): string {
  if (key === null) return id === undefined ? uuidv7() : validateId(id)
  const derived = idOfKey(namespace, key)
  if (id !== undefined && validateId(id) !== derived)
    throw invalid('id', 'does not belong to `key`: an entry with a key has the id derived from it, so leave `id` out')
  return derived
}

function optional<T>(value: unknown, check: (value: unknown) => T): T | null {
  return value === undefined ? null : check(value)
}

function text(field: string, value: unknown): string {
  if (typeof value !== 'string') throw invalid(field, 'must be a text')
  const fault = textFault(value)
  if (fault !== undefined) throw invalid(field, fault)
  return value
}

function name(field: string, value: unknown): string {
  if (typeof value !== 'string' || value === '') throw invalid(field, 'must be a non-empty text')
  const fault = nameFault(value)
  if (fault !== undefined) throw invalid(field, fault)
  return value
}

function wholeNumber(field: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > MAX_INT4)
    throw invalid(field, `must be a whole number from 0 to ${MAX_INT4}`)
  return value + 0 // -0 becomes 0, as it would in Postgres
}

function childIds(value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw invalid('children', 'must be an array of ids')
  // Unlike map, this sees holes.
  return Array.from(value, (id: unknown) => validateId(id, 'children'))
}

function vector(value: unknown): Float32Array {
  if (!Array.isArray(value) && !(value instanceof Float32Array))
    throw invalid('embedding', 'must be an array of numbers or a Float32Array')
  if (value.length === 0) throw invalid('embedding', 'must not be empty')
  if (value.length > MAX_DIMENSIONS) throw invalid('embedding', `must have at most ${MAX_DIMENSIONS} dimensions`)
  const floats = new Float32Array(value.length)
  let isZero = true
  for (let i = 0; i < value.length; i++) {
    const number: unknown = value[i]
    if (typeof number !== 'number') throw invalid('embedding', 'must hold numbers only')
    floats[i] = number
    // Checked after rounding to float32: 1e39 is a number but no float32.
    if (!Number.isFinite(floats[i])) throw invalid('embedding', 'must hold finite float32 numbers only')
    if (floats[i] !== 0) isZero = false
  }
  if (isZero) throw invalid('embedding', 'must not be all zero: it has no direction to compare')
  return floats
}

function time(field: string, value: unknown): number {
  const millis = value instanceof Date ? value.getTime() : value
  if (typeof millis !== 'number' || !Number.isInteger(millis) || millis < 0 || millis > MAX_TIME)
    throw invalid(field, 'must be a Date or whole milliseconds since 1970, before the year 10000')
  return millis
}

function expiry(ttl: unknown, expiresAt: unknown, now: number): number | null {
  if (ttl !== undefined && expiresAt !== undefined) throw invalid('ttl', 'must not be given together with `expiresAt`')
  if (ttl !== undefined) {
    const millis = parseDuration(ttl)
    if (millis === undefined || millis <= 0 || now + millis > MAX_TIME)
      throw invalid('ttl', "must be positive milliseconds or a text like '30m'")
    return Math.ceil(now + millis)
  }
  if (expiresAt === undefined) return null
  const at = time('expiresAt', expiresAt)
  if (at <= now) throw invalid('expiresAt', 'is in the past')
  return at
}

function json(value: unknown): string {
  if (!isPlainObject(value)) throw invalid('metadata', 'must be a plain JSON object')
  checkJson(value, 0)
  return JSON.stringify(value)
}

function checkJson(value: unknown, depth: number): void {
  if (depth > MAX_JSON_DEPTH) throw invalid('metadata', `must not nest deeper than ${MAX_JSON_DEPTH} levels`)
  if (value === null || typeof value === 'boolean') return
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw invalid('metadata', 'must hold finite numbers only')
  } else if (typeof value === 'string') {
    const fault = textFault(value)
    if (fault !== undefined) throw invalid('metadata', fault)
  } else if (Array.isArray(value)) {
    // By index: a hole would pass forEach unseen and come back as null.
    for (let i = 0; i < value.length; i++) checkJson(value[i], depth + 1)
  } else if (isPlainObject(value)) {
    for (const [key, item] of Object.entries(value)) {
      const fault = textFault(key)
      if (fault !== undefined) throw invalid('metadata', fault)
      checkJson(item, depth + 1)
    }
  } else throw invalid('metadata', 'must be JSON: texts, numbers, booleans, null, arrays and plain objects only')
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function invalid(field: string, fault: string): ThermoclineError<'ERR_INVALID_ENTRY'> {
  return new ThermoclineError('ERR_INVALID_ENTRY', `\`${field}\` ${fault}`, { field })
}
