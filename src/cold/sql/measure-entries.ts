/** Measures how many bytes entries take in the table, a bounded number of rows at a time. */
import { type SQL, sql } from 'drizzle-orm'
import type { EntryKey } from '../../entry/entry-key.ts'
import type { EntryRecord } from '../../entry/record.ts'
import type { ColdDriver } from '../cold-driver.ts'
import type { ColdMeasure, ColdMeasuring } from '../cold-tier.ts'
import { columnNames, recordOf, selectedColumns } from './entry-columns.ts'
import { firstOfParts } from './filter-sql.ts'
import { afterSql, orderSql } from './order-sql.ts'

const FIELDS = ['namespace', 'id', 'version', 'kind', 'createdAt', 'updatedAt', 'expiresAt', 'deletedAt'] as const
const SELECTED: ReadonlySet<keyof EntryRecord> = new Set(FIELDS)

/** Returns how large a column is without reading what is kept apart from its row. */
const BYTES = sql.raw(
  columnNames()
    .map((name) => `coalesce(pg_column_size(e.${name}), 0)`)
    .join(' + '),
)

export async function measureEntries(driver: ColdDriver, query: ColdMeasuring, limit: number): Promise<ColdMeasure[]> {
  const rows = await driver.query(measureSql(query, limit))
  return rows.map((row) => {
    const { namespace, id, version, kind, createdAt, updatedAt, expiresAt, deletedAt } = recordOf(row)
    const dimension = (row.dimension as number | null) ?? undefined
    const bytes = row.bytes as number
    return { namespace, id, version, kind, createdAt, updatedAt, expiresAt, deletedAt, bytes, dimension }
  })
}

export function measureSql({ scope, after }: ColdMeasuring, limit: number): SQL {
  return firstOfParts(scope, orderSql([]), limit, (isInScope) => firstRows(isInScope, after, limit))
}

function firstRows(condition: SQL, after: EntryKey | undefined, limit: number): SQL {
  const isAfter = after === undefined ? sql`` : sql` AND ${afterSql([], [after.namespace, after.id])}`
  return sql`
    SELECT ${selectedColumns(SELECTED)}, (${BYTES})::float8 AS bytes,
      coalesce(cardinality(e.embedding), e.rounded_dimension) AS dimension
    FROM thermocline.memory_entries e WHERE ${condition}${isAfter} ORDER BY ${orderSql([])} LIMIT ${limit}::int8`
}
