import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { PgliteClient } from '../../../src/cold/pglite/pglite-client.ts'
import { openPgliteCold } from '../../../src/cold/pglite/pglite-driver.ts'
import { databaseImage, IMAGE_NAME, readImage } from '../../../src/cold/pglite/pglite-image.ts'
import { ownFile, PACKAGES } from '../../../src/cold/pglite/pglite-packages.ts'
import { chunkOf } from '../../../src/testkit/contract/cold-records.ts'
import { longTest } from '../../tools/budget.ts'
import { OPTIONS } from './pglite-template.ts'

const IMAGE = fileURLToPath(new URL(`../../../src/cold/pglite/${IMAGE_NAME}`, import.meta.url))

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'thermocline-image-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Everything that migrations and settings make. */
const CATALOG = `
  SELECT format('%s %s.%s %s %s', 'column', c.table_name, c.column_name, c.data_type, c.column_default) AS line
    FROM information_schema.columns c WHERE table_schema = 'thermocline'
  UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'thermocline'
  UNION ALL SELECT format('%s %s', conname, pg_get_constraintdef(oid)) FROM pg_constraint
    WHERE connamespace = 'thermocline'::regnamespace
  UNION ALL SELECT format('%s %s %s', relname, relkind, relpersistence) FROM pg_class
    WHERE relnamespace = 'thermocline'::regnamespace
  UNION ALL SELECT format('%s %s', hash, created_at) FROM thermocline.migrations
  UNION ALL SELECT format('%s %s', extname, extversion) FROM pg_extension
  UNION ALL SELECT format('%s %s', name, setting) FROM pg_settings WHERE source IN ('configuration file', 'command line')
    AND name NOT IN ('data_directory', 'config_file')
  ORDER BY 1`

async function catalogOf(folder: string): Promise<unknown[]> {
  const client = await PgliteClient.start(folder)
  try {
    return (await client.query(CATALOG)).rows.map((row) => row.line)
  } finally {
    await client.close()
  }
}

longTest('is what a database becomes that is made the long way', async () => {
  expect(await databaseImage()).toBeDefined()
  const dirs: string[] = []
  for (const image of [true, false]) {
    const dir = await temporaryFolder()
    await (await openPgliteCold({ ...OPTIONS, dir, image })).close()
    dirs.push(dir)
  }
  const [prepared, made] = dirs.map((dir) => join(dir, 'data'))
  const catalog = await catalogOf(made!)
  expect(catalog.length).toBeGreaterThan(100)
  expect(await catalogOf(prepared!)).toEqual(catalog)
})

it('holds no store: each that comes of it has an identity of its own, and keeps it', async () => {
  const began = Date.now()
  const dir = await temporaryFolder()
  const ids: string[] = []
  for (const folder of [undefined, undefined, dir, dir]) {
    const tier = await openPgliteCold({ ...OPTIONS, dir: folder })
    ids.push(tier.storeId)
    if (ids.length < 4) expect(await tier.stats()).toMatchObject({ live: 0, tombstones: 0, deadLetters: 0 })
    await tier.upsert([chunkOf('ns', 1, 1)])
    await tier.close()
  }
  expect(new Set(ids).size).toBe(3)
  expect(ids[3]).toBe(ids[2])
  const client = await PgliteClient.start(join(dir, 'data'))
  const { rows } = await client.query(
    'SELECT extract(epoch FROM created_at)::float8 * 1000 AS at FROM thermocline.store_identity',
  )
  await client.close()
  expect(rows[0]?.at).toBeGreaterThanOrEqual(began)
})

it('of another version, or damaged, is as good as none', async () => {
  const file = join(await temporaryFolder(), IMAGE_NAME)
  expect(await readImage(file)).toBeUndefined()
  await copyFile(IMAGE, file)
  expect(await readImage(file)).toBeDefined()
  const bytes = await readFile(IMAGE)
  bytes[bytes.length >> 1]! ^= 1
  await writeFile(file, bytes)
  expect(await readImage(file)).toBeUndefined()
})

it('is of the PGlite that package.json pins, and so is what an error says to install', async () => {
  const text = await readFile(new URL('../../../package.json', import.meta.url), 'utf8')
  const { optionalDependencies } = JSON.parse(text) as { optionalDependencies: Record<string, string> }
  expect(Object.entries(optionalDependencies).map((pinned) => pinned.join('@'))).toEqual(PACKAGES)
})

it('is looked for where the build puts it in an installed package, as a bundled program has to', async () => {
  const root = fileURLToPath(new URL('../../..', import.meta.url))
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { scripts: { build: string } }
  const built = /database-image\.ts (\S+)/.exec(scripts.build)![1]!
  expect(ownFile(IMAGE_NAME)).toContain(join(root, built))
})
