/**
 * Decides when people are warned of their data folder: when others can get at it, or when it vanishes with the machine.
 */
import { statfs } from 'node:fs/promises'
import type { FolderOption } from '../kernel/folder-error.ts'
import type { FolderAccess } from '../kernel/folder-trust.ts'
import type { Logger } from '../kernel/logger.ts'

/** File systems that lose their files with the machine or the container. */
const VOLATILE_FILE_SYSTEMS = new Map([
  [0x01021994, 'tmpfs'],
  [0x794c7630, 'overlayfs'],
])

export function warnOfAccess(option: FolderOption, access: FolderAccess, logger: Logger): void {
  const { mode, owner, isOpenToOthers, isWritableByOthers } = access
  if (isWritableByOthers)
    logger.warn(
      { option, mode },
      'everybody may write in the data folder, and so delete or replace what it holds: take that right from others (chmod o-w)',
    )
  else if (isOpenToOthers)
    logger.warn(
      { option, mode },
      'others may look into the data folder: the logs and the database in it are closed to them, the folder is not (chmod o-rwx)',
    )
  if (owner !== undefined && process.geteuid?.() === 0)
    logger.warn(
      { option, owner },
      'the data folder belongs to another user, who may not be able to use what root leaves in it: run as that user',
    )
}

export async function warnIfFleeting(dir: string, logger: Logger): Promise<void> {
  const kind = VOLATILE_FILE_SYSTEMS.get((await statfs(dir)).type)
  if (kind !== undefined)
    logger.warn({ fileSystem: kind }, 'the data folder is on a file system that goes with its machine or container')
}
