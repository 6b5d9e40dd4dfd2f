/**
 * A page of namespaces reads the counts that it answers and no entries, whatever the planner knows of them: asked of
 * both databases, over many of both.
 */
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ColdDriver } from '../../../src/cold/cold-driver.ts'
import type { ColdNamespaces } from '../../../src/cold/cold-tier.ts'
import { listNamespaces, namespacesSql } from '../../../src/cold/sql/list-namespaces.ts'
import { FUTURE, idOf, versionOf } from '../../../src/testkit/contract/cold-records.ts'
import { budget } from '../../tools/budget.ts'
import { describePlannedDatabases } from './planned-databases.ts'
import { rowsByTable } from './rows-read.ts'

const NAMESPACES = Math.max(1_000, 100 * Math.ceil(budget({ short: 1_000, long: 100_000 }) / 100))
/** Below each of `wide/0` to `wide/9` there are as many. */
const BELOW = NAMESPACES / 100
const ROWS = 200
const PAGE = 100
const FILL = [
  `INSERT INTO thermocline.memory_entries (namespace, id, version, kind, text, created_at, updated_at)
   SELECT CASE WHEN i <= ${NAMESPACES} THEN 'a/' || i
     WHEN i <= ${NAMESPACES + 10 * BELOW} THEN 'wide/' || i % 10 || '/' || i ELSE 'b/' || i % 10 END,
     ('00000000-0000-4000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, lpad(to_hex(i), 16, '0') || '0000000a',
     'chunk', 'text', now(), now()
   FROM generate_series(1, ${NAMESPACES + 10 * BELOW + 10 * ROWS}) AS i`,
]

const own = Array.from({ length: 50 }, (_, i) => {
  return { namespace: `a/${i + 1}`, id: idOf(i + 1), version: versionOf(1_000_000_000), matches: i % 2 === 0 }
})
const asked: ColdNamespaces = { prefix: [], suffix: [], now: FUTURE, own: [] }

function describeNamespaces(name: string, open: () => Promise<ColdDriver>): void {
  describe(`of many namespaces, ${name}`, () => {
    let driver: ColdDriver
    beforeAll(async () => {
      driver = await open()
      for (const statement of FILL) await driver.query(sql.raw(statement))
    }, 600_000)
    afterAll(() => driver?.close())

    describe.each<[string, readonly string[]]>([
      ['without statistics', []],
      ['with statistics', ['ANALYZE thermocline.memory_entries', 'ANALYZE thermocline.namespace_counts']],
    ])('%s,', (_, prepare) => {
      beforeAll(async () => {
        for (const statement of prepare) await driver.query(sql.raw(statement))
      }, 600_000)

      it.each<[string, Partial<ColdNamespaces>, more?: number]>([
        ['the first page', {}],
        ['a later page', { after: ['a', '5'] }],
        ['of a prefix', { prefix: ['a'] }],
        ['in the midst of a prefix', { prefix: ['a'], after: ['a', '5'] }],
        ['with what is pending', { own }, 2 * own.length],
        ['large namespaces', { prefix: ['b'] }],
        ['by a depth that cuts nothing', { prefix: ['a'], depth: 2 }],
        ['by a depth that cuts', { prefix: ['wide'], depth: 2 }, 10 * BELOW],
        ['any segment', { prefix: ['wide', null] }],
      ])('%s reads the counts of the page, and no entries', async (_, query, more = 0) => {
        const read = await rowsByTable(driver, namespacesSql({ ...asked, ...query }, PAGE))
        // Each is found, and then counted.
        expect(read.namespace_counts).toBeGreaterThan(0)
        expect(read.namespace_counts).toBeLessThanOrEqual(2 * (PAGE + 1) + more)
        expect(read.memory_entries ?? 0).toBeLessThanOrEqual(own.length)
      })

      it('one namespace reads its own counts', async () => {
        const query = { ...asked, prefix: ['a', '77'] }
        expect((await rowsByTable(driver, namespacesSql(query, 1))).namespace_counts).toBe(2)
        const wide = { ...asked, prefix: ['wide', '3'], depth: 2 }
        expect((await rowsByTable(driver, namespacesSql(wide, 1))).namespace_counts).toBe(BELOW + 1)
      })

      it('by what few of them end with reads on to those that do', async () => {
        const query = { ...asked, prefix: ['a'], suffix: ['777'] }
        const read = await rowsByTable(driver, namespacesSql(query, PAGE))
        expect(read.namespace_counts).toBeLessThanOrEqual(NAMESPACES + 2)
        const [of, next] = await listNamespaces(driver, { ...asked, prefix: [null], suffix: ['7'] }, 2)
        expect([of?.namespace, next?.namespace]).toEqual(['a/7', 'b/7'])
      })

      it.each<[string, Partial<ColdNamespaces>, number]>([
        ['all', {}, NAMESPACES + 10 * BELOW + 10],
        ['by depth', { depth: 2 }, NAMESPACES + 10 + 10],
        ['of which some match', { prefix: [null, null, null] }, 10 * BELOW],
      ])(
        '%s, page by page, read each count twice',
        async (_, query, most) => {
          let read = 0
          let found = 0
          for (let after: readonly string[] | undefined; ; ) {
            const page = { ...asked, ...query, after }
            const rows = await listNamespaces(driver, page, 10 * PAGE)
            read += (await rowsByTable(driver, namespacesSql(page, 10 * PAGE))).namespace_counts!
            found += rows.length
            if (rows.length < 10 * PAGE) break
            after = rows.at(-1)!.namespace.split('/')
          }
          expect(found).toBe(most)
          expect(read).toBeLessThan(2.1 * (NAMESPACES + 10 * BELOW + 10))
        },
        600_000,
      )
    })
  })
}

describePlannedDatabases(describeNamespaces)
