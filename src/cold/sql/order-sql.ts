/**
 * Writes the order of `find` as SQL over `e`, a row of memory_entries, and the condition for rows after a given place
 * in it. Both MUST agree with query/order.ts.
 */
import { type SQL, sql } from 'drizzle-orm'
import { directions, type Order, type OrderKeys } from '../../query/order.ts'
import { timeParameter } from './column-types.ts'
import { comparedColumn } from './entry-columns.ts'
import { beginning, beginningOf, member, number, text } from './metadata-sql.ts'
import { COMPARING } from './text-range.ts'

interface Column {
  readonly column: SQL
  readonly parameter: (value: string | number) => SQL
  readonly isNullable: boolean
}

interface Key extends Column {
  readonly isDown: boolean
}

const asText = (value: string | number) => sql`${value}::text`
const asNumber = (value: string | number) => sql`${value}::float8`
const asNumeric = (value: string | number) => sql`${String(value)}::text::numeric`
const asTime = (value: string | number) => timeParameter(Number(value))
const asBeginning = (value: string | number) => sql`${beginningOf(String(value))}::text`
const asUuid = (value: string | number) => sql`${value}::uuid`
const NEVER_NULL = ['namespace', 'id', 'version', 'kind', 'created_at', 'updated_at']

const NAMESPACE_AND_ID: readonly Column[] = [
  { column: sql`e.namespace`, parameter: asText, isNullable: false },
  { column: sql`e.id`, parameter: asUuid, isNullable: false },
]

export function orderSql(order: Order): SQL {
  return orderOf(keysOf(order))
}

/** Equal in the keys before, and beyond in one: so for each of them. */
export function afterSql(order: Order, place: OrderKeys): SQL {
  if (order.length === 0) return sql`(e.namespace, e.id) > (${place[0]}::text, ${place[1]}::uuid)`
  return beyondPlace(keysOf(order), place)
}

/** Rows that follow each other in an order, in which an index may have them. */
export interface OrderPart {
  /** Selects the rows, of them those after the place that was given. */
  readonly condition: SQL
  readonly order: SQL
}

/**
 * Returns the parts of an order by a member of metadata, each of which comes after those before it: the numbers there,
 * the texts there, and the rest. An index of the member has numbers, or texts, in both directions; read backwards it
 * has all rows without one first, where the order has them last. Undefined where the place is in the rest.
 */
export function orderParts(order: Order, after: OrderKeys | undefined): OrderPart[] | undefined {
  const [numbers, texts, ...rest] = keysOf(order) as [Key, Key, ...Key[]]
  const [lastNumber = null, lastText = null, , ...place] = after ?? []
  if (after !== undefined && lastNumber === null && lastText === null) return undefined
  const further = rest.slice(1)
  const beginnings: Key = { ...texts, column: beginning(texts.column), parameter: asBeginning }
  const others = sql`${numbers.column} IS NULL AND ${texts.column} IS NULL`
  const parts = [
    valuesPart([numbers, ...further], [lastNumber, ...place]),
    valuesPart([texts, ...further], [lastText, ...place], beginnings),
    { condition: others, order: orderOf(rest) },
  ]
  return lastText === null ? parts : parts.slice(1)
}

/** What has a value in the first key. An index that has but the beginning of it is in its order as well. */
function valuesPart(keys: readonly Key[], place: OrderKeys, indexed = keys[0]!): OrderPart {
  const present = keys.map((key, i) => (i === 0 ? { ...key, isNullable: false } : key))
  const order = orderOf(indexed === keys[0] ? present : [{ ...indexed, isNullable: false }, ...present])
  const { column, parameter, isDown } = indexed
  const value = place[0] ?? null
  if (value === null) return { condition: sql`${column} IS NOT NULL`, order }
  // The bound follows from the rest; it is what an index can be walked from.
  const bound = sql`${column} ${isDown ? COMPARING.lte : COMPARING.gte} ${parameter(value)}`
  return { condition: sql`${bound} AND ${beyondPlace(present, place)}`, order }
}

function orderOf(keys: readonly Key[]): SQL {
  const terms = keys.map(({ column, isNullable, isDown }) => {
    const nulls = isNullable ? sql` NULLS LAST` : sql``
    return isDown ? sql`${column} DESC${nulls}` : column
  })
  return sql.join(terms, sql`, `)
}

function beyondPlace(keys: readonly Key[], place: OrderKeys): SQL {
  const equal: SQL[] = []
  const ways: SQL[] = []
  for (const [i, key] of keys.entries()) {
    const value = place[i] ?? null
    const isBeyond = beyond(key, value)
    if (isBeyond !== undefined) ways.push(sql`(${sql.join([...equal, isBeyond], sql` AND `)})`)
    equal.push(value === null ? sql`${key.column} IS NULL` : sql`${key.column} = ${key.parameter(value)}`)
  }
  return sql`(${sql.join(ways, sql` OR `)})`
}

function beyond({ column, parameter, isNullable, isDown }: Key, value: string | number | null): SQL | undefined {
  if (value === null) return undefined
  const further = isDown ? sql`${column} < ${parameter(value)}` : sql`${column} > ${parameter(value)}`
  return isNullable ? sql`(${further} OR ${column} IS NULL)` : further
}

function keysOf(order: Order): Key[] {
  const descends = directions(order)
  const keys = order.flatMap((term): Column[] => {
    if ('path' in term)
      return [
        { column: number(term.path), parameter: asNumeric, isNullable: true },
        { column: text(term.path), parameter: asText, isNullable: true },
        { column: sql`(${member(term.path)} IS NULL)::int4`, parameter: asNumber, isNullable: false },
      ]
    const { name, comparison } = comparedColumn(term.field)
    const column = sql.raw(`e.${name}`)
    const ofKind = term.kind === undefined ? column : sql`CASE WHEN e.kind = ${term.kind}::text THEN ${column} END`
    const parameter = { text: asText, uuid: asUuid, number: asNumber, time: asTime }[comparison]
    return [{ column: ofKind, parameter, isNullable: !NEVER_NULL.includes(name) }]
  })
  return [...keys, ...NAMESPACE_AND_ID].map((key, i) => ({ ...key, isDown: descends[i] === true }))
}
