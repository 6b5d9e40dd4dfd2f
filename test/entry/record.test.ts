import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keyText } from '../../src/entry/entry-key.ts'
import { type EntryRecord, toEntry, tombstoneOf, withVersion } from '../../src/entry/record.ts'
import { arbitraryRecord } from '../../src/testkit/contract/arbitrary-record.ts'

const NODE: EntryRecord = {
  namespace: 'acme',
  id: '0191e4a0-7b1a-7c3e-8f00-112233445566',
  key: 'root',
  version: '1'.repeat(24),
  kind: 'raptor',
  text: 'a summary',
  documentId: null,
  position: null,
  level: 2,
  children: ['00000000-0000-0000-0000-000000000001'],
  childVersions: null,
  metadata: '{"a":[1]}',
  embedding: Float32Array.of(1, 2),
  embeddingModel: 'mini',
  bytes: null,
  contentType: null,
  createdAt: 1_000,
  updatedAt: 2_000,
  expiresAt: 9_000,
  slidingTtl: null,
  deletedAt: null,
}

describe('toEntry', () => {
  it('names the text of a RAPTOR node its summary, and leaves out what is not there', () => {
    expect(toEntry(NODE, { accessCount: 3, lastAccessedAt: 5_000 })).toEqual({
      kind: 'raptor',
      namespace: 'acme',
      id: NODE.id,
      key: 'root',
      version: NODE.version,
      summary: 'a summary',
      level: 2,
      children: NODE.children,
      metadata: { a: [1] },
      embedding: Float32Array.of(1, 2),
      embeddingModel: 'mini',
      createdAt: new Date(1_000),
      updatedAt: new Date(2_000),
      lastAccessedAt: new Date(5_000),
      accessCount: 3,
      expiresAt: new Date(9_000),
    })
  })

  it('counts the last write as the last access where none is known', () => {
    expect(toEntry(NODE, undefined)).toMatchObject({ accessCount: 0, lastAccessedAt: new Date(2_000) })
  })

  it('shares nothing with the record', () => {
    const record = { ...NODE, embedding: Float32Array.of(1, 2), children: [...(NODE.children ?? [])] }
    const entry = toEntry(record, undefined)
    if (entry.kind !== 'raptor') throw new Error('not the kind that was put in')
    ;(entry.children as string[]).push('x')
    entry.embedding?.fill(0)
    entry.createdAt.setTime(0)
    expect(record).toEqual(NODE)
  })
})

it('gives a record its version, and leaves all else as it is', () => {
  fc.assert(
    fc.property(arbitraryRecord, (record) => {
      const { version, ...unversioned } = record
      expect(withVersion(unversioned, version)).toEqual(record)
    }),
  )
})

it('makes tombstones that keep key and version and nothing else of the entry', () => {
  fc.assert(
    fc.property(arbitraryRecord, (record) => {
      const { namespace, id, key } = record
      const { createdAt, updatedAt, deletedAt, version, ...rest } = tombstoneOf(record, '2'.repeat(24), 7)
      expect({ createdAt, updatedAt, deletedAt, version }).toEqual({
        ...{ createdAt: 7, updatedAt: 7, deletedAt: 7 },
        version: '2'.repeat(24),
      })
      const kept = Object.entries(rest).filter(([, value]) => value !== null)
      expect(Object.fromEntries(kept)).toEqual(key === null ? { namespace, id } : { namespace, id, key })
    }),
  )
})

it('names every key differently', () => {
  expect(keyText({ namespace: 'a', id: 'b' })).not.toBe(keyText({ namespace: 'ab', id: '' }))
})
