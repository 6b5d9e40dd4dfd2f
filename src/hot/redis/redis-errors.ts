/**
 * Decides what an error of Redis or ioredis means, and what our message advises. Their own messages and `command.args`
 * hold keys and values, so none is passed on.
 */
import { isThermoclineError } from '../../errors.ts'
import { CircuitOpen } from './circuit-breaker.ts'

/** Thrown where a slot lost what it held, or where the generation changed under a call. */
export class GenerationLost extends Error {
  override readonly name = 'GenerationLost'
}

/** Thrown where Redis had no room for a write; what a full one still does is decided in redis-scripts.ts. */
export class RedisFull extends Error {
  override readonly name = 'RedisFull'
}

/** Thrown where what should be a master follows another server. */
export class AnsweredByReplica extends Error {
  override readonly name = 'AnsweredByReplica'
}

/** Thrown where the server lacks the database that was named. */
export class DatabaseMissing extends Error {
  override readonly name = 'DatabaseMissing'
}

/** Whether Redis itself answered with this error: then it is there. */
export function isReply(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError'
}

/** Before 7.0 Redis put what a script met behind words of its own. */
const SCRIPT_ERROR = /^ERR Error running script .*?: -?([A-Z]+) /s
/** So says 7.0 of what a script may not do. */
const SCRIPT_MAY_NOT = /^ERR The user executing the script can't /

/** First word of an error that Redis answered with, such as NOAUTH or LOADING: the rest may show keys and values. */
export function replyCode(error: unknown): string | undefined {
  if (!isReply(error)) return undefined
  if (SCRIPT_MAY_NOT.test(error.message)) return 'NOPERM'
  return (SCRIPT_ERROR.exec(error.message) ?? /^([A-Z]+)\b/.exec(error.message))?.[1]
}

/** Whether a server that follows another answered: it takes no writes, and what it holds may be old. */
export function isFromReplica(error: unknown): boolean {
  return error instanceof AnsweredByReplica || replyCode(error) === 'READONLY'
}

/** What the latest attempt to connect met, in one word: what Redis answered, or a code of the connection. */
export function troubleOf(error: unknown, { usesTls }: { usesTls: boolean }): string | undefined {
  const code = replyCode(error) ?? (error as NodeJS.ErrnoException | undefined)?.code
  // A server without TLS waits for more of what it takes for a command, and one with TLS ends what does not begin so.
  if (usesTls && (code === 'ETIMEDOUT' || code === 'ECONNRESET' || NOT_TLS.has(code ?? ''))) return NO_TLS
  return !usesTls && code === 'ECONNRESET' ? MAYBE_TLS : code
}

const NO_TLS = 'no-tls'
const MAYBE_TLS = 'maybe-tls'
const NOT_TLS = new Set(['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'EPROTO'])
const LOGIN = new Set(['NOAUTH', 'WRONGPASS', 'NOPERM'])
/** What OpenSSL says of a certificate, and Node of the name in it. */
const CERTIFICATE =
  /^(CERT_|ERR_TLS_CERT_ALTNAME_INVALID|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(GET|VERIFY))/

/** Whether waiting does not mend it: the options or the rights of the user have to change. */
export function isRefusalForGood(error: unknown, trouble: string | undefined): boolean {
  if (error instanceof DatabaseMissing) return true
  return [replyCode(error), trouble].some((code) => code !== undefined && (LOGIN.has(code) || CERTIFICATE.test(code)))
}

/** What happened and what to do, for the message; nothing of what Redis said, which may show keys and values. */
export function reasonOf(error: unknown, trouble: string | undefined, keys: string): string {
  if (error instanceof CircuitOpen) return 'failed repeatedly and is left alone for a moment'
  if (error instanceof GenerationLost) return 'lost what it held and is looked at anew'
  if (error instanceof AnsweredByReplica) return 'is a read-only replica: name the primary, or the sentinels'
  if (error instanceof DatabaseMissing)
    return 'does not have the database that was named: raise `databases` in its configuration, or name another one'
  const code = error instanceof RedisFull ? 'OOM' : (replyCode(error) ?? trouble)
  if (code === undefined)
    return isThermoclineError(error, 'ERR_TIMEOUT')
      ? 'did not answer in time'
      : 'cannot be reached: check that Redis runs there'
  return reasonOfCode(code, error, keys)
}

function reasonOfCode(code: string, error: unknown, keys: string): string {
  if (code === 'NOPERM')
    return `lets this user do too little: allow it \`~${keys} ${COMMANDS}\` (ACL SETUSER), and CLUSTER where it is one`
  if (LOGIN.has(code)) return 'refused the credentials: check user and password of its URL'
  if (code === 'OOM') return 'is full: raise its maxmemory, or let entries leave earlier'
  if (code === 'READONLY') return 'became a read-only replica: its primary is looked for'
  if (code === 'MISCONF') return 'takes no writes because it cannot save to its disk: see its log'
  if (code === 'NOREPLICAS') return 'takes no writes because too few replicas follow it: see min-replicas-to-write'
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return 'has a certificate for another name: connect by the name that is in it'
  if (CERTIFICATE.test(code))
    return `has a certificate that is not trusted (${code}): name its authority by NODE_EXTRA_CA_CERTS, or give a client with \`tls.ca\``
  if (code === NO_TLS)
    return 'cannot be reached by TLS: check that Redis runs there; if its port is one without TLS, say redis:// instead of rediss://'
  if (code === MAYBE_TLS)
    return 'ends the connection at once: check that Redis runs there; if its port is one with TLS, say rediss:// instead of redis://'
  if (isReply(error)) return `refused a command (${code})`
  if (isThermoclineError(error, 'ERR_TIMEOUT')) return 'did not answer in time'
  return 'cannot be reached: check that Redis runs there'
}

/** Everything that the driver sends, what scripts run included. */
const COMMANDS =
  '+info +ping +select +hello +client +eval +evalsha +time +scan +persist +hdel +hget +hmget +hset +hsetnx +zadd +zcard +zrangebyscore +zrem +get +getrange +mget +set +setrange +strlen +unlink'
