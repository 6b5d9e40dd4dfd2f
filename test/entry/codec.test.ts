import { encode } from '@msgpack/msgpack'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeKind, decodeRecord, encodedEmbedding, encodeRecord, UndecodableRecord } from '../../src/entry/codec.ts'
import type { EntryRecord } from '../../src/entry/record.ts'
import { arbitraryRecord } from '../../src/testkit/contract/arbitrary-record.ts'
import { budget } from '../tools/budget.ts'

const RECORD: EntryRecord = {
  namespace: 'acme/docs',
  id: '0191e4a0-7b1a-7c3e-8f00-112233445566',
  key: 'intro#1',
  version: '0191e4a07b1a0003cafe0001',
  kind: 'chunk',
  text: 'Warm water lies above cold: Größe \u{1f30a}.',
  documentId: 'README.md',
  position: 300,
  level: null,
  children: null,
  childVersions: null,
  metadata: '{"lang":"de"}',
  embedding: Float32Array.of(1, -0, 0.1, 1e-45),
  embeddingModel: 'mini',
  bytes: null,
  contentType: null,
  createdAt: 1_725_000_000_000,
  updatedAt: 1_725_000_000_001,
  expiresAt: 253_402_300_799_999,
  slidingTtl: null,
  deletedAt: null,
}

/** What lies in logs on people's disks. A change here means that they can no longer be read, or need a new format. */
const GOLDEN =
  '8ea96e616d657370616365a961636d652f646f6373a26964d92430313931653461302d376231612d376333652d386630302d313132323333343435353636a36b6579a7696e74726f2331a776657273696f6eb8303139316534613037623161303030336361666530303031a46b696e64a56368756e6ba474657874d9295761726d207761746572206c6965732061626f766520636f6c643a204772c3b6c39f6520f09f8c8a2eaa646f63756d656e744964a9524541444d452e6d64a8706f736974696f6ecd012ca86d65746164617461ad7b226c616e67223a226465227dae656d62656464696e674d6f64656ca46d696e69a9637265617465644174cf00000191a2032200a9757064617465644174cf00000191a2032201a9657870697265734174cf0000e677d21fdbffa9656d62656464696e67c4100000803f00000080cdcccc3d01000000'

/** The same with `slidingTtl`: one more field of the map. */
const SLIDING_FIELD = 'aa736c6964696e6754746cce001b7740'
const GOLDEN_SLIDING = GOLDEN.replace(/^8e/, '8f').replace(/(e677d21fdbff)/, `$1${SLIDING_FIELD}`)

describe('record codec', () => {
  it('makes these very bytes, today and in ten years', () => {
    expect(Buffer.from(encodeRecord(RECORD)).toString('hex')).toBe(GOLDEN)
    expect(decodeRecord(Buffer.from(GOLDEN, 'hex'))).toEqual(RECORD)
  })

  it('reads of what slides what it had before, and writes these bytes of it', () => {
    const sliding = { ...RECORD, slidingTtl: 1_800_000 }
    const bytes = Buffer.from(encodeRecord(sliding)).toString('hex')
    expect(bytes).toBe(GOLDEN_SLIDING)
    expect(decodeRecord(Buffer.from(bytes, 'hex'))).toEqual(sliding)
    // A process of before passes over the field, and has an entry that expires when it did.
    expect(bytes.replace(SLIDING_FIELD, '').replace(/^8f/, '8e')).toBe(GOLDEN)
  })

  it('gives back any valid record, bit for bit', () => {
    fc.assert(
      fc.property(arbitraryRecord, (record) => {
        const decoded = decodeRecord(encodeRecord(record))
        expect({ ...decoded, embedding: bitsOf(decoded) }).toEqual({ ...record, embedding: bitsOf(record) })
        expect(decodeKind(encodeRecord(record))).toBe(record.kind)
      }),
      { numRuns: 500 },
    )
  })

  it.each([0, 31, 32, 255, 256, 65_535, 65_536, 300_000])('writes texts of %d bytes as msgpack has them', (bytes) => {
    const text = `${'ß'.repeat(bytes >> 1)}${'a'.repeat(bytes % 2)}`
    expectSameBytes({ ...RECORD, text })
  })

  it.each([0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 0.5])(
    'writes the number %d as msgpack has it',
    (updatedAt) => {
      expectSameBytes({ ...RECORD, updatedAt })
    },
  )

  it.each([0, 15, 16, 65_536])('writes %d children as msgpack has them', (count) => {
    const children = Array.from({ length: count }, () => RECORD.id)
    expectSameBytes({ ...RECORD, children })
  })

  it.each([63, 64, 16_000, 16_384])('writes an embedding of %d dimensions as msgpack has its bytes', (dimensions) => {
    const embedding = Float32Array.from({ length: dimensions }, (_, nth) => nth)
    expectSameBytes({ ...RECORD, embedding })
  })

  it('reads a payload that begins at any offset of a larger buffer', () => {
    const bytes = encodeRecord(RECORD)
    for (let offset = 0; offset < 8; offset++) {
      const buffer = new Uint8Array(bytes.byteLength + 16)
      buffer.set(bytes, offset)
      expect(decodeRecord(buffer.subarray(offset, offset + bytes.byteLength))).toEqual(RECORD)
    }
  })

  it('encodes an embedding that is a view of a larger array as what the view shows', () => {
    const embedding = Float32Array.of(9, 1, -0, 9).subarray(1, 3)
    expect(decodeRecord(encodeRecord({ ...RECORD, embedding })).embedding).toEqual(Float32Array.of(1, -0))
  })

  it('lets the embedding be read where it stands, whatever is written before it', () => {
    for (let length = 0; length < 9; length++) {
      const record = { ...RECORD, text: 'x'.repeat(length) }
      const payload = encodeRecord(record)
      const embedding = encodedEmbedding(record, payload)!
      expect([...new Uint32Array(embedding.buffer, embedding.byteOffset, embedding.length)]).toEqual(bitsOf(RECORD))
      expect(embedding.buffer).toBe(payload.buffer)
      expect(payload.buffer.byteLength - payload.byteLength).toBeLessThan(4)
    }
    expect(encodedEmbedding({ embedding: null }, encodeRecord(RECORD))).toBe(null)
  })

  it('shares nothing with the bytes it read or with those it made before', () => {
    const bytes = encodeRecord(RECORD)
    const kept = Uint8Array.from(bytes)
    const decoded = decodeRecord(bytes)
    encodeRecord({ ...RECORD, text: 'another' })
    expect(bytes).toEqual(kept)
    bytes.fill(0)
    expect(decoded).toEqual(RECORD)
  })

  it('ignores fields that it does not know', () => {
    const later = { ...RECORD, embedding: null, shard: 7, expectedVersion: '0'.repeat(24), nested: { a: [1] } }
    expect(decodeRecord(encode(later))).toEqual({ ...RECORD, embedding: null })
  })

  it('leaves null fields out', () => {
    const tombstone = { ...RECORD, text: null, kind: null, metadata: null, embedding: null, deletedAt: 5 }
    expect(encodeRecord(tombstone).byteLength).toBeLessThan(encodeRecord(RECORD).byteLength - 60)
  })

  it.each([
    ['nothing', new Uint8Array()],
    ['no msgpack', Uint8Array.of(0xc1)],
    ['a cut record', encodeRecord(RECORD).subarray(0, -1)],
    ['a record and a byte', Uint8Array.of(...encodeRecord(RECORD), 0)],
    ['null', encode(null)],
    ['a number', encode(7)],
    ['an array', encode([RECORD.namespace, RECORD.id])],
    ['no namespace', encode({ ...RECORD, namespace: null })],
    ['no id', encode({ ...RECORD, id: undefined })],
    ['no version', encode({ ...RECORD, version: undefined })],
    ['a version that is none', encode({ ...RECORD, version: 'newest' })],
    ['a time that is none', encode({ ...RECORD, createdAt: 'today' })],
    ['half a float', encode({ ...RECORD, embedding: new Uint8Array(6) })],
  ])('refuses %s', (_, bytes) => {
    expect(() => decodeRecord(bytes)).toThrow(UndecodableRecord)
  })
})

