/**
 * Spreads the folders of tests over the disk. ext4 leaves the inode of a deleted file alone for minutes, and looks at
 * each of those for every new file nearby: where some databases were made and removed, the thousand files of another
 * take a second of processor time. Of a folder with the attribute T, each folder begins in a part of the disk of its
 * own, and there they take a tenth of that.
 */
import { chmod, mkdtemp, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { removeFolderWhenWeEnd, runSupervised } from './supervisor.ts'

/** From now on this process and those that it starts have their temporary folders in one that spreads them. */
export async function spreadTemporaryFolders(): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'thermocline-'))
  if (!(await spreadFolders(root))) return rmdir(root)
  removeFolderWhenWeEnd(root)
  // As the one above it: servers run as somebody else.
  await chmod(root, 0o1777)
  process.env.TMPDIR = root
}

/** Answers whether it is possible: of file systems, ext4 alone needs it. */
export function spreadFolders(parent: string): Promise<boolean> {
  return runSupervised(['chattr', '+T', parent]).then(
    () => true,
    () => false,
  )
}
