/**
 * Decides what callers may write in `where`, and checks it, once, for every tier. The checked form is defined in
 * filter.ts.
 */
import { types } from 'node:util'
import { MAX_TIME } from '../entry/limits.ts'
import { ENTRY_KINDS, type EntryKind, type JsonValue } from '../entry/memory-entry.ts'
import { jsonText, MetadataFault } from '../entry/metadata.ts'
import { textFault } from '../entry/text.ts'
import { ThermoclineError } from '../errors.ts'
import { isPlainObject } from '../kernel/plain-object.ts'
import { isUuid } from '../kernel/uuid.ts'
import type { Condition, Filter, FilterField, Scalar } from './filter.ts'
import { type MetadataPath, namesMetadata, parseMetadataPath } from './metadata-path.ts'

/** Several operators on one field must all hold. */
export interface Equality<T> {
  readonly eq?: T
  /** Holds as well where the field is absent, as does `nin`. */
  readonly ne?: T
  /** At most 10 000 values. */
  readonly in?: readonly T[]
  readonly nin?: readonly T[]
  /** Whether the field is there. */
  readonly exists?: boolean
}

/** Text compares by code point. */
export interface Comparison<T> extends Equality<T> {
  readonly gt?: T
  readonly gte?: T
  readonly lt?: T
  readonly lte?: T
}

export interface TextComparison extends Comparison<string> {
  /** Holds where the text holds this one. */
  readonly contains?: string
  readonly startsWith?: string
}

export interface ListComparison {
  readonly eq?: readonly string[]
  readonly ne?: readonly string[]
  /** Holds where the list holds this item, or each of these. */
  readonly contains?: string | readonly string[]
  readonly exists?: boolean
}

/**
 * JSON values compare deeply, numbers as numbers, whatever the order of members. `gt` and the like hold between two
 * numbers, or two texts.
 */
export interface JsonComparison extends Equality<JsonValue> {
  readonly gt?: string | number
  readonly gte?: string | number
  readonly lt?: string | number
  readonly lte?: string | number
  /** Holds where an array holds this value, or each of these; an object has these members; a text holds this text. */
  readonly contains?: JsonValue
  readonly startsWith?: string
}

type Match<T> = T | Comparison<T>
type TextMatch = string | TextComparison

interface CommonConditions {
  readonly kind?: EntryKind | Equality<EntryKind>
  readonly id?: Match<string>
  readonly key?: TextMatch
  /** The order of versions is the order of writing. */
  readonly version?: TextMatch
  readonly embeddingModel?: TextMatch
  /** What names a model and has no vector waits for one (`embed`). */
  readonly embedding?: { readonly exists: boolean }
  readonly createdAt?: Match<Date | number>
  readonly updatedAt?: Match<Date | number>
  readonly expiresAt?: Match<Date | number>
  /** As the database knows it, which may lag behind reads by a few seconds. */
  readonly lastAccessedAt?: Match<Date | number>
  /** As the database knows it. */
  readonly accessCount?: Match<number>
}

interface ChunkConditions {
  readonly text?: TextMatch
  readonly documentId?: TextMatch
  readonly position?: Match<number>
}

interface BlobConditions {
  readonly contentType?: TextMatch
}

interface RaptorConditions {
  readonly summary?: TextMatch
  readonly level?: Match<number>
  readonly children?: ListComparison
}

type OwnConditions<K extends EntryKind | undefined> = CommonConditions &
  (K extends 'chunk'
    ? ChunkConditions
    : K extends 'raptor'
      ? RaptorConditions
      : K extends 'blob'
        ? BlobConditions
        : K extends EntryKind
          ? unknown
          : ChunkConditions & RaptorConditions & BlobConditions)

type JsonMatch = string | number | boolean | null | JsonComparison

interface AnyMetadata {
  /** Metadata as a whole. */
  readonly metadata?: JsonComparison
  /** A member whose name holds a dot or a bracket: `[metadataPath('odd.name')]`. */
  readonly [path: `metadata[${string}`]: JsonMatch
}

