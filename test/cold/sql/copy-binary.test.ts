import { describe, expect, it } from 'vitest'
import { BinaryWriter } from '../../../src/cold/sql/binary-writer.ts'
import { decodeFloatArray, UnencodableRecord } from '../../../src/cold/sql/column-types.ts'
import { CopyStream, STAGING_COLUMNS } from '../../../src/cold/sql/copy-binary.ts'
import { chunkOf, idOf } from '../../../src/testkit/contract/cold-records.ts'

function whole(stream: CopyStream): Buffer {
  return Buffer.concat(Array.from(stream, (piece) => Buffer.from(piece)))
}

describe('binary writer', () => {
  it('keeps everything while it grows', () => {
    const out = new BinaryWriter(1)
    for (let i = 0; i < 100; i++) {
      out.int8(1)
      out.int16(-2)
      out.int32(3)
      out.int64(-4n)
      out.utf8('é')
      out.hex('ff00')
      out.floats(new Float32Array([1]))
    }
    const once = '01' + 'fffe' + '00000003' + 'fffffffffffffffc' + 'c3a9' + 'ff00' + '000000043f800000'
    expect(out.length).toBe(once.length * 50)
    expect(Buffer.from(out.take()).toString('hex')).toBe(once.repeat(100))
    expect(out.length).toBe(0)
    out.int16(7)
    expect(Buffer.from(out.take()).toString('hex')).toBe('0007')
  })
})

describe('COPY stream', () => {
  it('has its signature, its rows and its trailer', () => {
    const bytes = whole(new CopyStream(idOf(1), [chunkOf('ns', 2, 3)]))
    expect(bytes.subarray(0, 19).toString('latin1')).toBe('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0')
    expect(bytes.readInt16BE(19)).toBe(STAGING_COLUMNS.length)
    expect(bytes.readInt16BE(bytes.length - 2)).toBe(-1)
  })

  it.each([{ id: 'x' }, { position: 0.5 }, { level: 2 ** 31 }, { createdAt: Number.NaN }, { key: '\udc00' }])(
    'refuses what no column holds: %j',
    (fields) => {
      const stream = new CopyStream(idOf(1), [chunkOf('ns', 1, 3), chunkOf('ns', 2, 3, fields)])
      expect(() => whole(stream)).toThrow(UnencodableRecord)
      expect(stream.unencodable).toBeInstanceOf(UnencodableRecord)
    },
  )
})

describe('a COPY stream in pieces', () => {
  it('is the same each time, in pieces of few rows, each of which may be written over by the next', () => {
    const records = Array.from({ length: 300 }, (_, n) => chunkOf('ns', n, n + 1, { text: 'x'.repeat(n * 10) }))
    const large = chunkOf('ns', 300, 301, { text: 'y'.repeat(1_000_000) })
    const stream = new CopyStream(idOf(1), [...records, large, records[0]!])
    const sizes = Array.from(stream, (piece) => piece.byteLength)
    expect(sizes.length).toBeGreaterThan(5)
    expect(sizes.filter((size) => size > 70_000)).toEqual([expect.toSatisfy((size: number) => size > 1_000_000)])
    const rows = [...records, large, records[0]!].map((record) => whole(new CopyStream(idOf(1), [record])))
    // Header and trailer of each are not repeated.
    const bare = rows.map((row) => row.subarray(19, row.length - 2))
    const expected = Buffer.concat([rows[0]!.subarray(0, 19), ...bare, rows[0]!.subarray(-2)])
    for (let time = 0; time < 2; time++) expect(whole(stream).equals(expected)).toBe(true)
  })
})

describe('vectors from the database', () => {
  it('keep every bit, of a signalling NaN as well, at any offset', () => {
    const bits = [0x7fa00001, 0x80000000, 0x00000001, 0x3f800000]
    const out = new BinaryWriter()
    out.int8(0)
    for (const word of [1, 0, 700, bits.length, 1]) out.int32(word)
    out.floats(new Float32Array(new Uint32Array(bits).buffer))
    const decoded = decodeFloatArray(out.take().subarray(1))
    expect([...new Uint32Array(decoded.buffer)]).toEqual(bits)
  })

  it('may be empty', () => {
    expect(decodeFloatArray(new Uint8Array(12))).toEqual(new Float32Array(0))
  })
})
