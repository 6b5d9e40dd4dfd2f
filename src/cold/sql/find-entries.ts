/** Lookups by key, and queries in the order of keys. */
import { type SQL, sql } from 'drizzle-orm'
import type { EntryKey } from '../../entry/entry-key.ts'
import type { Version } from '../../entry/version.ts'
import type { ColdDriver } from '../cold-driver.ts'
import type { ColdQuery, ColdRow, OwnVersion } from '../cold-tier.ts'
import { ACCESS_JOIN, lookUp, ROW_COLUMNS, toColdRow, unnestKeys } from './entry-columns.ts'
import { selects } from './filter-sql.ts'

export async function read(driver: ColdDriver, keys: readonly EntryKey[]): Promise<(ColdRow | undefined)[]> {
  const answers: (ColdRow | undefined)[] = keys.map(() => undefined)
  if (keys.length === 0) return answers
  const rows = await driver.query(sql`
    SELECT k.nth::int4 AS nth, ${ROW_COLUMNS}
    FROM ${unnestKeys(keys)} WITH ORDINALITY AS k (namespace, id, nth)
    CROSS JOIN ${lookUp(sql`k`)} ${ACCESS_JOIN}`)
  for (const row of rows) answers[(row.nth as number) - 1] = toColdRow(row)
  return answers
}

export async function versions(driver: ColdDriver, keys: readonly EntryKey[]): Promise<(Version | undefined)[]> {
  const answers: (Version | undefined)[] = keys.map(() => undefined)
  if (keys.length === 0) return answers
  const rows = await driver.query(sql`
    SELECT k.nth::int4 AS nth, e.version
    FROM ${unnestKeys(keys)} WITH ORDINALITY AS k (namespace, id, nth)
    CROSS JOIN ${lookUp(sql`k`)}`)
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
    WITH e AS MATERIALIZED (
      SELECT e.* FROM thermocline.memory_entries e WHERE ${selects(query)} ORDER BY e.namespace, e.id LIMIT ${limit}::int8
    )
    SELECT ${ROW_COLUMNS} FROM e ${ACCESS_JOIN} ORDER BY e.namespace, e.id`)
  return rows.map(toColdRow)
}

/** Counts what cold has, then takes off every key that is in both: the newer of the two stands for it. */
export async function count(driver: ColdDriver, query: ColdQuery, own: readonly OwnVersion[]): Promise<number> {
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
