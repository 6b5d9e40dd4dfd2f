/** Which conditions on metadata an index serves: asked of the planner, over many rows of one namespace. */
import type { PGlite } from '@electric-sql/pglite'
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/pglite'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { PgliteClient } from '../../../src/cold/pglite/pglite-client.ts'
import { PgliteDriver } from '../../../src/cold/pglite/pglite-driver.ts'
import { findSql } from '../../../src/cold/sql/find-entries.ts'
import { missingMemberIndexes } from '../../../src/cold/sql/member-indexes.ts'
import { silentLogger } from '../../../src/kernel/logger.ts'
import { parseWhere, type Where } from '../../../src/query/where.ts'
import { FUTURE } from '../../../src/testkit/contract/cold-records.ts'
import { isThorough, longTest } from '../../tools/budget.ts'
import { PgliteTemplate } from '../pglite/pglite-template.ts'

const ROWS = 100_000
const template = new PgliteTemplate()
let client: PgliteClient

beforeAll(async () => {
  if (!isThorough) return
  await template.make()
  client = await PgliteClient.start(`${await template.copy()}/data`)
  // Of a hundred sampled rows one may happen to match, and the planner then takes a hundredth of all rows to do so.
  await client.exec(`
    ALTER TABLE thermocline.memory_entries ALTER COLUMN metadata SET STATISTICS 10000;
    INSERT INTO thermocline.memory_entries (namespace, id, version, kind, metadata, created_at, updated_at)
    SELECT 'ns', ('00000000-0000-4000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, lpad(to_hex(i), 16, '0') || '0000000a',
      'metadata', jsonb_build_object('tenant', 't' || i % 1000, 'n', i, 'tags', jsonb_build_array('a' || i % 500, 'b'),
        'author', jsonb_build_object('name', 'name ' || i % 2000, 'langs', jsonb_build_array('en'))), now(), now()
    FROM generate_series(1, ${ROWS}) AS i;
    ANALYZE thermocline.memory_entries`)
}, 300_000)
afterAll(async () => {
  await client?.close()
  await template.remove()
})

async function planOf(where: Where): Promise<string> {
  const scope = { namespace: 'ns', recursive: true }
  const query = { scope, filter: parseWhere(where), now: FUTURE, exclude: [] }
  const { rows } = await drizzle(client as unknown as PGlite).execute<{ 'QUERY PLAN': string }>(
    sql`EXPLAIN ${findSql(query, 100)}`,
  )
  return rows.map((row) => row['QUERY PLAN']).join('\n')
}

describe('the index of metadata serves', () => {
  longTest.for<Where>([
    { 'metadata.tenant': 't7' },
    { 'metadata.author.name': 'name 8', kind: 'metadata' },
    { 'metadata.tenant': { in: ['t7', 't8', 't9'] } },
    { 'metadata.tags': { contains: ['a7'] } },
    { 'metadata.author': { contains: { name: 'name 8' } } },
    { 'metadata.author': { eq: { name: 'name 8', langs: ['en'] } } },
    { metadata: { contains: { tenant: 't7' } } },
    { or: [{ 'metadata.tenant': 't7' }, { 'metadata.author.name': 'name 8' }] },
    { 'metadata.tenant': 't7', not: { 'metadata.n': { gt: 5 } } },
    { not: { not: { 'metadata.tenant': 't7' } } },
  ])('%j', async (where) => {
    const plan = await planOf(where)
    expect(plan).toContain('Bitmap Index Scan on memory_entries_metadata')
    expect(plan).not.toContain('Seq Scan on memory_entries')
  })
})

describe('indexes of single members serve', () => {
  beforeAll(async () => {
    if (!isThorough) return
    const driver = new PgliteDriver(client, 300_000, silentLogger)
    const missing = await missingMemberIndexes(driver, [['n'], ['author', 'name']])
    expect(missing).toHaveLength(4)
    for (const { name, definition } of missing) await driver.buildIndex({ name, definition })
    expect(await missingMemberIndexes(driver, [['n'], ['author', 'name']])).toEqual([])
    await client.exec('ANALYZE thermocline.memory_entries')
  }, 300_000)

  longTest.for<[Where, 'number' | 'text']>([
    [{ 'metadata.n': { gt: ROWS - 100 } }, 'number'],
    [{ 'metadata.n': { gte: 7, lte: 70 } }, 'number'],
    [{ 'metadata.author.name': { startsWith: 'name 12' } }, 'text'],
    [{ 'metadata.author.name': { gte: 'name 99', lt: 'name 991' }, kind: 'metadata' }, 'text'],
  ])('%j', async ([where, type]) => {
    const plan = await planOf(where)
    expect(plan).toMatch(new RegExp(`Index Scan (using|on) memory_entries_member_${type}_`))
    expect(plan).not.toContain('Seq Scan on memory_entries')
  })
})