interface MetadataConditions extends AnyMetadata {
  /** A member, by its path through objects: `'metadata.author.name'`. */
  readonly [path: `metadata.${string}`]: JsonMatch
}

/** What `where` may say, less paths into metadata. */
export type WhereBesideMetadata<K extends EntryKind | undefined> = OwnConditions<K> & AnyMetadata

/**
 * Conditions, all of which must hold. A field that is named MUST have a value: one that is undefined by mistake would
 * select everything, so it is refused. At most 16 deep, with 1 000 conditions.
 */
export type Where<K extends EntryKind | undefined = undefined> = OwnConditions<K> &
  MetadataConditions & {
    /** All of these hold. */
    readonly and?: readonly Where<K>[]
    /** At least one of these holds. */
    readonly or?: readonly Where<K>[]
    /** This does not hold. */
    readonly not?: Where<K>
  }

const MAX_DEPTH = 16
const MAX_CONDITIONS = 1_000
const MAX_VALUES = 10_000

const EQUALITY = ['eq', 'ne', 'in', 'nin', 'exists'] as const
const COMPARISON = [...EQUALITY, 'gt', 'gte', 'lt', 'lte'] as const
const TEXT = [...COMPARISON, 'contains', 'startsWith'] as const

type Operator = (typeof TEXT)[number]
type ValueType = 'text' | 'id' | 'kind' | 'number' | 'time' | 'list' | 'vector' | 'json'

const OPERATORS: Readonly<Record<ValueType, readonly Operator[]>> = {
  text: TEXT,
  id: COMPARISON,
  kind: EQUALITY,
  number: COMPARISON,
  time: COMPARISON,
  list: ['eq', 'ne', 'exists', 'contains'],
  vector: ['exists'],
  json: TEXT,
}

/** What a name of `where` stands for. */
export type Subject =
  | { readonly field: FilterField; readonly type: Exclude<ValueType, 'json'>; readonly kind?: EntryKind }
  | { readonly path: MetadataPath; readonly type: 'json' }

/** `text` and `summary` are one field of the record, and each is only of its kind. */
export const FIELDS: Readonly<Record<FieldName, Subject>> = {
  kind: { field: 'kind', type: 'kind' },
  id: { field: 'id', type: 'id' },
  key: { field: 'key', type: 'text' },
  version: { field: 'version', type: 'text' },
  text: { field: 'text', type: 'text', kind: 'chunk' },
  summary: { field: 'text', type: 'text', kind: 'raptor' },
  documentId: { field: 'documentId', type: 'text' },
  position: { field: 'position', type: 'number' },
  level: { field: 'level', type: 'number' },
  children: { field: 'children', type: 'list' },
  embeddingModel: { field: 'embeddingModel', type: 'text' },
  embedding: { field: 'embedding', type: 'vector' },
  contentType: { field: 'contentType', type: 'text' },
  createdAt: { field: 'createdAt', type: 'time' },
  updatedAt: { field: 'updatedAt', type: 'time' },
  expiresAt: { field: 'expiresAt', type: 'time' },
  lastAccessedAt: { field: 'lastAccessedAt', type: 'time' },
  accessCount: { field: 'accessCount', type: 'number' },
}

/** Fields of an entry itself. */
export type FieldName = keyof (CommonConditions & ChunkConditions & RaptorConditions & BlobConditions)

/** Where a name stands, for refusals, and what may still be said. */
interface Place {
  readonly at: string
  readonly name: string
  readonly depth: number
  readonly budget: { conditions: number }
}

/** Refuses what is unknown, of a wrong type or beyond the limits with `ERR_INVALID_QUERY`. */
export function parseWhere(where: Where | undefined): Filter {
  return where === undefined ? [] : parseTree(where, { at: 'where', name: '', depth: 1, budget: { conditions: 0 } })
}

