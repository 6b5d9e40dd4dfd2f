/**
 * Decides what is in the data folder of a store: `thermocline.json` names its format and the store, `lock/` keeps other
 * processes out, `wal/` has the logs, `quarantine/` damaged logs that were moved there, and `cold/` the embedded
 * Postgres. Everything created here is 0700 or 0600: it holds people's text. A folder that already exists is left as it
 * is.
 */
import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { open, readdir, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import type { ColdTier } from '../cold/cold-tier.ts'
import { ThermoclineError } from '../errors.ts'
import { DirectoryLock } from '../kernel/directory-lock.ts'
import { writeWholeFile } from '../kernel/durable-files.ts'
import { namingFolder } from '../kernel/folder-error.ts'
import { examineOwnFolder } from '../kernel/folder-trust.ts'
import type { Logger } from '../kernel/logger.ts'
import { letGo } from '../kernel/release-stack.ts'
import { LogFolder } from '../wal/log-folder.ts'
import { warnIfFleeting } from './folder-warnings.ts'

export { namingFolder }

/** Format of the folder as a whole; the log and the database have versions of their own below it. */
const FORMAT = 1
const MARKER = 'thermocline.json'
const ASIDE = '.new'

export interface DataFolder {
  readonly path: string
  readonly wal: string
  readonly cold: string
  readonly quarantine: string
}

export function dataFolder(dir: string): DataFolder {
  return { path: dir, wal: join(dir, 'wal'), cold: join(dir, 'cold'), quarantine: join(dir, 'quarantine') }
}

/** Names the folder and its machine, for people. */
export function placeOf(dir: string): string {
  return `${hostname()}:${resolve(dir)}`
}

/** Checks the folder's format, and makes one of it that is new. Call it under the folder's lock. */
export async function prepareDataFolder(dir: string, logger: Logger): Promise<DataFolder> {
  const folder = dataFolder(dir)
  await examineOwnFolder('dir', folder.wal)
  await removeUnfinished(dir)
  if ((await readFormat(dir)) === undefined) await writeMarker(dir, { format: FORMAT })
  await warnIfFleeting(dir, logger)
  return folder
}

export interface BindOptions {
  readonly lockTimeout: number
  /** Whether other processes use the folder as well. */
  readonly isShared: boolean
  /** Whether the logs of a store may go into the new, empty database of another: their own is gone. @default false */
  readonly adoptsOrphans?: boolean
  readonly logger: Logger
}

/**
 * Notes which store the folder belongs to. Its logs must never be shipped into the database of another one: rejects
 * with `ERR_INVALID_OPTIONS` where they would be.
 */
export function bindToStore(folder: DataFolder, cold: ColdTier, options: BindOptions): Promise<void> {
  return namingFolder('dir', folder.path, () => bind(folder, cold, options))
}

async function bind(folder: DataFolder, cold: ColdTier, options: BindOptions): Promise<void> {
  const { lockTimeout, isShared, adoptsOrphans = false, logger } = options
  if ((await readMarker(folder.path))?.storeId === cold.storeId) return
  const lock = isShared ? await DirectoryLock.acquire(folder.path, { timeout: lockTimeout }) : undefined
  try {
    const storeId = (await readMarker(folder.path))?.storeId
    if (storeId !== undefined && storeId !== cold.storeId && (await new LogFolder(folder.wal).list()).length > 0) {
      if (!(adoptsOrphans && (await isNew(cold)))) throw foreign()
      logger.warn({ storeId }, 'the logs in the data folder are of a database that is gone: they go into the new one')
    }
    await writeMarker(folder.path, { format: FORMAT, storeId: cold.storeId })
  } finally {
    await letGo('the data folder', async () => lock?.release(), logger)
  }
}

async function isNew(cold: ColdTier): Promise<boolean> {
  return (await cold.highestVersion()) === undefined && (await cold.logs()).length === 0
}

function foreign(): ThermoclineError {
  return new ThermoclineError(
    'ERR_INVALID_OPTIONS',
    'the logs in this data folder belong to another store than the database: name the database they belong to, or give this store a `dir` of its own; only where that database is gone for good, `thermocline recover` puts them into a new, empty one',
    { option: 'dir' },
  )
}

interface Marker {
  readonly format: number
  /** Absent until the folder's database was opened for the first time. */
  readonly storeId?: string
}

/**
 * Format of an existing data folder; undefined where there is none. Throws `ERR_UNSUPPORTED` when it is a newer one.
 */
export async function readFormat(dir: string): Promise<number | undefined> {
  return (await readMarker(dir))?.format
}

/** Id of the store that the folder belongs to; undefined where its database was never opened. */
export async function readStoreId(dir: string): Promise<string | undefined> {
  return (await readMarker(dir))?.storeId
}

async function readMarker(dir: string): Promise<Marker | undefined> {
  let text: string
  try {
    text = await readOwnFile(join(dir, MARKER))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const { format, storeId } = parseMarker(text)
  if (typeof format === 'number' && Number.isInteger(format) && format >= 1 && format <= FORMAT)
    return { format, ...(typeof storeId === 'string' ? { storeId } : {}) }
  if (typeof format === 'number' && format > FORMAT)
    throw new ThermoclineError(
      'ERR_UNSUPPORTED',
      `the data folder has format ${format}, and this version reads up to ${FORMAT}: upgrade thermocline`,
      {},
    )
  throw new ThermoclineError(
    'ERR_UNSUPPORTED',
    `${join(dir, MARKER)} names no format: restore it from a copy; where there is none, and the logs in the folder ` +
      'are of this database for sure, remove it, and whoever opens the store writes it anew',
    {},
  )
}

function parseMarker(text: string): { readonly format?: unknown; readonly storeId?: unknown } {
  try {
    return (JSON.parse(text) as { format?: unknown } | null) ?? {}
  } catch {
    return {}
  }
}

/** Not what a link leads to. */
async function readOwnFile(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

function writeMarker(dir: string, marker: Marker): Promise<void> {
  const aside = join(dir, `${MARKER}.${randomUUID()}${ASIDE}`)
  return writeWholeFile(join(dir, MARKER), `${JSON.stringify(marker)}\n`, aside)
}

/** What a process left that was killed while it wrote the marker. */
async function removeUnfinished(dir: string): Promise<void> {
  for (const name of await readdir(dir))
    if (name.startsWith(MARKER) && name.endsWith(ASIDE)) await rm(join(dir, name), { force: true })
}

/** Paths of the logs that were set aside as damaged. */
export async function quarantinedIn({ quarantine }: Pick<DataFolder, 'quarantine'>): Promise<string[]> {
  try {
    return (await readdir(quarantine)).map((name) => join(quarantine, name))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
