/** What errors of Redis and ioredis mean. Their messages and `command.args` hold keys and values, so none is passed on. */
import { isThermoclineError } from '../errors.ts'
import { GuardOpen } from './guard.ts'

/** Thrown where a script found no floor, or where the generation changed under a call. */
export class GenerationLost extends Error {
  override readonly name = 'GenerationLost'
}

/** Whether Redis itself answered with this error: then it is there. */
export function isReply(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError'
}

/** First word of an error that Redis answered with, such as NOAUTH or LOADING: the rest may show keys and values. */
export function replyCode(error: unknown): string | undefined {
  return isReply(error) ? /^[A-Z]+\b/.exec(error.message)?.[0] : undefined
}

/** Waiting does not mend it. */
export function isLoginRefusal(code: string | undefined): boolean {
  return code === 'NOAUTH' || code === 'WRONGPASS' || code === 'NOPERM'
}

/** What happened and what to do, for the message; nothing of what Redis said, which may show keys and values. */
export function reasonOf(error: unknown, refusal: string | undefined): string {
  if (error instanceof GuardOpen) return 'failed repeatedly and is left alone for a moment'
  if (error instanceof GenerationLost) return 'lost its memory and is looked at anew'
  if (isThermoclineError(error, 'ERR_TIMEOUT')) return 'did not answer in time'
  const code = replyCode(error) ?? refusal
  if (code === 'NOPERM')
    return 'lets this user do too little: allow it INFO, TIME, EVALSHA, EVAL and the keys of the store'
  if (isLoginRefusal(code)) return 'refused the credentials: check user and password of its URL'
  if (code === 'OOM') return 'is full: raise its maxmemory, or let entries leave earlier'
  if (code !== undefined) return `refused a command (${code})`
  return 'cannot be reached: check that Redis runs there'
}