function parseTree(tree: unknown, place: Place): Filter {
  if (place.depth > MAX_DEPTH)
    throw invalid(`\`where\` is nested deeper than ${MAX_DEPTH} levels of and, or and not`, place)
  if (!isPlainObject(tree)) throw invalid(`\`${place.at}\` must be a plain object of field to value`, place)
  return Object.entries(tree).flatMap(([name, given]) => {
    const inner = { ...place, name, at: `${place.at}.${name}` }
    if (given === undefined) refuseUndefined(inner)
    if (name === 'and') return parseTrees(given, inner).flat()
    if (name === 'or') return { or: parseTrees(given, inner) }
    if (name === 'not') return { not: parseTree(given, { ...inner, depth: place.depth + 1 }) }
    return parseField(inner, given)
  })
}

function parseTrees(trees: unknown, place: Place): Filter[] {
  if (!Array.isArray(trees)) throw invalid(`\`${place.at}\` must be an array of conditions`, place)
  // Unlike map, this sees holes.
  return Array.from(trees, (tree, i) => parseTree(tree, { ...place, at: `${place.at}[${i}]`, depth: place.depth + 1 }))
}

function parseField(place: Place, given: unknown): Filter {
  const subject = subjectOf(place)
  const isComparison = isPlainObject(given)
  if (subject.type === 'json' && Array.isArray(given))
    throw invalid(`\`${place.at}\` needs an operator before an array: \`eq\`, \`in\` or \`contains\``, place)
  const operators = Object.entries(isComparison ? given : { eq: given })
  if (operators.length === 0) throw invalid(`\`${place.at}\` says nothing: ${howTo(place)}`, place)
  return operators.flatMap(([operator, value]) => {
    if (!isOperator(operator, subject.type)) refuseOperator(operator, subject.type, place)
    if (value === undefined) refuseUndefined(place)
    countCondition(place)
    return conditionsOf(subject, operator, value, place)
  })
}

function subjectOf(place: Place): Subject {
  const { name, at } = place
  if (Object.hasOwn(FIELDS, name)) return FIELDS[name as keyof typeof FIELDS]
  if (!namesMetadata(name)) {
    const known = [...Object.keys(FIELDS), 'metadata.…', 'and', 'or', 'not'].join(', ')
    throw invalid(`\`${at}\` is no field that can be queried; these can: ${known}`, place)
  }
  const path = parseMetadataPath(name)
  if (path === undefined)
    throw invalid(
      `\`${at}\` is no path: write \`metadata.name.name\`, and \`metadataPath('odd.name')\` for other names`,
      place,
    )
  return { path, type: 'json' }
}

function conditionsOf(subject: Subject, operator: Operator, value: unknown, place: Place): Filter {
  switch (operator) {
    case 'ne':
      return [{ not: holds(subject, 'eq', value, place) }]
    case 'nin':
      return [{ not: holds(subject, 'in', value, place) }]
    case 'exists': {
      if (typeof value !== 'boolean') throw invalid(`\`${place.at}.exists\` must be true or false`, place)
      const isThere = ofKind(subject, { ...named(subject), operator } as Condition)
      return value ? isThere : [{ not: isThere }]
    }
    default:
      return holds(subject, operator, value, place)
  }
}

type Positive = Exclude<Operator, 'ne' | 'nin' | 'exists'>

function holds(subject: Subject, operator: Positive, value: unknown, place: Place): Filter {
  if (operator !== 'in')
    return ofKind(subject, {
      ...named(subject),
      operator,
      value: operand(subject, operator, value, place),
    } as Condition)
  if (!Array.isArray(value) || value.length > MAX_VALUES)
    throw invalid(`\`${place.at}.in\` must be an array of at most ${MAX_VALUES} values`, place)
  // Unlike map, this sees holes.
  const values = Array.from(value, (item) => operand(subject, operator, item, place))
  return ofKind(subject, { ...named(subject), operator, values } as Condition)
}

function named(subject: Subject): { readonly field: FilterField } | { readonly path: MetadataPath } {
  return subject.type === 'json' ? { path: subject.path } : { field: subject.field }
}

