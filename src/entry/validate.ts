/**
 * Turns a caller's input into a record, or refuses it with `ERR_INVALID_ENTRY` that names the field and never shows its
 * value. Everything mutable is copied, so that a caller who goes on using an object changes nothing in the store.
 */
import { types } from 'node:util'
import { isUuid } from '../kernel/uuid.ts'
import { idOfKey, newId } from './entry-id.ts'
import { lifeOf } from './expiry.ts'
import { invalid, metadataText, name, optional, text, time, vector, wholeNumber } from './field-checks.ts'
import { MAX_ENTRY_BYTES, MAX_NAME_BYTES } from './limits.ts'
import { ENTRY_KINDS, type EntryKind } from './memory-entry.ts'
import type { EntryRecord } from './record.ts'

/** Fields that the store fills in. They are let pass, so that an entry can be read, changed and put back. */
const FILLED_IN = ['namespace', 'version', 'updatedAt', 'lastAccessedAt', 'accessCount'] as const

const COMMON_FIELDS = [
  ...['kind', 'id', 'key', 'metadata', 'embeddingModel', 'createdAt'],
  ...['ttl', 'sliding', 'expiresAt', 'slidingTtl'],
] as const
export const OWN_FIELDS: Record<EntryKind, readonly string[]> = {
  embedding: ['embedding'],
  chunk: ['text', 'documentId', 'position', 'embedding'],
  metadata: [],
  raptor: ['level', 'summary', 'children', 'embedding'],
  blob: ['bytes', 'contentType'],
}
/** How each field of the content is checked, by what a caller names it. */
const CHECKS = {
  text: (value: unknown) => text('text', value),
  summary: (value: unknown) => text('summary', value),
  documentId: (value: unknown) => name('documentId', value),
  position: (value: unknown) => wholeNumber('position', value),
  level: (value: unknown) => wholeNumber('level', value),
  children: childIds,
  embedding: vector,
  embeddingModel: (value: unknown) => name('embeddingModel', value),
  bytes: bytesOf,
  contentType: (value: unknown) => name('contentType', value),
}
const FIELDS: Record<EntryKind, ReadonlySet<string>> = {
  embedding: new Set([...COMMON_FIELDS, ...OWN_FIELDS.embedding, ...FILLED_IN]),
  chunk: new Set([...COMMON_FIELDS, ...OWN_FIELDS.chunk, ...FILLED_IN]),
  metadata: new Set([...COMMON_FIELDS, ...OWN_FIELDS.metadata, ...FILLED_IN]),
  raptor: new Set([...COMMON_FIELDS, ...OWN_FIELDS.raptor, ...FILLED_IN]),
  blob: new Set([...COMMON_FIELDS, ...OWN_FIELDS.blob, ...FILLED_IN]),
}

/** A record that lacks its version still: the step that queues it for the log stamps it. */
export type UnversionedRecord = Omit<EntryRecord, 'version'>

/** Where an input goes. */
export interface InputContext {
  readonly namespace: string
  /** The kind of every entry of the repository; undefined where each input says its own. */
  readonly kind?: EntryKind | undefined
  readonly now: number
  /** What expires up to then is refused. @default now */
  readonly earliest?: number | undefined
}

