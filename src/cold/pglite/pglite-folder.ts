/**
 * Prepares the folder of an embedded database, `DIR/data`, and refuses one that another major version of PostgreSQL
 * made. A new database is made beside it under a temporary name, and renamed when all its files are on the disk: a
 * database whose making was killed half-way never opens again. Which process may open the folder is decided in
 * store/open-folder.ts.
 */
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ThermoclineError } from '../../errors.ts'
import { makeFolder, syncFile, syncFolder } from '../../kernel/durable-files.ts'
import { examineOwnFolder } from '../../kernel/folder-trust.ts'
import { inParallel } from '../../kernel/in-parallel.ts'

/** Major version of the Postgres inside the PGlite that package.json pins. */
const POSTGRES_MAJOR = '18'
const DATA = 'data'
const UNFINISHED = 'data.new-'
/** Those that wait together share a commit of the file system: one after another, hundreds of files take seconds. */
const SYNCS_AT_ONCE = 16

/**
 * Returns the database's folder. The caller MUST hold the lock over `dir`: an opener at the same time would lose rows.
 * @param make fills an empty folder with a database and closes it.
 */
export async function prepareFolder(dir: string, make: (folder: string) => Promise<void>): Promise<string> {
  await makeFolder(dir)
  await removeUnfinished(dir)
  const folder = join(dir, DATA)
  // Its files are open to others, whatever the umask: the folder alone keeps them out.
  await examineOwnFolder('cold.dir', folder)
  const major = await postgresMajor(folder)
  if (major === undefined) await makeDatabase(dir, folder, make)
  else if (major !== POSTGRES_MAJOR)
    throw new ThermoclineError(
      'ERR_SCHEMA',
      `the embedded database was written by PostgreSQL ${major} and this version of thermocline has ${POSTGRES_MAJOR}: open it with the version that wrote it, or move its folder away and restore from a backup`,
      {},
    )
  else await removeServerLock(folder)
  return folder
}

/**
 * Postgres's own lock file, which nobody has while the caller holds the lock over `dir`. It is never synced: a power
 * cut while a database opens may leave it empty, and Postgres takes that for a server that is just starting, for good.
 */
function removeServerLock(folder: string): Promise<void> {
  return rm(join(folder, 'postmaster.pid'), { force: true })
}

/** Whether there is a database, of whatever version. */
export async function holdsDatabase(dir: string): Promise<boolean> {
  return (await postgresMajor(join(dir, DATA))) !== undefined
}

async function makeDatabase(dir: string, folder: string, make: (folder: string) => Promise<void>): Promise<void> {
  const unfinished = join(dir, `${UNFINISHED}${process.pid}`)
  await mkdir(unfinished, { mode: 0o700 })
  await make(unfinished)
  await syncTree(unfinished)
  await rename(unfinished, folder)
  await syncFolder(dir)
}

async function removeUnfinished(dir: string): Promise<void> {
  for (const name of await readdir(dir))
    if (name.startsWith(UNFINISHED)) await rm(join(dir, name), { recursive: true, force: true })
}

async function postgresMajor(folder: string): Promise<string | undefined> {
  try {
    return (await readFile(join(folder, 'PG_VERSION'), 'utf8')).trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Everything below, children before their parents. */
async function syncTree(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true })
  const pathOf = ({ name }: { readonly name: string }): string => join(folder, name)
  for (const entry of entries) if (entry.isDirectory()) await syncTree(pathOf(entry))
  const files = entries.filter((entry) => entry.isFile())
  await inParallel(files, SYNCS_AT_ONCE, (entry) => syncFile(pathOf(entry)))
  await syncFolder(folder)
}