function ofKind(subject: Subject, condition: Condition): Filter {
  if (subject.type === 'json' || subject.kind === undefined) return [condition]
  return [{ field: 'kind', operator: 'eq', value: subject.kind }, condition]
}

function operand(subject: Subject, operator: Positive, value: unknown, place: Place): JsonValue {
  if (subject.type === 'list') return listOf(operator === 'contains' && !Array.isArray(value) ? [value] : value, place)
  if (subject.type === 'vector') refuseOperator(operator, subject.type, place)
  if (subject.type !== 'json') return scalarOf(subject.type, value, place)
  if (operator === 'startsWith') return scalarOf('text', value, place)
  const json = jsonOf(value, place)
  if (['gt', 'gte', 'lt', 'lte'].includes(operator) && typeof json !== 'number' && typeof json !== 'string')
    throw invalid(`\`${place.at}.${operator}\` must be a number or a text: nothing else has an order`, place)
  return json
}

/** Ids, as `children` holds them. */
function listOf(value: unknown, place: Place): string[] {
  if (!Array.isArray(value)) throw invalid(`\`${place.at}\` must be compared to an array of UUIDs`, place)
  return Array.from(value, (item) => scalarOf('id', item, place) as string)
}

function jsonOf(value: unknown, place: Place): JsonValue {
  const text = jsonText(value)
  if (!(text instanceof MetadataFault)) return JSON.parse(text)
  throw invalid(`\`${place.at}\` is compared to a value that ${text.message}`, place)
}

function scalarOf(type: Exclude<ValueType, 'json' | 'list' | 'vector'>, value: unknown, place: Place): Scalar {
  const { at } = place
  switch (type) {
    case 'text': {
      if (typeof value !== 'string') throw invalid(`\`${at}\` must be compared to a text`, place)
      const fault = textFault(value)
      if (fault !== undefined) throw invalid(`\`${at}\` ${fault}`, place)
      return value
    }
    case 'id':
      if (typeof value !== 'string' || !isUuid(value)) throw invalid(`\`${at}\` must be compared to a UUID`, place)
      return value.toLowerCase()
    case 'kind':
      if (!ENTRY_KINDS.includes(value as EntryKind))
        throw invalid(`\`${at}\` must be one of ${ENTRY_KINDS.join(', ')}`, place)
      return value as EntryKind
    case 'number':
      if (typeof value !== 'number' || !Number.isFinite(value))
        throw invalid(`\`${at}\` must be compared to a finite number`, place)
      return value
    case 'time': {
      const millis = types.isDate(value) ? value.getTime() : value
      if (typeof millis !== 'number' || !Number.isFinite(millis) || Math.abs(millis) > MAX_TIME)
        throw invalid(`\`${at}\` must be compared to a Date or milliseconds`, place)
      return millis
    }
  }
}

function countCondition(place: Place): void {
  place.budget.conditions++
  if (place.budget.conditions > MAX_CONDITIONS)
    throw invalid(
      `\`where\` has more than ${MAX_CONDITIONS} conditions: for many values of one field, use \`in\``,
      place,
    )
}

function isOperator(name: string, type: ValueType): name is Operator {
  return OPERATORS[type].some((known) => known === name)
}

function refuseOperator(operator: string, type: ValueType, place: Place): never {
  const known = OPERATORS[type].join(', ')
  const remedy = type === 'json' ? '; an object to compare with stands behind `eq`' : ''
  throw invalid(`\`${place.at}\` has no operator \`${operator}\`; it has ${known}${remedy}`, place)
}

function refuseUndefined(place: Place): never {
  throw invalid(`\`${place.at}\` is undefined: ${howTo(place)}`, place)
}

function howTo({ name }: Place): string {
  return `give \`${name}\` a value, or leave it out to select by the rest alone`
}

function invalid(message: string, { name }: Place): ThermoclineError<'ERR_INVALID_QUERY'> {
  return new ThermoclineError('ERR_INVALID_QUERY', message, name === '' ? {} : { field: name })
}
