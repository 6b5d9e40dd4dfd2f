import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { embeddedModules } from '../../scripts/embed.ts'
import { readMigrations } from '../../src/cold/migrations.ts'
import { openPgliteCold, type PgliteColdOptions } from '../../src/cold/pglite.ts'
import { PgliteClient } from '../../src/cold/pglite-client.ts'
import * as schema from '../../src/cold/schema.ts'
import { versionOf } from '../contract/cold-records.ts'
import { OPTIONS, PgliteTemplate } from './pglite-template.ts'

const template = new PgliteTemplate()
beforeAll(() => template.make())
afterAll(() => template.remove())

/** A database that these statements were run in. */
async function changed(...statements: string[]): Promise<string> {
  const dir = await template.copy()
  const client = await PgliteClient.start(`${dir}/data`)
  for (const statement of statements) await client.exec(statement)
  await client.close()
  return dir
}

async function reopen(dir: string, options: Partial<PgliteColdOptions> = {}): Promise<void> {
  const tier = await openPgliteCold({ ...OPTIONS, dir, ...options })
  await tier.close()
}

const INDEXED = { dimensions: [8, 2_500, 5_000], metrics: ['l2', 'inner-product'] } as const

describe('migrations', () => {
  it('make everything from nothing, in a schema of their own', async () => {
    const client = await PgliteClient.start(`${await template.copy()}/data`)
    const { rows } = await client.query(
      `SELECT nspname::text AS schema, count(*)::int4 AS tables FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
       WHERE relkind = 'r' AND nspname NOT IN ('pg_catalog', 'information_schema') GROUP BY 1`,
    )
    expect(rows).toEqual([{ schema: 'thermocline', tables: 12 }])
    const storage = await client.query(
      `SELECT count(*)::int4 AS external FROM pg_attribute WHERE attname = 'embedding' AND attstorage = 'e'
       AND attrelid IN ('thermocline.memory_entries'::regclass, 'thermocline.entry_staging'::regclass)`,
    )
    expect(storage.rows).toEqual([{ external: 2 }])
    await client.close()
  })

  it('are what the schema says', async () => {
    const meta = new URL('../../drizzle/meta/', import.meta.url)
    const newest = readdirSync(meta)
      .filter((name) => name.endsWith('_snapshot.json'))
      .sort()
      .at(-1)!
    const snapshot = JSON.parse(readFileSync(new URL(newest, meta), 'utf8'))
    expect(await generateMigration(snapshot, generateDrizzleJson(schema))).toEqual([])
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

  it('are not applied by a check', async () => {
    await expect(openPgliteCold({ ...OPTIONS, dir: undefined, migrate: 'check' })).rejects.toMatchObject({
      code: 'ERR_SCHEMA',
      message: expect.stringContaining('npx thermocline migrate'),
    })
    await reopen(await template.copy(), { migrate: 'check' })
  })

  it('refuse a database that is newer than the code', async () => {
    const dir = await changed(
      `INSERT INTO thermocline.migrations (hash, created_at) SELECT 'later', max(created_at) + 1 FROM thermocline.migrations`,
    )
    for (const mode of ['auto', 'check'] as const)
      await expect(reopen(dir, { migrate: mode })).rejects.toMatchObject({
        code: 'ERR_SCHEMA',
        message: expect.stringContaining('upgrade this program'),
      })
  })

  it.each([
    ['older than all', `'the-application', 1`],
    ['between', `'the-application', (SELECT min(created_at) + 1 FROM thermocline.migrations)`],
    ['at the time of one of ours', `'the-application', (SELECT max(created_at) FROM thermocline.migrations)`],
  ])('refuse a journal with an entry of somebody else, %s, and change nothing', async (_, entry) => {
    const dir = await changed(
      `DELETE FROM thermocline.migrations WHERE created_at = (SELECT max(created_at) FROM thermocline.migrations)`,
      `INSERT INTO thermocline.migrations (hash, created_at) SELECT ${entry}`,
    )
    await expect(reopen(dir)).rejects.toMatchObject({
      code: 'ERR_SCHEMA',
      message: expect.stringContaining('not of thermocline'),
    })
    const client = await PgliteClient.start(`${dir}/data`)
    const { rows } = await client.query('SELECT count(*)::int4 AS entries FROM thermocline.migrations')
    expect(rows).toEqual([{ entries: readMigrations().length }])
    await client.close()
  })

  it('refuse a database in which one was skipped', async () => {
    const dir = await changed(
      `DELETE FROM thermocline.migrations WHERE created_at = (SELECT min(created_at) FROM thermocline.migrations)`,
    )
    await expect(reopen(dir)).rejects.toMatchObject({
      code: 'ERR_SCHEMA',
      message: expect.stringContaining('never applied'),
    })
  })

  it('hold the live entries for queries of a user', async () => {
    const dir =
      await changed(`INSERT INTO thermocline.memory_entries (namespace, id, version, kind, text, created_at, updated_at, expires_at)
      VALUES ('ns', gen_random_uuid(), '${versionOf(1)}', 'chunk', 'live', now(), now(), NULL),
        ('ns', gen_random_uuid(), '${versionOf(2)}', 'chunk', 'expired', now(), now(), now())`)
    const client = await PgliteClient.start(`${dir}/data`)
    expect((await client.query('SELECT text FROM thermocline.live_entries')).rows).toEqual([{ text: 'live' }])
    await client.close()
  })
})

describe('vector indexes', () => {
  it('are built once, for the dimensions that can be indexed', async () => {
    const dir = await template.copy()
    await expect(reopen(dir, { ...INDEXED, migrate: 'check' })).rejects.toMatchObject({
      code: 'ERR_SCHEMA',
      message: expect.stringContaining('npx thermocline migrate'),
    })
    for (const mode of ['auto', 'auto', 'check'] as const) await reopen(dir, { ...INDEXED, migrate: mode })
    const client = await PgliteClient.start(`${dir}/data`)
    const { rows } = await client.query(
      `SELECT relname::text AS name FROM pg_class WHERE relname LIKE '%hnsw%' ORDER BY relname`,
    )
    expect(rows.map(({ name }) => name)).toEqual([
      'memory_entries_hnsw_inner_product_2500',
      'memory_entries_hnsw_inner_product_8',
      'memory_entries_hnsw_l2_2500',
      'memory_entries_hnsw_l2_8',
    ])
    await client.close()
  })
})
