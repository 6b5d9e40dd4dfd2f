/**
 * Defines the log's byte layout. All numbers are little-endian; every checksum is CRC-32C (Castagnoli), unsigned.
 *
 * A segment is a header and then records, each padded with zeros to a multiple of 8:
 *
 *    segment header, 80 bytes                       record header, 40 bytes
 *     0  magic `TWALSEG1`                            0  u32 marker
 *     8  u16 format version                          4  u32 CRC of bytes 8..39, seeded with the salt
 *    10  u16 header length                           8  u32 payload length
 *    12  u32 flags                                  12  u8  type
 *    16  wal id, 16 bytes                           13  u8  flags
 *    32  u64 segment number                         14  u16 zero
 *    40  u64 epoch                                  16  u64 sequence
 *    48  u64 first sequence                         24  u32 synced offset
 *    56  u64 valid length of the previous segment   28  u32 CRC of the previous record's header
 *    64  u32 chain value at its end                 32  u32 CRC of the payload
 *    68  u64 highest version clock                  36  u32 key hash
 *    76  u32 CRC of bytes 0..75, also the salt
 *
 * The length is checksummed apart from the payload, so that a flipped bit in it cannot swallow what follows. The chain
 * value is the last record's header CRC, or the salt where there is none. `synced offset` says how many bytes of the
 * segment were known durable when the record was written. Control records repeat the last sequence, all others count it
 * up by one; a bundle is several entries of which all count or none. Any later version of the format keeps magic,
 * version, header length and a CRC in the last four bytes of the header, so that this one can tell it from damage.
 */
import crc32c from 'crc-32/crc32c.js'
import { keyText } from '../entry/entry-key.ts'

export const FORMAT_VERSION = 1
export const SEGMENT_HEADER_BYTES = 80
export const RECORD_HEADER_BYTES = 40
/** Longest payload. */
export const MAX_PAYLOAD_BYTES = 16 * 1024 * 1024

const MAGIC = Buffer.from('TWALSEG1', 'latin1')
/** Unlikely in text, in msgpack and in float32 vectors, and no multiple of a byte. */
export const RECORD_MARKER = 0xf3a51c7e
export const ALIGNMENT = 8

/**
 * `prepared`, `commit` and `abort` are reserved: nothing writes them yet, and a reader refuses the log that holds one.
 * `blob` is a put of bytes, and `bundle` several puts and deletes of which all count or none
 * (entry/record-bundle.ts): a reader from before there were any refuses the log as well, instead of shipping the entry
 * without its bytes, or nothing of the bundle.
 */
export const RECORD_TYPES = {
  ...{ put: 1, delete: 2, prepared: 3, commit: 4, abort: 5, seal: 6, close: 7 },
  ...{ blob: 8, bundle: 9 },
} as const

/** The record is the last of its group. */
export const FLAG_LAST_OF_GROUP = 0x01
/** A reader that does not know the type may pass over the record. */
export const FLAG_SKIPPABLE = 0x80

export interface SegmentHeader {
  readonly walId: string
  readonly segment: number
  readonly epoch: number
  readonly firstSequence: number
  readonly previousLength: number
  readonly previousChain: number
  readonly highestVersion: { readonly millis: number; readonly counter: number }
}

export interface RecordHeader {
  readonly type: number
  readonly flags: number
  readonly payloadLength: number
  readonly payloadCrc: number
  readonly sequence: number
  readonly syncedOffset: number
  readonly previousCrc: number
  readonly keyHash: number
  /** The CRC of this header, which is the next record's `previousCrc`. */
  readonly crc: number
}

export type DecodedHeader =
  | { readonly status: 'ok'; readonly header: SegmentHeader; readonly salt: number }
  | { readonly status: 'newer'; readonly version: number }
  | { readonly status: 'bad' }

export function crcOf(bytes: Uint8Array, seed = 0): number {
  return crc32c.buf(bytes, seed | 0) >>> 0
}

/** Hash of an entry's key, kept in its records. */
export function keyHash(namespace: string, id: string): number {
  return crc32c.str(keyText({ namespace, id })) >>> 0
}

/** Bytes that a record with such a payload takes in a segment. */
export function recordBytes(payloadLength: number): number {
  return align(RECORD_HEADER_BYTES + payloadLength)
}

export function align(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT
}

export function encodeSegmentHeader(header: SegmentHeader): { bytes: Buffer; salt: number } {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES)
  MAGIC.copy(bytes, 0)
  bytes.writeUInt16LE(FORMAT_VERSION, 8)
  bytes.writeUInt16LE(SEGMENT_HEADER_BYTES, 10)
  bytes.write(header.walId.replaceAll('-', ''), 16, 'hex')
  writeU64(bytes, header.segment, 32)
  writeU64(bytes, header.epoch, 40)
  writeU64(bytes, header.firstSequence, 48)
  writeU64(bytes, header.previousLength, 56)
  bytes.writeUInt32LE(header.previousChain, 64)
  const { millis, counter } = header.highestVersion
  bytes.writeBigUInt64LE((BigInt(millis) << 16n) | BigInt(counter), 68)
  const salt = crcOf(bytes.subarray(0, 76))
  bytes.writeUInt32LE(salt, 76)
  return { bytes, salt }
}

