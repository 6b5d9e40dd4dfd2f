/** A page of namespaces reads the counts that it answers, and no entries: asked of the database, over many of both. */
import type { PGlite } from '@electric-sql/pglite'
import { type SQL, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/pglite'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { PgliteClient } from '../../../src/cold/pglite/pglite-client.ts'
import { namespacesSql } from '../../../src/cold/sql/list-namespaces.ts'
import { FUTURE, idOf, versionOf } from '../../contract/cold-records.ts'
import { longTest } from '../../tools/budget.ts'
import { PgliteTemplate } from '../pglite/pglite-template.ts'

const NAMESPACES = Number(process.env.NAMESPACES ?? 20_000)
const ROWS = Number(process.env.ROWS ?? 2_000)
const PAGE = 100
const template = new PgliteTemplate()
let client: PgliteClient

beforeAll(async () => {
  await template.make()
  client = await PgliteClient.start(`${await template.copy()}/data`)
  const started = performance.now()
  await client.exec(`
    INSERT INTO thermocline.memory_entries (namespace, id, version, kind, text, created_at, updated_at)
    SELECT CASE WHEN i <= ${NAMESPACES} THEN 'a/' || i ELSE 'b/' || i % 10 END,
      ('00000000-0000-4000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, lpad(to_hex(i), 16, '0') || '0000000a',
      'chunk', 'text', now(), now()
    FROM generate_series(1, ${NAMESPACES + 10 * ROWS}) AS i`)
  if (process.env.FIGURES) console.log('filled', Math.round(performance.now() - started), 'ms')
}, 600_000)
afterAll(async () => {
  await client.close()
  await template.remove()
})

interface PlanNode {
  readonly 'Relation Name'?: string
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly Plans?: readonly PlanNode[]
}

/** How many rows of each table the statement looks at. */
async function rowsRead(statement: SQL): Promise<Record<string, number>> {
  const explained = sql`EXPLAIN (ANALYZE, FORMAT JSON) ${statement}`
  const { rows } = await drizzle(client as unknown as PGlite).execute<{
    'QUERY PLAN': [{ Plan: PlanNode; 'Execution Time': number }]
  }>(explained)
  const read: Record<string, number> = {}
  const add = (node: PlanNode): void => {
    const table = node['Relation Name']
    const own = (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops']
    if (table !== undefined) read[table] = (read[table] ?? 0) + own
    for (const child of node.Plans ?? []) add(child)
  }
  const [{ Plan, 'Execution Time': ms }] = rows[0]!['QUERY PLAN']
  add(Plan)
  if (process.env.FIGURES) console.log(Math.round(ms * 10) / 10, 'ms', JSON.stringify(read))
  return read
}

const own = Array.from({ length: 50 }, (_, i) => {
  return { namespace: `a/${i + 1}`, id: idOf(i + 1), version: versionOf(1_000_000_000), matches: i % 2 === 0 }
})
const asked = { prefix: [], suffix: [], now: FUTURE, own: [] }

describe.each<[string, string, number]>([
  // Postgres expects few namespaces then, and reads all counts: until autovacuum, or the first sweep of PGlite.
  ['without statistics', 'SELECT', NAMESPACES + 10],
  ['with statistics', 'ANALYZE thermocline.memory_entries, thermocline.namespace_counts', PAGE],
])('%s', (_, prepare, most) => {
  beforeAll(() => client.exec(prepare))

  longTest.each<[string, Partial<Parameters<typeof namespacesSql>[0]>]>([
    ['the first page', {}],
    ['a later page', { after: ['a', '5'] }],
    ['of a prefix', { prefix: ['a'] }],
    ['with what is pending', { own }],
    ['large namespaces', { prefix: ['b'] }],
  ])('%s', async (_, query) => {
    const read = await rowsRead(namespacesSql({ ...asked, ...query }, PAGE))
    expect(read.namespace_counts).toBeLessThanOrEqual(most + 2 * own.length)
    expect(read.memory_entries ?? 0).toBeLessThanOrEqual(own.length)
  })

  longTest('by depth, counts are read and no entries', async () => {
    const read = await rowsRead(namespacesSql({ ...asked, depth: 1 }, PAGE))
    expect(read.namespace_counts).toBeLessThanOrEqual(NAMESPACES + 10)
    expect(read.memory_entries ?? 0).toBe(0)
  })
})
