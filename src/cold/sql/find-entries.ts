/** Entries that a query selects, in an order, and how many there are. */
import { type SQL, sql } from 'drizzle-orm'
import type { ColdReader } from '../cold-driver.ts'
import type { ColdFind, ColdQuery, ColdRow, OwnVersion } from '../cold-tier.ts'
import { ACCESS_JOIN } from './entry-access.ts'
import { bareColumns } from './entry-columns.ts'
import { selects } from './filter-sql.ts'
import { lookUp, unnestKeys } from './look-up-keys.ts'
import { afterSql, orderSql } from './order-sql.ts'
import { rowColumns, toColdRow } from './read-entries.ts'

export async function findEntries(driver: ColdReader, query: ColdFind, limit: number): Promise<ColdRow[]> {
  return (await driver.query(findSql(query, limit))).map(toColdRow)
}

export function findSql(query: ColdFind, limit: number): SQL {
  const { order = [], after, fields } = query
  const isAfter = after === undefined ? sql`` : sql` AND ${afterSql(order, after)}`
  return sql`
    WITH e AS MATERIALIZED (
      SELECT ${bareColumns(fields)} FROM thermocline.memory_entries e WHERE ${selects(query)}${isAfter}
      ORDER BY ${orderSql(order)} LIMIT ${limit}::int8
    )
    SELECT ${rowColumns(fields)} FROM e ${ACCESS_JOIN} ORDER BY ${orderSql(order)}`
}

/** Counts what cold has, then takes off every key that is in both: the newer of the two stands for it. */
export async function countEntries(driver: ColdReader, query: ColdQuery, own: readonly OwnVersion[]): Promise<number> {
  const [row] = await driver.query(sql`
    SELECT (SELECT count(*) FROM thermocline.memory_entries e WHERE ${selects(query)})::float8 AS cold,
      ${own.length === 0 ? sql`0` : countedTwice(query, own)}::float8 AS twice`)
  return (row?.cold as number) + own.filter(({ matches }) => matches).length - (row?.twice as number)
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
