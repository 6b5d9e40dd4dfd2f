/**
 * Makes the image of a prepared database (cold/pglite/pglite-image.ts), where the one in src/cold is not of this
 * version: `tsx src/build/database-image.ts FILE` copies it to FILE. The build makes it for the package, and the tests
 * for themselves.
 */
import { copyFile, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { PgliteClient } from '../cold/pglite/pglite-client.ts'
import { openPgliteCold } from '../cold/pglite/pglite-driver.ts'
import { encodeImage, IMAGE_NAME, readImage } from '../cold/pglite/pglite-image.ts'
import { silentLogger } from '../kernel/logger.ts'

/**
 * What is in no store of its own yet: each draws its identity when it is opened. Without the templates of further
 * databases, which nobody makes here and which are two thirds of the files.
 */
const EMPTY = [
  'DELETE FROM thermocline.store_identity',
  'VACUUM (FREEZE, ANALYZE)',
  `UPDATE pg_database SET datistemplate = false WHERE datname <> 'postgres'`,
  'DROP DATABASE template0',
  'DROP DATABASE template1',
  // What was logged so far is in the files, and a segment that nothing is in compresses well.
  'SELECT pg_switch_wal()',
  'CHECKPOINT',
]

export async function makeImage(file: string): Promise<void> {
  if ((await readImage(file)) !== undefined) return
  await mkdir(dirname(file), { recursive: true })
  const dir = await mkdtemp(join(tmpdir(), 'thermocline-image-'))
  try {
    const common = { dimensions: [], metrics: [], migrate: 'auto', timeout: 300_000, logger: silentLogger } as const
    await (await openPgliteCold({ ...common, dir, image: false })).close()
    const folder = join(dir, 'data')
    const client = await PgliteClient.start(folder)
    for (const statement of EMPTY) await client.exec(statement)
    const { rows } = await client.query('SELECT pg_walfile_name(pg_current_wal_lsn()) AS segment')
    await client.close()
    await removeSegments(join(folder, 'pg_wal'), String(rows[0]?.segment))
    // Aside first: two may make it at the same time.
    const unfinished = `${file}.${process.pid}`
    await writeFile(unfinished, await encodeImage(folder))
    await rename(unfinished, file)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** All but the one that the database goes on with: older ones, and those that were set aside for later. */
async function removeSegments(folder: string, kept: string): Promise<void> {
  for (const name of await readdir(folder))
    if (/^[0-9A-F]{24}$/.test(name) && name !== kept) await rm(join(folder, name))
}

const [, script, target] = process.argv
if (script?.endsWith('database-image.ts') && target !== undefined) {
  const image = join(import.meta.dirname, '../cold/pglite', IMAGE_NAME)
  await makeImage(image)
  await copyFile(image, target)
}
