import { describe, expect, it } from 'vitest'
import type { EntryRecord } from '../../src/entry/record.ts'
import { matches } from '../../src/query/filter.ts'
import { parseWhere, type Where } from '../../src/query/where.ts'

const ID = '0191e4a0-7b1a-7c3e-8f00-112233445566'
const RECORD: EntryRecord = {
  namespace: 'acme',
  id: ID,
  key: null,
  version: '1'.repeat(24),
  kind: 'chunk',
  text: 'm',
  documentId: 'doc',
  position: 5,
  level: null,
  children: null,
  childVersions: null,
  metadata: null,
  embedding: null,
  embeddingModel: null,
  bytes: null,
  contentType: null,
  createdAt: 1_000,
  updatedAt: 2_000,
  expiresAt: null,
  slidingTtl: null,
  deletedAt: null,
}

const selects = (where: unknown, record: Partial<EntryRecord> = {}): boolean =>
  matches({ ...RECORD, ...record }, parseWhere(where as Where))

describe('matches', () => {
  it.each([
    [{}, true],
    [{ kind: 'chunk' }, true],
    [{ kind: 'raptor' }, false],
    [{ kind: { in: ['raptor', 'chunk'] } }, true],
    [{ id: ID.toUpperCase() }, true],
    [{ position: 5 }, true],
    [{ position: 5.5 }, false],
    [{ position: { gt: 4.5, lt: 5.5 } }, true],
    [{ position: { gt: 5 } }, false],
    [{ position: { gte: 5, lte: 5 } }, true],
    [{ position: { lt: 5 } }, false],
    [{ position: { in: [] } }, false],
    [{ position: { in: [4, 5] } }, true],
    [{ text: { gt: 'l', lt: 'n' } }, true],
    [{ text: 'm', position: 6 }, false],
    [{ summary: 'm' }, false],
    [{ createdAt: { gte: new Date(1_000), lt: 1_001 } }, true],
    [{ key: { lte: '\u{10ffff}' } }, false],
    [{ expiresAt: { lt: 253_402_300_799_999 } }, false],
    [{ level: { in: [0] } }, false],
    [{ level: { nin: [0] } }, true],
    [{ level: { ne: 0 } }, true],
    [{ level: { exists: false } }, true],
    [{ text: { exists: true } }, true],
    [{ summary: { ne: 'm' } }, true],
    [{ not: { summary: { gt: 'a' } } }, true],
    [{ and: [], not: { or: [] } }, true],
    [{ or: [{ position: 6 }, { documentId: { startsWith: 'd', contains: 'oc' } }] }, true],
    [{ accessCount: 0, lastAccessedAt: 2_000 }, true],
    [{ 'metadata.a': { ne: 1 } }, true],
    [{ 'metadata.a': { exists: false }, metadata: { exists: false } }, true],
  ])('%j: %s', (where, expected) => {
    expect(selects(where)).toBe(expected)
  })

  it('compares text by code point, not by UTF-16 unit', () => {
    // U+FF5E sorts after U+1F30A in UTF-16 and before it in UTF-8.
    expect(selects({ text: { gt: '\uff5e' } }, { text: '\u{1f30a}' })).toBe(true)
    expect(selects({ text: { lt: '\u{1f30a}' } }, { text: '\uff5e' })).toBe(true)
  })

  it('finds a summary only on RAPTOR nodes and a text only on chunks', () => {
    expect(selects({ summary: 'm' }, { kind: 'raptor' })).toBe(true)
    expect(selects({ text: 'm' }, { kind: 'raptor' })).toBe(false)
  })
})
