/**
 * Builds the indexes over single members of metadata that `cold.indexes` declares: for each member one of its numbers
 * and one of its texts. They serve greater, less and prefix conditions, and an order by the member in both directions
 * (order-sql.ts); equality is served by the index over metadata as a whole.
 *
 * The name of an index tells its path, so every process finds the index, whichever declared it; none is ever dropped by
 * itself. Conditions have the form that it serves whether or not the index exists (metadata-sql.ts).
 */
import { createHash } from 'node:crypto'
import { type SQL, sql } from 'drizzle-orm'
import { type MetadataPath, metadataPath } from '../../query/metadata-path.ts'
import type { ColdDriver } from '../cold-driver.ts'
import { compileStatement } from './compile-statement.ts'
import { indexedMember } from './metadata-sql.ts'

const TYPES = ['number', 'text'] as const

/** An index that a declaration wants. */
export interface MemberIndex {
  /** Of the member, as a query writes it. */
  readonly path: string
  readonly type: (typeof TYPES)[number]
  /** Of the index. */
  readonly name: string
  readonly definition: string
}

/** Returns those of the wanted indexes that are not there, or not whole. */
export async function missingMemberIndexes(driver: ColdDriver, paths: readonly MetadataPath[]): Promise<MemberIndex[]> {
  if (paths.length === 0) return []
  const wanted = new Map(paths.flatMap(indexesOf).map((index) => [index.name, index]))
  const rows = await driver.query(sql`
    SELECT c.relname::text AS name FROM pg_index i
    JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indisvalid AND i.indrelid = to_regclass('thermocline.memory_entries')
      AND c.relname = ANY (${sql.param([...wanted.keys()])}::text[])`)
  for (const { name } of rows) wanted.delete(String(name))
  return [...wanted.values()]
}

/** Whether both indexes of the member are there and whole, whoever declared them: asked once a statement. */
export function isIndexed(path: MetadataPath): SQL {
  const names = sql.param(TYPES.map((type) => `thermocline.${nameOf(type, path)}`))
  return sql`(SELECT count(*) = ${TYPES.length}::int8 FROM pg_index i
    JOIN unnest(${names}::text[]) AS k (name) ON i.indexrelid = to_regclass(k.name) WHERE i.indisvalid)`
}

function nameOf(type: MemberIndex['type'], path: MetadataPath): string {
  // Names of members are of any length and of any characters, those of indexes are not.
  const hash = createHash('sha256').update(JSON.stringify(path)).digest('hex').slice(0, 16)
  return `memory_entries_member_${type}_${hash}`
}

function indexesOf(path: MetadataPath): MemberIndex[] {
  return TYPES.map((type) => {
    const member = compileStatement(indexedMember(type, path)).sql
    return {
      path: metadataPath(...(path as [string, ...string[]])),
      type,
      name: nameOf(type, path),
      // Over all rows: of what a partial index holds, the planner has statistics and does not use them.
      definition: `thermocline.memory_entries USING btree ((${member}), namespace)`,
    }
  })
}
