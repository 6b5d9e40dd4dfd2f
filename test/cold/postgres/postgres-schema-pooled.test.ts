import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { openPostgresCold, PostgresDriver } from '../../../src/cold/postgres/postgres-driver.ts'
import { indexedSearch } from '../../../src/cold/sql/search-vectors.ts'
import { chunkOf, PAST, seeded, vectorOf } from '../../../src/testkit/contract/cold-records.ts'
import { longTest } from '../../tools/budget.ts'
import { describeWithPgbouncer, PrivatePgbouncer } from '../../tools/services.ts'
import {
  createDatabase,
  createMigrated,
  database,
  describeStartingAtOnce,
  look,
  OPTIONS,
  reopen,
  server,
  startServer,
  stopServer,
} from './made-database.ts'

describeWithPgbouncer('the schema behind pgbouncer', () => {
  let bouncer: PrivatePgbouncer
  beforeAll(async () => {
    await startServer()
    bouncer = await PrivatePgbouncer.start(server)
  })
  afterAll(async () => {
    await bouncer[Symbol.asyncDispose]()
    await stopServer()
  })
  beforeEach(createDatabase)

  describeStartingAtOnce(() => bouncer.url(database))

  longTest('builds an index whatever limits the role has', async () => {
    await reopen({ dimensions: [], url: bouncer.url(database) })
    await look(`ALTER DATABASE ${database} SET statement_timeout = '1s'`)
    const older = server.client(database)
    await older.unsafe('BEGIN ISOLATION LEVEL REPEATABLE READ')
    await older.unsafe('SET LOCAL statement_timeout = 0')
    await older.unsafe('SELECT FROM thermocline.memory_entries')
    // Sessions that the pooler had open before know nothing of the limit.
    await look(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'thermocline'`)
    const opened = reopen({ dimensions: [8], metrics: ['l2'], url: bouncer.url(database) })
    const isOld = `SELECT FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' AND state = 'active'
      AND datname = current_database() AND now() - query_start > interval '1.5s'`
    await vi.waitUntil(async () => (await look(isOld)).length === 1, { timeout: 20_000, interval: 50 })
    await older.unsafe('COMMIT')
    await older.end()
    await opened
    // What it was free from holds again for others in that session.
    const driver = await PostgresDriver.connect({ ...OPTIONS, url: bouncer.url(database) })
    for (let i = 0; i < 5; i++)
      expect(await driver.query(sql`SHOW statement_timeout`)).toEqual([{ statement_timeout: '1s' }])
    await driver.close()
  })

  it('takes as many from the vector index as are asked for, with no setting of a session', async () => {
    await createMigrated()
    const random = seeded(3)
    const options = { ...OPTIONS, dimensions: [8], url: bouncer.url(database) }
    const tier = await openPostgresCold(options)
    await tier.upsert(
      Array.from({ length: 1_000 }, (_, n) => chunkOf('ns', n, n + 1, { embedding: vectorOf(8, random) })),
    )
    await tier.indexVectors(1_000)
    await look('ANALYZE thermocline.memory_entries')
    const driver = await PostgresDriver.connect(options)
    // What pgvector looks at without being told otherwise is 40.
    const query = { scope: { namespace: 'ns', recursive: false }, filter: [], now: PAST, exclude: [], k: 300 }
    const rows = await driver.query(
      indexedSearch({ ...query, embedding: vectorOf(8, random), metric: 'cosine' }, 'public'),
    )
    expect(rows.filter(({ from_index }) => from_index === true)).toHaveLength(300)
    const settings = await driver.query(sql`SELECT current_setting('hnsw.ef_search', true) AS ef_search,
      current_setting('hnsw.iterative_scan', true) AS iterative_scan`)
    expect(settings).not.toContainEqual(expect.objectContaining({ iterative_scan: 'strict_order' }))
    await driver.close()
    await tier.close()
  })
})
