/**
 * Decides whether a folder can be written to safely. Whoever may write in a folder can put a link or a folder of his
 * own where ours is to be, and have us write wherever it leads. Our own folders are 0700, so the danger is in the ones
 * that we are given, and in what we find in them:
 *
 * - root does not use a folder of another user that everybody may write in;
 * - a link counts only if this user or root made it: an operator may put the logs on another disk that way. One that an
 *   option names counts also where not everybody may write beside it, or its maker owns that place, as Linux has it
 *   (`fs.protected_symlinks`): whoever deploys the program made it. Not for root, whom it could lead anywhere;
 * - where everybody may write, so does a folder of ours; its parent's owner is trusted with it as well.
 *
 * Members of a folder's group are trusted: that is how volumes of containers are given to a process that does not own
 * them.
 */
import { access, chmod, constants, lstat, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { ThermoclineError } from '../errors.ts'
import type { FolderOption } from './folder-error.ts'

const FOR_OTHERS = 0o007
const WRITE_FOR_OTHERS = 0o002
const ROOT = 0
const NOBODY = 65_534

/** What of a folder that we were given, and leave as it is, is worth a warning. */
export interface FolderAccess {
  /** Permissions in octal digits. */
  readonly mode: string
  readonly isOpenToOthers: boolean
  readonly isWritableByOthers: boolean
  /** The folder's owner, where that is another user than root, who can change what this process writes. */
  readonly owner: number | undefined
}

/**
 * Examines a folder that an option names. Rejects with `ERR_INVALID_OPTIONS` where it must not be used, and with the
 * system's error where it cannot be examined.
 */
export async function examineFolder(option: FolderOption, path: string): Promise<FolderAccess> {
  const { uid, mode } = await stat(path)
  const link = await lstat(path)
  if (link.isSymbolicLink() && !isTrusted(link.uid) && link.uid !== uid && !(await isDeployed(path, link.uid)))
    throw foreignLink(option, path, link.uid)
  const isWritableByOthers = hasPermissions() && (mode & WRITE_FOR_OTHERS) !== 0
  if (process.geteuid?.() === ROOT && uid !== ROOT && isWritableByOthers)
    throw refused(
      option,
      `${path} belongs to user ${uid}, and everybody may write in it: somebody could have root overwrite any file; run as that user, or take the right from others (chmod o-w)`,
    )
  return {
    mode: (mode & 0o7777).toString(8),
    isOpenToOthers: hasPermissions() && (mode & FOR_OTHERS) !== 0,
    isWritableByOthers,
    owner: isTrusted(uid) ? undefined : uid,
  }
}

/** Whether whoever made the link could have put anything in its place. */
async function isDeployed(path: string, maker: number): Promise<boolean> {
  if (process.geteuid?.() === ROOT) return false
  const parent = await stat(dirname(resolve(path)))
  return (parent.mode & WRITE_FOR_OTHERS) === 0 || parent.uid === maker
}

/**
 * Examines a folder that is ours by its name, in one that was examined; it need not be there. Where it is this user's
 * and open to others, as after a copy that did not keep permissions, it is closed to them. Rejects likewise.
 */
export async function examineOwnFolder(option: FolderOption, path: string): Promise<void> {
  const own = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (own === undefined) return
  await refuseForeign(option, path)
  await access(path, constants.R_OK | constants.W_OK | constants.X_OK)
  // What a link leads to is the operator's.
  if (own.isSymbolicLink()) await examineFolder(option, path)
  else if (own.uid === process.geteuid?.() && (own.mode & FOR_OTHERS) !== 0) await chmod(path, own.mode & 0o7770)
}

/** Rejects where a folder that is ours by its name is somebody else's, or none. */
export async function refuseForeign(option: FolderOption, path: string): Promise<void> {
  const own = await lstat(path)
  if (own.isSymbolicLink()) {
    if (!isTrusted(own.uid)) throw foreignLink(option, path, own.uid)
  } else if (!isTrusted(own.uid)) {
    const parent = await stat(dirname(path))
    if ((parent.mode & WRITE_FOR_OTHERS) !== 0 && own.uid !== parent.uid)
      throw refused(
        option,
        `${path} was made by user ${own.uid} where everybody may write: look whose it is, since it may hold writes that are nowhere else; then let this user own it (chown), or move it aside${remedyOfSquashed(own.uid)}`,
      )
  }
  if (!(await stat(path)).isDirectory())
    throw Object.assign(new Error('no folder'), { code: 'ENOTDIR', syscall: 'stat', path })
}

/** A network file system may take root for nobody (`root_squash` of NFS): what root makes there is not root's. */
function remedyOfSquashed(uid: number): string {
  if (uid !== NOBODY || process.geteuid?.() !== ROOT) return ''
  return '; where root counts as nobody, as on NFS, name a folder in it that others may not write in'
}

function isTrusted(uid: number): boolean {
  return !hasPermissions() || uid === ROOT || uid === process.geteuid?.()
}

/** Whether this system has owners and permissions of this kind: Windows has other ones. */
function hasPermissions(): boolean {
  return process.geteuid !== undefined
}

function foreignLink(option: FolderOption, path: string, uid: number): ThermoclineError {
  return refused(
    option,
    `${path} is a link that user ${uid} made: remove it, or make it as this user or as root (chown --no-dereference)`,
  )
}

function refused(option: FolderOption, reason: string): ThermoclineError {
  return new ThermoclineError('ERR_INVALID_OPTIONS', `option \`${option}\`: ${reason}`, { option })
}
