/**
 * Random trees of `where` over random entries, and what they select, told from the documents alone: nothing here uses
 * the code under test, except to write a path with odd names.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Arbitrary } from 'fast-check'
import type { JsonValue } from '../../entry/memory-entry.ts'
import type { EntryRecord } from '../../entry/record.ts'
import { metadataPath } from '../../query/metadata-path.ts'
import { fc } from '../load-fast-check.ts'
import { chunkOf, FUTURE, idOf, PAST } from './cold-records.ts'

const LONG = 'x'.repeat(256)
const TEXTS = [
  '',
  'a',
  'B',
  'Z',
  'é',
  'z',
  '\uff5e',
  '😀',
  'ab',
  'abc',
  '1',
  'null',
  "'",
  '%',
  '\\',
  '"',
  '\ud7ff',
  '\ue000',
]
const LONG_TEXTS = [LONG, `${LONG}a`, `${LONG}b`, `${LONG}\u{10ffff}`, '\u{10ffff}', '\u{10ffff}a']
const NUMBERS = [
  0,
  -0,
  1,
  2,
  -1,
  10,
  0.1,
  0.30000000000000004,
  1e21,
  1e-7,
  5e-324,
  Number.MAX_VALUE,
  2 ** 53,
  2 ** 53 + 2,
]
const INTEGERS = [0, 1, 2, 3, 2_147_483_647]
const TIMES = [0, PAST - 1, PAST, PAST + 1, FUTURE, 253_402_300_799_999]
const NAMES = [
  'a',
  'b',
  'a.b',
  '',
  '0',
  '1',
  '__proto__',
  'constructor',
  'é',
  '"',
  "'",
  '$',
  '[',
  '\\',
  '@',
  'a b',
  '😀',
  'A',
]

const scalar = fc.oneof(
  fc.constantFrom(...TEXTS, ...LONG_TEXTS),
  fc.constantFrom(...NUMBERS),
  fc.constantFrom(null, true, false),
)
const name = fc.oneof({ weight: 3, arbitrary: fc.constantFrom('a', 'b') }, fc.constantFrom(...NAMES))

/** Objects hold `__proto__` as JSON does: as a member of their own. */
const { json, object } = fc.letrec<{ json: JsonValue; object: JsonValue }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    { weight: 4, arbitrary: scalar },
    { weight: 1, arbitrary: fc.array(tie('json'), { maxLength: 3 }) },
    { weight: 2, arbitrary: tie('object') },
  ),
  object: fc.array(fc.tuple(name, tie('json')), { maxLength: 4 }).map((members) => Object.fromEntries(members)),
}))

const orNull = <T>(value: Arbitrary<T>): Arbitrary<T | null> => fc.option(value, { nil: null, freq: 2 })
const ids = fc.array(fc.integer({ min: 0, max: 5 }).map(idOf), { maxLength: 3 })

const common = {
  key: orNull(fc.constantFrom(...TEXTS.slice(1))),
  embeddingModel: orNull(fc.constantFrom(...TEXTS)),
  metadata: orNull(object.map((value) => JSON.stringify(value))),
  createdAt: fc.constantFrom(...TIMES),
  updatedAt: fc.constantFrom(...TIMES),
  expiresAt: orNull(fc.constantFrom(FUTURE + 1, 253_402_300_799_999)),
}
const noContent = { text: fc.constant(null), documentId: fc.constant(null), position: fc.constant(null) }
const text = fc.constantFrom(...TEXTS, ...LONG_TEXTS)

const content: Arbitrary<Partial<EntryRecord>> = fc.oneof(
  fc.record({
    ...common,
    kind: fc.constant('chunk' as const),
    text,
    documentId: orNull(fc.constantFrom(...TEXTS)),
    position: orNull(fc.constantFrom(...INTEGERS)),
  }),
  fc.record({
    ...{ ...common, ...noContent, text, kind: fc.constant('raptor' as const) },
    level: fc.constantFrom(...INTEGERS),
    children: ids,
  }),
  fc.record({
    ...{ ...common, ...noContent, kind: fc.constant('metadata' as const) },
    metadata: object.map((value) => JSON.stringify(value)),
  }),
  fc.record({
    ...{ ...common, ...noContent, kind: fc.constant('blob' as const) },
    bytes: fc.uint8Array({ maxLength: 5 }),
    contentType: orNull(fc.constantFrom(...TEXTS)),
  }),
)

