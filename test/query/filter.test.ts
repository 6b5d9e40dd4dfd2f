import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import type { EntryRecord } from '../../src/entry/record.ts'
import { matches, parseWhere, type Where } from '../../src/query/filter.ts'

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
  metadata: null,
  embedding: null,
  embeddingModel: null,
  createdAt: 1_000,
  updatedAt: 2_000,
  expiresAt: null,
  deletedAt: null,
}

const parse = (where: unknown) => parseWhere(where as Where)
const selects = (where: unknown, record: Partial<EntryRecord> = {}): boolean =>
  matches({ ...RECORD, ...record }, parse(where))

describe('parseWhere', () => {
  it.each([
    ['a text', 'x', undefined],
    ['null', null, undefined],
    ['an array', [], undefined],
    ['a Map', new Map([['text', 'x']]), undefined],
    ['an unknown field', { colour: 1 }, 'colour'],
    ['an unknown field that is undefined', { colour: undefined }, 'colour'],
    ['a field from the prototype', { toString: 'x' }, 'toString'],
    ['the namespace, which is the scope', { namespace: 'x' }, 'namespace'],
    ['a field that is undefined', { documentId: undefined }, 'documentId'],
    ['an operator that is undefined', { position: { gt: 1, lt: undefined } }, 'position'],
    ['a comparison that says nothing', { documentId: {} }, 'documentId'],
    ['a Map for a comparison', { documentId: new Map([['eq', 'x']]) }, 'documentId'],
    ['an unknown operator', { text: { like: 'x' } }, 'text'],
    ['an operator from the prototype', { text: { toString: 'x' } }, 'text'],
    ['an array for a value', { text: ['x'] }, 'text'],
    ['null for a value', { text: null }, 'text'],
    ['a text for a number', { position: '5' }, 'position'],
    ['NaN', { position: Number.NaN }, 'position'],
    ['infinity', { level: { gt: Number.POSITIVE_INFINITY } }, 'level'],
    ['a number for a text', { text: 5 }, 'text'],
    ['NUL in a text', { key: 'a\0' }, 'key'],
    ['half a surrogate pair', { documentId: '\ud800' }, 'documentId'],
    ['an id that is no UUID', { id: 'x' }, 'id'],
    ['an unknown kind', { kind: 'document' }, 'kind'],
    ['a text for a time', { createdAt: '2026-01-01' }, 'createdAt'],
    ['an invalid Date', { expiresAt: { lt: new Date(Number.NaN) } }, 'expiresAt'],
    ['a time past the year 9999', { updatedAt: 1e15 }, 'updatedAt'],
    ['`in` without an array', { position: { in: 5 } }, 'position'],
    ['a wrong value within `in`', { position: { in: [5, 'x'] } }, 'position'],
    ['over 1 000 values', { position: { in: Array.from({ length: 1_001 }, (_, i) => i) } }, 'position'],
  ])('refuses %s', (_, where, field) => {
    expect(() => parse(where)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_QUERY', details: field === undefined ? {} : { field } }),
    )
  })

  it.each([
    [{ colour: 1 }, '`where.colour`'],
    [{ documentId: undefined }, '`where.documentId` is undefined'],
    [{ documentId: { like: 'x' } }, '`like`'],
    [{ position: 'x' }, '`where.position`'],
  ])('names what is wrong with %j', (where, name) => {
    expect(() => parse(where)).toThrow(expect.objectContaining({ message: expect.stringContaining(name) }))
  })

  it('shows no value in a refusal', () => {
    for (const where of [
      'canary-5f1d',
      { id: 'canary-5f1d' },
      { text: ['canary-5f1d'] },
      { position: { in: ['canary-5f1d'] } },
    ])
      expect(() => parse(where)).toThrow(expect.not.objectContaining({ message: expect.stringContaining('canary') }))
  })

  it('selects everything where nothing is asked', () => {
    expect(parse(undefined)).toEqual([])
    expect(parse({})).toEqual([])
  })

  it('takes values of another realm', () => {
    const where = runInNewContext('({ createdAt: { gte: new Date(5) }, updatedAt: new Date(6), id: { in: [] } })')
    expect(parse(where)).toEqual([
      { field: 'createdAt', operator: 'gte', value: 5 },
      { field: 'updatedAt', operator: 'eq', value: 6 },
      { field: 'id', operator: 'in', values: [] },
    ])
  })

  it('turns dates into milliseconds and ids into lower case, and names the kind that owns a field', () => {
    expect(parse({ createdAt: new Date(5), id: { in: [ID.toUpperCase()] }, summary: 's' })).toEqual([
      { field: 'createdAt', operator: 'eq', value: 5 },
      { field: 'id', operator: 'in', values: [ID] },
      { field: 'kind', operator: 'eq', value: 'raptor' },
      { field: 'text', operator: 'eq', value: 's' },
    ])
  })
})

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
