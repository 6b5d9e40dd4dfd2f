/**
 * Defines the checked form of what `find`, `count` and `search` select by. {@link matches} applies it to pending, and
 * cold/sql/filter-sql.ts to cold; both MUST select the same entries.
 */
import type { JsonValue } from '../entry/memory-entry.ts'
import type { AccessStats, EntryRecord } from '../entry/record.ts'
import { compareText } from '../entry/text.ts'
import { containsJson, equalJson, valueAt } from './json-values.ts'
import type { MetadataPath } from './metadata-path.ts'

/** Times are milliseconds. */
export type Scalar = string | number

/** A field of a record that holds one value, or of its reads. */
export type ScalarField =
  | 'kind'
  | 'id'
  | 'key'
  | 'version'
  | 'text'
  | 'documentId'
  | 'position'
  | 'level'
  | 'embeddingModel'
  | 'contentType'
  | 'createdAt'
  | 'updatedAt'
  | 'expiresAt'
  | keyof AccessStats

export type FilterField = ScalarField | 'children' | 'embedding'

/** Text compares by code point. A condition on what is absent does not hold. */
type Comparing<T> =
  | { readonly operator: 'eq' | 'gt' | 'gte' | 'lt' | 'lte' | 'contains'; readonly value: T }
  | { readonly operator: 'startsWith'; readonly value: string }
  | { readonly operator: 'in'; readonly values: readonly T[] }
  | { readonly operator: 'exists' }

export type ScalarCondition = { readonly field: ScalarField } & Comparing<Scalar>

export type ListCondition = { readonly field: 'children' } & (
  | { readonly operator: 'eq' | 'contains' | 'overlaps'; readonly value: readonly string[] }
  | { readonly operator: 'exists' }
)

/** Vectors are not compared here. */
export type VectorCondition = { readonly field: 'embedding'; readonly operator: 'exists' }

export type PathCondition = { readonly path: MetadataPath } & Comparing<JsonValue>

export type Condition = ScalarCondition | ListCondition | VectorCondition | PathCondition

type FieldCondition = Exclude<Condition, PathCondition>

type Node = Condition | { readonly or: readonly Filter[] } | { readonly not: Filter }

/** All of these hold. */
export type Filter = readonly Node[]

/** Nodes of trees. */
export const IS_NODE: Filter = [{ field: 'kind', operator: 'eq', value: 'raptor' }]

/** What trees consist of. */
export const IN_TREE: Filter = [{ field: 'kind', operator: 'in', values: ['raptor', 'chunk'] }]

/** Whether it selects every entry by its form alone, as `{}` and `{ or: [{}] }` do. */
export function selectsAll(filter: Filter): boolean {
  return filter.every((node) => {
    if ('or' in node) return node.or.some(selectsAll)
    return 'not' in node && selectsNone(node.not)
  })
}

/** Whether it selects nothing by its form alone, as `{ or: [] }` does. */
function selectsNone(filter: Filter): boolean {
  return filter.some((node) => {
    if ('or' in node) return node.or.every(selectsNone)
    return 'not' in node && selectsAll(node.not)
  })
}

export function isListCondition(condition: FieldCondition): condition is ListCondition {
  return condition.field === 'children'
}

export function isVectorCondition(condition: FieldCondition): condition is VectorCondition {
  return condition.field === 'embedding'
}

/** Whether the answer depends on reads, which only cold knows. */
export function asksForReads(filter: Filter): boolean {
  return filter.some((node) => {
    if ('or' in node) return node.or.some(asksForReads)
    if ('not' in node) return asksForReads(node.not)
    return 'field' in node && (node.field === 'accessCount' || node.field === 'lastAccessedAt')
  })
}

/**
 * Whether the record satisfies the filter. Liveness and scope are the caller's to check.
 * @param access Reads as cold knows them. @default none
 */
export function matches(record: EntryRecord, filter: Filter, access?: AccessStats): boolean {
  return filter.length === 0 || allHold(new Subject(record, access), filter)
}

/** A record that is looked at; its metadata is decoded once, if at all. */
class Subject {
  readonly record: EntryRecord
  readonly #access: AccessStats | undefined
  #metadata: JsonValue | undefined

  constructor(record: EntryRecord, access: AccessStats | undefined) {
    this.record = record
    this.#access = access
  }

  field(field: ScalarField): Scalar | undefined {
    if (field === 'accessCount') return this.#access?.accessCount ?? 0
    if (field === 'lastAccessedAt') return this.#access?.lastAccessedAt ?? this.record.updatedAt
    return this.record[field] ?? undefined
  }

  member(path: MetadataPath): JsonValue | undefined {
    if (this.record.metadata === null) return undefined
    this.#metadata ??= JSON.parse(this.record.metadata) as JsonValue
    return valueAt(this.#metadata, path)
  }
}

function allHold(subject: Subject, filter: Filter): boolean {
  return filter.every((node) => {
    if ('or' in node) return node.or.some((branch) => allHold(subject, branch))
    if ('not' in node) return !allHold(subject, node.not)
    if ('path' in node) return memberHolds(subject.member(node.path), node)
    if (isVectorCondition(node)) return subject.record.embedding !== null
    return isListCondition(node)
      ? listHolds(subject.record.children, node)
      : fieldHolds(subject.field(node.field), node)
  })
}

function fieldHolds(actual: Scalar | undefined, condition: ScalarCondition): boolean {
  if (actual === undefined) return false
  if (condition.operator === 'exists') return true
  if (condition.operator === 'in') return isAmong(actual, condition.values)
  return holds(actual, condition.operator, condition.value)
}

function listHolds(actual: readonly string[] | null, condition: ListCondition): boolean {
  if (actual === null) return false
  if (condition.operator === 'exists') return true
  const { operator, value } = condition
  if (operator === 'overlaps') return actual.some((id) => isAmong(id, value))
  return operator === 'contains' ? value.every((id) => actual.includes(id)) : equalJson(actual, value)
}

function memberHolds(actual: JsonValue | undefined, condition: PathCondition): boolean {
  if (actual === undefined) return false
  if (condition.operator === 'exists') return true
  if (condition.operator === 'in') return isAmong(actual, condition.values)
  const { operator, value } = condition
  if (operator === 'eq') return equalJson(actual, value)
  if (operator === 'contains') return containsJson(actual, value)
  return isScalar(actual) && isScalar(value) && holds(actual, operator, value)
}

/** Sets of long lists: pending may be long as well, and each of its records is looked for in them. */
const sets = new WeakMap<readonly JsonValue[], ReadonlySet<JsonValue>>()
const LONG_LIST = 32

function isAmong(actual: JsonValue, values: readonly JsonValue[]): boolean {
  if (values.length < LONG_LIST || (typeof actual === 'object' && actual !== null))
    return values.some((value) => equalJson(actual, value))
  const set = sets.get(values) ?? new Set(values)
  sets.set(values, set)
  return set.has(actual)
}

function isScalar(value: JsonValue): value is Scalar {
  return typeof value === 'string' || typeof value === 'number'
}

type Ordering = 'eq' | 'gt' | 'gte' | 'lt' | 'lte' | 'startsWith' | 'contains'

function holds(actual: Scalar, operator: Ordering, value: Scalar): boolean {
  if (operator === 'eq') return actual === value
  if (typeof actual !== typeof value) return false
  if (operator === 'startsWith') return String(actual).startsWith(String(value))
  if (operator === 'contains') return String(actual).includes(String(value))
  const order = typeof actual === 'string' ? compareText(actual, value as string) : actual - (value as number)
  switch (operator) {
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
