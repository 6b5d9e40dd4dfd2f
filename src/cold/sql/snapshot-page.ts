/**
 * Reads pages of all that a query selects, by namespace and id, each of a bounded size however large its entries are.
 */
import { type SQL, sql } from 'drizzle-orm'
import type { EntryKey } from '../../entry/entry-key.ts'
import type { ColdReader } from '../cold-driver.ts'
import type { ColdQuery, ColdRow } from '../cold-tier.ts'
import { ACCESS_JOIN } from './entry-access.ts'
import { firstOfParts, selects } from './filter-sql.ts'
import { afterSql, orderSql } from './order-sql.ts'
import { ROW_COLUMNS, toColdRow } from './read-entries.ts'

const ROWS = 500
const BYTES = 8 * 1024 * 1024

/**
 * What large columns hold; none of them is fetched for it. What is written compressed may be larger, and a rounded
 * vector is up to four times as large once it is widened.
 */
const CONTENT_BYTES = sql`(coalesce(octet_length(e.text), 0) + coalesce(octet_length(e.bytes), 0)
  + coalesce(pg_column_size(e.embedding), 4 * pg_column_size(e.rounded), 0) + coalesce(pg_column_size(e.metadata), 0))`

/** Returns the rows that come next, none where nothing does. */
export async function readSnapshotPage(
  reader: ColdReader,
  query: ColdQuery,
  after: EntryKey | undefined,
): Promise<ColdRow[]> {
  return (await reader.query(snapshotPageSql(query, after))).map(toColdRow)
}

/** At least one row, if there is one, and then as many as fit. */
export function snapshotPageSql(query: ColdQuery, after: EntryKey | undefined): SQL {
  return sql`
    WITH foremost AS MATERIALIZED (${foremostSql(query, after)}),
    measured AS (
      SELECT e.*, sum(${CONTENT_BYTES}) OVER (ORDER BY ${orderSql([])}) - ${CONTENT_BYTES} AS bytes_before
      FROM foremost e
    ),
    e AS MATERIALIZED (SELECT * FROM measured WHERE bytes_before < ${BYTES}::int8)
    SELECT ${ROW_COLUMNS} FROM e ${ACCESS_JOIN} ORDER BY ${orderSql([])}`
}

function foremostSql(query: ColdQuery, after: EntryKey | undefined): SQL {
  const order = orderSql([])
  const isAfter = after === undefined ? sql`` : sql` AND ${afterSql([], [after.namespace, after.id])}`
  return firstOfParts(
    query.scope,
    order,
    ROWS,
    (isInScope) => sql`
      SELECT * FROM thermocline.memory_entries e WHERE ${selects(query, isInScope)}${isAfter}
      ORDER BY ${order} LIMIT ${ROWS}::int8`,
  )
}
