/** Which orders by a member of metadata its indexes serve: run over many rows, on both databases. */
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import type { ColdDriver } from '../../../src/cold/cold-driver.ts'
import { migrate } from '../../../src/cold/migrate-schema.ts'
import { PgliteClient } from '../../../src/cold/pglite/pglite-client.ts'
import { PgliteDriver } from '../../../src/cold/pglite/pglite-driver.ts'
import { PostgresDriver } from '../../../src/cold/postgres/postgres-driver.ts'
import { findSql } from '../../../src/cold/sql/find-entries.ts'
import { silentLogger } from '../../../src/kernel/logger.ts'
import { type OrderBy, type OrderKeys, parseOrder } from '../../../src/query/order.ts'
import type { Scope } from '../../../src/query/scope.ts'
import { FUTURE } from '../../../src/testkit/contract/cold-records.ts'
import { isThorough, longTest } from '../../tools/budget.ts'
import { describeWithPostgres, PrivatePostgres } from '../../tools/services.ts'
import { PgliteTemplate } from '../pglite/pglite-template.ts'

const ROWS = 50_000
const FIRST_ID = '00000000-0000-4000-8000-000000000000'
const NUMBER = [ROWS / 2, null, 0, 'ns', FIRST_ID]
const TEXT = [null, 'name 3', 0, 'ns', FIRST_ID]
const FILL = `
  INSERT INTO thermocline.memory_entries (namespace, id, version, kind, metadata, created_at, updated_at)
  SELECT CASE WHEN i % 10 = 0 THEN 'other' ELSE 'ns' END,
    ('00000000-0000-4000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, lpad(to_hex(i), 16, '0') || '0000000a',
    'metadata', jsonb_build_object('n', i::bigint * 7919 % ${ROWS},
      'author', jsonb_build_object('name', 'name ' || i::bigint * 7919 % ${ROWS})), now(), now()
  FROM generate_series(1, ${ROWS}) AS i`

const SCOPES: readonly Scope[] = [
  { namespace: '', recursive: true },
  { namespace: 'ns', recursive: true },
  { namespace: 'ns', recursive: false },
]
const CASES: readonly [OrderBy, 'number' | 'text', after?: OrderKeys][] = [
  ['metadata.n', 'number'],
  ['metadata.n', 'number', NUMBER],
  [{ 'metadata.n': 'desc' }, 'number'],
  [{ 'metadata.n': 'desc' }, 'number', NUMBER],
  [['metadata.n', { createdAt: 'desc' }], 'number', [ROWS / 2, null, 0, 0, 'ns', FIRST_ID]],
  ['metadata.author.name', 'text', TEXT],
  [{ 'metadata.author.name': 'desc' }, 'text', TEXT],
]

function describeOrders(name: string, open: () => Promise<ColdDriver>): void {
  describe(`the order by a member on ${name}`, () => {
    let driver: ColdDriver
    beforeAll(async () => {
      if (!isThorough) return
      driver = await open()
      await driver.query(sql.raw(FILL))
      // As an opening does it: nothing else looks at what the tables hold.
      const indexes = [['n'], ['author', 'name']]
      await migrate(driver, { mode: 'auto', dimensions: [], metrics: [], indexes, logger: silentLogger })
    }, 300_000)
    afterAll(() => driver?.close())

    longTest.for(CASES)('is that of an index: %j', async ([orderBy, type, after]) => {
      for (const scope of SCOPES) {
        const query = { scope, filter: [], now: FUTURE, exclude: [], order: parseOrder(orderBy), after }
        const rows = await driver.query(sql`EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) ${findSql(query, 100)}`)
        const ran = rows.map((row) => String(row['QUERY PLAN'])).filter((line) => !line.includes('never executed'))
        const scans = ran.filter((line) => / (on|using) memory_entries/.test(line))
        expect(scans.filter((line) => line.includes(`memory_entries_member_${type}_`)).length).toBeGreaterThan(0)
        expect(scans.filter((line) => !line.includes(`memory_entries_member_${type}_`))).toEqual([])
        const removed = ran.map((line) => Number(/Rows Removed by Filter: (\d+)/.exec(line)?.[1] ?? 0))
        expect(Math.max(...removed)).toBeLessThan(100)
        expect(await driver.query(findSql(query, 100))).toHaveLength(100)
      }
    })

    longTest('looks at all once where no index is there', async () => {
      const query = { scope: SCOPES[0]!, filter: [], now: FUTURE, exclude: [], order: parseOrder('metadata.other') }
      const rows = await driver.query(sql`EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) ${findSql(query, 100)}`)
      const scans = rows.map((row) => String(row['QUERY PLAN'])).filter((line) => line.includes('on memory_entries'))
      expect(scans.filter((line) => !line.includes('never executed'))).toHaveLength(1)
    })
  })
}

const template = new PgliteTemplate()
beforeAll(async () => {
  if (isThorough) await template.make()
})
afterAll(() => template.remove())

describeOrders('PGlite', async () => {
  const client = await PgliteClient.start(`${await template.copy()}/data`)
  return new PgliteDriver(client, 300_000, silentLogger)
})

describeWithPostgres('a server', () => {
  let server: PrivatePostgres | undefined
  beforeAll(async () => {
    if (isThorough) server = await PrivatePostgres.start({ settings: { autovacuum: 'off' } })
  })
  afterAll(() => server?.[Symbol.asyncDispose]())

  describeOrders('Postgres', async () => {
    const options = { dimensions: [], metrics: [], max: 2, migrate: 'auto', timeout: 300_000 } as const
    const driver = await PostgresDriver.connect({ ...options, url: server!.url('postgres'), logger: silentLogger })
    await migrate(driver, { mode: 'auto', dimensions: [], metrics: [], logger: silentLogger })
    return driver
  })
})
