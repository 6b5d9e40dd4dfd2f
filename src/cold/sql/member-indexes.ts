/**
 * Indexes over one member of metadata each, as `cold.indexes` declares them: one of the numbers there, one of the
 * texts. They serve what is greater, less or begins so, and an order by the member in both directions (order-sql.ts);
 * the index of metadata as a whole serves equality.
 *
 * An index of a path is told by its name from then on, so that every process finds it there, whoever declared it; none
 * is dropped by itself. Conditions take the form that it serves whether or not it is there (sql/metadata-sql.ts).
 */
import { createHash } from 'node:crypto'
import { type SQL, sql } from 'drizzle-orm'
import { PgDialect } from 'drizzle-orm/pg-core'
import { type MetadataPath, metadataPath } from '../../query/metadata-path.ts'
import type { ColdDriver } from '../cold-driver.ts'
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

/** Answers those of the wanted indexes that are not there, or not whole. */
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
    const member = new PgDialect().sqlToQuery(indexedMember(type, path)).sql
    return {
      path: metadataPath(...(path as [string, ...string[]])),
      type,
      name: nameOf(type, path),
      // Over all rows: of what a partial index holds, the planner has statistics and does not use them.
      definition: `thermocline.memory_entries USING btree ((${member}), namespace)`,
    }
  })
}
