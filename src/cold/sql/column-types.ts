/**
 * Defines the Postgres types that columns of entries have: for each, the bytes of a value in a binary COPY, how it is
 * selected, and how the answer is read. Text forms would cost three to five times as much, and binary keeps every bit
 * of a float.
 */
import { type SQL, sql } from 'drizzle-orm'
import { MAX_INT4 } from '../../entry/limits.ts'
import { isUuid } from '../../kernel/uuid.ts'
import type { BinaryWriter } from './binary-writer.ts'

export interface ColumnType<T> {
  /** As the schema declares it. */
  readonly name: string
  /** Writes int32 length and the value; throws {@link UnencodableRecord} where it has no such form. */
  write(out: BinaryWriter, value: T): void
  /** What to select, so that every driver answers it alike (see {@link ../cold-driver.ts}). */
  select(column: SQL): SQL
  /** The value of such an answer, which is not null. */
  read(answer: unknown): T
}

/** The record holds something that has no form in the columns: it never passed validation. */
export class UnencodableRecord extends Error {
  override readonly name = 'UnencodableRecord'
}

/** Compares by bytes, as JavaScript and Redis compare it. */
export const BYTEWISE: ColumnType<string> = {
  name: 'text COLLATE "C"',
  write: writeText,
  select: (column) => column,
  read: (answer) => answer as string,
}

export const TEXT: ColumnType<string> = { ...BYTEWISE, name: 'text' }

export const UUID: ColumnType<string> = {
  name: 'uuid',
  write: writeUuid,
  select: (column) => sql`${column}::text`,
  read: (answer) => answer as string,
}

export const UUIDS: ColumnType<readonly string[]> = {
  name: 'uuid[]',
  write: writeUuidArray,
  select: (column) => sql`array_to_string(${column}, ',')`,
  read: (answer) => (answer === '' ? [] : (answer as string).split(',')),
}

/** Texts without commas, at least one character each. */
export const TEXTS: ColumnType<readonly string[]> = {
  name: 'text[]',
  write: writeTextArray,
  select: (column) => sql`array_to_string(${column}, ',')`,
  read: (answer) => (answer === '' ? [] : (answer as string).split(',')),
}

export const INT4: ColumnType<number> = {
  name: 'integer',
  write: writeInt,
  select: (column) => column,
  read: (answer) => answer as number,
}

/** Whole numbers that are safe in JavaScript. */
export const INT8: ColumnType<number> = {
  name: 'bigint',
  write: writeLong,
  select: (column) => sql`${column}::float8`,
  read: (answer) => answer as number,
}

/** JSON as text. */
export const JSONB: ColumnType<string> = {
  name: 'jsonb',
  write: writeJson,
  select: (column) => sql`${column}::text`,
  read: (answer) => answer as string,
}

export const FLOATS: ColumnType<Float32Array> = {
  name: 'real[]',
  write: writeFloatArray,
  select: (column) => sql`array_send(${column})`,
  read: (answer) => decodeFloatArray(answer as Uint8Array),
}

export const SMALLINTS: ColumnType<Int16Array> = {
  name: 'smallint[]',
  write: writeSmallintArray,
  select: (column) => sql`array_send(${column})`,
  read: (answer) => decodeSmallintArray(answer as Uint8Array),
}

/** A float32 in every bit. */
export const FLOAT4: ColumnType<number> = {
  name: 'real',
  write: writeFloat,
  select: (column) => sql`${column}::float8`,
  read: (answer) => answer as number,
}

export const BYTES: ColumnType<Uint8Array> = {
  name: 'bytea',
  write: writeBytes,
  select: (column) => column,
  // A copy: what drivers answer may be part of a larger buffer.
  read: (answer) => new Uint8Array(answer as Uint8Array),
}

/** Milliseconds since the epoch: the columns keep three digits, and numeric arithmetic loses none of them. */
export const TIME: ColumnType<number> = {
  name: 'timestamp (3) with time zone',
  write: writeTime,
  select: (column) => sql`(extract(epoch FROM ${column}) * 1000)::float8`,
  read: (answer) => answer as number,
}

const NULL = -1
const OID_INT2 = 21
const OID_TEXT = 25
const OID_FLOAT4 = 700
const OID_UUID = 2950
/** Postgres counts microseconds from the start of 2000. */
const PG_EPOCH_MS = 946_684_800_000
const JSONB_VERSION = 1

export function writeNull(out: BinaryWriter): void {
  out.int32(NULL)
}

function writeText(out: BinaryWriter, text: string): void {
  // Encoding would silently replace half of a surrogate pair.
  if (!text.isWellFormed()) throw new UnencodableRecord('a text is not well-formed Unicode')
  out.int32(Buffer.byteLength(text))
  out.utf8(text)
}

function writeUuid(out: BinaryWriter, id: string): void {
  if (!isUuid(id)) throw new UnencodableRecord('an id is no UUID')
  out.int32(16)
  out.hex(id.replaceAll('-', ''))
}

function writeInt(out: BinaryWriter, value: number): void {
  if (!Number.isInteger(value) || Math.abs(value) > MAX_INT4) throw new UnencodableRecord('a number is no integer')
  out.int32(4)
  out.int32(value)
}

function writeLong(out: BinaryWriter, value: number): void {
  if (!Number.isSafeInteger(value)) throw new UnencodableRecord('a number is no integer')
  writeBigint(out, value)
}

export function writeBigint(out: BinaryWriter, value: number): void {
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

function writeTextArray(out: BinaryWriter, texts: readonly string[]): void {
  const bytes = texts.reduce((sum, text) => sum + 4 + Buffer.byteLength(text), 0)
  out.int32(arrayHeaderSize(texts.length) + bytes)
  writeArrayHeader(out, OID_TEXT, texts.length)
  for (const text of texts) writeText(out, text)
}

function writeFloatArray(out: BinaryWriter, floats: Float32Array): void {
  out.int32(arrayHeaderSize(floats.length) + floats.length * 8)
  writeArrayHeader(out, OID_FLOAT4, floats.length)
  out.floats(floats)
}

function writeSmallintArray(out: BinaryWriter, values: Int16Array): void {
  out.int32(arrayHeaderSize(values.length) + values.length * 6)
  writeArrayHeader(out, OID_INT2, values.length)
  out.smallints(values)
}

function writeFloat(out: BinaryWriter, value: number): void {
  out.int32(4)
  out.float32(value)
}

function writeBytes(out: BinaryWriter, bytes: Uint8Array): void {
  out.int32(bytes.byteLength)
  out.bytes(bytes)
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

function decodeSmallintArray(bytes: Uint8Array): Int16Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getInt32(0) === 0) return new Int16Array(0)
  const values = new Int16Array(view.getInt32(12))
  for (let i = 0; i < values.length; i++) values[i] = view.getInt16(24 + i * 6)
  return values
}

/** A time as a parameter. */
export function timeParameter(time: number): SQL {
  return sql`${new Date(time).toISOString()}::timestamptz`
}
