/**
 * Reads and writes the image of a prepared database: the files of a database that was made, migrated and shut down in
 * good order, without any row of ours. Making a database takes Postgres seconds. So the build makes the image
 * (build/database-image.ts), and the package contains it. Where no image of this version is found, databases are made
 * without it.
 *
 * The file is gzip over msgpack: `{ key, files: [[path, size, content]] }`, where zeros follow the content up to the
 * size, and a folder has the size -1 and stands before what is in it.
 */
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { decode, encode } from '@msgpack/msgpack'
import { inParallel } from '../../kernel/in-parallel.ts'
import { readMigrations } from '../migrations.ts'
import { ownFile, PGLITE_VERSION } from './pglite-packages.ts'

export interface ImageFile {
  /** Relative to the database's folder. */
  readonly path: string
  /** In bytes; -1 for a folder. */
  readonly size: number
  /** Without the zeros at its end. */
  readonly content: Uint8Array
}

export const IMAGE_NAME = 'database.image'
const FOLDER = -1
/** More than that the system does not do at the same time. */
const FILES_AT_ONCE = 8

/** What an image is good for: this PGlite and these migrations. */
function keyOf(): string {
  const parts = [PGLITE_VERSION, ...readMigrations().map(({ hash }) => hash)]
  return createHash('sha256').update(parts.join(' ')).digest('hex')
}

let image: Promise<readonly ImageFile[] | undefined> | undefined

/** Kept in memory from the first time on, for a process that opens many. */
export function databaseImage(): Promise<readonly ImageFile[] | undefined> {
  image ??= findImage()
  return image
}

async function findImage(): Promise<readonly ImageFile[] | undefined> {
  for (const file of ownFile(IMAGE_NAME)) {
    const found = await readImage(file)
    if (found !== undefined) return found
  }
  return undefined
}

/** Undefined where there is none of this version. */
export async function readImage(file: string): Promise<readonly ImageFile[] | undefined> {
  try {
    const { key, files } = decode(await promisify(gunzip)(await readFile(file))) as {
      key: string
      files: [string, number, Uint8Array][]
    }
    return key === keyOf() ? files.map(([path, size, content]) => ({ path, size, content })) : undefined
  } catch {
    // One that cannot be read is as good as none: it only saves time.
    return undefined
  }
}

/** The folder of a database that nobody has open, as an image. */
export async function encodeImage(folder: string): Promise<Uint8Array> {
  const files: [string, number, Uint8Array][] = []
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name)
    const content = entry.isFile() ? await readFile(path) : undefined
    const name = path.slice(folder.length + 1)
    files.push(content === undefined ? [name, FOLDER, new Uint8Array()] : [name, content.length, withoutZeros(content)])
  }
  files.sort(([a], [b]) => (a < b ? -1 : 1))
  return promisify(gzip)(encode({ key: keyOf(), files }), { level: 9 })
}

/** Writes the files into an empty folder; nothing is synced. */
export async function writeImage(files: readonly ImageFile[], folder: string): Promise<void> {
  const [folders, others] = [files.filter(isFolder), files.filter((file) => !isFolder(file))]
  for (const { path } of folders) await mkdir(join(folder, path), { mode: 0o700 })
  await inParallel(others, FILES_AT_ONCE, ({ path, size, content }) =>
    writeFile(join(folder, path), padded(content, size), { mode: 0o600 }),
  )
}

function isFolder({ size }: ImageFile): boolean {
  return size === FOLDER
}

function padded(content: Uint8Array, size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  bytes.set(content)
  return bytes
}

function withoutZeros(content: Uint8Array): Uint8Array {
  let end = content.length
  while (end > 0 && content[end - 1] === 0) end--
  return content.subarray(0, end)
}