export function validateInput(
  input: unknown,
  { namespace, kind: only, now, earliest }: InputContext,
): UnversionedRecord {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw invalid('input', only === undefined ? 'must be an object with a `kind`' : 'must be an object')
  const raw = input as Partial<Record<string, unknown>>
  const kind = kindOf(raw.kind, only)
  for (const field of Object.keys(input))
    if (!FIELDS[kind].has(field))
      throw invalid('input', `has a field \`${field}\`, which a ${kind} entry does not know; it knows ${namesOf(kind)}`)
  if (raw.namespace !== undefined && raw.namespace !== namespace)
    throw invalid('namespace', 'is that of another view: put the entry through its own, or leave the field out')
  const key = optional('key', raw.key, validateKey)
  const createdAt = optional('createdAt', raw.createdAt, (value) => time('createdAt', value)) ?? now
  const record: UnversionedRecord = {
    namespace,
    id: idOf(raw.id, key, namespace),
    key,
    kind,
    text: kind === 'chunk' ? CHECKS.text(raw.text) : kind === 'raptor' ? CHECKS.summary(raw.summary) : null,
    documentId: optional('documentId', raw.documentId, CHECKS.documentId),
    position: optional('position', raw.position, CHECKS.position),
    level: kind === 'raptor' ? CHECKS.level(raw.level) : null,
    children: kind === 'raptor' ? childIds(raw.children) : null,
    childVersions: null,
    metadata: kind === 'metadata' ? metadataText(raw.metadata) : optional('metadata', raw.metadata, metadataText),
    embedding: kind === 'embedding' ? vector(raw.embedding) : optional('embedding', raw.embedding, vector),
    embeddingModel: optional('embeddingModel', raw.embeddingModel, CHECKS.embeddingModel),
    bytes: kind === 'blob' ? bytesOf(raw.bytes) : null,
    contentType: optional('contentType', raw.contentType, CHECKS.contentType),
    createdAt,
    updatedAt: now,
    ...lifeOf(raw, now, earliest),
    deletedAt: null,
  }
  if (sizeBound(record) > MAX_ENTRY_BYTES)
    throw invalid('input', `is larger than ${MAX_ENTRY_BYTES / 1024 ** 2} MiB: split it`)
  return record
}

/** A value of a field that an update may change, in the form that a record keeps. */
export function checkedField(field: string, value: unknown): unknown {
  return CHECKS[field as keyof typeof CHECKS](value)
}

/** Returns the fields that a caller may give, as text. */
function namesOf(kind: EntryKind): string {
  return [...COMMON_FIELDS, ...OWN_FIELDS[kind]].join(', ')
}

function kindOf(given: unknown, only: EntryKind | undefined): EntryKind {
  if (only !== undefined) {
    if (given === undefined || given === only) return only
    throw invalid('kind', `must be ${only} here, or left out`)
  }
  const kind = ENTRY_KINDS.find((known) => known === given)
  if (kind === undefined) throw invalid('kind', `must be one of ${ENTRY_KINDS.join(', ')}`)
  return kind
}

/** Its id, and the version that it had, which is looked up later on. */
const BYTES_OF_A_CHILD = 72

/** Returns at least as many bytes as the encoded record has, and at most a few hundred more. */
function sizeBound({ namespace, text, metadata, embedding, children, bytes }: UnversionedRecord): number {
  const texts = [namespace, text, metadata].reduce(
    (sum, part) => sum + (part === null ? 0 : Buffer.byteLength(part)),
    0,
  )
  const binary = (embedding?.byteLength ?? 0) + (bytes?.byteLength ?? 0)
  return texts + binary + (children?.length ?? 0) * BYTES_OF_A_CHILD + 5 * MAX_NAME_BYTES
}

/** Takes any UUID in its usual text form, whatever its version bits, and answers it in lower case. */
export function validateId(id: unknown, field = 'id'): string {
  if (typeof id !== 'string' || !isUuid(id)) throw invalid(field, 'must be a UUID; a name of your own is a `key`')
  return id.toLowerCase()
}

export function validateKey(key: unknown): string {
  return name('key', key)
}

/** Checks the vector of a query by the rules of a stored one. */
export function validateEmbedding(embedding: unknown): Float32Array {
  return vector(embedding)
}

function idOf(given: unknown, key: string | null, namespace: string): string {
  const id = optional('id', given, validateId)
  if (key === null) return id ?? newId()
  const derived = idOfKey(namespace, key)
  if (id !== null && id !== derived)
    throw invalid('id', 'does not belong to `key`: an entry with a key has the id derived from it, so leave `id` out')
  return derived
}

/** A copy, also of a `Buffer`. */
function bytesOf(value: unknown): Uint8Array {
  if (!types.isUint8Array(value)) throw invalid('bytes', 'must be a Uint8Array, as a Buffer is')
  return new Uint8Array(value)
}

function childIds(value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw invalid('children', 'must be an array of ids')
  // Unlike map, this sees holes.
  return Array.from(value, (id: unknown) => validateId(id, 'children'))
}
