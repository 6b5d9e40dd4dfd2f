import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { describe, expect, it, onTestFinished } from 'vitest'
import { embeddedModules } from '../../src/build/embed.ts'
import { ColdStore } from '../../src/cold/cold-store.ts'
import { readMigrations } from '../../src/cold/migrations.ts'
import type { PgliteClient } from '../../src/cold/pglite/pglite-client.ts'
import { type PgliteColdOptions, PgliteDriver } from '../../src/cold/pglite/pglite-driver.ts'
import type { EntryRecord } from '../../src/entry/record.ts'
import { roundVector, widenVector } from '../../src/entry/rounded-vector.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { chunkOf, FUTURE, idOf, keyOf, PAST, tombstone, versionOf } from '../../src/testkit/contract/cold-records.ts'
import { batchOf } from '../../src/testkit/contract/cold-shipping.ts'
import { longTest, someOf } from '../tools/budget.ts'
import { emptyDatabase } from '../tools/empty-database.ts'
import { lendDatabase } from '../tools/lent-database.ts'
import { openIn } from './pglite/pglite-template.ts'

/** A row as the first versions wrote it. */
function valuesOf(record: EntryRecord): string {
  const time = (millis: number | null) => (millis === null ? 'NULL' : `'${new Date(millis).toISOString()}'`)
  const text = (value: unknown) => (value === null ? 'NULL' : `'${value}'`)
  const { namespace, id, version, kind, position, metadata, embedding, createdAt, updatedAt, expiresAt, deletedAt } =
    record
  return `('${namespace}', '${id}', '${version}', ${text(kind)}, ${text(record.text)}, ${position ?? 'NULL'}, ${text(metadata)},
    ${embedding === null ? 'NULL' : `'{${embedding.join()}}'`}, ${time(createdAt)}, ${time(updatedAt)}, ${time(expiresAt)},
    ${time(deletedAt)}, false)`
}

/** A database that these statements were run in, closed with the test. */
async function changed(...statements: string[]): Promise<PgliteClient> {
  const client = await lendDatabase()
  onTestFinished(() => client.close())
  for (const statement of statements) await client.exec(statement)
  return client
}

async function reopen(database: PgliteClient, options: Partial<PgliteColdOptions> = {}): Promise<void> {
  await (await openIn(database, options)).close()
}

const INDEXED = { dimensions: [8, 2_500, 5_000], metrics: ['l2', 'inner-product'] } as const

