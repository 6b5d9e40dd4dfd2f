/**
 * An entry record as bytes: a msgpack map of field name to value, null fields left out, the embedding as raw
 * little-endian float32 and metadata as JSON text. The log, hot values and re-pushes all use these bytes, so an entry is
 * encoded once per put. A reader ignores map fields it does not know, which leaves newer versions room to add some.
 */
import { Decoder, Encoder } from '@msgpack/msgpack'
import type { EntryRecord } from './record.ts'
import { isVersion } from './version.ts'

const encoder = new Encoder({ ignoreUndefined: true })
const decoder = new Decoder()

export class UndecodableRecord extends Error {
  override readonly name = 'UndecodableRecord'
}

export function encodeRecord(record: EntryRecord): Uint8Array {
  const { embedding, ...rest } = record
  const fields: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(rest)) if (value !== null) fields[name] = value
  if (embedding !== null)
    fields.embedding = new Uint8Array(embedding.buffer, embedding.byteOffset, embedding.byteLength)
  return encoder.encode(fields)
}

/** The record of bytes that {@link encodeRecord} made; throws {@link UndecodableRecord} for any others. */
export function decodeRecord(bytes: Uint8Array): EntryRecord {
  let fields: Partial<Record<string, unknown>>
  try {
    fields = decoder.decode(bytes) as Partial<Record<string, unknown>>
  } catch (cause) {
    throw new UndecodableRecord('the payload is not msgpack', { cause })
  }
  const { namespace, id, version, createdAt, updatedAt } = fields ?? {}
  if (
    typeof namespace !== 'string' ||
    typeof id !== 'string' ||
    typeof version !== 'string' ||
    !isVersion(version) ||
    typeof createdAt !== 'number' ||
    typeof updatedAt !== 'number'
  )
    throw new UndecodableRecord('the payload lacks a field that every entry has')
  const field = <K extends keyof EntryRecord>(name: K): EntryRecord[K] => (fields[name] ?? null) as EntryRecord[K]
  const { embedding } = fields
  if (embedding instanceof Uint8Array && embedding.byteLength % 4 !== 0)
    throw new UndecodableRecord('the embedding ends within a number')
  return {
    namespace,
    id,
    key: field('key'),
    version,
    kind: field('kind'),
    text: field('text'),
    documentId: field('documentId'),
    position: field('position'),
    level: field('level'),
    children: field('children'),
    metadata: field('metadata'),
    embedding: embedding instanceof Uint8Array ? floatsOf(embedding) : null,
    embeddingModel: field('embeddingModel'),
    createdAt,
    updatedAt,
    expiresAt: field('expiresAt'),
    deletedAt: field('deletedAt'),
  }
}

/** Copies: a view would need an aligned offset and would keep the whole record alive. */
function floatsOf(bytes: Uint8Array): Float32Array {
  const floats = new Float32Array(bytes.byteLength >>> 2)
  new Uint8Array(floats.buffer).set(bytes.subarray(0, floats.byteLength))
  return floats
}
