/**
 * What `find`, `count` and `search` select by: conditions over an entry's own fields, all of which must hold. They are
 * checked once, here, and applied to pending by {@link matches} and to cold by SQL; both MUST select the same entries.
 */
import { types } from 'node:util'
import { MAX_TIME } from '../entry/limits.ts'
import { ENTRY_KINDS, type EntryKind } from '../entry/memory-entry.ts'
import type { EntryRecord } from '../entry/record.ts'
import { compareText, textFault } from '../entry/text.ts'
import { ThermoclineError } from '../errors.ts'
import { isPlainObject } from '../kernel/plain-object.ts'
import { isUuid } from '../kernel/uuid.ts'

type Scalar = string | number

/** Several operators on one field must all hold. */
export interface Comparison<T> {
  readonly eq?: T
  readonly gt?: T
  readonly gte?: T
  readonly lt?: T
  readonly lte?: T
  /** At most 1 000 values. */
  readonly in?: readonly T[]
}

type Match<T> = T | Comparison<T>

/**
 * A condition on a field that an entry lacks does not hold. A field that is named MUST have a value: one that is
 * undefined by mistake would select everything, so it is refused.
 */
export interface Where {
  readonly kind?: Match<EntryKind>
  readonly id?: Match<string>
  readonly key?: Match<string>
  readonly text?: Match<string>
  readonly summary?: Match<string>
  readonly documentId?: Match<string>
  readonly position?: Match<number>
  readonly level?: Match<number>
  readonly embeddingModel?: Match<string>
  readonly createdAt?: Match<Date | number>
  readonly updatedAt?: Match<Date | number>
  readonly expiresAt?: Match<Date | number>
}

export type Operator = 'eq' | 'gt' | 'gte' | 'lt' | 'lte' | 'in'

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
} as const satisfies Record<keyof Where, { field: keyof EntryRecord; type: ValueType; kind?: EntryKind }>

/** Fields of a record that a condition may name. */
export type FilterField = (typeof FIELDS)[keyof Where]['field']

/** Refuses an unknown field, operator or type with `ERR_INVALID_QUERY`. */
export function parseWhere(where: Where | undefined): Filter {
  if (where === undefined) return []
  if (!isPlainObject(where)) throw invalid('`where` must be a plain object of field to value')
  return Object.entries(where).flatMap(([name, match]) => parseField(name, match))
}

function parseField(name: string, match: unknown): Condition[] {
  if (!Object.hasOwn(FIELDS, name)) {
    const known = Object.keys(FIELDS).join(', ')
    throw invalid(`\`where.${name}\` is no field that can be queried; these can: ${known}`, name)
  }
  const known: { field: FilterField; type: ValueType; kind?: EntryKind } = FIELDS[name as keyof Where]
  const { field, type, kind } = known
  const comparison = isPlainObject(match) ? match : { eq: match }
  const operators = Object.entries(comparison)
  if (operators.length === 0) throw invalid(`\`where.${name}\` says nothing: ${howTo(name)}`, name)
  const conditions: Condition[] = kind === undefined ? [] : [{ field: 'kind', operator: 'eq', value: kind }]
  for (const [operator, value] of operators) {
    if (!isOperator(operator))
      throw invalid(`\`where.${name}\` has no operator \`${operator}\`; it has ${OPERATORS.join(', ')}`, name)
    if (value === undefined) throw invalid(`\`where.${name}\` is undefined: ${howTo(name)}`, name)
    if (operator === 'in') {
      if (!Array.isArray(value) || value.length > MAX_IN)
        throw invalid(`\`where.${name}.in\` must be an array of at most ${MAX_IN} values`, name)
      // Unlike map, this sees holes.
      conditions.push({ field, operator, values: Array.from(value, (item) => scalar(name, type, item)) })
    } else {
      conditions.push({ field, operator, value: scalar(name, type, value) })
    }
  }
  return conditions
}

function isOperator(name: string): name is Operator {
  return OPERATORS.some((known) => known === name)
}

function howTo(name: string): string {
  return `give \`${name}\` a value, or leave it out to select by the rest alone`
}

function scalar(name: string, type: ValueType, value: unknown): Scalar {
  switch (type) {
    case 'text': {
      if (typeof value !== 'string') throw invalid(`\`where.${name}\` must be compared to a text`, name)
      const fault = textFault(value)
      if (fault !== undefined) throw invalid(`\`where.${name}\` ${fault}`, name)
      return value
    }
    case 'id':
      if (typeof value !== 'string' || !isUuid(value))
        throw invalid(`\`where.${name}\` must be compared to a UUID`, name)
      return value.toLowerCase()
    case 'kind':
      if (!ENTRY_KINDS.includes(value as EntryKind))
        throw invalid(`\`where.${name}\` must be one of ${ENTRY_KINDS.join(', ')}`, name)
      return value as EntryKind
    case 'number':
      if (typeof value !== 'number' || !Number.isFinite(value))
        throw invalid(`\`where.${name}\` must be compared to a finite number`, name)
      return value
    case 'time': {
      const millis = types.isDate(value) ? value.getTime() : value
      if (typeof millis !== 'number' || !Number.isFinite(millis) || Math.abs(millis) > MAX_TIME)
        throw invalid(`\`where.${name}\` must be compared to a Date or milliseconds`, name)
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
