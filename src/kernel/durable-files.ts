/**
 * Creates files and folders whose names survive a power cut, even while other processes create and remove some there.
 */
import { createWriteStream } from 'node:fs'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Writable } from 'node:stream'

/**
 * Tries, after which a name is taken for a link that leads nowhere: nobody removes a folder so often while it is made.
 */
const TRIES = 20

/**
 * Makes the folder and those above it that are missing, all 0700, and their names durable. Answers whether the folder
 * was not there before.
 */
export async function makeFolder(path: string): Promise<boolean> {
  const folder = resolve(path)
  for (let tries = 1; ; tries++) {
    try {
      return await makeOnce(folder)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries === TRIES) throw error
    }
  }
}

async function makeOnce(folder: string): Promise<boolean> {
  const made = await mkdir(folder, { recursive: true, mode: 0o700 })
  const topmost = resolve(made ?? folder)
  // The folder's own name in any case: an earlier process may have made it and died before that was durable.
  for (let path = folder; path.length >= topmost.length; path = dirname(path)) await syncFolder(dirname(path))
  return made !== undefined
}

/** Makes the entries of a folder durable. */
export function syncFolder(path: string): Promise<void> {
  return syncFile(path)
}

/** Makes what stands in a file durable, but not its name. */
export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * Writes a file, 0600, that is there whole or not at all, also after a power cut: written aside, synced, renamed,
 * folder synced.
 *
 * @param aside A path in the same folder that nobody can have taken before, with whatever it leads to.
 */
export async function writeWholeFile(path: string, text: string, aside: string): Promise<void> {
  const file = await open(aside, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(aside, path)
  await syncFolder(dirname(path))
}

/**
 * As {@link writeWholeFile}, of what `fill` writes and ends. Where that rejects nothing is left, unless the process is
 * killed: then the file aside is.
 */
export async function writeWholeStream(
  path: string,
  fill: (target: Writable) => Promise<void>,
  aside = `${path}.partial`,
): Promise<void> {
  try {
    await fill(createWriteStream(aside, { flags: 'wx', mode: 0o600 }))
    await syncFile(aside)
    await rename(aside, path)
  } catch (error) {
    await rm(aside, { force: true })
    throw error
  }
  await syncFolder(dirname(path))
}
