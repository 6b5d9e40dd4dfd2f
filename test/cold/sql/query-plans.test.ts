/** A query that is right may still compare every row: these ask the planner. */
import type { PGlite } from '@electric-sql/pglite'
import { type SQL, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/pglite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ColdDriver, Row } from '../../../src/cold/cold-driver.ts'
import type { ColdSearch } from '../../../src/cold/cold-tier.ts'
import type { PgliteClient } from '../../../src/cold/pglite/pglite-client.ts'
import { PgliteDriver } from '../../../src/cold/pglite/pglite-driver.ts'
import { exactSearch, indexedSearch, search } from '../../../src/cold/sql/search-vectors.ts'
import { silentLogger } from '../../../src/kernel/logger.ts'
import { similarity } from '../../../src/query/metric.ts'
import { chunkOf, PAST, seeded, vectorOf } from '../../../src/testkit/contract/cold-records.ts'
import { lendDatabase } from '../../tools/lent-database.ts'
import { openIn } from '../pglite/pglite-template.ts'

const DIMENSION = 64
const INDEXED = { dimensions: [DIMENSION], metrics: ['cosine'] } as const
const random = seeded(1)
const embeddings = Array.from({ length: 2_100 }, () => vectorOf(DIMENSION, random))
let client: PgliteClient

beforeAll(async () => {
  client = await lendDatabase()
  const rows = (from: number, to: number) =>
    embeddings.slice(from, to).map((embedding, n) => chunkOf('ns', from + n, from + n + 1, { embedding }))
  const tier = await openIn(client, INDEXED)
  await tier.upsert(rows(0, 2_000))
  await tier.indexVectors(2_000)
  await tier.upsert(rows(2_000, 2_100))
  await tier.sweep({ graceMs: 0, limit: 1 })
})
afterAll(() => client.close())

async function planOf(statement: SQL, database = client): Promise<string> {
  const { rows } = await drizzle(database as unknown as PGlite).execute<{ 'QUERY PLAN': string }>(
    sql`EXPLAIN ${statement}`,
  )
  return rows.map((row) => row['QUERY PLAN']).join('\n')
}

/** Of a driver, what searching needs. */
class CountingDriver {
  queries = 0
  readonly #driver: ColdDriver

  constructor(driver: ColdDriver) {
    this.#driver = driver
  }

  query(statement: SQL): Promise<Row[]> {
    this.queries++
    return this.#driver.query(statement)
  }
}

const query: ColdSearch = {
  scope: { namespace: 'ns', recursive: false },
  filter: [{ field: 'position', operator: 'gte', value: 0 }],
  now: PAST,
  exclude: [chunkOf('ns', 1, 1)],
  embedding: vectorOf(DIMENSION, seeded(2)),
  metric: 'cosine',
  k: 10,
}

describe('plans', () => {
  it('find the nearest through the vector index, and the rest through the partial index', async () => {
    const plan = await planOf(indexedSearch(query, 'public'))
    expect(plan).toContain('Index Scan using memory_entries_hnsw_cosine_64')
    expect(plan).toMatch(/Scan (using|on) memory_entries_unindexed/)
    expect(plan).toContain('memory_entries_rounded')
    expect(plan).not.toContain('Seq Scan on memory_entries')
  })

  it('find the nearest of rounded ones through an index of theirs', async () => {
    const few = await lendDatabase()
    const tier = await openIn(few, { ...INDEXED, precision: { '**': 'int8' } })
    const random = seeded(4)
    const rows = Array.from({ length: 40 }, (_, n) =>
      chunkOf('ns', n, n + 1, { embedding: vectorOf(DIMENSION, random) }),
    )
    await tier.upsert(rows)
    await tier.indexVectors(30)
    // Of so few, comparing all is cheaper.
    await few.exec('SET enable_seqscan = off; SET enable_sort = off')
    const plan = await planOf(indexedSearch(query, 'public', 'any'), few)
    await few.close()
    expect(plan).toContain('Index Scan using memory_entries_hnsw_any_cosine_64')
    expect(plan).toMatch(/Scan (using|on) memory_entries_unindexed/)
  })

  it('compare all rows where they must', async () => {
    expect(await planOf(exactSearch(query, 'public'))).not.toContain('hnsw')
  })
})

describe('a filter that the index cannot satisfy within its walk', () => {
  it('gets every row compared', async () => {
    // The three that are furthest from the query, of 2 000 that the index holds.
    const score = (nth: number): number => similarity('cosine', query.embedding, embeddings[nth]!)
    const values = [...embeddings.slice(0, 2_000).keys()].sort((a, b) => score(a) - score(b)).slice(0, 3)
    const far = { ...query, filter: [{ field: 'position' as const, operator: 'in' as const, values }] }
    await client.exec('SET hnsw.max_scan_tuples = 1; SET enable_seqscan = off; SET enable_bitmapscan = off')
    await client.exec('SET hnsw.ef_search = 1')
    const throughIndex = await drizzle(client as unknown as PGlite).execute(indexedSearch(far, 'public'))
    expect(throughIndex.rows.length, await planOf(indexedSearch(far, 'public'))).toBeLessThan(3)
    const driver = new PgliteDriver(client, 60_000, silentLogger)
    const { hits, exact } = await search(
      driver,
      { schema: 'public', indexes: [{ dimension: DIMENSION, metric: 'cosine', form: 'full' }] },
      far,
    )
    expect(hits.map(({ record }) => record.position).sort()).toEqual([...values].sort())
    expect(exact).toBe(false)
  })
})

describe('rows that the index does not hold yet', () => {
  it('are compared once while it holds none', async () => {
    const random = seeded(3)
    const counted = new CountingDriver(new PgliteDriver(client, 60_000, silentLogger))
    const near = {
      ...query,
      scope: { namespace: 'new', recursive: false },
      exclude: [],
      embedding: vectorOf(8, random),
    }
    const support = { schema: 'public', indexes: [{ dimension: 8, metric: 'cosine' as const, form: 'full' as const }] }
    await client.exec(`INSERT INTO thermocline.memory_entries
        (namespace, id, version, kind, text, position, embedding, created_at, updated_at)
      SELECT 'new', gen_random_uuid(), lpad(to_hex(i), 24, '0'), 'chunk', 'text', i, ARRAY (
        SELECT sin(i * d)::real FROM generate_series(1, 8) d), now(), now() FROM generate_series(1, 20) i`)
    expect((await search(counted, support, near)).hits).toHaveLength(10)
    expect(counted.queries).toBe(1)
    // With one that it does hold, it might hold more than its walk came to.
    await client.exec(`UPDATE thermocline.memory_entries SET indexed = true WHERE namespace = 'new' AND position = 1`)
    expect((await search(counted, support, near)).hits).toHaveLength(10)
    expect(counted.queries).toBe(3)
  })
})

describe('settings', () => {
  it('are those that the queries and the promise of durability rely on', async () => {
    const { rows } = await client.query(
      `SELECT name, setting FROM pg_settings WHERE name IN
        ('fsync', 'wal_sync_method', 'synchronous_commit', 'server_encoding') ORDER BY name`,
    )
    expect(Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))).toEqual({
      fsync: 'on',
      server_encoding: 'UTF8',
      synchronous_commit: 'on',
      wal_sync_method: 'fsync',
    })
  })
})
