/**
 * Decides which items the `filter` of a search selects, as LangGraph's own stores do: members of the value, each by a
 * value or by operators that must all hold. `$gt` and its like compare what `Number` makes of both sides. The database
 * is asked for no fewer than these, and what it answers is looked at here once more.
 */
import { isDeepStrictEqual } from 'node:util'
import { type JsonValue, metadataPath, ThermoclineError, type Where } from '../../index.ts'
import { isIndexed } from './checkpoint-entries.ts'

export type ItemFilter = Readonly<Record<string, unknown>>

type Operator = (value: unknown, operand: unknown) => boolean

const OPERATORS: Readonly<Record<string, Operator>> = {
  $eq: (value, operand) => isDeepStrictEqual(value, operand),
  $ne: (value, operand) => !isDeepStrictEqual(value, operand),
  $gt: (value, operand) => Number(value) > Number(operand),
  $gte: (value, operand) => Number(value) >= Number(operand),
  $lt: (value, operand) => Number(value) < Number(operand),
  $lte: (value, operand) => Number(value) <= Number(operand),
  $in: (value, operand) => Array.isArray(operand) && operand.some((one) => isDeepStrictEqual(value, one)),
  $nin: (value, operand) => !Array.isArray(operand) || !operand.some((one) => isDeepStrictEqual(value, one)),
  $exists: (value, operand) => (value !== undefined) === operand,
}

/** What a number is not beyond it is not: the opposite in the database, which leaves what is no number. */
const OPPOSITES = { $gt: 'lte', $gte: 'lt', $lt: 'gte', $lte: 'gt' } as const

/** Throws `ERR_INVALID_QUERY` for an operator that there is not. */
export function selects(filter: ItemFilter, value: Readonly<Record<string, unknown>>): boolean {
  return conditionsOf(filter).every(([name, operator, operand]) => {
    return OPERATORS[operator]!(Object.hasOwn(value, name) ? value[name] : undefined, operand)
  })
}

/** What the database can leave out. */
export function whereOfItems(filter: ItemFilter): Where[] {
  return conditionsOf(filter).flatMap(([name, operator, operand]): Where[] => {
    if (!isIndexed([name, operand])) return []
    const field = metadataPath('value', name)
    if (operator === '$eq') return [{ [field]: { eq: operand as JsonValue } }]
    if (!(operator in OPPOSITES) || typeof operand !== 'number') return []
    return [{ not: { [field]: { [OPPOSITES[operator as keyof typeof OPPOSITES]]: operand } } }]
  })
}

/** Whether what {@link whereOfItems} has the database select is all that a filter selects, and nothing else. */
export function isDecidedByDatabase(filter: ItemFilter): boolean {
  return conditionsOf(filter).every(([name, operator, operand]) => operator === '$eq' && isIndexed([name, operand]))
}

function conditionsOf(filter: ItemFilter): [name: string, operator: string, operand: unknown][] {
  return Object.entries(filter).flatMap(([name, asked]) => {
    if (!hasOperators(asked)) return [[name, '$eq', asked]]
    return Object.entries(asked).map(([operator, operand]): [string, string, unknown] => {
      if (Object.hasOwn(OPERATORS, operator)) return [name, operator, operand]
      const known = Object.keys(OPERATORS).join(', ')
      throw new ThermoclineError('ERR_INVALID_QUERY', `there is no operator \`${operator}\`; there are ${known}`, {
        field: 'filter',
      })
    })
  })
}

/** One of them is enough: who misspells another is told. */
function hasOperators(asked: unknown): asked is Readonly<Record<string, unknown>> {
  if (typeof asked !== 'object' || asked === null || Array.isArray(asked)) return false
  const names = Object.keys(asked)
  return names.length === 0 || names.some((name) => name.startsWith('$'))
}
