import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { metadataPath } from '../../src/query/metadata-path.ts'
import { parseWhere, type Where } from '../../src/query/where.ts'

const ID = '0191e4a0-7b1a-7c3e-8f00-112233445566'
const parse = (where: unknown) => parseWhere(where as Where)

function nested(levels: number): Where {
  return levels === 0 ? { level: 1 } : { not: nested(levels - 1) }
}

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
    ['a tree that is undefined', { or: undefined }, 'or'],
    ['one tree for several', { and: { text: 'x' } }, 'and'],
    ['several trees for one', { not: [{ text: 'x' }] }, 'not'],
    ['a hole among trees', { or: Array(1) }, 'or'],
    ['a wrong field within a tree', { or: [{ not: { and: [{ colour: 1 }] } }] }, 'colour'],
    ['an operator that the type lacks', { position: { contains: 1 } }, 'position'],
    ['an order of kinds', { kind: { gt: 'chunk' } }, 'kind'],
    ['`exists` with a number', { text: { exists: 1 } }, 'text'],
    ['children that are no UUIDs', { children: { contains: 'x' } }, 'children'],
    ['a path that goes on nowhere', { 'metadata.': 1 }, 'metadata.'],
    ['a path with a step without a name', { 'metadata.a..b': 1 }, 'metadata.a..b'],
    ['a place in an array', { 'metadata.a[0]': 1 }, 'metadata.a[0]'],
    ['a name that is not quoted as JSON', { "metadata['a']": 1 }, "metadata['a']"],
    ['a name with NUL', { [metadataPath('\0')]: 1 }, 'metadata["\\u0000"]'],
    ['a field that only begins like metadata', { metadataOrder: 1 }, 'metadataOrder'],
    ['an array that is compared without an operator', { 'metadata.a': ['x'] }, 'metadata.a'],
    ['an object that is compared without an operator', { 'metadata.a': { b: 1 } }, 'metadata.a'],
    ['a date for JSON', { 'metadata.a': new Date(0) }, 'metadata.a'],
    ['infinity in JSON', { 'metadata.a': { in: [1, [Number.POSITIVE_INFINITY]] } }, 'metadata.a'],
    ['half a surrogate pair in JSON', { 'metadata.a': { eq: { b: '\ud800' } } }, 'metadata.a'],
    ['an order of truths', { 'metadata.a': { gt: true } }, 'metadata.a'],
    ['a beginning that is a number', { 'metadata.a': { startsWith: 1 } }, 'metadata.a'],
    ['over 1 000 conditions', { and: Array.from({ length: 1_001 }, () => ({ level: 1 })) }, 'level'],
    ['over 16 levels', nested(16), 'not'],
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
    ['over 10 000 values', { position: { in: Array.from({ length: 10_001 }, (_, i) => i) } }, 'position'],
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
    [{ or: [{}, { not: { level: 'x' } }] }, '`where.or[1].not.level`'],
    [{ 'metadata.a': { theme: 1 } }, '`eq`'],
    [nested(16), '16 levels'],
    [{ level: { in: Array(10_001).fill(1) } }, '10000'],
  ])('names what is wrong with %j', (where, name) => {
    expect(() => parse(where)).toThrow(expect.objectContaining({ message: expect.stringContaining(name) }))
  })

  it('shows no value in a refusal', () => {
    for (const where of [
      'canary-5f1d',
      { id: 'canary-5f1d' },
      { text: ['canary-5f1d'] },
      { position: { in: ['canary-5f1d'] } },
      { 'metadata.a': { eq: { b: () => 'canary-5f1d' } } },
      { 'metadata.a': new Date('2026-01-01') },
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

  it('takes as much as it says', () => {
    parse(nested(15))
    parse({ and: Array.from({ length: 1_000 }, () => ({ level: 1 })) })
    parse({ level: { in: Array.from({ length: 10_000 }, (_, i) => i) } })
  })

  it('reads paths of any names', () => {
    expect(parse({ 'metadata.a b.é': null, metadata: { contains: {} } })).toEqual([
      { path: ['a b', 'é'], operator: 'eq', value: null },
      { path: [], operator: 'contains', value: {} },
    ])
    for (const names of [[''], ['a.b', '0'], ['"', ']', '\\'], ['__proto__', 'constructor']] as [string][])
      expect(parse({ [metadataPath(...names)]: { exists: true } })).toEqual([{ path: names, operator: 'exists' }])
  })

  it('keeps a copy of what it is given', () => {
    const value = { a: [1], b: undefined }
    const filter = parse({ 'metadata.a': { eq: value } })
    value.a.push(3)
    expect(filter).toEqual([{ path: ['a'], operator: 'eq', value: { a: [1] } }])
  })

  it('puts `not` before what is said to be other', () => {
    expect(parse({ summary: { ne: 's' }, level: { nin: [1], exists: false } })).toEqual([
      {
        not: [
          { field: 'kind', operator: 'eq', value: 'raptor' },
          { field: 'text', operator: 'eq', value: 's' },
        ],
      },
      { not: [{ field: 'level', operator: 'in', values: [1] }] },
      { not: [{ field: 'level', operator: 'exists' }] },
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
