/**
 * Turns a record into bytes and back: a msgpack map of field name to value, without null fields, the embedding as raw
 * little-endian float32 and metadata as JSON text. The log, hot and re-pushes all use these bytes, so an entry is
 * encoded once per put. A reader ignores fields that it does not know, so newer versions may add some.
 */
import { types } from 'node:util'
import { Decoder } from '@msgpack/msgpack'
import type { EntryKind } from './memory-entry.ts'
import { MsgpackReader } from './msgpack-reader.ts'
import { MAX_HEADER_BYTES, MsgpackWriter } from './msgpack-writer.ts'
import type { EntryRecord } from './record.ts'
import { isVersion } from './version.ts'

/** Texts come as bytes: the decoder's own way drops a byte-order mark that a text begins with. */
const decoder = new Decoder({ rawStrings: true })

export class UndecodableRecord extends Error {
  override readonly name = 'UndecodableRecord'
}

type Form = 'text' | 'number' | 'texts' | 'bytes' | 'floats'

/** Every field, in the order in which fields are written, and what is written of it. */
const FORMS = {
  namespace: 'text',
  id: 'text',
  key: 'text',
  version: 'text',
  kind: 'text',
  text: 'text',
  documentId: 'text',
  position: 'number',
  level: 'number',
  children: 'texts',
  childVersions: 'texts',
  metadata: 'text',
  embeddingModel: 'text',
  bytes: 'bytes',
  contentType: 'text',
  createdAt: 'number',
  updatedAt: 'number',
  expiresAt: 'number',
  slidingTtl: 'number',
  deletedAt: 'number',
  // Last: see encodedEmbedding.
  embedding: 'floats',
} as const satisfies Record<keyof EntryRecord, Form>

interface Field {
  readonly field: keyof EntryRecord
  /** As msgpack. */
  readonly name: Uint8Array
  readonly form: Form
}

const FIELDS = Object.entries(FORMS).map(([field, form]) => ({ field, name: nameOf(field), form }) as Field)
const NAMES_BYTES = FIELDS.reduce((sum, { name }) => sum + name.byteLength, 0)
const EMPTY = Object.fromEntries(FIELDS.map(({ field }) => [field, null])) as Record<keyof EntryRecord, null>

/** Texts MUST be well-formed Unicode. */
export function encodeRecord(record: EntryRecord): Uint8Array {
  let size = NAMES_BYTES + MAX_HEADER_BYTES
  let count = 0
  for (const { field } of FIELDS) {
    const value = record[field]
    if (value === null) continue
    size += MAX_HEADER_BYTES + sizeOf(value)
    count++
  }
  const writer = new MsgpackWriter(size)
  writer.map(count)
  for (const { field, name } of FIELDS) {
    const value = record[field]
    if (value === null) continue
    writer.raw(name)
    write(writer, value)
  }
  return writer.end()
}

/**
 * The embedding of a record where it stands in the bytes that {@link encodeRecord} has just made of it, so that it need
 * not be kept twice.
 */
export function encodedEmbedding(
  { embedding }: Pick<EntryRecord, 'embedding'>,
  { buffer }: Uint8Array,
): Float32Array | null {
  return embedding && new Float32Array(buffer, buffer.byteLength - embedding.byteLength, embedding.length)
}

type FieldValue = NonNullable<EntryRecord[keyof EntryRecord]>

function nameOf(field: string): Uint8Array {
  const writer = new MsgpackWriter(MAX_HEADER_BYTES + field.length)
  writer.text(field)
  return writer.end()
}

/** Returns how many bytes the value has at most, without its header. */
function sizeOf(value: FieldValue): number {
  // No UTF-16 unit takes more than three bytes.
  if (typeof value === 'string') return value.length * 3
  if (typeof value === 'number') return 0
  if (!isTexts(value)) return value.byteLength
  return value.reduce((sum, text) => sum + MAX_HEADER_BYTES + sizeOf(text), 0)
}

