/**
 * What `find`, `count` and `search` select by: a conjunction of conditions over an entry's own fields. Checked once
 * here, then applied to pending by {@link matches} and to cold by its own SQL; both MUST select the same entries.
 */
import { ThermoclineError } from '../errors.ts'
import { ENTRY_KINDS, type EntryKind } from './memory-entry.ts'
import type { EntryRecord } from './record.ts'
import { compareText, textFault } from './text.ts'

type Scalar = string | number

/** Several operators on one field must all hold. */
export interface Comparison<T> {
  readonly eq?: T | undefined
  readonly gt?: T | undefined
  readonly gte?: T | undefined
  readonly lt?: T | undefined
  readonly lte?: T | undefined
  /** At most 1 000 values. */
  readonly in?: readonly T[] | undefined
}

type Match<T> = T | Comparison<T>

/** A field that an entry lacks matches nothing. */
export interface Where {
  readonly kind?: Match<EntryKind> | undefined
  readonly id?: Match<string> | undefined
  readonly key?: Match<string> | undefined
  readonly text?: Match<string> | undefined
  readonly summary?: Match<string> | undefined
  readonly documentId?: Match<string> | undefined
  readonly position?: Match<number> | undefined
  readonly level?: Match<number> | undefined
  readonly embeddingModel?: Match<string> | undefined
  readonly createdAt?: Match<Date | number> | undefined
  readonly updatedAt?: Match<Date | number> | undefined
  readonly expiresAt?: Match<Date | number> | undefined
}

export type Operator = 'eq' | 'gt' | 'gte' | 'lt' | 'lte' | 'in'

/** Fields of a record that a condition may name. */
export type FilterField =
  | 'kind'
  | 'id'
  | 'key'
  | 'text'
  | 'documentId'
  | 'position'
  | 'level'
  | 'embeddingModel'
  | 'createdAt'
  | 'updatedAt'
  | 'expiresAt'

/** Times are milliseconds; text compares by code point; `in` carries an array and the others one value. */
export type Condition =
  | { readonly field: FilterField; readonly operator: Exclude<Operator, 'in'>; readonly value: Scalar }
  | { readonly field: FilterField; readonly operator: 'in'; readonly values: readonly Scalar[] }

export type Filter = readonly Condition[]

const OPERATORS: readonly Operator[] = ['eq', 'gt', 'gte', 'lt', 'lte', 'in']
const MAX_IN = 1_000

type ValueType = 'text' | 'id' | 'kind' | 'number' | 'time'

const FIELDS = {
  kind: { field: 'kind', type: 'kind' },
  id: { field: 'id', type: 'id' },
  key: { field: 'key', type: 'text' },
  text: { field: 'text', type: 'text', kind: 'chunk' },
  summary: { field: 'text', type: 'text', kind: 'raptor' },
  documentId: { field: 'documentId', type: 'text' },
  position: { field: 'position', type: 'number' },
  level: { field: 'level', type: 'number' },
  embeddingModel: { field: 'embeddingModel', type: 'text' },
  createdAt: { field: 'createdAt', type: 'time' },
  updatedAt: { field: 'updatedAt', type: 'time' },
  expiresAt: { field: 'expiresAt', type: 'time' },
} as const satisfies Record<keyof Where, { field: FilterField; type: ValueType; kind?: EntryKind }>

/** Refuses an unknown field, operator or type with `ERR_INVALID_QUERY`. */
export function parseWhere(where: Where | undefined): Filter {
  if (where === undefined) return []
  if (typeof where !== 'object' || where === null || Array.isArray(where))
    throw invalid('`where` must be an object of field to value')
  return Object.entries(where).flatMap(([name, match]) => (match === undefined ? [] : parseField(name, match)))
}

function parseField(name: string, match: unknown): Condition[] {
  if (!Object.hasOwn(FIELDS, name))
    throw invalid(`\`where\` names a field that cannot be queried; these can: ${Object.keys(FIELDS).join(', ')}`)
  const known: { field: FilterField; type: ValueType; kind?: EntryKind } = FIELDS[name as keyof Where]
  const { field, type, kind } = known
  const comparison = isComparison(match) ? match : { eq: match }
  const conditions: Condition[] = kind === undefined ? [] : [{ field: 'kind', operator: 'eq', value: kind }]
  for (const [operator, value] of Object.entries(comparison)) {
    if (!OPERATORS.includes(operator as Operator))
      throw invalid(`\`${name}\` has an unknown operator; these are known: ${OPERATORS.join(', ')}`, name)
    if (value === undefined) continue
    if (operator === 'in') {
      if (!Array.isArray(value) || value.length > MAX_IN)
        throw invalid(`\`${name}.in\` must be an array of at most ${MAX_IN} values`, name)
      conditions.push({ field, operator, values: value.map((item) => scalar(name, type, item)) })
    } else {
      conditions.push({ field, operator: operator as Exclude<Operator, 'in'>, value: scalar(name, type, value) })
    }
  }
  return conditions
}

function isComparison(match: unknown): match is Record<string, unknown> {
  return typeof match === 'object' && match !== null && !(match instanceof Date)
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
/** Range in which Postgres timestamps and JavaScript dates agree. */
const MAX_TIME = 253_402_300_799_999

function scalar(name: string, type: ValueType, value: unknown): Scalar {
  switch (type) {
    case 'text': {
      if (typeof value !== 'string') throw invalid(`\`${name}\` must be compared to a text`, name)
      const fault = textFault(value)
      if (fault !== undefined) throw invalid(`\`${name}\` ${fault}`, name)
      return value
    }
    case 'id':
      if (typeof value !== 'string' || !UUID.test(value)) throw invalid(`\`${name}\` must be compared to a UUID`, name)
      return value.toLowerCase()
    case 'kind':
      if (!ENTRY_KINDS.includes(value as EntryKind))
        throw invalid(`\`${name}\` must be one of ${ENTRY_KINDS.join(', ')}`, name)
      return value as EntryKind
    case 'number':
      if (typeof value !== 'number' || !Number.isFinite(value))
        throw invalid(`\`${name}\` must be compared to a finite number`, name)
      return value
    case 'time': {
      const millis = value instanceof Date ? value.getTime() : value
      if (typeof millis !== 'number' || !Number.isFinite(millis) || Math.abs(millis) > MAX_TIME)
        throw invalid(`\`${name}\` must be compared to a Date or milliseconds`, name)
      return millis
    }
  }
}

/** Whether the record satisfies every condition. Liveness and scope are the caller's to check. */
export function matches(record: EntryRecord, filter: Filter): boolean {
  return filter.every((condition) => holds(record, condition))
}

function holds(record: EntryRecord, condition: Condition): boolean {
  const actual = record[condition.field]
  if (actual === null) return false
  if (condition.operator === 'in') return condition.values.some((value) => compare(actual, value) === 0)
  const order = compare(actual, condition.value)
  switch (condition.operator) {
    case 'eq':
      return order === 0
    case 'gt':
      return order > 0
    case 'gte':
      return order >= 0
    case 'lt':
      return order < 0
    case 'lte':
      return order <= 0
  }
}

function compare(a: Scalar, b: Scalar): number {
  return typeof a === 'string' ? compareText(a, b as string) : a - (b as number)
}

function invalid(message: string, field?: string): ThermoclineError<'ERR_INVALID_QUERY'> {
  return new ThermoclineError('ERR_INVALID_QUERY', message, field === undefined ? {} : { field })
}
