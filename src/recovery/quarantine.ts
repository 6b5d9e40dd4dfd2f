/**
 * Moves the folder of a damaged log aside, once settle-log.ts has decided that: the store opens without it, and its
 * files stay for whoever wants them.
 */
import { cp, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { ColdTier } from '../cold/cold-tier.ts'
import { makeFolder, syncFile, syncFolder } from '../kernel/durable-files.ts'
import { LogFolder } from '../wal/log-folder.ts'

/**
 * The caller MUST own the log. Both folders are synced, so that a power cut leaves it in one of them. Answers where it
 * is now.
 */
export async function setAside(path: string, quarantine: string): Promise<string> {
  await makeFolder(quarantine)
  const target = await freeName(join(quarantine, basename(path)))
  if (!(await isRenamed(path, target))) await moveCopy(path, target)
  await syncFolder(quarantine)
  await syncFolder(dirname(path))
  await removeLock(target)
  return target
}

/** It went along; until here it kept others out. Who waits for it may just be raising a flag in it. */
function removeLock(path: string): Promise<void> {
  return rm(join(path, 'lock'), { recursive: true, force: true, maxRetries: 5 })
}

/** Not where the logs are on another disk, as by a link in the data folder. */
async function isRenamed(path: string, target: string): Promise<boolean> {
  try {
    await rename(path, target)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EXDEV') return false
    throw error
  }
}

/**
 * Copies the folder, durably, before the original goes, which takes another name first: a log of which some files are
 * left would look like a worse loss. Where both are left by a crash, the next run finds the log again.
 */
async function moveCopy(path: string, target: string): Promise<void> {
  const [aside, gone] = [`${target}.new`, `${path}.gone`]
  for (const left of [aside, gone]) await rm(left, { recursive: true, force: true })
  await cp(path, aside, { recursive: true, filter: (from) => from !== join(path, 'lock') })
  for (const name of await readdir(aside)) await syncFile(join(aside, name))
  await syncFolder(aside)
  await rename(aside, target)
  await syncFolder(dirname(target))
  await rename(path, gone)
  await rm(gone, { recursive: true, force: true })
}

/**
 * What an earlier run that was killed had set aside: cold would wait for its records, and keep every tombstone till
 * then. Its lock may be there yet.
 */
export async function forgetSetAside(quarantine: string, cold: ColdTier, present: readonly string[]): Promise<void> {
  for (const walId of await new LogFolder(quarantine).list()) {
    await removeLock(join(quarantine, walId))
    const checkpoint = present.includes(walId) ? undefined : await cold.checkpointOf(walId)
    if (checkpoint !== undefined) await cold.retire(walId, checkpoint.epoch)
  }
}

/** A copy of a log that was set aside before may have been put back. */
async function freeName(path: string): Promise<string> {
  for (let copy = 1; ; copy++) {
    const name = copy === 1 ? path : `${path}-${copy}`
    try {
      await stat(name)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return name
      throw error
    }
  }
}
