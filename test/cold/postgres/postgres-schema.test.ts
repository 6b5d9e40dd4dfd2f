/**
 * Many processes that start at once, roles that may do little, indexes that were left halfway, settings of no session.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { readMigrations } from '../../../src/cold/migrations.ts'
import { openPostgresCold, PostgresDriver } from '../../../src/cold/postgres/postgres-driver.ts'
import { indexedSearch } from '../../../src/cold/sql/search-vectors.ts'
import { chunkOf, keyOf, PAST, seeded, vectorOf } from '../../../src/testkit/contract/cold-records.ts'
import { LogText } from '../../../src/testkit/contract/fresh-cold-tier.ts'
import { longTest, someOf } from '../../tools/budget.ts'
import { compiled } from '../../tools/compiled.ts'
import { describeWithPostgres } from '../../tools/services.ts'
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

/** Taken by whoever changes the schema. */
const SCHEMA_LOCK = 7_310_894_251_163

describeWithPostgres('the schema on a Postgres server', () => {
  beforeAll(() => startServer({ max_connections: '120' }))
  afterAll(stopServer)
  beforeEach(createDatabase)

  describeStartingAtOnce(() => server.url(database))

  it('needs no rights but to the rows, once it is there', async () => {
    await reopen()
    await look(`DO $$ BEGIN CREATE ROLE app LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
      GRANT USAGE ON SCHEMA thermocline TO app;
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA thermocline TO app;
      GRANT USAGE ON ALL SEQUENCES IN SCHEMA thermocline TO app`)
    const url = server.url(database, 'app')
    for (const migrate of ['check', 'auto'] as const) {
      const tier = await openPostgresCold({ ...OPTIONS, url, migrate })
      const version = migrate === 'check' ? 1 : 2
      const record = chunkOf('ns', 1, version, { embedding: new Float32Array(8).fill(version) })
      expect(await tier.upsert([record])).toEqual({ written: 1, rejected: 0 })
      await tier.recordAccess([{ ...keyOf('ns', 1), lastAccessedAt: PAST, accesses: 1 }])
      expect(await tier.indexVectors(5)).toBe(1)
      expect(await tier.sweep({ graceMs: 0, limit: 5 })).toEqual({ expired: 0, collected: 0, forgotten: 0 })
      await tier.recordSyncRun({ startedAt: PAST, durationMs: 1, synced: 0, skipped: 0, errors: 0, bytes: 0 })
      await tier.close()
    }
  })

  describe('of the version before', () => {
    const NO_INDEX = { ...OPTIONS, dimensions: [] } as const
    const vectors = Array.from({ length: 3 }, (_, n) =>
      chunkOf('ns', n, n + 1, { embedding: new Float32Array(8).fill(n + 1) }),
    )
    let driver: PostgresDriver
    beforeEach(async () => {
      driver = await PostgresDriver.connect({ ...OPTIONS, url: server.url(database) })
      await driver.migrate(readMigrations().slice(0, 3))
    })
    afterEach(() => driver.close())

    it('is migrated beside a transaction that reads and then writes', async () => {
      const older = postgres({ host: server.dir, port: server.port, username: 'test', database, max: 1 })
      await older.unsafe('BEGIN')
      await older.unsafe('SELECT FROM thermocline.memory_entries')
      const migrated = driver.migrate(readMigrations()).then(
        (applied) => applied.map(({ name }) => name),
        (error: unknown) => error,
      )
      const isWaiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
      await vi.waitUntil(async () => (await look(isWaiting)).length === 1, { timeout: 20_000, interval: 20 })
      await older.unsafe('DELETE FROM thermocline.memory_entries')
      await older.unsafe('COMMIT')
      await older.end()
      expect(await migrated).toEqual(
        readMigrations()
          .slice(3)
          .map(({ name }) => name),
      )
    })

    it('is migrated though the server ends a migration that waits in a circle with somebody else', async () => {
      const other = server.client(database)
      // The migration looks for the circle, and is the one to give way.
      await other.unsafe(
        `SET deadlock_timeout = '1min'; BEGIN; LOCK TABLE thermocline.memory_entries IN ACCESS SHARE MODE`,
      )
      const migrated = driver.migrate(readMigrations()).then(
        (applied) => applied.map(({ name }) => name),
        (error: unknown) => error,
      )
      const isWaiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
      await vi.waitUntil(async () => (await look(isWaiting)).length === 1, { timeout: 20_000, interval: 20 })
      await other.unsafe(`SELECT pg_advisory_xact_lock(${SCHEMA_LOCK})`)
      await other.unsafe('COMMIT')
      await other.end()
      expect(await migrated).toEqual(
        readMigrations()
          .slice(3)
          .map(({ name }) => name),
      )
      const counted = 'SELECT deadlocks::int4 FROM pg_stat_database WHERE datname = current_database()'
      await vi.waitFor(async () => expect(await look(counted)).toEqual([{ deadlocks: 1 }]), { timeout: 30_000 })
    })

    longTest('serves a role that was granted the tables before', async () => {
      await look(`DO $$ BEGIN CREATE ROLE app LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
        GRANT USAGE ON SCHEMA thermocline TO app;
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA thermocline TO app`)
      await reopen({ dimensions: [8], metrics: ['l2'] })
      const tier = await openPostgresCold({ ...NO_INDEX, url: server.url(database, 'app'), migrate: 'check' })
      await tier.upsert(vectors)
      expect(await tier.stats()).toMatchObject({ live: 3, unindexed: 3 })
      expect(await tier.pin([{ ...keyOf('ns', 1), bytes: 1 }], { entries: 1, bytes: 1 })).toMatchObject({
        status: 'pinned',
      })
      expect(await tier.unpin([keyOf('ns', 1)])).toEqual([keyOf('ns', 1)])
      await tier.sweep({ graceMs: 0, limit: 10 })
      await tier.indexVectors(10)
      const scope = { namespace: 'ns', recursive: false }
      const embedding = vectors[0]!.embedding!
      const found = await tier.search({ scope, filter: [], now: PAST, exclude: [], k: 3, embedding, metric: 'l2' })
      expect({ exact: found.exact, hits: found.hits.length }).toEqual({ exact: false, hits: 3 })
      await tier.close()
    })

    longTest('counts nothing after TRUNCATE', async () => {
      const tier = await openPostgresCold({ ...NO_INDEX, url: server.url(database) })
      await tier.upsert(vectors)
      await look('TRUNCATE thermocline.memory_entries')
      expect(await tier.stats()).toMatchObject({ live: 0, tombstones: 0, unindexed: 0 })
      await tier.upsert(vectors.slice(1))
      expect(await tier.stats()).toMatchObject({ live: 2, unindexed: 2 })
      await tier.close()
    })
  })

  it('is not changed by a check, and says what is missing', async () => {
    await expect(reopen({ migrate: 'check' })).rejects.toMatchObject({
      code: 'ERR_SCHEMA',
      message: expect.stringContaining('npx thermocline migrate'),
    })
    expect(await look(`SELECT FROM pg_namespace WHERE nspname = 'thermocline'`)).toEqual([])
    await reopen({ dimensions: [] })
    await expect(reopen({ migrate: 'check' })).rejects.toMatchObject({
      message: expect.stringContaining('vector indexes'),
    })
    await reopen({ dimensions: [], migrate: 'check' })
  })

  it('tells a role without rights what it needs', async () => {
    await look(`DO $$ BEGIN CREATE ROLE nobody LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$`)
    await expect(reopen({ url: server.url(database, 'nobody') })).rejects.toMatchObject({
      code: 'ERR_TIER_UNAVAILABLE',
      message: expect.stringContaining('privilege'),
    })
    await reopen()
    await expect(reopen({ url: server.url(database, 'nobody') })).rejects.toMatchObject({
      code: 'ERR_TIER_UNAVAILABLE',
      message: expect.stringContaining(
        'refused for want of a privilege on the schema thermocline: grant it to this role',
      ),
    })
  })

  it('rebuilds an index that a killed build left invalid', async () => {
    await createMigrated()
    await reopen({ dimensions: [8], metrics: ['l2'] })
    await look(
      `UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'thermocline.memory_entries_hnsw_l2_8'::regclass`,
    )
    await expect(reopen({ dimensions: [8], metrics: ['l2'], migrate: 'check' })).rejects.toMatchObject({
      code: 'ERR_SCHEMA',
    })
    await reopen({ dimensions: [8], metrics: ['l2'] })
    await reopen({ dimensions: [8], metrics: ['l2'], migrate: 'check' })
  })

  describe('an index that takes long', () => {
    const ONE = { dimensions: [8], metrics: ['l2'] } as const
    const name = 'memory_entries_hnsw_l2_8'
    // One that waits for the older transaction: before it creates an index, a build drops what is not there at once.
    const builder = `SELECT pid::int4, query, now() - query_start > interval '1.2s' AS is_old FROM pg_stat_activity
      WHERE datname = current_database() AND query LIKE '%INDEX CONCURRENTLY%${name}%' AND query NOT LIKE '%builder%'
      AND state = 'active' AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()`
    const indexes = () => look(`SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('thermocline.${name}')`)
    let older: postgres.Sql
    let log: LogText
    beforeEach(async () => {
      await createMigrated()
      older = postgres({
        host: server.dir,
        port: server.port,
        username: 'test',
        database,
        max: 1,
        connection: { application_name: 'a dump' },
      })
      await older.unsafe('BEGIN ISOLATION LEVEL REPEATABLE READ')
      await older.unsafe('SELECT FROM thermocline.memory_entries')
      log = new LogText()
    })
    afterEach(() => older.end({ timeout: 1 }))

    const building = (what: 'CREATE' | 'DROP', isOld = false) =>
      vi.waitUntil(
        async () =>
          (await look(builder)).find(
            (row) =>
              (row as { query: string }).query.startsWith(what) && (!isOld || (row as { is_old: boolean }).is_old),
          ) as { pid: number } | undefined,
        { timeout: 20_000, interval: 20 },
      )

    it('is built whatever limits the role has, and says what it waits for', async () => {
      const opened = reopen({
        ...ONE,
        url: `${server.url(database)}&statement_timeout=1000&lock_timeout=1000`,
        logger: log,
      })
      await building('CREATE', true)
      await vi.waitUntil(() => log.lines.join().includes('a dump'), { timeout: 20_000, interval: 20 })
      await older.unsafe('COMMIT')
      await opened
      expect(await indexes()).toEqual([{ indisvalid: true }])
      expect(log.lines.join()).toContain('building a vector index')
    })

    it('leaves nothing behind when it is cancelled, which no opening waits for', async () => {
      const opened = reopen({ ...ONE }).catch((error: unknown) => error)
      const { pid } = await building('CREATE')
      await look(`SELECT pg_cancel_backend(${pid})`)
      await building('DROP')
      await older.unsafe('COMMIT')
      expect(await opened).toMatchObject({
        code: 'ERR_SCHEMA',
        message: expect.stringContaining('npx thermocline migrate'),
      })
      expect(await indexes()).toEqual([])
    })

    it('is given up when an older transaction does not end, which is named', async () => {
      const opened = reopen({ ...ONE, buildPatience: 300 }).catch((error: unknown) => error)
      await building('DROP')
      await older.unsafe('COMMIT')
      expect(await opened).toMatchObject({ code: 'ERR_SCHEMA', message: expect.stringContaining('a dump') })
      await reopen(ONE)
      expect(await indexes()).toEqual([{ indisvalid: true }])
    })
  })

  it.each(
    someOf([
      [
        'pgvector in a schema that is not on its search path',
        'CREATE SCHEMA "its ""own"; CREATE EXTENSION vector SCHEMA "its ""own"',
        'its "own',
      ],
      ['no search path at all', `ALTER DATABASE made_x SET search_path = ''`, 'thermocline'],
      [
        'a search path of schemas that are not there',
        `ALTER DATABASE made_x SET search_path = nowhere, '$user'`,
        'thermocline',
      ],
    ]),
  )('serves a role with %s', async (_, prepare, schema) => {
    await look(prepare.replace('made_x', database))
    const url = `${server.url(database)}&enable_seqscan=off&enable_sort=off`
    const log = new LogText()
    const options = { ...OPTIONS, dimensions: [8], url, logger: log }
    const tier = await openPostgresCold(options)
    const random = seeded(1)
    const records = Array.from({ length: 20 }, (_, n) => chunkOf('ns', n, n + 1, { embedding: vectorOf(8, random) }))
    expect(await tier.upsert(records)).toEqual({ written: 20, rejected: 0 })
    expect(await tier.indexVectors(10)).toBe(10)
    const query = { scope: { namespace: 'ns', recursive: false }, filter: [], now: PAST, exclude: [], k: 3 }
    for (const metric of ['cosine', 'l2', 'inner-product'] as const) {
      const { hits, exact } = await tier.search({ ...query, embedding: records[5]!.embedding!, metric })
      expect({ exact, hits: hits.length }).toEqual({ exact: metric === 'inner-product', hits: 3 })
      if (metric !== 'inner-product') expect(hits[0]?.record.id).toBe(records[5]!.id)
    }
    await tier.close()
    const driver = await PostgresDriver.connect(options)
    const search = indexedSearch({ ...query, embedding: records[5]!.embedding!, metric: 'l2' }, schema)
    const plan = await driver.query(sql`EXPLAIN ${search}`)
    expect(JSON.stringify(plan)).toContain('memory_entries_hnsw_l2_8')
    await driver.close()
    expect(log.lines.join()).not.toContain('pgvector')
  })

  it('is indexed by every process, whichever declared the index, and when', async () => {
    await createMigrated()
    const worker = await openPostgresCold({ ...OPTIONS, dimensions: [], metrics: [], url: server.url(database) })
    await reopen({ dimensions: [8], metrics: ['l2'] })
    const embedding = new Float32Array(8).fill(1)
    await worker.upsert(Array.from({ length: 5 }, (_, n) => chunkOf('ns', n, n + 1, { embedding })))
    expect(await worker.indexVectors(10)).toBe(5)
    const scope = { namespace: 'ns', recursive: false }
    const query = { scope, filter: [], now: PAST, exclude: [], k: 3, embedding, metric: 'l2' } as const
    expect(await worker.search(query)).toMatchObject({ exact: false })
    await worker.close()
  })

  it('prints nothing of what the server notices', async () => {
    const child = compiled(fileURLToPath(new URL('./postgres-opening-child.ts', import.meta.url)))
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [child, server.url(database)])
    expect({ stdout, stderr }).toEqual({ stdout: '', stderr: '' })
  })
})
