/** Reads entries by key, and turns the row of any statement into what the contract (cold/cold-tier.ts) returns. */
import { type SQL, sql } from 'drizzle-orm'
import type { EntryKey } from '../../entry/entry-key.ts'
import type { EntryRecord } from '../../entry/record.ts'
import type { Version } from '../../entry/version.ts'
import type { ColdReader, Row } from '../cold-driver.ts'
import type { ColdRow, WithVersions } from '../cold-tier.ts'
import { inOnePiece } from './compile-statement.ts'
import { ACCESS_COLUMNS, ACCESS_JOIN, accessOf } from './entry-access.ts'
import { recordOf, selectedColumns } from './entry-columns.ts'
import { lookUp, unnestKeys } from './look-up-keys.ts'

/** What a statement selects in which `e` is a row of memory_entries and `a`, if there is one, that of entry_access. */
export const ROW_COLUMNS = inOnePiece(sql`${selectedColumns()}, ${ACCESS_COLUMNS}`)

/** @param fields of the record. @default all */
export function rowColumns(fields?: ReadonlySet<keyof EntryRecord>): SQL {
  return fields === undefined ? ROW_COLUMNS : sql`${selectedColumns(fields)}, ${ACCESS_COLUMNS}`
}

export function toColdRow(row: Row): ColdRow {
  return { record: recordOf(row), access: accessOf(row) }
}

/** @param fields of the records. @default all */
export async function readEntries(
  driver: ColdReader,
  keys: readonly EntryKey[],
  fields?: ReadonlySet<keyof EntryRecord>,
): Promise<(ColdRow | undefined)[]> {
  const answers: (ColdRow | undefined)[] = keys.map(() => undefined)
  if (keys.length === 0) return answers
  const rows = await driver.query(sql`
    SELECT k.nth::int4 AS nth, ${rowColumns(fields)}
    FROM ${unnestKeys(keys)} WITH ORDINALITY AS k (namespace, id, nth)
    CROSS JOIN ${lookUp(sql`k`)} ${ACCESS_JOIN}`)
  for (const row of rows) answers[(row.nth as number) - 1] = toColdRow(row)
  return answers
}

export async function readVersions(driver: ColdReader, keys: readonly EntryKey[]): Promise<(Version | undefined)[]> {
  if (keys.length === 0) return []
  const [row] = await driver.query(versionsSql(keys))
  return versionsIn(row!.versions as string)
}

/** Selects them as one text: a row for each version takes this process more than half as much time again. */
function versionsSql(keys: readonly EntryKey[]): SQL {
  return sql`
    SELECT string_agg(coalesce(e.version, ''), ',' ORDER BY k.nth) AS versions
    FROM ${unnestKeys(keys)} WITH ORDINALITY AS k (namespace, id, nth)
    LEFT JOIN ${lookUp(sql`k`)} ON true`
}

/**
 * Joins to the rows of a statement the versions of keys, as of the same moment: a row of its own, in which nothing else
 * stands. Nothing without keys.
 */
export function versionsBeside(keys: readonly EntryKey[] = []): SQL {
  return keys.length === 0 ? sql`` : sql`FULL JOIN (${versionsSql(keys)}) v ON false`
}

/** The column to select, after others, where that is joined. */
export function versionsColumn(keys: readonly EntryKey[] = []): SQL {
  return keys.length === 0 ? sql`` : sql`, v.versions`
}

/** The rows of such a statement, and these versions, in the order of keys. */
export function apart(answered: readonly Row[]): WithVersions & { readonly rows: readonly Row[] } {
  const beside = answered.find(({ versions }) => typeof versions === 'string')
  if (beside === undefined) return { rows: answered, versions: [] }
  return { rows: answered.filter((row) => row !== beside), versions: versionsIn(beside.versions as string) }
}

function versionsIn(versions: string): (Version | undefined)[] {
  return versions.split(',').map((version) => (version === '' ? undefined : (version as Version)))
}

export async function highestVersion(driver: ColdReader): Promise<Version | undefined> {
  const [row] = await driver.query(sql`
    SELECT greatest((SELECT max(version) FROM thermocline.memory_entries),
                    (SELECT collected_version FROM thermocline.store_identity)) AS version`)
  return (row?.version as Version | null) ?? undefined
}
