/** What a statement reads, by the account that the database gives of having run it. */
import { type SQL, sql } from 'drizzle-orm'
import type { ColdReader } from '../../../src/cold/cold-driver.ts'

interface PlanNode {
  readonly 'Relation Name'?: string
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Rows Removed by Index Recheck'?: number
  readonly Plans?: readonly PlanNode[]
}

/** How many rows of entries the statement looks at, those that it leaves out included. */
export async function rowsReadBy(driver: ColdReader, statement: SQL): Promise<number> {
  return (await rowsByTable(driver, statement)).memory_entries ?? 0
}

/** As {@link rowsReadBy}, of each table that it looks at. */
export async function rowsByTable(driver: ColdReader, statement: SQL): Promise<Readonly<Record<string, number>>> {
  const [row] = await driver.query(sql`EXPLAIN (ANALYZE, FORMAT JSON) ${statement}`)
  const plan = row!['QUERY PLAN'] as string | [{ Plan: PlanNode }]
  const [{ Plan }] = typeof plan === 'string' ? (JSON.parse(plan) as [{ Plan: PlanNode }]) : plan
  const read: Record<string, number> = {}
  const add = (node: PlanNode): void => {
    const removed = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0)
    const table = node['Relation Name']
    if (table !== undefined) read[table] = (read[table] ?? 0) + (node['Actual Rows'] + removed) * node['Actual Loops']
    for (const child of node.Plans ?? []) add(child)
  }
  add(Plan)
  return read
}