describe('what stands in the order of this version', () => {
  it('is read as the package reads it, also where bytes are damaged', () => {
    fc.assert(
      fc.property(
        arbitraryRecord,
        fc.nat(),
        fc.integer({ min: 0, max: 255 }),
        fc.boolean(),
        (record, at, byte, cut) => {
          const bytes = Buffer.from(encodeRecord(record))
          // Behind the number of fields, which the other reading has one more of.
          const damagedAt = (bytes[0] === 0xde ? 3 : 1) + (at % (bytes.length - 3))
          bytes[damagedAt] = byte
          const damaged = cut ? bytes.subarray(0, damagedAt) : bytes
          const outcome = outcomeOf(() => decodeRecord(withUnknownField(damaged)))
          expect(outcomeOf(() => decodeRecord(damaged))).toEqual(outcome)
          if (outcome instanceof Object) expect(decodeKind(damaged)).toBe((outcome as EntryRecord).kind)
        },
      ),
      { numRuns: budget({ short: 250, long: 100_000 }) },
    )
  })

  it('is read in any other order as well', () => {
    const { embedding, ...rest } = RECORD
    const fields = { embedding: new Uint8Array(embedding!.buffer), ...rest }
    const backwards = Object.fromEntries(Object.entries(fields).reverse())
    expect(decodeRecord(encode(fields))).toEqual(RECORD)
    expect(decodeRecord(encode(backwards))).toEqual(RECORD)
    expect(decodeKind(encode(backwards))).toBe('chunk')
  })
})

it('reads the kind without looking at anything else', () => {
  expect(decodeKind(encode({ kind: 'chunk', text: 7, embedding: new Uint8Array(6) }))).toBe('chunk')
})

/** The same record, with a field before all others that no version knows. */
function withUnknownField(bytes: Buffer): Buffer {
  const isLong = bytes[0] === 0xde
  const count = (isLong ? bytes.readUInt16BE(1) : bytes[0]! & 0x0f) + 1
  const header = count < 16 ? [0x80 | count] : [0xde, 0, count]
  return Buffer.concat([Buffer.from(header), encode('?'), encode(null), bytes.subarray(isLong ? 3 : 1)])
}

/** What it answers, bit for bit, or which error it ends with. */
function outcomeOf(decode: () => EntryRecord): unknown {
  try {
    const record = decode()
    return { ...record, embedding: bitsOf(record) }
  } catch (error) {
    return (error as Error).name
  }
}

function expectSameBytes(record: EntryRecord): void {
  // At once: comparing arrays of megabytes member by member takes minutes.
  expect(Buffer.compare(encodeRecord(record), byThePackage(record))).toBe(0)
}

/** The fields that are there, in the order of the record, by the encoder of another. */
function byThePackage({ embedding, ...rest }: EntryRecord): Uint8Array {
  const fields: Record<string, unknown> = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null))
  if (embedding !== null) fields.embedding = new Uint8Array(embedding.buffer)
  return encode(fields)
}

function bitsOf(record: EntryRecord): number[] | null {
  return record.embedding && [...new Uint32Array(record.embedding.slice().buffer)]
}
