/**
 * Turns an entry into the JSON object that an archive has, and back: with the names that callers know, floats and bytes
 * as base64, times as ISO texts. Metadata is written as it is stored, so two exports of one entry are the same bytes.
 * What is read back passes the checks of a put.
 */
import { idOfKey } from './entry-id.ts'
import { invalid, optional, time, wholeNumber } from './field-checks.ts'
import type { AccessStats, EntryRecord } from './record.ts'
import { type UnversionedRecord, validateInput } from './validate.ts'

/** What of an archive becomes an entry. */
export interface Archived {
  readonly record: UnversionedRecord
  /** Undefined where it was never read. */
  readonly access: AccessStats | undefined
}

/** Versions of children are those of one store: a node that was imported remembers none, until it is put again. */
type Field = Exclude<keyof EntryRecord, 'deletedAt' | 'childVersions'> | keyof AccessStats
type Value<F extends Field> = F extends keyof EntryRecord
  ? NonNullable<EntryRecord[F]>
  : NonNullable<AccessStats[keyof AccessStats]>

/** How a field is written as JSON text. Every field of an entry is here, in the order in which they are written. */
const WRITTEN: { readonly [F in Field]: (value: Value<F>) => string } = {
  kind: JSON.stringify,
  namespace: JSON.stringify,
  id: JSON.stringify,
  key: JSON.stringify,
  version: JSON.stringify,
  text: JSON.stringify,
  documentId: JSON.stringify,
  position: String,
  level: String,
  children: JSON.stringify,
  metadata: (json) => json,
  embedding: base64,
  embeddingModel: JSON.stringify,
  bytes: base64,
  contentType: JSON.stringify,
  createdAt: isoText,
  updatedAt: isoText,
  expiresAt: isoText,
  slidingTtl: String,
  lastAccessedAt: isoText,
  accessCount: String,
}
export const ARCHIVED_FIELDS = Object.keys(WRITTEN) as readonly Field[]

/** @param record MUST be of a live entry. */
export function archivedText(record: EntryRecord, access: AccessStats | undefined): string {
  const values: Partial<Record<Field, unknown>> = { ...record, ...access }
  const members: string[] = []
  for (const field of ARCHIVED_FIELDS) {
    const value = values[field] ?? null
    if (value === null) continue
    const name = field === 'text' && record.kind === 'raptor' ? 'summary' : field
    members.push(`"${name}":${(WRITTEN[field] as (value: unknown) => string)(value)}`)
  }
  return `{${members.join(',')}}`
}

/** What may be said of how an entry is taken over. */
export interface ArchivedContext {
  /** Where an entry of this namespace goes. */
  readonly moved: (namespace: string) => string
  /** What an id becomes, which another entry names. */
  readonly movedId: (id: string) => string
  readonly now: number
}

/**
 * Returns what {@link archivedText} was given, or undefined where it has expired. Throws `ERR_INVALID_ENTRY` where it
 * is none, or one that this version does not know.
 */
export function readArchived(json: unknown, context: ArchivedContext): Archived | undefined {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw invalid('input', 'must be an object')
  const { version: _, lastAccessedAt, accessCount, ...given } = json as Partial<Record<string, unknown>>
  if (typeof given.namespace !== 'string' || given.namespace === '') throw invalid('namespace', 'must be a text')
  const updatedAt = timeOf('updatedAt', given.updatedAt)
  const expiresAt = optional('expiresAt', given.expiresAt, (value) => timeOf('expiresAt', value))
  if (expiresAt !== null && expiresAt <= context.now) return undefined
  const namespace = context.moved(given.namespace)
  const input = {
    ...given,
    namespace,
    id: movedIdOf(given, namespace),
    children: movedIds(given.children, context),
    embedding: optional('embedding', given.embedding, floats) ?? undefined,
    bytes: optional('bytes', given.bytes, (value) => decoded('bytes', value)) ?? undefined,
    createdAt: timeOf('createdAt', given.createdAt),
    expiresAt: expiresAt ?? undefined,
  }
  const present = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined))
  const record = validateInput(present, { namespace, now: context.now })
  return { record: { ...record, updatedAt }, access: accessOf(lastAccessedAt, accessCount) }
}

/** An entry with a key has the id that follows from it in its namespace. */
function movedIdOf({ key, id }: { readonly key?: unknown; readonly id?: unknown }, namespace: string): unknown {
  return typeof key === 'string' && key !== '' ? idOfKey(namespace, key) : id
}

function movedIds(children: unknown, { movedId }: ArchivedContext): unknown {
  if (!Array.isArray(children)) return children
  return children.map((id: unknown) => (typeof id === 'string' ? movedId(id) : id))
}

function accessOf(lastAccessedAt: unknown, accessCount: unknown): AccessStats | undefined {
  if (lastAccessedAt === undefined && accessCount === undefined) return undefined
  return {
    lastAccessedAt: timeOf('lastAccessedAt', lastAccessedAt),
    accessCount: wholeNumber('accessCount', accessCount),
  }
}

function isoText(millis: number): string {
  return `"${new Date(millis).toISOString()}"`
}

function timeOf(field: string, value: unknown): number {
  if (typeof value !== 'string') throw invalid(field, 'must be a time, as 2026-01-31T12:00:00.000Z')
  return time(field, new Date(value))
}

function base64({ buffer, byteOffset, byteLength }: Float32Array | Uint8Array): string {
  return `"${Buffer.from(buffer, byteOffset, byteLength).toString('base64')}"`
}

function decoded(field: string, value: unknown): Uint8Array {
  if (typeof value !== 'string') throw invalid(field, 'must be base64')
  const bytes = Buffer.from(value, 'base64')
  // Node passes over what is no base64.
  if (bytes.toString('base64') !== value) throw invalid(field, 'must be base64')
  return bytes
}

/** A copy: floats stand where a multiple of four bytes begins. */
function floats(value: unknown): Float32Array {
  const bytes = decoded('embedding', value)
  if (bytes.byteLength % 4 !== 0) throw invalid('embedding', 'must be float32 numbers as base64')
  const copy = new Float32Array(bytes.byteLength / 4)
  new Uint8Array(copy.buffer).set(bytes)
  return copy
}
