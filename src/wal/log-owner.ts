/**
 * Decides whose log a folder holds where the lock does not suffice: an owner that was paused, a network file system, a
 * folder that was moved. The file `owner` has the token of the process that opened the log last.
 *
 * An adopter replaces the token durably and then reads the log to its end. An owner looks after each sync whether the
 * token is still its own, and only then acknowledges. So a record that was acknowledged had been written before the
 * token was replaced, and the adopter has read it.
 *
 * The token is replaced in place: every way of looking sees that, half of it is as good as all, and it takes no space
 * on a full disk. The owner looks by path: it notices as well that the folder was moved or the file removed, and a
 * network file system asks its server at each open.
 */
import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { ThermoclineError } from '../errors.ts'
import type { LogOperation } from './log-device.ts'
import { isFull } from './log-errors.ts'

export const OWNER_FILE = 'owner'
const FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW

/** Makes the caller the owner, durably, and answers what it MUST find true after each sync. Read the log after this. */
export async function takeOwnership(folder: string): Promise<LogOperation> {
  const token = randomUUID()
  try {
    const file = await open(join(folder, OWNER_FILE), FLAGS, 0o600)
    try {
      await file.write(token, 0)
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (cause) {
    const code = codeOf(cause)
    const remedy = isFull(code)
      ? 'its disk is full: make room, then try again'
      : 'look at the disk, then open the store again'
    const message = `the log could not be taken over (${code}): ${remedy}`
    throw new ThermoclineError('ERR_WAL_FAILED', message, { outcome: 'none' }, { cause })
  }
  return { op: 'expect', name: OWNER_FILE, text: token }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'UNKNOWN'
}
