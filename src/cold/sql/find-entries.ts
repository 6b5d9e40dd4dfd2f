/** Selects a page of entries for `find`, in its order, and counts entries. */
import { type SQL, sql } from 'drizzle-orm'
import type { ScalarField } from '../../query/filter.ts'
import type { Order } from '../../query/order.ts'
import type { ColdReader } from '../cold-driver.ts'
import type { ColdFind, ColdFound, ColdQuery, OwnVersion } from '../cold-tier.ts'
import { ACCESS_JOIN } from './entry-access.ts'
import { bareColumns, selectedColumns } from './entry-columns.ts'
import { firstOfParts, inScope, inScopeAround, selects } from './filter-sql.ts'
import { lookUp, unnestKeys } from './look-up-keys.ts'
import { isIndexed } from './member-indexes.ts'
import { afterSql, type OrderPart, orderParts, orderSql } from './order-sql.ts'
import { apart, rowColumns, toColdRow, versionsBeside, versionsColumn } from './read-entries.ts'

export async function findEntries(driver: ColdReader, query: ColdFind, limit: number): Promise<ColdFound> {
  const { rows, versions } = apart(await driver.query(findSql(query, limit)))
  return { rows: rows.map(toColdRow), versions }
}

export function findSql(query: ColdFind, limit: number): SQL {
  const { order = [], fields, withReads = true, versionsOf } = query
  const page = inParts(query, limit) ?? sql`e AS MATERIALIZED (${wholeSql(query, limit)})`
  const columns = withReads ? rowColumns(fields) : selectedColumns(fields)
  return sql`
    WITH ${page}
    SELECT ${columns}${versionsColumn(versionsOf)} FROM e ${withReads ? ACCESS_JOIN : sql``} ${versionsBeside(versionsOf)}
    ORDER BY ${orderSql(order)}`
}

/** Fields by which an index has the rows of a namespace in order, as it has them by namespace and id. */
const INDEXED: ReadonlySet<string> = new Set(['documentId', 'position', 'level'] satisfies ScalarField[])

function wholeSql(query: ColdFind, limit: number, condition = sql`true`): SQL {
  const { order = [], after } = query
  const isAfter = after === undefined ? sql`` : sql` AND ${afterSql(order, after)}`
  const part = { condition: sql`${condition}${isAfter}`, order: orderSql(order) }
  // In another order all rows are read anyway, and two parts would be planned for nothing.
  if (!isIndexOrder(order)) return pageSql(query, limit, part, inScope(query.scope))
  return firstOfParts(query.scope, part.order, limit, (isInScope) => pageSql(query, limit, part, isInScope))
}

function isIndexOrder([first]: Order): boolean {
  return first === undefined || ('field' in first && INDEXED.has(first.field))
}

function pageSql(query: ColdFind, limit: number, { condition, order }: OrderPart, isInScope: SQL): SQL {
  return sql`
    SELECT ${bareColumns(query.fields)} FROM thermocline.memory_entries e
    WHERE ${selects(query, isInScope)} AND ${condition} ORDER BY ${order} LIMIT ${limit}::int8`
}

/**
 * An order by a member of metadata. Where that is indexed, one part after the other is read until the page is full;
 * where it is not, all is read at once, since each part would look at every row. What depends on no row decides before
 * any is looked at.
 */
function inParts(query: ColdFind, limit: number): SQL | undefined {
  const { order = [], after } = query
  const [first] = order
  if (first === undefined || !('path' in first)) return undefined
  const parts = orderParts(order, after)
  if (parts === undefined) return undefined
  const isThere = sql`(SELECT is_there FROM indexed)`
  const pages = parts.map(({ condition, order }, i) => {
    const before = parts.slice(0, i).map((_, n) => sql`(SELECT count(*) FROM ${partName(n)})`)
    const hasRoom = sql`${sql.join([sql`0`, ...before], sql` + `)} < ${limit}::int8`
    const gated = sql`${isThere} AND ${hasRoom} AND ${condition}`
    return sql`${partName(i)} AS MATERIALIZED (
      ${pageSql(query, limit, { condition: gated, order }, inScopeAround(query.scope))}
    )`
  })
  const rows = [...parts.map((_, i) => sql`SELECT * FROM ${partName(i)}`), sql`SELECT * FROM whole`]
  return sql`
    indexed AS MATERIALIZED (SELECT ${isIndexed(first.path)} AS is_there),
    ${sql.join(pages, sql`, `)},
    whole AS MATERIALIZED (${wholeSql(query, limit, sql`NOT ${isThere}`)}),
    e AS MATERIALIZED (
      SELECT * FROM (${sql.join(rows, sql` UNION ALL `)}) e ORDER BY ${orderSql(order)} LIMIT ${limit}::int8
    )`
}

function partName(i: number): SQL {
  return sql.raw(`part_${i}`)
}

export async function countEntries(driver: ColdReader, query: ColdQuery, own: readonly OwnVersion[]): Promise<number> {
  const [row] = await driver.query(countSql(query, own))
  return (row?.cold as number) + own.filter(({ matches }) => matches).length - (row?.twice as number)
}

/** Counts what cold has, and every key that is in both, to be taken off: the newer of the two stands for it. */
export function countSql(query: ColdQuery, own: readonly OwnVersion[]): SQL {
  return sql`
    SELECT (SELECT count(*) FROM thermocline.memory_entries e WHERE ${selects(query)})::float8 AS cold,
      ${own.length === 0 ? sql`0` : countedTwice(query, own)}::float8 AS twice`
}

function countedTwice(query: ColdQuery, own: readonly OwnVersion[]): SQL {
  const versions = sql.param(own.map(({ version }) => version))
  const matches = sql.param(own.map((record) => (record.matches ? 1 : 0)))
  return sql`(
    SELECT count(*) FROM ${unnestKeys(own, sql`${versions}::text[]`, sql`${matches}::int4[]`)}
      AS k (namespace, id, version, matches)
    CROSS JOIN ${lookUp(sql`k`)}
    WHERE CASE WHEN e.version <= k.version THEN ${selects(query)} ELSE k.matches = 1 END)`
}