/** Live at {@link FUTURE}, in the order of ids. */
export function sampleRecords(namespace: string, count: number, seed: number): EntryRecord[] {
  return fc.sample(content, { numRuns: count, seed }).map((own, n) => chunkOf(namespace, n, n + 1, own))
}

/** A field of an entry, or a path of metadata, and one operator on it. */
interface Leaf {
  readonly field: string | readonly string[]
  readonly operator: string
  readonly value: unknown
}

export type Tree = Leaf | { readonly and: readonly Tree[] } | { readonly or: readonly Tree[] } | { readonly not: Tree }

type Operators = Readonly<Record<string, Arbitrary<unknown>>>

function comparing(value: Arbitrary<unknown>): Operators {
  const list = fc.array(value, { maxLength: 4 })
  const one = { eq: value, ne: value, gt: value, gte: value, lt: value, lte: value }
  return { ...one, in: list, nin: list, exists: fc.boolean() }
}

const ofText = (value: Arbitrary<string>): Operators => ({ ...comparing(value), contains: value, startsWith: value })
const {
  gt: _gt,
  gte: _gte,
  lt: _lt,
  lte: _lte,
  ...ofKind
} = comparing(fc.constantFrom('chunk', 'raptor', 'metadata', 'blob'))
const ofTime = comparing(fc.oneof(fc.constantFrom(...TIMES, -1, PAST + 0.5, 0.5), fc.constant(new Date(PAST))))
const ofNumber = comparing(fc.constantFrom(...INTEGERS, -1, -0, 0.5, 2.5, 1e20))

const FIELDS: Readonly<Record<string, Operators>> = {
  kind: ofKind,
  id: comparing(fc.integer({ min: 0, max: 80 }).map(idOf)),
  key: ofText(text),
  text: ofText(text),
  summary: ofText(text),
  documentId: ofText(text),
  version: ofText(fc.constantFrom('0', '000', '00000000000000010000000a', 'f')),
  position: ofNumber,
  level: ofNumber,
  children: { eq: ids, ne: ids, contains: fc.oneof(ids, fc.constant(idOf(1))), exists: fc.boolean() },
  embeddingModel: ofText(text),
  contentType: ofText(text),
  createdAt: ofTime,
  updatedAt: ofTime,
  expiresAt: ofTime,
  lastAccessedAt: ofTime,
  accessCount: ofNumber,
}

const ordered = fc.oneof(fc.constantFrom(...TEXTS, ...LONG_TEXTS), fc.constantFrom(...NUMBERS))
const ofJson: Operators = {
  ...comparing(json),
  ...{ gt: ordered, gte: ordered, lt: ordered, lte: ordered },
  contains: json,
  startsWith: text,
}

function operatorsOn(field: string | readonly string[], operators: Operators): Arbitrary<Leaf> {
  return fc
    .constantFrom(...Object.keys(operators))
    .chain((operator) => operators[operator]!.map((value) => ({ field, operator, value })))
}

const leaf: Arbitrary<Leaf> = fc.oneof(
  fc.constantFrom(...Object.keys(FIELDS)).chain((field) => operatorsOn(field, FIELDS[field]!)),
  fc.array(name, { maxLength: 3 }).chain((path) => operatorsOn(path, ofJson)),
)

export const arbitraryTree: Arbitrary<Tree> = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    { weight: 3, arbitrary: leaf },
    { weight: 1, arbitrary: fc.record({ and: fc.array(tie('tree'), { maxLength: 3 }) }) },
    { weight: 1, arbitrary: fc.record({ or: fc.array(tie('tree'), { maxLength: 3 }) }) },
    { weight: 1, arbitrary: fc.record({ not: tie('tree') }) },
  ),
})).tree

/** The tree as a caller writes it. */
export function whereOf(tree: Tree): Record<string, unknown> {
  if ('and' in tree) return { and: tree.and.map(whereOf) }
  if ('or' in tree) return { or: tree.or.map(whereOf) }
  if ('not' in tree) return { not: whereOf(tree.not) }
  const { field, operator, value } = tree
  return { [typeof field === 'string' ? field : pathText(field)]: { [operator]: value } }
}

