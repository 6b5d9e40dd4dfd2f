/**
 * Moves the folder of a damaged log to `quarantine/`. The store opens without the log, whose files stay there. When a
 * log may be moved is decided in settle-log.ts.
 */
import { cp, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { ColdTier } from '../cold/cold-tier.ts'
import { makeFolder, syncFile, syncFolder } from '../kernel/durable-files.ts'
import { LogFolder } from '../wal/log-folder.ts'

/**
 * Moves a log, which the caller MUST own, and returns its new path. Both folders are synced, so that after a power cut
 * the log is in one of them.
 */
export async function moveToQuarantine(path: string, quarantine: string): Promise<string> {
  await makeFolder(quarantine)
  const target = await freeName(join(quarantine, basename(path)))
  if (!(await isRenamed(path, target))) await moveCopy(path, target)
  await syncFolder(quarantine)
  await syncFolder(dirname(path))
  await removeLock(target)
  return target
}

/**
 * The lock moved with the folder, and kept others out until here. A process that waits for it may just be creating its
 * socket in it.
 */
function removeLock(path: string): Promise<void> {
  return rm(join(path, 'lock'), { recursive: true, force: true, maxRetries: 5 })
}

/** False where the logs are on another disk, as by a link in the data folder. */
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
 * Copies the folder durably, then removes the original under another name: a log of which only some files remain would
 * look like a worse loss. Where a crash leaves both, the next run finds the log again.
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
 * Removes from cold the logs that a killed run had moved before it could do so: cold would wait for their records, and
 * keep every tombstone till then. Also removes their locks.
 */
export async function forgetQuarantined(quarantine: string, cold: ColdTier, present: readonly string[]): Promise<void> {
  for (const walId of await new LogFolder(quarantine).list()) {
    await removeLock(join(quarantine, walId))
    const checkpoint = present.includes(walId) ? undefined : await cold.checkpointOf(walId)
    if (checkpoint !== undefined) await cold.retire(walId, checkpoint.epoch)
  }
}

/** Returns a name that is not taken: somebody may have put back a copy of a log that was moved before. */
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
