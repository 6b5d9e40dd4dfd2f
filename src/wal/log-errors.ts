/**
 * Decides what an error of the disk means for the log. A shortage passes: the group that met it is refused, and the
 * next one may succeed, if the error came before a byte of the group was written. After any other error nobody knows
 * what the disk holds, and the log stops for good.
 */
import { type ErrorDetails, isThermoclineError, ThermoclineError, withoutContent } from '../errors.ts'
import { MAX_PAYLOAD_BYTES } from './format.ts'
import { CHANGED, type LogDeviceFailure, type LogOperation } from './log-device.ts'

/** Of the device, which names no operation where it is gone itself. */
export type LogFailure = Omit<LogDeviceFailure, 'operation'> & { readonly operation: LogOperation | undefined }

/** What there is not enough of now, and may be again. */
const SHORTAGES: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk under the log is full',
  EDQUOT: 'the disk under the log is full',
  EMFILE: 'this process has no file descriptor left: close some, or raise the limit (ulimit -n)',
  ENFILE: 'this machine has no file descriptor left: close some, or raise its limit',
  ENOMEM: 'this machine has no memory left for the log',
  EAGAIN: 'the system would not take a write to the log now',
}

export function isShortage({ code }: LogFailure): boolean {
  return code in SHORTAGES
}

/** The disk, or what this user may take of it. */
export function isFull(code: string): boolean {
  return code === 'ENOSPC' || code === 'EDQUOT'
}

/** The log has stopped for good. */
export function logFailed(code: string): ThermoclineError<'ERR_WAL_FAILED'> {
  return new ThermoclineError('ERR_WAL_FAILED', reasonOf(code), { outcome: 'unknown' }, { cause: { code } })
}

/** Whether the log has stopped for want of room. */
export function hasNoRoom(error: unknown): boolean {
  if (!isThermoclineError(error, 'ERR_WAL_FAILED')) return false
  const cause = withoutContent(error.cause)
  return 'code' in cause && cause.code !== undefined && isFull(cause.code)
}

function reasonOf(code: string): string {
  // What we hold is there as long as it is ours.
  if (code === CHANGED || code === 'ENOENT')
    return 'another process took the log over, or its folder is gone: open the store again'
  if (isFull(code))
    return `${SHORTAGES[code]}: make room, then open the store again, which recovers what was acknowledged`
  if (code in SHORTAGES) return `${SHORTAGES[code]}; then open the store again`
  return `the log could not be written (${code}): look at the disk, then open the store again, which recovers what was acknowledged`
}

/** For a write to a log that has stopped: `none` where it had not been begun. */
export function stopped(failure: ThermoclineError<'ERR_WAL_FAILED'>, outcome: 'none' | 'unknown'): ThermoclineError {
  const details: ErrorDetails['ERR_WAL_FAILED'] = { outcome }
  return new ThermoclineError('ERR_WAL_FAILED', failure.message, details)
}

/**
 * For a write that met a shortage, and of which nothing was written.
 *
 * @param room Bytes that had to be free on the disk.
 */
export function notWritten(code: string, room: number): ThermoclineError {
  const remedy = isFull(code) ? `: have at least ${Math.ceil(room / 1024 / 1024)} MiB free on it` : ''
  const message = `${SHORTAGES[code]}${remedy}`
  return new ThermoclineError('ERR_BACKPRESSURE', message, { outcome: 'none' })
}

export function closed(): ThermoclineError {
  return new ThermoclineError('ERR_CLOSED', 'the log is closed: open the store again', { outcome: 'none' })
}

export function tooLong(): ThermoclineError {
  const message = `the encoded entry is longer than ${MAX_PAYLOAD_BYTES} bytes: split it`
  return new ThermoclineError('ERR_INVALID_ENTRY', message, { field: 'input' })
}
