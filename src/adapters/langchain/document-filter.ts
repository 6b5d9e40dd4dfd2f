/**
 * Decides which documents a filter selects: members of their metadata, each by a value or by the operators that
 * LangChain's `PGVectorStore` has, and `and`, `or`, `not` and `where` beside them. A filter becomes a `where`, which
 * the store checks.
 */
import { metadataPath, ThermoclineError, type Where } from '../../index.ts'

type Scalar = string | number | boolean | null

/** Of one member of metadata. All that are named must hold. */
export interface MemberFilter {
  readonly in?: readonly Scalar[] | undefined
  /** Holds as well where the member is absent, as does `neq`. */
  readonly notIn?: readonly Scalar[] | undefined
  readonly neq?: Scalar | undefined
  /** Numbers are compared with numbers, texts with texts; likewise `gte`, `lt` and `lte`. */
  readonly gt?: string | number | undefined
  readonly gte?: string | number | undefined
  readonly lt?: string | number | undefined
  readonly lte?: string | number | undefined
  /** Holds where the member is an array that has at least one of these. */
  readonly arrayContains?: readonly Scalar[] | undefined
}

/**
 * Members of metadata by their names, all of which must hold. `and`, `or`, `not` and `where` never are members: what
 * has such a name is reached by `{ where: { 'metadata.not': … } }`.
 */
export interface DocumentFilter {
  readonly and?: readonly DocumentFilter[] | undefined
  readonly or?: readonly DocumentFilter[] | undefined
  readonly not?: DocumentFilter | undefined
  /** Conditions of thermocline, of any field of the chunk. */
  readonly where?: Where<'chunk'> | undefined
  readonly [member: string]: Scalar | MemberFilter | DocumentFilter | readonly DocumentFilter[] | Where | undefined
}

type Condition = (path: string, operand: never) => Where<'chunk'>

const compare =
  (operator: 'in' | 'nin' | 'ne' | 'gt' | 'gte' | 'lt' | 'lte'): Condition =>
  (path, operand) =>
    ({ [path]: { [operator]: operand } }) as Where<'chunk'>

const OPERATORS: Readonly<Record<keyof MemberFilter, Condition>> = {
  in: compare('in'),
  notIn: compare('nin'),
  neq: compare('ne'),
  gt: compare('gt'),
  gte: compare('gte'),
  lt: compare('lt'),
  lte: compare('lte'),
  arrayContains: (path, values: readonly Scalar[]) => {
    const each = listOf('arrayContains', values).map((value) => ({ [path]: { contains: [value] } }))
    return { or: each as Where<'chunk'>[] }
  },
}

/** Throws `ERR_INVALID_QUERY` where the filter says what it cannot. */
export function whereOf(filter: DocumentFilter): Where<'chunk'> {
  if (!isObject(filter)) throw refused('a filter must be an object of members of metadata to what they are compared to')
  return { and: Object.entries(filter).flatMap(([name, asked]) => conditionsOf(name, asked)) }
}

function conditionsOf(name: string, asked: unknown): Where<'chunk'>[] {
  if (asked === undefined) throw refused(`\`${name}\` is undefined: it would select everything`)
  switch (name) {
    case 'and':
      return listOf(name, asked).map((one) => whereOf(one as DocumentFilter))
    case 'or':
      return [{ or: listOf(name, asked).map((one) => whereOf(one as DocumentFilter)) }]
    case 'not':
      return [{ not: whereOf(asked as DocumentFilter) }]
    case 'where':
      return [asked as Where<'chunk'>]
    default:
      return membersOf(name, asked)
  }
}

function membersOf(name: string, asked: unknown): Where<'chunk'>[] {
  const path = metadataPath(name)
  if (typeof asked !== 'object' || asked === null) return [{ [path]: { eq: asked } } as Where<'chunk'>]
  const operators = Array.isArray(asked) ? [] : Object.entries(asked)
  if (operators.length === 0) throw refused(`\`${name}\` needs a value, or one of the operators ${known}`)
  return operators.map(([operator, operand]) => {
    if (!Object.hasOwn(OPERATORS, operator)) throw refused(`there is no operator \`${operator}\`; there are ${known}`)
    if (operand === undefined) throw refused(`\`${name}.${operator}\` is undefined: it would select everything`)
    return OPERATORS[operator as keyof MemberFilter](path, operand as never)
  })
}

const known = Object.keys(OPERATORS).join(', ')

function listOf(name: string, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw refused(`\`${name}\` must be an array`)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function refused(message: string): ThermoclineError<'ERR_INVALID_QUERY'> {
  return new ThermoclineError('ERR_INVALID_QUERY', message, { field: 'filter' })
}