function write(writer: MsgpackWriter, value: FieldValue): void {
  if (typeof value === 'string') writer.text(value)
  else if (typeof value === 'number') writer.number(value)
  else if (isTexts(value)) {
    writer.array(value.length)
    for (const text of value) writer.text(text)
  } else writer.bytes(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
}

/** Not judged by class: an embedding that another thread made may be of another realm. */
function isTexts(value: readonly string[] | Float32Array | Uint8Array): value is readonly string[] {
  return Array.isArray(value)
}

/** Reads bytes that {@link encodeRecord} made; throws {@link UndecodableRecord} for any others. */
export function decodeRecord(encoded: Uint8Array): EntryRecord {
  const record = recordAsWritten(encoded) ?? recordOf(fieldsOf(encoded))
  const { namespace, id, version, createdAt, updatedAt } = record
  if (
    namespace === null ||
    id === null ||
    version === null ||
    !isVersion(version) ||
    createdAt === null ||
    updatedAt === null
  )
    throw new UndecodableRecord('the payload lacks a field that every entry has')
  return record as EntryRecord
}

/** Reads the kind alone of bytes that {@link encodeRecord} made; what stands behind it costs nothing. */
export function decodeKind(encoded: Uint8Array): EntryKind | null {
  const reader = new MsgpackReader(encoded)
  reader.map()
  for (const { field, name, form } of FIELDS) {
    if (!reader.passes(name)) continue
    const value = read(reader, form)
    if (value === undefined) break
    if (field === 'kind') return value as EntryKind
  }
  return textOf(fieldsOf(encoded)?.kind) as EntryKind | null
}

/** Any field may be missing of bytes that somebody else made. */
type ReadRecord = { [Name in keyof EntryRecord]: EntryRecord[Name] | null }

/**
 * Reads fields that stand in the order in which they are written, as all do but those of other versions of this
 * program: undefined for these.
 */
function recordAsWritten(encoded: Uint8Array): ReadRecord | undefined {
  const reader = new MsgpackReader(encoded)
  const record: Record<keyof EntryRecord, unknown> = { ...EMPTY }
  let left = reader.map() ?? 0
  for (const { field, name, form } of FIELDS) {
    if (!reader.passes(name)) continue
    const value = read(reader, form)
    if (value === undefined) return undefined
    record[field] = value
    left--
  }
  return left === 0 && reader.isAtEnd ? (record as ReadRecord) : undefined
}

function read(reader: MsgpackReader, form: Form): FieldValue | undefined {
  if (form === 'text') return reader.text()
  if (form === 'number') return reader.number()
  if (form === 'texts') return reader.texts()
  const bytes = reader.bytes()
  if (form === 'bytes' || bytes === undefined) return bytes && new Uint8Array(bytes)
  return bytes.byteLength % 4 === 0 ? floatsOf(bytes) : undefined
}

function recordOf(fields: Partial<Record<string, unknown>> | null): ReadRecord {
  const record: Record<keyof EntryRecord, unknown> = { ...EMPTY }
  for (const { field, form } of FIELDS) record[field] = formed(fields?.[field], form)
  return record as ReadRecord
}

/** What is of another form is as good as missing. */
function formed(value: unknown, form: Form): FieldValue | null {
  if (form === 'number') return typeof value === 'number' ? value : null
  if (form === 'texts') return Array.isArray(value) ? value.map((text: unknown) => textOf(text) ?? '') : null
  if (form === 'text') return textOf(value)
  if (!types.isUint8Array(value)) return null
  // A copy: a view would keep all that it was read with alive.
  if (form === 'bytes') return new Uint8Array(value)
  if (value.byteLength % 4 !== 0) throw new UndecodableRecord('the embedding ends within a number')
  return floatsOf(value)
}

/** Returns the fields by name. Texts and bytes are views of what is read. */
function fieldsOf(bytes: Uint8Array): Partial<Record<string, unknown>> | null {
  try {
    return decoder.decode(bytes) as Partial<Record<string, unknown>> | null
  } catch (cause) {
    throw new UndecodableRecord('the payload is not msgpack', { cause })
  }
}

function textOf(bytes: unknown): string | null {
  if (!types.isUint8Array(bytes)) return null
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}

/** Copies the floats: a view would need an aligned offset and would keep the whole record alive. */
function floatsOf({ buffer, byteOffset, byteLength }: Uint8Array): Float32Array {
  // A new array would be filled with zeros first; `slice` of a Buffer copies nothing.
  return new Float32Array(new Uint8Array(buffer, byteOffset, byteLength).slice().buffer)
}