describe('migrations', () => {
  it('make everything from nothing, in a schema of their own', async () => {
    const client = await changed()
    const { rows } = await client.query(
      `SELECT nspname::text AS schema, count(*)::int4 AS tables FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
       WHERE relkind = 'r' AND nspname NOT IN ('pg_catalog', 'information_schema') GROUP BY 1`,
    )
    expect(rows).toEqual([{ schema: 'thermocline', tables: 17 }])
    const storage = await client.query(
      `SELECT count(*)::int4 AS external FROM pg_attribute WHERE attname = 'embedding' AND attstorage = 'e'
       AND attrelid IN ('thermocline.memory_entries'::regclass, 'thermocline.entry_staging'::regclass)`,
    )
    expect(storage.rows).toEqual([{ external: 2 }])
  })

  it('travel in the code as the folder has them', () => {
    for (const [path, text] of Object.entries(embeddedModules()))
      expect(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'), `${path}: npm run embed`).toBe(text)
  })

  it('are recorded by the hashes that drizzle gives them', () => {
    const folder = fileURLToPath(new URL('../../drizzle', import.meta.url))
    const files = readMigrationFiles({ migrationsFolder: folder })
    expect(readMigrations().map(({ hash, createdAt, statements }) => ({ hash, createdAt, statements }))).toEqual(
      files.map(({ hash, folderMillis, sql }) => ({ hash, createdAt: folderMillis, statements: sql })),
    )
  })

  it('keep everything that a database of an earlier version holds', async () => {
    const client = await emptyDatabase()
    const driver = new PgliteDriver(client, 60_000, silentLogger)
    const first = readMigrations().slice(0, 3)
    expect(first.at(-1)!.name).toBe('0002_hot_generations')
    await driver.migrate(first)
    const rows = [
      chunkOf('ns', 1, 1, { metadata: '{"b": 1, "aa": 2}', embedding: new Float32Array([1, 2]) }),
      chunkOf('ns', 2, 2, { embedding: new Float32Array([3, 4]) }),
      chunkOf('ns', 3, 3, { expiresAt: PAST }),
      tombstone('ns', 4, 4),
    ]
    await client.exec(`
      INSERT INTO thermocline.memory_entries (namespace, id, version, kind, text, position, metadata, embedding,
        created_at, updated_at, expires_at, deleted_at, indexed) VALUES ${rows.map(valuesOf).join()};
      UPDATE thermocline.memory_entries SET indexed = true WHERE version = '${versionOf(2)}';
      INSERT INTO thermocline.entry_access VALUES ('ns', '${idOf(1)}', now(), 7);
      INSERT INTO thermocline.wal_checkpoints (wal_id, epoch, sequence, shipped_version)
        VALUES ('${idOf(9)}', 1, 5, '${versionOf(4)}')`)
    const options = { mode: 'auto', dimensions: [], metrics: [], logger: silentLogger } as const
    const store = await ColdStore.open(driver, options)
    expect((await store.read(rows)).map((row) => row?.record)).toEqual(rows)
    expect((await store.read(rows))[0]?.access?.accessCount).toBe(7)
    expect(await store.stats()).toMatchObject({ live: 2, tombstones: 1, unindexed: 1, deadLetters: 0, pinned: 0 })
    const newer = chunkOf('ns', 1, 6, { metadata: '{"bb":1,"a":2}' })
    const batch = batchOf(idOf(9), [newer, chunkOf('ns', 5, 7)], { from: 5, to: 7 })
    expect(await store.ship(batch)).toMatchObject({ status: 'moved', superseded: 0, rejected: 0 })
    expect((await store.read([newer]))[0]?.record).toEqual(newer)
    expect(await store.stats()).toMatchObject({ live: 3, tombstones: 1, unindexed: 0, deadLetters: 0, pinned: 0 })
    expect(await store.sweep({ graceMs: 60_000, limit: 10 })).toEqual({ expired: 1, collected: 1, forgotten: 0 })
    expect(await store.stats()).toMatchObject({ live: 3, tombstones: 1, unindexed: 0, deadLetters: 0, pinned: 0 })
    await store.close()
  })

  longTest('leave nothing of a blob where a process of a version before blobs replaces or deletes it', async () => {
    const client = await emptyDatabase()
    const driver = new PgliteDriver(client, 60_000, silentLogger)
    await driver.migrate(readMigrations().filter(({ name }) => name < '0009'))
    const columns = `namespace, id, version, kind, text, position, metadata, embedding,
      created_at, updated_at, expires_at, deleted_at, indexed`
    const old = chunkOf('ns', 9, 9)
    await client.exec(`INSERT INTO thermocline.memory_entries (${columns}) VALUES ${valuesOf(old)}`)
    const store = await ColdStore.open(driver, { mode: 'auto', dimensions: [], metrics: [], logger: silentLogger })
    expect((await store.read([old]))[0]?.record).toEqual(old)
    const blobs = [1, 2, 3].map((n) =>
      chunkOf('ns', n, n, { kind: 'blob', text: null, position: null, bytes: new Uint8Array([n]), contentType: 'a/b' }),
    )
    await store.upsert(blobs)
    const newer = [chunkOf('ns', 1, 11), tombstone('ns', 2, 12)]
    await client.exec(`
      INSERT INTO thermocline.memory_entries (${columns}) VALUES ${newer.map(valuesOf).join()}
      ON CONFLICT (namespace, id) DO UPDATE SET version = excluded.version, kind = excluded.kind, text = excluded.text,
        position = excluded.position, created_at = excluded.created_at, updated_at = excluded.updated_at,
        deleted_at = excluded.deleted_at`)
    const found = await store.read(blobs)
    expect(found.map((row) => row?.record)).toEqual([...newer, blobs[2]])
    await store.close()
  })

  it('keep sliding what slides, and nothing that a process of a version before puts over it', async () => {
    const client = await emptyDatabase()
    const driver = new PgliteDriver(client, 60_000, silentLogger)
    await driver.migrate(readMigrations().filter(({ name }) => name < '0019'))
    /** As that version puts an entry with a fixed expiry, whatever is there. */
    const putThere = (n: number, version: number) =>
      client.exec(`
        INSERT INTO thermocline.memory_entries (namespace, id, version, kind, text, position, metadata, embedding,
          created_at, updated_at, expires_at, deleted_at, indexed)
        VALUES ${valuesOf(chunkOf('ns', n, version, { expiresAt: FUTURE }))}
        ON CONFLICT (namespace, id) DO UPDATE SET version = excluded.version, expires_at = excluded.expires_at`)
    const sliding = async () =>
      (await client.query('SELECT sliding_ttl::int4 AS ttl, version FROM thermocline.memory_entries ORDER BY id')).rows
    for (const n of [1, 2]) await putThere(n, n)
    await client.exec('UPDATE thermocline.memory_entries SET sliding_ttl = 1000')
    const options = { mode: 'auto', dimensions: [], metrics: [], logger: silentLogger } as const
    const store = await ColdStore.open(driver, options)
    await store.upsert([chunkOf('ns', 3, 3, { expiresAt: FUTURE, slidingTtl: 1_000 })])
    await store.slide([{ ...keyOf('ns', 3), version: undefined, readAt: FUTURE - 100 }])
    expect(await sliding()).toEqual([1, 2, 3].map((n) => ({ ttl: 1_000, version: versionOf(n) })))
    for (const n of [2, 3]) await putThere(n, n + 10)
    expect(await sliding()).toEqual([
      { ttl: 1_000, version: versionOf(1) },
      { ttl: null, version: versionOf(12) },
      { ttl: null, version: versionOf(13) },
    ])
    await store.upsert([chunkOf('ns', 2, 20, { expiresAt: FUTURE, slidingTtl: 2_000 })])
    expect((await store.read([keyOf('ns', 2)]))[0]?.record).toMatchObject({ slidingTtl: 2_000 })
    await store.close()
  })

  longTest('keep embeddings as they are, and no rounded one that a process of a version before puts over', async () => {
    const client = await emptyDatabase()
    const driver = new PgliteDriver(client, 60_000, silentLogger)
    await driver.migrate(readMigrations().filter(({ name }) => name < '0020'))
    const columns = `namespace, id, version, kind, text, position, metadata, embedding,
      created_at, updated_at, expires_at, deleted_at, indexed`
    /** As that version puts it, whatever is there. */
    const putThere = (record: EntryRecord) =>
      client.exec(`
        INSERT INTO thermocline.memory_entries (${columns}) VALUES ${valuesOf(record)}
        ON CONFLICT (namespace, id) DO UPDATE SET version = excluded.version, kind = excluded.kind,
          text = excluded.text, position = excluded.position, embedding = excluded.embedding,
          created_at = excluded.created_at, updated_at = excluded.updated_at,
          deleted_at = excluded.deleted_at, indexed = false`)
    const embedding = new Float32Array([0.1, -0.7, 1 / 3])
    const old = chunkOf('ns', 9, 9, { embedding })
    await putThere(old)
    const options = { mode: 'auto', dimensions: [], metrics: [], logger: silentLogger } as const
    const store = await ColdStore.open(driver, { ...options, precision: { '**': 'int8' } })
    expect((await store.read([old]))[0]?.record).toEqual(old)
    const rounded = [1, 2, 3, 4].map((n) => chunkOf('ns', n, n, { embedding }))
    const gone = chunkOf('ns', 5, 5, { embedding })
    await store.upsert([...rounded, gone])
    expect(await store.stats()).toMatchObject({ live: 6, unindexed: 6 })
    const newer = [chunkOf('ns', 1, 11, { embedding }), tombstone('ns', 2, 12), chunkOf('ns', 3, 13)]
    for (const record of newer) await putThere(record)
    // As its sweep empties what has expired, of which it keeps the version.
    await client.exec(`UPDATE thermocline.memory_entries SET deleted_at = now(), kind = NULL, text = NULL,
      position = NULL, metadata = NULL, embedding = NULL, indexed = false WHERE id = '${gone.id}'`)
    expect((await store.read([gone]))[0]?.record).toMatchObject({ kind: null, version: gone.version, embedding: null })
    const found = await store.read(rounded)
    expect(found.slice(0, 3).map((row) => row?.record)).toEqual(newer)
    expect(found[3]?.record.embedding).toEqual(widenVector(roundVector(embedding, 'int8')!))
    expect(await store.stats()).toMatchObject({ live: 4, unindexed: 3 })
    const { rows } = await client.query(`SELECT embedding::text AS text FROM thermocline.live_entries ORDER BY id`)
    const shown = rows.map(({ text }) => text && JSON.parse(`[${String(text).slice(1, -1)}]`))
    expect(shown.map((each) => each && Float32Array.from(each))).toEqual([
      embedding,
      null,
      found[3]!.record.embedding,
      embedding,
    ])
    await store.close()
  })

  longTest(
    'leave nothing of a deleted entry where a process of a version before metadata_order is still at work',
    async () => {
      const client = await emptyDatabase()
      const driver = new PgliteDriver(client, 60_000, silentLogger)
      const before = readMigrations().filter(({ name }) => name <= '0005_metadata_order')
      await driver.migrate(before)
      const entries = [1, 2, 3].map((n) => chunkOf('ns', n, n, { metadata: '{"bb":1,"a":2}' }))
      const options = { mode: 'auto', dimensions: [], metrics: [], logger: silentLogger } as const
      const orders = async () =>
        (await client.query('SELECT metadata_order FROM thermocline.memory_entries ORDER BY id')).rows
      /** As that version replaces an entry by its tombstone. */
      const deleteThere = (n: number) =>
        client.exec(`
        INSERT INTO thermocline.memory_entries (namespace, id, version, kind, text, position, metadata, embedding,
          created_at, updated_at, expires_at, deleted_at, indexed) VALUES ${valuesOf(tombstone('ns', n, n + 10))}
        ON CONFLICT (namespace, id) DO UPDATE SET version = excluded.version, kind = excluded.kind, text = excluded.text,
          position = excluded.position, metadata = excluded.metadata, deleted_at = excluded.deleted_at
        WHERE memory_entries.version < excluded.version`)
      await client.exec(`
      INSERT INTO thermocline.memory_entries (namespace, id, version, kind, text, position, metadata, embedding,
        created_at, updated_at, expires_at, deleted_at, indexed) VALUES ${entries.map(valuesOf).join()};
      UPDATE thermocline.memory_entries SET metadata_order = '[["bb","a"],{}]'`)
      await deleteThere(1)
      expect(await orders()).toMatchObject([{ metadata_order: expect.stringContaining('bb') }, {}, {}])
      const store = await ColdStore.open(driver, options)
      await deleteThere(2)
      expect(await orders()).toEqual([
        { metadata_order: null },
        { metadata_order: null },
        { metadata_order: expect.stringContaining('bb') },
      ])
      expect((await store.read(entries))[2]?.record).toEqual(entries[2])
      await store.close()
    },
  )

  it('are not applied by a check', async () => {
    const empty = await emptyDatabase()
    onTestFinished(() => empty.close())
    await expect(reopen(empty, { migrate: 'check' })).rejects.toMatchObject({
      code: 'ERR_SCHEMA',
      message: expect.stringContaining('npx thermocline migrate'),
    })
    await reopen(await changed(), { migrate: 'check' })
  })

  it('refuse a database that is newer than the code', async () => {
    const client = await changed(
      `INSERT INTO thermocline.migrations (hash, created_at) SELECT 'later', max(created_at) + 1 FROM thermocline.migrations`,
    )
    for (const mode of ['auto', 'check'] as const)
      await expect(reopen(client, { migrate: mode })).rejects.toMatchObject({
        code: 'ERR_SCHEMA',
        message: expect.stringContaining('upgrade this program'),
      })
  })

  it.each(
    someOf([
      ['older than all', `'the-application', 1`],
      ['between', `'the-application', (SELECT min(created_at) + 1 FROM thermocline.migrations)`],
      ['at the time of one of ours', `'the-application', (SELECT max(created_at) FROM thermocline.migrations)`],
    ]),
  )('refuse a journal with an entry of somebody else, %s, and change nothing', async (_, entry) => {
    const client = await changed(
      `DELETE FROM thermocline.migrations WHERE created_at = (SELECT max(created_at) FROM thermocline.migrations)`,
      `INSERT INTO thermocline.migrations (hash, created_at) SELECT ${entry}`,
    )
    await expect(reopen(client)).rejects.toMatchObject({
      code: 'ERR_SCHEMA',
      message: expect.stringContaining('not of thermocline'),
    })
    const { rows } = await client.query('SELECT count(*)::int4 AS entries FROM thermocline.migrations')
    expect(rows).toEqual([{ entries: readMigrations().length }])
  })

  longTest('refuse a database in which one was skipped', async () => {
    const client = await changed(
      `DELETE FROM thermocline.migrations WHERE created_at = (SELECT min(created_at) FROM thermocline.migrations)`,
    )
    await expect(reopen(client)).rejects.toMatchObject({
      code: 'ERR_SCHEMA',
      message: expect.stringContaining('never applied'),
    })
  })

  it('hold the live entries for queries of a user', async () => {
    const client =
      await changed(`INSERT INTO thermocline.memory_entries (namespace, id, version, kind, text, created_at, updated_at, expires_at)
      VALUES ('ns', gen_random_uuid(), '${versionOf(1)}', 'chunk', 'live', now(), now(), NULL),
        ('ns', gen_random_uuid(), '${versionOf(2)}', 'chunk', 'expired', now(), now(), now())`)
    expect((await client.query('SELECT text FROM thermocline.live_entries')).rows).toEqual([{ text: 'live' }])
  })
})

describe('vector indexes', () => {
  longTest('hold all once embeddings are rounded, but for those that halves cannot hold', async () => {
    const database = await changed()
    const given = { dimensions: [2], metrics: ['cosine'] } as const
    const rows = [1, 1e6, 1e-9].map((length, n) =>
      chunkOf('ns', n, n + 1, { embedding: new Float32Array([n * length, length]) }),
    )
    const full = await openIn(database, given)
    await full.upsert(rows)
    expect(await full.indexVectors(10)).toBe(3)
    await full.close()
    const rounding = await openIn(database, { ...given, precision: { '**': 'int8' } })
    expect((await rounding.stats()).unindexed).toBe(2)
    await rounding.upsert([chunkOf('ns', 5, 5, { embedding: new Float32Array([1, -1]) })])
    expect(await rounding.indexVectors(10)).toBe(1)
    const query = { scope: { namespace: 'ns', recursive: false }, filter: [], now: PAST, exclude: [], k: 9 }
    const terms = { ...query, metric: 'cosine', embedding: new Float32Array([0, 1]) } as const
    const ids = [0, 1, 2, 5].map(idOf)
    const idsOf = async (tier: typeof full) => (await tier.search(terms)).hits.map(({ record }) => record.id)
    expect(await idsOf(rounding)).toEqual(ids)
    await rounding.close()
    const again = await openIn(database, given)
    expect(await idsOf(again)).toEqual(ids)
    await again.close()
  })

  it('are built once, for the dimensions that can be indexed', async () => {
    const client = await changed()
    await expect(reopen(client, { ...INDEXED, migrate: 'check' })).rejects.toMatchObject({
      code: 'ERR_SCHEMA',
      message: expect.stringContaining('npx thermocline migrate'),
    })
    for (const mode of ['auto', 'auto', 'check'] as const) await reopen(client, { ...INDEXED, migrate: mode })
    const { rows } = await client.query(
      `SELECT relname::text AS name FROM pg_class WHERE relname LIKE '%hnsw%' ORDER BY relname`,
    )
    expect(rows.map(({ name }) => name)).toEqual([
      'memory_entries_hnsw_inner_product_2500',
      'memory_entries_hnsw_inner_product_8',
      'memory_entries_hnsw_l2_2500',
      'memory_entries_hnsw_l2_8',
    ])
  })
})
