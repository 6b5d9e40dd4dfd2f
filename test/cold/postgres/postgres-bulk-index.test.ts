/** Vector indexes that are built anew, on a server that others use meanwhile. */
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import type { ColdTier } from '../../../src/cold/cold-tier.ts'
import { openPostgresCold, PostgresDriver } from '../../../src/cold/postgres/postgres-driver.ts'
import { indexDefinition } from '../../../src/cold/sql/vector-index.ts'
import { chunkOf, PAST, seeded, vectorOf } from '../../../src/testkit/contract/cold-records.ts'
import { LogText } from '../../../src/testkit/contract/fresh-cold-tier.ts'
import { describeWithPostgres } from '../../tools/services.ts'
import { createMigrated, database, look, OPTIONS, server, startServer, stopServer } from './made-database.ts'

const ONE = { ...OPTIONS, dimensions: [8], metrics: ['cosine'] } as const
const NAME = 'memory_entries_hnsw_cosine_8'
const random = seeded(5)
const ROWS = Array.from({ length: 600 }, (_, n) => chunkOf('ns', n, n + 1, { embedding: vectorOf(8, random) }))
const never = new AbortController().signal

const open = (options: Partial<Parameters<typeof openPostgresCold>[0]> = {}): Promise<ColdTier> =>
  openPostgresCold({ ...ONE, url: server.url(database), ...options })

const isValid = async (): Promise<boolean | undefined> => {
  const [row] = await look(`SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('thermocline.${NAME}')`)
  return (row as { indisvalid: boolean } | undefined)?.indisvalid
}

/** The ids of the three that are nearest to one of the rows, and whether all were compared. */
async function nearest(tier: ColdTier, nth: number) {
  const scope = { namespace: 'ns', recursive: false }
  const embedding = ROWS[nth]!.embedding!
  const query = { scope, filter: [], now: PAST, exclude: [], k: 3, embedding, metric: 'cosine' } as const
  const { hits, exact } = await tier.search(query)
  return { ids: hits.map(({ record }) => record.id), exact }
}

