import { describe, expect, it } from 'vitest'
import { BinaryWriter } from '../../../src/cold/sql/binary-writer.ts'
import { decodeFloatArray, UnencodableRecord } from '../../../src/cold/sql/column-types.ts'
import { encodeCopy, STAGING_COLUMNS } from '../../../src/cold/sql/copy-binary.ts'
import { chunkOf, idOf } from '../../../src/testkit/contract/cold-records.ts'

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
    expect(Buffer.from(out.finish()).toString('hex')).toBe(once.repeat(100))
  })
})

describe('COPY stream', () => {
  it('has its signature, its rows and its trailer', () => {
    const bytes = Buffer.from(encodeCopy(idOf(1), [chunkOf('ns', 2, 3)]))
    expect(bytes.subarray(0, 19).toString('latin1')).toBe('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0')
    expect(bytes.readInt16BE(19)).toBe(STAGING_COLUMNS.length)
    expect(bytes.readInt16BE(bytes.length - 2)).toBe(-1)
  })

  it.each([{ id: 'x' }, { position: 0.5 }, { level: 2 ** 31 }, { createdAt: Number.NaN }, { key: '\udc00' }])(
    'refuses what no column holds: %j',
    (fields) => {
      expect(() => encodeCopy(idOf(1), [chunkOf('ns', 2, 3, fields)])).toThrow(UnencodableRecord)
    },
  )
})

describe('vectors from the database', () => {
  it('keep every bit, of a signalling NaN as well, at any offset', () => {
    const bits = [0x7fa00001, 0x80000000, 0x00000001, 0x3f800000]
    const out = new BinaryWriter()
    out.int8(0)
    for (const word of [1, 0, 700, bits.length, 1]) out.int32(word)
    out.floats(new Float32Array(new Uint32Array(bits).buffer))
    const decoded = decodeFloatArray(out.finish().subarray(1))
    expect([...new Uint32Array(decoded.buffer)]).toEqual(bits)
  })

  it('may be empty', () => {
    expect(decodeFloatArray(new Uint8Array(12))).toEqual(new Float32Array(0))
  })
})
