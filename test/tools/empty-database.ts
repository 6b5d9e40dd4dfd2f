/**
 * Hands out embedded databases in which no migration was run: Postgres takes seconds to make one, so it makes one, and
 * later runs have that as well.
 */
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { PgliteClient } from '../../src/cold/pglite/pglite-client.ts'
import { encodeImage, type ImageFile, readImage, writeImage } from '../../src/cold/pglite/pglite-image.ts'

let image: Promise<readonly ImageFile[]> | undefined

/** In memory where no empty folder is given. For the caller to close. */
export async function emptyDatabase(folder?: string): Promise<PgliteClient> {
  image ??= findEmpty()
  if (folder === undefined) return PgliteClient.start(undefined, await image)
  await writeImage(await image, folder)
  return PgliteClient.start(folder)
}

const FILE = join(import.meta.dirname, '../../node_modules/.cache/thermocline/empty-database.image')

async function findEmpty(): Promise<readonly ImageFile[]> {
  const found = await readImage(FILE)
  if (found !== undefined) return found
  const folder = await mkdtemp(join(tmpdir(), 'thermocline-empty-'))
  try {
    await (await PgliteClient.start(folder)).close()
    await mkdir(dirname(FILE), { recursive: true })
    // Aside first: two may make it at the same time.
    const unfinished = `${FILE}.${process.pid}`
    await writeFile(unfinished, await encodeImage(folder))
    await rename(unfinished, FILE)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return (await readImage(FILE))!
}
