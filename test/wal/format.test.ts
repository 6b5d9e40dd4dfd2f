/** The bytes on the disk, so that nobody changes them unknowingly: every offset by hand, then round trips. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeMark } from '../../src/wal/durable-mark.ts'
import {
  crcOf,
  decodeRecordHeader,
  decodeSegmentHeader,
  encodeRecord,
  encodeSegmentHeader,
  FORMAT_VERSION,
  keyHash,
  MAX_PAYLOAD_BYTES,
  RECORD_HEADER_BYTES,
  RECORD_TYPES,
  recordBytes,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  segmentName,
  segmentNumber,
} from '../../src/wal/format.ts'

const WAL_ID = '00112233-4455-6677-8899-aabbccddeeff'

/** Offset, bytes in hexadecimal, meaning. The table covers every byte once. */
type Layout = readonly (readonly [offset: number, hex: string, meaning: string])[]

function bytesOf(layout: Layout): Buffer {
  const parts: Buffer[] = []
  let at = 0
  for (const [offset, hex, meaning] of layout) {
    expect(offset, meaning).toBe(at)
    const part = Buffer.from(hex.replaceAll(' ', ''), 'hex')
    parts.push(part)
    at += part.length
  }
  return Buffer.concat(parts)
}

const SEGMENT_HEADER: SegmentHeader = {
  walId: WAL_ID,
  segment: 3,
  epoch: 2,
  firstSequence: 0x1_0000_0005,
  previousLength: 4_096,
  previousChain: 0xdeadbeef,
  highestVersion: { millis: 0x0123_4567_89ab, counter: 0xcdef },
}

const SEGMENT_LAYOUT: Layout = [
  [0, '5457414c53454731', 'magic TWALSEG1'],
  [8, '0100', 'format version'],
  [10, '5000', 'header length'],
  [12, '00000000', 'flags'],
  [16, '00112233445566778899aabbccddeeff', 'wal id'],
  [32, '0300000000000000', 'segment number'],
  [40, '0200000000000000', 'epoch'],
  [48, '0500000001000000', 'first sequence'],
  [56, '0010000000000000', 'valid length of the previous segment'],
  [64, 'efbeadde', 'chain value at its end'],
  [68, 'efcdab8967452301', 'highest version clock'],
  [76, '84838e48', 'CRC of bytes 0..75, the salt'],
]

const RECORD = {
  type: RECORD_TYPES.put,
  flags: 1,
  sequence: 0x1_0000_0005,
  syncedOffset: 80,
  previousCrc: 0x01020304,
  keyHash: 0x0a0b0c0d,
}
const PAYLOAD = Buffer.from('hello')
const SALT = 0x11223344

const RECORD_LAYOUT: Layout = [
  [0, '7e1ca5f3', 'marker'],
  [4, 'd9215f27', 'CRC of bytes 8..39, seeded with the salt'],
  [8, '05000000', 'payload length'],
  [12, '01', 'type'],
  [13, '01', 'flags'],
  [14, '0000', 'zero'],
  [16, '0500000001000000', 'sequence'],
  [24, '50000000', 'synced offset'],
  [28, '04030201', 'CRC of the previous record header'],
  [32, '4cbb719a', 'CRC of the payload'],
  [36, '0d0c0b0a', 'key hash'],
  [40, '68656c6c6f', 'payload'],
  [45, '000000', 'padding'],
]

const MARK = { markNumber: 7, walId: WAL_ID, epoch: 2, segment: 3, offset: 4_096, sequence: 0x1_0000_0005 }

const MARK_LAYOUT: Layout = [
  [0, '0700000000000000', 'generation'],
  [8, '00112233445566778899aabbccddeeff', 'wal id'],
  [24, '0200000000000000', 'epoch'],
  [32, '0300000000000000', 'segment'],
  [40, '0010000000000000', 'offset'],
  [48, '0500000001000000', 'sequence'],
  [56, '5fe9970a', 'CRC of bytes 0..55'],
  [60, '00000000', 'zero'],
]

describe('the bytes of', () => {
  it('a segment header', () => {
    const { bytes, salt } = encodeSegmentHeader(SEGMENT_HEADER)
    expect(bytes).toEqual(bytesOf(SEGMENT_LAYOUT))
    expect(salt).toBe(bytes.readUInt32LE(76))
    expect(SEGMENT_HEADER_BYTES).toBe(80)
  })

  it('a record, with payload and padding', () => {
    const bytes = Buffer.alloc(recordBytes(PAYLOAD.length), 0xff)
    const crc = encodeRecord(bytes, 0, RECORD, PAYLOAD, SALT)
    expect(bytes).toEqual(bytesOf(RECORD_LAYOUT))
    expect(crc).toBe(bytes.readUInt32LE(4))
    expect(RECORD_HEADER_BYTES).toBe(40)
  })

  it('the mark, in either slot', () => {
    const { bytes, position } = encodeMark(MARK)
    expect(bytes).toEqual(bytesOf(MARK_LAYOUT))
    expect(position).toBe(64)
    expect(encodeMark({ ...MARK, markNumber: 8 }).position).toBe(0)
  })

  it('record types, none of which is ever renumbered', () => {
    const first = { put: 1, delete: 2, prepared: 3, commit: 4, abort: 5, seal: 6, close: 7 }
    expect(RECORD_TYPES).toEqual({ ...first, blob: 8, bundle: 9 })
  })

  it('CRC-32C, by its published check value', () => {
    expect(crcOf(Buffer.from('123456789'))).toBe(0xe3069283)
    expect(keyHash('a', 'b')).toBe(crcOf(Buffer.from('a\0b')))
  })
})