/** @param bytes The first bytes of a segment file, as many as there are. */
export function decodeSegmentHeader(bytes: Buffer): DecodedHeader {
  if (bytes.length < SEGMENT_HEADER_BYTES || !bytes.subarray(0, 8).equals(MAGIC)) return { status: 'bad' }
  const version = bytes.readUInt16LE(8)
  const length = bytes.readUInt16LE(10)
  if (length < SEGMENT_HEADER_BYTES || bytes.length < length) return { status: 'bad' }
  const salt = bytes.readUInt32LE(length - 4)
  if (crcOf(bytes.subarray(0, length - 4)) !== salt) return { status: 'bad' }
  if (version > FORMAT_VERSION) return { status: 'newer', version }
  if (version !== FORMAT_VERSION || length !== SEGMENT_HEADER_BYTES) return { status: 'bad' }
  const clock = bytes.readBigUInt64LE(68)
  const header: SegmentHeader = {
    walId: uuidOf(bytes.subarray(16, 32)),
    segment: readU64(bytes, 32),
    epoch: readU64(bytes, 40),
    firstSequence: readU64(bytes, 48),
    previousLength: readU64(bytes, 56),
    previousChain: bytes.readUInt32LE(64),
    highestVersion: { millis: Number(clock >> 16n), counter: Number(clock & 0xffffn) },
  }
  return { status: 'ok', header, salt }
}

/** What the salt of a segment with a damaged header may be: as it stands there, or as the rest of the header has it. */
export function possibleSalts(bytes: Buffer): number[] {
  return bytes.length < SEGMENT_HEADER_BYTES ? [] : [bytes.readUInt32LE(76), crcOf(bytes.subarray(0, 76))]
}

/** Writes header, payload and padding at `offset`; returns the header's CRC. */
export function encodeRecord(
  into: Buffer,
  offset: number,
  record: Omit<RecordHeader, 'crc' | 'payloadLength' | 'payloadCrc'>,
  payload: Uint8Array,
  salt: number,
): number {
  const header = into.subarray(offset, offset + RECORD_HEADER_BYTES)
  header.writeUInt32LE(RECORD_MARKER, 0)
  header.writeUInt32LE(payload.byteLength, 8)
  header.writeUInt8(record.type, 12)
  header.writeUInt8(record.flags, 13)
  header.writeUInt16LE(0, 14)
  writeU64(header, record.sequence, 16)
  header.writeUInt32LE(record.syncedOffset, 24)
  header.writeUInt32LE(record.previousCrc, 28)
  header.writeUInt32LE(crcOf(payload), 32)
  header.writeUInt32LE(record.keyHash, 36)
  const crc = crcOf(header.subarray(8), salt)
  header.writeUInt32LE(crc, 4)
  into.set(payload, offset + RECORD_HEADER_BYTES)
  into.fill(0, offset + RECORD_HEADER_BYTES + payload.byteLength, offset + recordBytes(payload.byteLength))
  return crc
}

/** Returns undefined where the bytes are no record header of a segment with this salt. */
export function decodeRecordHeader(bytes: Buffer, salt: number): RecordHeader | undefined {
  if (bytes.length < RECORD_HEADER_BYTES || bytes.readUInt32LE(0) !== RECORD_MARKER) return undefined
  const crc = bytes.readUInt32LE(4)
  if (crcOf(bytes.subarray(8, RECORD_HEADER_BYTES), salt) !== crc) return undefined
  const payloadLength = bytes.readUInt32LE(8)
  if (payloadLength > MAX_PAYLOAD_BYTES) return undefined
  return {
    type: bytes.readUInt8(12),
    flags: bytes.readUInt8(13),
    payloadLength,
    payloadCrc: bytes.readUInt32LE(32),
    sequence: readU64(bytes, 16),
    syncedOffset: bytes.readUInt32LE(24),
    previousCrc: bytes.readUInt32LE(28),
    keyHash: bytes.readUInt32LE(36),
    crc,
  }
}

export function isControl(type: number): boolean {
  return type === RECORD_TYPES.seal || type === RECORD_TYPES.close
}

const SEGMENT_NAME = /^(\d{12})\.wal$/

export function segmentName(segment: number): string {
  return `${String(segment).padStart(12, '0')}.wal`
}

/** The number of a segment file; undefined for any other name. */
export function segmentNumber(name: string): number | undefined {
  const match = SEGMENT_NAME.exec(name)
  return match ? Number(match[1]) : undefined
}

export function uuidOf(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

export function writeU64(into: Buffer, value: number, offset: number): void {
  into.writeUInt32LE(value % 0x1_0000_0000, offset)
  into.writeUInt32LE(Math.floor(value / 0x1_0000_0000), offset + 4)
}

/** Beyond 2^53 the number is no longer exact; nothing we write gets there, and a checksum stands over it. */
export function readU64(from: Buffer, offset: number): number {
  return from.readUInt32LE(offset) + from.readUInt32LE(offset + 4) * 0x1_0000_0000
}
