/**
 * Turns a record into bytes and back: a msgpack map of field name to value, without null fields, the embedding as raw
 * little-endian float32 and metadata as JSON text. The log, hot and re-pushes all use these bytes, so an entry is
 * encoded once per put. A reader ignores fields that it does not know, so newer versions may add some.
 */
import { types } from 'node:util'
import { Decoder } from '@msgpack/msgpack'
import type { EntryKind } from './memory-entry.ts'
import { MAX_HEADER_BYTES, MsgpackWriter } from './msgpack-writer.ts'
import type { EntryRecord } from './record.ts'
import { isVersion } from './version.ts'

/** Texts come as bytes: the decoder's own way drops a byte-order mark that a text begins with. */
const decoder = new Decoder({ rawStrings: true })

export class UndecodableRecord extends Error {
  override readonly name = 'UndecodableRecord'
}

/** Every field, in the order in which fields are written, and its name as msgpack. */
const FIELDS = Object.entries({
  namespace: nameOf('namespace'),
  id: nameOf('id'),
  key: nameOf('key'),
  version: nameOf('version'),
  kind: nameOf('kind'),
  text: nameOf('text'),
  documentId: nameOf('documentId'),
  position: nameOf('position'),
  level: nameOf('level'),
  children: nameOf('children'),
  childVersions: nameOf('childVersions'),
  metadata: nameOf('metadata'),
  embeddingModel: nameOf('embeddingModel'),
  bytes: nameOf('bytes'),
  contentType: nameOf('contentType'),
  createdAt: nameOf('createdAt'),
  updatedAt: nameOf('updatedAt'),
  expiresAt: nameOf('expiresAt'),
  slidingTtl: nameOf('slidingTtl'),
  deletedAt: nameOf('deletedAt'),
  // Last: see encodedEmbedding.
  embedding: nameOf('embedding'),
} satisfies Record<keyof EntryRecord, Uint8Array>) as [keyof EntryRecord, Uint8Array][]
const NAMES_BYTES = FIELDS.reduce((sum, [, name]) => sum + name.byteLength, 0)

/** Texts MUST be well-formed Unicode. */
export function encodeRecord(record: EntryRecord): Uint8Array {
  let size = NAMES_BYTES + MAX_HEADER_BYTES
  let count = 0
  for (const [field] of FIELDS) {
    const value = record[field]
    if (value === null) continue
    size += MAX_HEADER_BYTES + sizeOf(value)
    count++
  }
  const writer = new MsgpackWriter(size)
  writer.map(count)
  for (const [field, name] of FIELDS) {
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
  const fields = fieldsOf(encoded)
  const { createdAt, updatedAt, embedding, bytes } = fields ?? {}
  const text = (name: keyof EntryRecord): string | null => textOf(fields?.[name])
  const number = (name: keyof EntryRecord): number | null => (fields[name] ?? null) as number | null
  const [namespace, id, version] = [text('namespace'), text('id'), text('version')]
  if (
    namespace === null ||
    id === null ||
    version === null ||
    !isVersion(version) ||
    typeof createdAt !== 'number' ||
    typeof updatedAt !== 'number'
  )
    throw new UndecodableRecord('the payload lacks a field that every entry has')
  if (types.isUint8Array(embedding) && embedding.byteLength % 4 !== 0)
    throw new UndecodableRecord('the embedding ends within a number')
  return {
    namespace,
    id,
    key: text('key'),
    version,
    kind: text('kind') as EntryKind | null,
    text: text('text'),
    documentId: text('documentId'),
    position: number('position'),
    level: number('level'),
    children: textsOf(fields.children),
    childVersions: textsOf(fields.childVersions),
    metadata: text('metadata'),
    embedding: types.isUint8Array(embedding) ? floatsOf(embedding) : null,
    embeddingModel: text('embeddingModel'),
    // A copy: a view would keep all that it was read with alive.
    bytes: types.isUint8Array(bytes) ? new Uint8Array(bytes) : null,
    contentType: text('contentType'),
    createdAt,
    updatedAt,
    expiresAt: number('expiresAt'),
    slidingTtl: number('slidingTtl'),
    deletedAt: number('deletedAt'),
  }
}

/** Reads the kind alone of bytes that {@link encodeRecord} made; what else they hold costs nothing. */
export function decodeKind(bytes: Uint8Array): EntryKind | null {
  return textOf(fieldsOf(bytes)?.kind) as EntryKind | null
}

/** Returns the fields by name. Texts and the embedding are views of the bytes. */
function fieldsOf(bytes: Uint8Array): Partial<Record<string, unknown>> {
  try {
    return decoder.decode(bytes) as Partial<Record<string, unknown>>
  } catch (cause) {
    throw new UndecodableRecord('the payload is not msgpack', { cause })
  }
}

function textOf(bytes: unknown): string | null {
  if (!types.isUint8Array(bytes)) return null
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}

function textsOf(values: unknown): readonly string[] | null {
  return Array.isArray(values) ? values.map((value: unknown) => textOf(value) ?? '') : null
}

/** Copies the floats: a view would need an aligned offset and would keep the whole record alive. */
function floatsOf(bytes: Uint8Array): Float32Array {
  const floats = new Float32Array(bytes.byteLength >>> 2)
  new Uint8Array(floats.buffer).set(bytes.subarray(0, floats.byteLength))
  return floats
}
