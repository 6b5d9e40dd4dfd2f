/** Hands out embedded databases in which no migration was run: Postgres takes seconds to make one, so it makes one. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PgliteClient } from '../../src/cold/pglite/pglite-client.ts'
import { type ImageFile, writeImage } from '../../src/cold/pglite/pglite-image.ts'

let image: Promise<readonly ImageFile[]> | undefined

/** In memory where no empty folder is given. For the caller to close. */
export async function emptyDatabase(folder?: string): Promise<PgliteClient> {
  image ??= makeEmpty()
  if (folder === undefined) return PgliteClient.start(undefined, image)
  await writeImage(await image, folder)
  return PgliteClient.start(folder)
}

async function makeEmpty(): Promise<readonly ImageFile[]> {
  const folder = await mkdtemp(join(tmpdir(), 'thermocline-empty-'))
  try {
    await (await PgliteClient.start(folder)).close()
    return await filesOf(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Folders before what is in them. */
async function filesOf(folder: string): Promise<readonly ImageFile[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true })
  const files = entries.map(async (entry): Promise<ImageFile> => {
    const path = join(entry.parentPath, entry.name)
    const content = entry.isFile() ? await readFile(path) : undefined
    return { path: path.slice(folder.length + 1), size: content?.length ?? -1, content: content ?? new Uint8Array() }
  })
  return (await Promise.all(files)).sort((a, b) => (a.path < b.path ? -1 : 1))
}
