/** What is read of a tree is what is answered, beside many entries: asked of the database. */
import type { SQL } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ColdWalk } from '../../../src/cold/cold-tier.ts'
import type { PgliteClient } from '../../../src/cold/pglite/pglite-client.ts'
import { PgliteDriver } from '../../../src/cold/pglite/pglite-driver.ts'
import { findSql } from '../../../src/cold/sql/find-entries.ts'
import { rootsSql, walkSql } from '../../../src/cold/sql/walk-tree.ts'
import { IS_LEAF } from '../../../src/flow/tree-reader.ts'
import { silentLogger } from '../../../src/kernel/logger.ts'
import { IN_TREE, IS_NODE } from '../../../src/query/filter.ts'
import { FUTURE, idOf } from '../../../src/testkit/contract/cold-records.ts'
import { lendDatabase } from '../../tools/lent-database.ts'
import { rowsReadBy } from './rows-read.ts'

/** Chunks; each ten are below a node, as each ten nodes are, to a root of 1 000 chunks. */
const CHUNKS = 20_000
const PAGE = 20
let client: PgliteClient

const id = (n: string): string => `('00000000-0000-4000-8000-' || lpad(to_hex(${n}), 12, '0'))::uuid`

/** Nodes of a level have the ids from `level` millions on. */
const nodes = (level: number, count: number): string => `
  INSERT INTO thermocline.memory_entries
    (namespace, id, version, kind, text, level, children, created_at, updated_at)
  SELECT 'ns', ${id(`${level * 1_000_000} + i`)}, lpad(to_hex(i), 16, '0') || '0000000a', 'raptor', 'summary', ${level},
    (SELECT array_agg(${id(`${(level - 1) * 1_000_000} + i * 10 + c`)}) FROM generate_series(0, 9) AS c), now(), now()
  FROM generate_series(0, ${count - 1}) AS i;`

beforeAll(async () => {
  client = await lendDatabase()
  await client.exec(`
    INSERT INTO thermocline.memory_entries
      (namespace, id, version, kind, text, position, created_at, updated_at)
    SELECT 'ns', ${id('i')}, lpad(to_hex(i), 16, '0') || '0000000a', 'chunk', 'text', i, now(), now()
    FROM generate_series(0, ${CHUNKS - 1}) AS i;
    ${nodes(1, CHUNKS / 10)} ${nodes(2, CHUNKS / 100)} ${nodes(3, CHUNKS / 1_000)}`)
})
afterAll(() => client.close())

const rowsRead = (statement: SQL): Promise<number> =>
  rowsReadBy(new PgliteDriver(client, 60_000, silentLogger), statement)

const base = { scope: { namespace: 'ns', recursive: false }, now: FUTURE, exclude: [] }
const walk = (from: number, overrides: Partial<ColdWalk> = {}): ColdWalk => {
  return { ...base, from: idOf(from), direction: 'down', depth: 100, filter: IN_TREE, ...overrides }
}

describe.each(['without statistics', 'with statistics'])('rows that are read %s', (state) => {
  beforeAll(async () => {
    if (state === 'with statistics') await client.exec('ANALYZE thermocline.memory_entries')
  })

  it('for a page of what is below a node are those of the page, and of the levels above it', async () => {
    const root = 3_000_000
    expect(await rowsRead(walkSql(walk(root), PAGE))).toBeLessThan(400)
    expect(await rowsRead(walkSql(walk(1_000_007), PAGE))).toBeLessThan(60)
    // A whole tree: 1 110 entries, each looked at as an answer, for its children and as a row.
    expect(await rowsRead(walkSql(walk(root), 2_000))).toBeLessThan(5 * 1_110)
    expect(await rowsRead(walkSql(walk(root, { filter: IS_LEAF }), PAGE))).toBeLessThan(3_000)
  })

  it('for what is above an entry are the nodes that are', async () => {
    expect(await rowsRead(walkSql(walk(4_321, { direction: 'up', filter: IS_NODE }), PAGE))).toBeLessThan(20)
    const filter = [...IS_NODE, { field: 'children' as const, operator: 'contains' as const, value: [idOf(4_321)] }]
    expect(await rowsRead(findSql({ ...base, filter }, PAGE))).toBeLessThan(10)
  })

  it('for a page of a level are those of the page, and for one of roots a batch of nodes', async () => {
    // A batch of nodes, a parent of each, and the rows of the page.
    expect(await rowsRead(rootsSql({ ...base, filter: [], except: [] }, PAGE))).toBeLessThan(2_500)
    const filter = [...IS_NODE, { field: 'level' as const, operator: 'eq' as const, value: 1 }]
    expect(await rowsRead(findSql({ ...base, filter }, PAGE))).toBeLessThan(50)
  })
})