describeWithPostgres('an index of vectors that is built anew', () => {
  beforeAll(() => startServer())
  afterAll(stopServer)
  beforeEach(createMigrated)

  it('is missing to nobody meanwhile: others open and find what they found before', async () => {
    const tier = await open()
    await tier.upsert(ROWS)
    const driver = await PostgresDriver.connect({ ...ONE, url: server.url(database) })
    const before = await nearest(tier, 3)
    const own = [await ownIndex()]
    const mark = async () => {
      expect(await isValid()).toBe(undefined)
      expect(await nearest(tier, 3)).toEqual(before)
      expect(await driver.rebuildIndexes(own, async () => expect.fail('two at a time'), never)).toBe(false)
      const other = await open({ migrate: 'check' })
      expect((await nearest(other, 3)).ids).toEqual(before.ids)
      await other.upsert([chunkOf('ns', 3, 5_000, { embedding: ROWS[4]!.embedding! })])
      await other.close()
      await driver.query(sql`UPDATE thermocline.memory_entries SET indexed = true`)
    }
    expect(await driver.rebuildIndexes(own, mark, never)).toBe(true)
    expect(await isValid()).toBe(true)
    expect((await nearest(tier, 4)).ids.slice(0, 2).sort()).toEqual([ROWS[3]!.id, ROWS[4]!.id])
    await driver.close()
    await tier.close()
  })

  it('comes back where whoever dropped it died: by the next sync, and by the next opening', async () => {
    const log = new LogText()
    const tier = await open({ logger: log })
    await tier.upsert(ROWS)
    await look('UPDATE thermocline.memory_entries SET indexed = true')
    for (const comesBack of [() => tier.indexInBulk(never), async () => (await open()).close()]) {
      await look(`DROP INDEX thermocline.${NAME}`)
      expect((await nearest(tier, 5)).ids[0]).toBe(ROWS[5]!.id)
      await expect(open({ migrate: 'check' })).rejects.toMatchObject({ code: 'ERR_SCHEMA' })
      await comesBack()
      expect(await isValid()).toBe(true)
    }
    expect(await nearest(tier, 5)).toMatchObject({ exact: false })
    expect(log.lines.join()).toContain('vector index built')
    await tier.close()
  })

  it('comes back where the work without it fails, and where a closed process had yet to ask for it', async () => {
    const driver = await PostgresDriver.connect({ ...ONE, url: server.url(database) })
    await (await open()).close()
    const stop = new AbortController()
    const own = [await ownIndex()]
    const fails = async () => {
      throw new Error('a batch was late')
    }
    await expect(driver.rebuildIndexes(own, fails, never)).rejects.toThrow()
    expect(await isValid()).toBe(true)
    expect(await driver.rebuildIndexes(own, async () => stop.abort(), stop.signal)).toBe(true)
    await vi.waitUntil(isValid, { timeout: 20_000, interval: 20 })
    await driver.close()
  })

  it('stays where the role may drop it and make no other', async () => {
    await (await open()).close()
    await look(`DO $$ BEGIN CREATE ROLE owner LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
      ALTER TABLE thermocline.memory_entries OWNER TO owner;
      GRANT USAGE ON SCHEMA thermocline TO owner;
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA thermocline TO owner;
      GRANT USAGE ON ALL SEQUENCES IN SCHEMA thermocline TO owner`)
    const owner = await open({ url: server.url(database, 'owner') })
    await owner.upsert(ROWS)
    expect(await owner.indexInBulk(never)).toBe(0)
    expect(await isValid()).toBe(true)
    await owner.close()
  })

  it('is left to the server where the signal fires during the build', async () => {
    const tier = await open()
    await tier.upsert(ROWS)
    await tier.close()
    const driver = await PostgresDriver.connect({ ...ONE, url: server.url(database) })
    const older = server.client(database)
    const session = await older.reserve()
    const stop = new AbortController()
    const mark = async () => {
      await driver.query(sql`UPDATE thermocline.memory_entries SET indexed = true`)
      await session.unsafe('BEGIN; LOCK TABLE thermocline.memory_entries IN ROW EXCLUSIVE MODE')
    }
    const rebuilt = driver.rebuildIndexes([await ownIndex()], mark, stop.signal)
    const isOver = expect(rebuilt).rejects.toMatchObject({ code: 'ERR_TIER_UNAVAILABLE' })
    await isBuilding()
    stop.abort()
    await isOver
    await driver.close()
    await session.unsafe('COMMIT')
    session.release()
    await older.end()
    await vi.waitUntil(isValid, { timeout: 20_000, interval: 20 })
    const again = await open({ migrate: 'check' })
    expect((await again.stats()).unindexed).toBe(0)
    expect((await nearest(again, 9)).ids[0]).toBe(ROWS[9]!.id)
    await again.close()
  })

  it('stays where a transaction has the table in use, however new', async () => {
    const tier = await open()
    await tier.upsert(ROWS)
    const older = server.client(database)
    await older.begin(async (transaction) => {
      await transaction.unsafe('SELECT FROM thermocline.memory_entries LIMIT 1')
      expect(await tier.indexInBulk(never)).toBe(0)
      expect(await isValid()).toBe(true)
    })
    await older.end()
    expect(await tier.indexInBulk(never)).toBe(600)
    await tier.close()
  })

  it('stays where an older transaction would hold that up, or the role owns no table', async () => {
    const tier = await open({ buildPatience: 50 })
    await tier.upsert(ROWS)
    const older = server.client(database)
    await older.begin('ISOLATION LEVEL REPEATABLE READ', async (transaction) => {
      await transaction.unsafe('SELECT FROM thermocline.memory_entries')
      await vi.waitUntil(isOld, { timeout: 20_000, interval: 20 })
      expect(await tier.indexInBulk(never)).toBe(0)
      expect(await isValid()).toBe(true)
    })
    await older.end()
    await tier.close()
    await look(`DO $$ BEGIN CREATE ROLE app LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
      GRANT USAGE ON SCHEMA thermocline TO app;
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA thermocline TO app`)
    const log = new LogText()
    const guest = await open({ url: server.url(database, 'app'), logger: log })
    expect([await guest.indexInBulk(never), await guest.indexInBulk(never)]).toEqual([0, 0])
    expect(await isValid()).toBe(true)
    expect(log.lines.join()).not.toContain('could not be built')
    expect(await guest.indexVectors(10)).toBe(10)
    await guest.close()
  })

  it('is left alone where it holds halves: a row that has none is found by inserting it', async () => {
    const tier = await open({ dimensions: [2_048] })
    const halves = seeded(6)
    const rows = Array.from({ length: 520 }, (_, n) =>
      chunkOf('ns', n, n + 1, {
        // A half-precision float ends at 65 504, and begins at 6e-8.
        embedding: vectorOf(2_048, halves).map((component) => component * (n === 3 ? 1e7 : n === 4 ? 1e-9 : 1)),
      }),
    )
    await tier.upsert(rows)
    expect(await tier.indexInBulk(never)).toBe(0)
    for (let n = -1; n !== 0; ) n = await tier.indexVectors(200)
    expect((await tier.stats()).unindexed).toBe(2)
    const scope = { namespace: 'ns', recursive: false }
    const query = { scope, filter: [], now: PAST, exclude: [], k: 1, metric: 'cosine' } as const
    for (const nth of [2, 3, 4]) {
      const { hits } = await tier.search({ ...query, embedding: rows[nth]!.embedding! })
      expect(hits[0]?.record.id).toBe(rows[nth]!.id)
    }
    await tier.close()
  })
})

async function ownIndex() {
  const [row] = await look(
    `SELECT extnamespace::regnamespace::text AS schema FROM pg_extension WHERE extname = 'vector'`,
  )
  return indexDefinition((row as { schema: string }).schema, { dimension: 8, metric: 'cosine', form: 'full' })
}

const isBuilding = () =>
  vi.waitUntil(
    async () =>
      (
        await look(`SELECT FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'
          AND query LIKE 'CREATE INDEX CONCURRENTLY%${NAME}%' AND wait_event_type = 'Lock'`)
      ).length > 0,
    { timeout: 20_000, interval: 20 },
  )

async function isOld(): Promise<boolean> {
  const [row] = await look(`SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
    AND backend_xmin IS NOT NULL AND xact_start < now() - interval '60 ms') AS is_old`)
  return (row as { is_old: boolean }).is_old
}
