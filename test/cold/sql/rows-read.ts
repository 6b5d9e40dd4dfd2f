/** What a statement reads, by the account that the database gives of having run it. */
import type { PGlite } from '@electric-sql/pglite'
import { type SQL, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/pglite'
import type { PgliteClient } from '../../../src/cold/pglite/pglite-client.ts'

interface PlanNode {
  readonly 'Relation Name'?: string
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Rows Removed by Index Recheck'?: number
  readonly Plans?: readonly PlanNode[]
}

/** How many rows of entries the statement looks at, those that it leaves out included. */
export async function rowsReadBy(client: PgliteClient, statement: SQL): Promise<number> {
  const explained = sql`EXPLAIN (ANALYZE, FORMAT JSON) ${statement}`
  const { rows } = await drizzle(client as unknown as PGlite).execute<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(explained)
  return rowsOf(rows[0]!['QUERY PLAN'][0].Plan)
}

function rowsOf(node: PlanNode): number {
  const removed = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0)
  const below = (node.Plans ?? []).reduce((sum, child) => sum + rowsOf(child), 0)
  const own = (node['Actual Rows'] + removed) * node['Actual Loops']
  return below + (node['Relation Name'] === 'memory_entries' ? own : 0)
}
