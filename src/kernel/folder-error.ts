/**
 * Turns what the file system refuses of a folder into an error that names the option by which the caller gave that
 * folder.
 */
import { resolve } from 'node:path'
import { ThermoclineError } from '../errors.ts'

/** Which option names the folder. */
export type FolderOption = 'dir' | 'cold.dir' | 'to' | 'from'

/** What the caller can mend: what is wrong, and the remedy. */
const REASONS: Readonly<Record<string, string>> = {
  EEXIST: 'a file or a link stands where a folder has to be: remove it, or name another folder',
  ENOTDIR: 'a file or a link stands where a folder has to be: remove it, or name another folder',
  EISDIR: 'a folder stands where a file of thermocline has to be: remove it, or name another folder',
  EACCES: 'this user may not use it: let it read, write and enter the folder (chown, chmod), or name another',
  EPERM: 'the system does not permit it: let this user own the folder (chown), or name another',
  EROFS: 'its file system is read-only: mount it writable, or name another folder',
  ENAMETOOLONG: 'its name is too long: name a shorter one',
  ELOOP: 'a link stands where a folder or file of thermocline has to be, or links lead in a circle: remove the link',
  ENOENT: 'a folder on the way is gone, or a link leads nowhere: name one that can be made',
  ENOTSUP: 'its file system has no sockets or links: name a folder on a local disk',
  EOPNOTSUPP: 'its file system has no sockets or links: name a folder on a local disk',
  ERR_INVALID_ARG_VALUE: 'no file can have such a name: name another folder',
}

const NAME_ANOTHER = 'name a file that an export wrote'
const REASONS_OF_FILES: Readonly<Record<'to' | 'from', Readonly<Record<string, string>>>> = {
  from: {
    ENOENT: `it is not there: ${NAME_ANOTHER}`,
    ENOTDIR: `it is not there, for a file stands where a folder on the way has to be: ${NAME_ANOTHER}`,
    EISDIR: `it is a folder: ${NAME_ANOTHER}`,
    EACCES: 'this user may not read it: let it (chown, chmod), or name another file',
    EPERM: 'the system does not permit this user to read it: name another file',
    ENAMETOOLONG: `no file can have so long a name: ${NAME_ANOTHER}`,
    ELOOP: `links lead in a circle: ${NAME_ANOTHER}`,
    ERR_INVALID_ARG_VALUE: `no file can have such a name: ${NAME_ANOTHER}`,
  },
  to: {
    ENOENT: 'the folder that it is to be in is not there: make that, or name another file',
    ENOTDIR: 'a file stands where a folder on the way has to be: name another file',
    EISDIR: 'it is a folder: name a file in it',
    EACCES: 'this user may not write there: let it write in that folder (chown, chmod), or name another file',
    EPERM: 'the system does not permit this user to write there: name another file',
    EROFS: 'its file system is read-only: name a file on another',
    ENAMETOOLONG: 'its name is too long: name a shorter one',
    ELOOP: 'links lead in a circle: name another file',
    ERR_INVALID_ARG_VALUE: 'no file can have such a name: name another file',
  },
}

/** What passes by itself, or once somebody else lets go of something. */
const SHORTAGES: Readonly<Record<string, string>> = {
  ENOSPC: 'its disk is full: make room',
  EDQUOT: 'this user has used up its share of the disk: make room',
  EMFILE: 'this process has no file descriptor left: close some, or raise the limit (ulimit -n)',
  ENFILE: 'this machine has no file descriptor left: close some, or raise its limit',
  ENOMEM: 'this machine has no memory left',
  EAGAIN: 'the system has too much to do',
}

/**
 * Rejects with a `ThermoclineError` that names option and folder, where `work` rejects with an error of the file
 * system.
 */
export async function namingFolder<T>(option: FolderOption, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw isSystemError(error) ? folderError(option, path, error) : error
  }
}

/** The same of a file of the caller's that is read or written as a whole. */
export async function namingFile<T>(option: 'to' | 'from', path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isSystemError(error)) throw error
    const reason = REASONS_OF_FILES[option][error.code ?? '']
    // By the name that was given: a file that is written has another one until it is whole.
    throw reason === undefined ? folderError(option, path, error) : invalid(option, path, reason, error)
  }
}

/** Returns the path of the folder wherever this process goes later. */
export function absoluteFolder(option: FolderOption, path: string): string {
  try {
    return resolve(path)
  } catch (error) {
    // The one thing it asks the system for.
    throw invalid(option, path, 'it is relative, and the current directory is gone: name an absolute one', error)
  }
}

function folderError(option: FolderOption, path: string, cause: NodeJS.ErrnoException): ThermoclineError {
  const code = cause.code ?? 'UNKNOWN'
  const where = cause.path?.startsWith(path) ? cause.path : path
  const reason = REASONS[code]
  if (reason !== undefined) return invalid(option, where, reason, cause)
  const shortage = SHORTAGES[code]
  if (shortage !== undefined)
    return new ThermoclineError('ERR_BACKPRESSURE', `${where} cannot be used now: ${shortage}`, {}, { cause })
  return new ThermoclineError('ERR_WAL_FAILED', `${where} cannot be used (${code}): look at its disk`, {}, { cause })
}

function invalid(option: FolderOption, path: string, reason: string, cause: unknown): ThermoclineError {
  const message = `option \`${option}\`: ${path} cannot be used: ${reason}`
  return new ThermoclineError('ERR_INVALID_OPTIONS', message, { option }, { cause })
}

/** System calls about another machine. */
const REMOTE = new Set(['connect', 'getaddrinfo'])

/** Whether it comes from a call about files, or from a name that no call could be given. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  if (!(error instanceof Error)) return false
  const { code, syscall } = error as NodeJS.ErrnoException
  return code === 'ERR_INVALID_ARG_VALUE' || (syscall !== undefined && !REMOTE.has(syscall))
}
