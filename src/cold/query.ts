/** Lookups by key, and queries in the order of keys. */
import { sql } from 'drizzle-orm'
import type { EntryKey } from '../entry/record.ts'
import type { Version } from '../entry/version.ts'
import type { ColdQuery, ColdRow } from './cold-tier.ts'
import type { ColdDriver } from './driver.ts'
import { selects } from './filter-sql.ts'
import { ACCESS_JOIN, ROW_COLUMNS, toColdRow, unnestKeys } from './rows.ts'

export async function read(driver: ColdDriver, keys: readonly EntryKey[]): Promise<(ColdRow | undefined)[]> {
  const answers: (ColdRow | undefined)[] = keys.map(() => undefined)
  if (keys.length === 0) return answers
  const rows = await driver.query(sql`
    SELECT k.nth::int4 AS nth, ${ROW_COLUMNS}
    FROM ${unnestKeys(keys)} WITH ORDINALITY AS k (namespace, id, nth)
    JOIN thermocline.memory_entries e ON e.namespace = k.namespace AND e.id = k.id ${ACCESS_JOIN}`)
  for (const row of rows) answers[(row.nth as number) - 1] = toColdRow(row)
  return answers
}

export async function versions(driver: ColdDriver, keys: readonly EntryKey[]): Promise<(Version | undefined)[]> {
  const answers: (Version | undefined)[] = keys.map(() => undefined)
  if (keys.length === 0) return answers
  const rows = await driver.query(sql`
    SELECT k.nth::int4 AS nth, e.version
    FROM ${unnestKeys(keys)} WITH ORDINALITY AS k (namespace, id, nth)
    JOIN thermocline.memory_entries e ON e.namespace = k.namespace AND e.id = k.id`)
  for (const row of rows) answers[(row.nth as number) - 1] = row.version as Version
  return answers
}

export async function highestVersion(driver: ColdDriver): Promise<Version | undefined> {
  const [row] = await driver.query(sql`
    SELECT greatest((SELECT max(version) FROM thermocline.memory_entries),
                    (SELECT collected_version FROM thermocline.store_identity)) AS version`)
  return (row?.version as Version | null) ?? undefined
}

export async function find(driver: ColdDriver, query: ColdQuery, limit: number): Promise<ColdRow[]> {
  const rows = await driver.query(sql`
    SELECT ${ROW_COLUMNS} FROM thermocline.memory_entries e ${ACCESS_JOIN}
    WHERE ${selects(query)} ORDER BY e.namespace, e.id LIMIT ${limit}::int8`)
  return rows.map(toColdRow)
}

export async function count(driver: ColdDriver, query: ColdQuery): Promise<number> {
  const [row] = await driver.query(
    sql`SELECT count(*)::float8 AS count FROM thermocline.memory_entries e WHERE ${selects(query)}`,
  )
  return row?.count as number
}
