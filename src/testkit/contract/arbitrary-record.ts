import type { Arbitrary } from 'fast-check'
import type { EntryRecord } from '../../entry/record.ts'
import { ZERO_VERSION } from '../../entry/version.ts'
import { fc } from '../load-fast-check.ts'

/** Any text that Postgres and UTF-8 can hold. */
export const storableText = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0'))

const name = storableText.filter((text) => text !== '' && Buffer.byteLength(text) <= 512)
const time = fc.integer({ min: 0, max: 253_402_300_799_999 })
const int4 = fc.integer({ min: 0, max: 2_147_483_647 })
const uuid = fc.uuid()
const version = fc
  .string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 24, maxLength: 24 })
  .filter((text) => text > ZERO_VERSION)
const metadata = fc
  .dictionary(
    storableText.filter((key) => key !== '__proto__'),
    fc.jsonValue(),
  )
  .map((value) => JSON.stringify(value))
const embedding = fc.float32Array({ minLength: 1, maxLength: 32, noNaN: true, noDefaultInfinity: true })

const orNull = <T>(value: Arbitrary<T>): Arbitrary<T | null> => fc.option(value, { nil: null })

const everyRecord = {
  namespace: name,
  id: uuid,
  key: orNull(name),
  version,
  createdAt: time,
  updatedAt: time,
}
const stands = { expiresAt: orNull(time), slidingTtl: fc.constant(null) }
const slides = { expiresAt: time, slidingTtl: fc.integer({ min: 1, max: 253_402_300_799_999 }) }
const noContent = {
  text: fc.constant(null),
  documentId: fc.constant(null),
  position: fc.constant(null),
  level: fc.constant(null),
  children: fc.constant(null),
  childVersions: fc.constant(null),
  bytes: fc.constant(null),
  contentType: fc.constant(null),
}
const everyEntry = {
  ...everyRecord,
  metadata: orNull(metadata),
  embedding: orNull(embedding),
  embeddingModel: orNull(name),
  ...stands,
  deletedAt: fc.constant(null),
}

/** Any record of a valid entry or tombstone. */
export const arbitraryRecord: Arbitrary<EntryRecord> = fc.oneof(
  fc.record({ ...everyEntry, ...noContent, kind: fc.constant('embedding' as const), embedding }),
  fc.record({ ...everyEntry, ...noContent, kind: fc.constant('metadata' as const), metadata }),
  fc.record({
    ...everyEntry,
    ...noContent,
    kind: fc.constant('chunk' as const),
    text: storableText,
    documentId: orNull(name),
    position: orNull(int4),
  }),
  fc.record({ ...everyEntry, ...slides, ...noContent, kind: fc.constant('metadata' as const), metadata }),
  fc.record({
    ...everyEntry,
    ...noContent,
    kind: fc.constant('raptor' as const),
    text: storableText,
    level: int4,
    children: fc.array(uuid, { maxLength: 5 }),
    childVersions: orNull(fc.array(fc.constantFrom('-', '=', '0123456789abcdef0123abcd'), { maxLength: 5 })),
  }),
  fc.record({
    ...everyEntry,
    ...noContent,
    kind: fc.constant('blob' as const),
    embedding: fc.constant(null),
    bytes: fc.uint8Array({ maxLength: 300 }),
    contentType: orNull(name),
  }),
  fc.record({
    ...everyRecord,
    ...noContent,
    kind: fc.constant(null),
    metadata: fc.constant(null),
    embedding: fc.constant(null),
    embeddingModel: fc.constant(null),
    expiresAt: fc.constant(null),
    slidingTtl: fc.constant(null),
    deletedAt: time,
  }),
)
