/**
 * Records as `COPY thermocline.entry_staging … FROM STDIN (FORMAT binary)` wants them, and vectors as `array_send`
 * answers them. Text forms cost three to five times as much, and binary keeps every bit of a float.
 *
 *   header:  "PGCOPY\n\377\r\n\0" · int32 flags (0) · int32 length of extension (0)
 *   row:     int16 number of columns · per column int32 length (-1: NULL) and that many bytes
 *   trailer: int16 -1
 *
 * A COPY without trailer is accepted up to where it ends, so the statement that takes the rows over compares their number.
 */
import { keyOrderOf } from '../../entry/key-order.ts'
import type { EntryRecord } from '../../entry/record.ts'
import { BinaryWriter } from './binary-writer.ts'

/** Columns in the order in which {@link encodeCopy} writes them. */
export const STAGING_COLUMNS = [
  'batch_id',
  'namespace',
  'id',
  'key',
  'version',
  'kind',
  'text',
  'document_id',
  'position',
  'level',
  'children',
  'metadata',
  'embedding',
  'embedding_model',
  'created_at',
  'updated_at',
  'expires_at',
  'deleted_at',
  'hot_generation',
  'metadata_order',
] as const

/** The record holds something that has no form in the columns: it never passed validation. */
export class UnencodableRecord extends Error {
  override readonly name = 'UnencodableRecord'
}

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1').toString('hex')
const NULL = -1
const NONE: ReadonlyMap<EntryRecord, number> = new Map()
const OID_FLOAT4 = 700
const OID_UUID = 2950
/** Postgres counts microseconds from the start of 2000. */
const PG_EPOCH_MS = 946_684_800_000
const JSONB_VERSION = 1
const MAX_INT4 = 2_147_483_647
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/**
 * All records as one COPY stream; throws {@link UnencodableRecord} for any that has no such form.
 * @param confirmed number of the hot generation that is known to hold a record.
 */
export function encodeCopy(
  batchId: string,
  records: readonly EntryRecord[],
  confirmed: ReadonlyMap<EntryRecord, number> = NONE,
): Uint8Array<ArrayBuffer> {
  const out = new BinaryWriter()
  out.hex(SIGNATURE)
  out.int32(0)
  out.int32(0)
  for (const record of records) writeRow(out, batchId, record, confirmed.get(record) ?? null)
  out.int16(-1)
  return out.finish()
}

function writeRow(out: BinaryWriter, batchId: string, record: EntryRecord, hotGeneration: number | null): void {
  out.int16(STAGING_COLUMNS.length)
  writeUuid(out, batchId)
  writeText(out, record.namespace)
  writeUuid(out, record.id)
  writeNullable(out, record.key, writeText)
  writeText(out, record.version)
  writeNullable(out, record.kind, writeText)
  writeNullable(out, record.text, writeText)
  writeNullable(out, record.documentId, writeText)
  writeNullable(out, record.position, writeInt)
  writeNullable(out, record.level, writeInt)
  writeNullable(out, record.children, writeUuidArray)
  writeNullable(out, record.metadata, writeJson)
  writeNullable(out, record.embedding, writeFloatArray)
  writeNullable(out, record.embeddingModel, writeText)
  writeTime(out, record.createdAt)
  writeTime(out, record.updatedAt)
  writeNullable(out, record.expiresAt, writeTime)
  writeNullable(out, record.deletedAt, writeTime)
  writeNullable(out, hotGeneration, writeBigint)
  writeNullable(out, record.metadata === null ? null : keyOrderOf(record.metadata), writeText)
}

function writeNullable<T>(out: BinaryWriter, value: T | null, write: (out: BinaryWriter, value: T) => void): void {
  if (value === null) out.int32(NULL)
  else write(out, value)
}

function writeText(out: BinaryWriter, text: string): void {
  // Encoding would silently replace half of a surrogate pair.
  if (!text.isWellFormed()) throw new UnencodableRecord('a text is not well-formed Unicode')
  out.int32(Buffer.byteLength(text))
  out.utf8(text)
}

function writeUuid(out: BinaryWriter, id: string): void {
  if (!UUID.test(id)) throw new UnencodableRecord('an id is no UUID')
  out.int32(16)
  out.hex(id.replaceAll('-', ''))
}

function writeInt(out: BinaryWriter, value: number): void {
  if (!Number.isInteger(value) || Math.abs(value) > MAX_INT4) throw new UnencodableRecord('a number is no integer')
  out.int32(4)
  out.int32(value)
}

function writeBigint(out: BinaryWriter, value: number): void {
  out.int32(8)
  out.int64(BigInt(value))
}

function writeTime(out: BinaryWriter, millis: number): void {
  if (!Number.isSafeInteger(millis)) throw new UnencodableRecord('a time is not in whole milliseconds')
  out.int32(8)
  out.int64(BigInt(millis - PG_EPOCH_MS) * 1000n)
}

function writeJson(out: BinaryWriter, json: string): void {
  if (!json.isWellFormed()) throw new UnencodableRecord('metadata is not well-formed Unicode')
  out.int32(1 + Buffer.byteLength(json))
  out.int8(JSONB_VERSION)
  out.utf8(json)
}

function writeUuidArray(out: BinaryWriter, ids: readonly string[]): void {
  out.int32(arrayHeaderSize(ids.length) + ids.length * 20)
  writeArrayHeader(out, OID_UUID, ids.length)
  for (const id of ids) writeUuid(out, id)
}

function writeFloatArray(out: BinaryWriter, floats: Float32Array): void {
  out.int32(arrayHeaderSize(floats.length) + floats.length * 8)
  writeArrayHeader(out, OID_FLOAT4, floats.length)
  out.floats(floats)
}

/** An empty array has no dimension. */
function arrayHeaderSize(length: number): number {
  return length === 0 ? 12 : 20
}

/** int32 dimensions · int32 has NULLs · int32 element type · per dimension int32 length and int32 lower bound. */
function writeArrayHeader(out: BinaryWriter, elementType: number, length: number): void {
  out.int32(length === 0 ? 0 : 1)
  out.int32(0)
  out.int32(elementType)
  if (length === 0) return
  out.int32(length)
  out.int32(1)
}

/** The vector in the bytes of `array_send(real[])`, bit for bit. */
export function decodeFloatArray(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getInt32(0) === 0) return new Float32Array(0)
  const floats = new Float32Array(view.getInt32(12))
  const bits = new Uint32Array(floats.buffer)
  for (let i = 0; i < bits.length; i++) bits[i] = view.getUint32(24 + i * 8)
  return floats
}