function pathText(path: readonly string[]): string {
  if (path.every((step) => /^\w+$/.test(step))) return ['metadata', ...path].join('.')
  return metadataPath(...(path as [string, ...string[]]))
}

/** What a caller sees of a record. */
type Seen = Readonly<Record<string, unknown>>

function seenOf({ text: content, ...record }: EntryRecord): Seen {
  const fields = { ...record, accessCount: 0, lastAccessedAt: record.updatedAt }
  return { ...fields, [record.kind === 'raptor' ? 'summary' : 'text']: content }
}

/** What the manual says of the tree. */
export function selectedBy(tree: Tree, record: EntryRecord): boolean {
  if ('and' in tree) return tree.and.every((branch) => selectedBy(branch, record))
  if ('or' in tree) return tree.or.some((branch) => selectedBy(branch, record))
  if ('not' in tree) return !selectedBy(tree.not, record)
  const { field, operator, value } = tree
  const isOwn = typeof field === 'string'
  const actual = isOwn ? seenOf(record)[field] : memberOf(record, field)
  const isThere = actual !== undefined && !(isOwn && actual === null)
  return isThere ? holds(actual, operator, value) : operator === 'exists' ? !value : ['ne', 'nin'].includes(operator)
}

function memberOf(record: EntryRecord, path: readonly string[]): unknown {
  let value: unknown = record.metadata === null ? undefined : JSON.parse(record.metadata)
  for (const step of path) {
    const isObject = Object.prototype.toString.call(value) === '[object Object]'
    value = isObject ? new Map(Object.entries(value as object)).get(step) : undefined
  }
  return value
}

function holds(actual: unknown, operator: string, value: unknown): boolean {
  switch (operator) {
    case 'exists':
      return value === true
    case 'eq':
      return isSame(actual, value)
    case 'ne':
      return !isSame(actual, value)
    case 'in':
      return (value as unknown[]).some((one) => isSame(actual, one))
    case 'nin':
      return !(value as unknown[]).some((one) => isSame(actual, one))
    case 'contains':
      return holdsWithin(actual, value)
    case 'startsWith':
      return typeof actual === 'string' && actual.indexOf(value as string) === 0
    default:
      return isBeyond(actual, operator, plain(value))
  }
}

/** As JSON has it: no date, no negative zero. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value instanceof Date ? value.getTime() : value))
}

function isSame(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(plain(a), plain(b))
}

function isBeyond(actual: unknown, operator: string, value: unknown): boolean {
  if (typeof actual !== typeof value || !['number', 'string'].includes(typeof actual)) return false
  const points = (given: unknown): number[] => Array.from(String(given), (character) => character.codePointAt(0)!)
  let [a, b] = [[actual as number], [value as number]]
  if (typeof actual === 'string') [a, b] = [points(actual), points(value)]
  const at = a.findIndex((point, i) => point !== b[i])
  const order = at === -1 ? a.length - b.length : at >= b.length ? 1 : a[at]! < b[at]! ? -1 : 1
  return (operator.startsWith('g') ? order > 0 : order < 0) || (operator.endsWith('e') && order === 0)
}

function holdsWithin(actual: unknown, value: unknown): boolean {
  if (typeof actual === 'string') return typeof value === 'string' && actual.indexOf(value) >= 0
  if (Array.isArray(actual)) return (Array.isArray(value) ? value : [value]).every((one) => isPartOfSome(one, actual))
  return typeof value === 'object' && value !== null && isPart(value, actual)
}

function isPartOfSome(value: unknown, items: readonly unknown[]): boolean {
  return items.some((item) => isPart(value, item))
}

/** Of objects some members, of arrays some items, of all else the same. */
function isPart(value: unknown, whole: unknown): boolean {
  if (Array.isArray(value)) return Array.isArray(whole) && value.every((one) => isPartOfSome(one, whole))
  if (typeof value !== 'object' || value === null) return isSame(value, whole)
  if (typeof whole !== 'object' || whole === null || Array.isArray(whole)) return false
  const members = new Map(Object.entries(whole))
  return Object.entries(value).every(([member, part]) => members.has(member) && isPart(part, members.get(member)))
}
