/**
 * The order of `find` as SQL over `e`, a row of memory_entries, and what comes after a place in it. Both MUST agree
 * with {@link ../../query/order.ts}.
 */
import { type SQL, sql } from 'drizzle-orm'
import { directions, type Order, type OrderKeys } from '../../query/order.ts'
import { timeParameter } from './column-types.ts'
import { comparedColumn } from './entry-columns.ts'
import { member, number, text } from './metadata-sql.ts'

interface Key {
  readonly column: SQL
  readonly parameter: (value: string | number) => SQL
  readonly isNullable: boolean
}

const asText = (value: string | number) => sql`${value}::text`
const asNumber = (value: string | number) => sql`${value}::float8`
const asNumeric = (value: string | number) => sql`${String(value)}::text::numeric`
const asTime = (value: string | number) => timeParameter(Number(value))
const asUuid = (value: string | number) => sql`${value}::uuid`
const NEVER_NULL = ['namespace', 'id', 'version', 'kind', 'created_at', 'updated_at']

const NAMESPACE_AND_ID: readonly Key[] = [
  { column: sql`e.namespace`, parameter: asText, isNullable: false },
  { column: sql`e.id`, parameter: asUuid, isNullable: false },
]

export function orderSql(order: Order): SQL {
  const descends = directions(order)
  const keys = keysOf(order).map(({ column, isNullable }, i) => {
    const nulls = isNullable ? sql` NULLS LAST` : sql``
    return descends[i] ? sql`${column} DESC${nulls}` : column
  })
  return sql.join(keys, sql`, `)
}

/** Equal in the keys before, and beyond in one: so for each of them. */
export function afterSql(order: Order, place: OrderKeys): SQL {
  if (order.length === 0) return sql`(e.namespace, e.id) > (${place[0]}::text, ${place[1]}::uuid)`
  const descends = directions(order)
  const equal: SQL[] = []
  const ways: SQL[] = []
  for (const [i, key] of keysOf(order).entries()) {
    const value = place[i] ?? null
    const isBeyond = beyond(key, value, descends[i] === true)
    if (isBeyond !== undefined) ways.push(sql`(${sql.join([...equal, isBeyond], sql` AND `)})`)
    equal.push(value === null ? sql`${key.column} IS NULL` : sql`${key.column} = ${key.parameter(value)}`)
  }
  return sql`(${sql.join(ways, sql` OR `)})`
}

function beyond(
  { column, parameter, isNullable }: Key,
  value: string | number | null,
  isDown: boolean,
): SQL | undefined {
  if (value === null) return undefined
  const further = isDown ? sql`${column} < ${parameter(value)}` : sql`${column} > ${parameter(value)}`
  return isNullable ? sql`(${further} OR ${column} IS NULL)` : further
}

function keysOf(order: Order): Key[] {
  const keys = order.flatMap((term): Key[] => {
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
  return [...keys, ...NAMESPACE_AND_ID]
}
