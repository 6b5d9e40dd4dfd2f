/**
 * Reads how much room is left on the disks of a store, for alerts (store-alerts.ts) and the doctor
 * (admin/diagnose-store.ts). What a store keeps may be on several: the log and the embedded database may be behind
 * links, and `cold.dir` is anywhere.
 */
import { statfs } from 'node:fs/promises'
import type { DataFolder } from './data-folder.ts'

export interface DiskSpace {
  readonly folder: string
  /** Share of its disk, from 0 to 1. */
  readonly free: number
}

/** Folders that fill up. */
export function foldersOf({ path, wal, cold }: DataFolder, isEmbedded: boolean): readonly string[] {
  return isEmbedded ? [path, wal, cold] : [path, wal]
}

/** The one with least room; undefined where none is there, or no file system tells. */
export async function scarcestDisk(folders: readonly string[]): Promise<DiskSpace | undefined> {
  const disks = await Promise.all(folders.map(spaceOf))
  return disks.reduce(
    (least, disk) => (least === undefined || (disk && disk.free < least.free) ? disk : least),
    undefined,
  )
}

async function spaceOf(folder: string): Promise<DiskSpace | undefined> {
  try {
    const { bavail, blocks } = await statfs(folder)
    // A file system without blocks does not know.
    return blocks === 0 ? undefined : { folder, free: bavail / blocks }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // Beside a database server there need be no folder, and one may be out of reach of whoever only looks.
    if (code === 'ENOENT' || code === 'EACCES') return undefined
    throw error
  }
}