describe('what was encoded is decoded', () => {
  const u32 = fc.nat(0xffff_ffff)
  const u53 = fc.maxSafeNat()

  it('segment headers', () => {
    const header = fc.record({
      walId: fc.uuid(),
      segment: u53,
      epoch: u53,
      firstSequence: u53,
      previousLength: u53,
      previousChain: u32,
      highestVersion: fc.record({ millis: fc.nat(2 ** 48 - 1), counter: fc.nat(0xffff) }),
    })
    fc.assert(
      fc.property(header, (segment) => {
        const { bytes, salt } = encodeSegmentHeader(segment)
        expect(decodeSegmentHeader(bytes)).toEqual({ status: 'ok', header: segment, salt })
      }),
    )
  })

  it('records, at any offset, and padding takes the rest', () => {
    const record = fc.record({
      type: fc.nat(255),
      flags: fc.nat(255),
      sequence: u53,
      syncedOffset: u32,
      previousCrc: u32,
      keyHash: u32,
    })
    fc.assert(
      fc.property(record, fc.uint8Array({ maxLength: 100 }), u32, fc.nat(64), (header, payload, salt, offset) => {
        const bytes = Buffer.alloc(offset + recordBytes(payload.length), 0xff)
        const crc = encodeRecord(bytes, offset, header, payload, salt)
        const decoded = decodeRecordHeader(bytes.subarray(offset), salt)
        expect(decoded).toEqual({ ...header, payloadLength: payload.length, payloadCrc: crcOf(payload), crc })
        const end = offset + RECORD_HEADER_BYTES + payload.length
        expect(bytes.subarray(offset + RECORD_HEADER_BYTES, end)).toEqual(Buffer.from(payload))
        expect(bytes.subarray(end).every((byte) => byte === 0)).toBe(true)
        expect(bytes.length % 8).toBe(offset % 8)
      }),
    )
  })

  it('names of segments', () => {
    expect(segmentName(7)).toBe('000000000007.wal')
    fc.assert(fc.property(fc.nat(999_999_999_999), (n) => segmentNumber(segmentName(n)) === n))
    for (const name of ['000000000007.wal.new', '7.wal', 'durable', 'lock', 'x000000000007.wal'])
      expect(segmentNumber(name)).toBeUndefined()
  })
})

describe('what was damaged is not', () => {
  it('every bit of a segment header', () => {
    const { bytes } = encodeSegmentHeader(SEGMENT_HEADER)
    for (const flipped of eachFlip(bytes)) expect(decodeSegmentHeader(flipped).status).toBe('bad')
    for (let length = 0; length < bytes.length; length++)
      expect(decodeSegmentHeader(bytes.subarray(0, length)).status).toBe('bad')
  })

  it('every bit of a record header, its length among them', () => {
    const bytes = Buffer.alloc(recordBytes(PAYLOAD.length))
    encodeRecord(bytes, 0, RECORD, PAYLOAD, SALT)
    for (const flipped of eachFlip(bytes.subarray(0, RECORD_HEADER_BYTES)))
      expect(decodeRecordHeader(flipped, SALT)).toBeUndefined()
  })

  it('a record under the salt of another segment', () => {
    const bytes = Buffer.alloc(recordBytes(PAYLOAD.length))
    encodeRecord(bytes, 0, RECORD, PAYLOAD, SALT)
    expect(decodeRecordHeader(bytes, SALT + 1)).toBeUndefined()
  })

  it('a length beyond the cap, though its checksum holds', () => {
    const bytes = Buffer.alloc(RECORD_HEADER_BYTES)
    encodeRecord(bytes, 0, RECORD, new Uint8Array(), SALT)
    bytes.writeUInt32LE(MAX_PAYLOAD_BYTES + 1, 8)
    bytes.writeUInt32LE(crcOf(bytes.subarray(8), SALT), 4)
    expect(decodeRecordHeader(bytes, SALT)).toBeUndefined()
  })
})

describe('a later format', () => {
  /** Magic, version, length and a CRC in the last four bytes: what every format keeps. */
  function laterHeader(length: number): Buffer {
    const bytes = Buffer.alloc(length, 0x5a)
    bytes.write('TWALSEG1', 0, 'latin1')
    bytes.writeUInt16LE(FORMAT_VERSION + 1, 8)
    bytes.writeUInt16LE(length, 10)
    bytes.writeUInt32LE(crcOf(bytes.subarray(0, length - 4)), length - 4)
    return bytes
  }

  it.each([80, 96, 512])('is told from damage, with a header of %i bytes', (length) => {
    const bytes = laterHeader(length)
    expect(decodeSegmentHeader(bytes)).toEqual({ status: 'newer', version: FORMAT_VERSION + 1 })
    expect(decodeSegmentHeader(Buffer.concat([bytes, Buffer.from('records')])).status).toBe('newer')
    for (const flipped of eachFlip(bytes)) expect(decodeSegmentHeader(flipped).status).toBe('bad')
  })
})

function* eachFlip(bytes: Buffer): Generator<Buffer> {
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes)
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    yield flipped
  }
}
