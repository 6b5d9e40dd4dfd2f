/**
 * Turns an error of postgres.js or of the server into one sentence that names the server and the remedy, without
 * credentials. Decides which errors pass by themselves (`TRANSIENT`), so that waiting may help, and which do not
 * (`PERMANENT`).
 */
import { ThermoclineError } from '../../errors.ts'
import { coldError, INSUFFICIENT_PRIVILEGE, TOO_MANY_CONNECTIONS, unavailable } from '../cold-errors.ts'

/** The statement did not finish in time. */
export class DeadlinePassed extends Error {
  override readonly name = 'DeadlinePassed'
}

/** The connection ended under a statement. */
export class ConnectionLost extends Error {
  override readonly name: string = 'ConnectionLost'
  readonly code = 'CONNECTION_CLOSED'
}

/** It ended before its first statement was answered. */
export class HungUp extends ConnectionLost {
  override readonly name = 'HungUp'
}

/** The server does not take TLS. */
export class TlsRefused extends Error {
  override readonly name = 'TlsRefused'
  readonly code = 'TLS_REFUSED'
}

const TELL_URL = 'check the url of the cold tier'

export const LATE = 'did not answer in time'
/** What was reached may be anything. */
export const NO_ANSWER = `${LATE}: check that Postgres listens there, or ${TELL_URL}`

/**
 * TRANSIENT, TLS and PERMANENT are messages by SQLSTATE, or by a code of Node or postgres.js. Each message follows the
 * server's name. Failures in TRANSIENT may pass by themselves; those in TLS and PERMANENT do not.
 */
const TRANSIENT: Readonly<Record<string, string>> = {
  ECONNREFUSED: `refuses connections: start Postgres there, or ${TELL_URL}`,
  ENOENT: `has no such socket: start Postgres there, or ${TELL_URL}`,
  EACCES: 'may not be used by this user: check the permissions of the socket',
  EAI_AGAIN: 'cannot be looked up at the moment: check the name service of this machine',
  EHOSTUNREACH: `cannot be reached: check the network, or ${TELL_URL}`,
  ENETUNREACH: `cannot be reached: check the network, or ${TELL_URL}`,
  CONNECT_TIMEOUT: `does not answer: check that Postgres listens there, or ${TELL_URL}`,
  CONNECTION_CLOSED: 'closed the connection: it may be restarting',
  ECONNRESET: 'closed the connection: it may be restarting',
  EPIPE: 'closed the connection: it may be restarting',
  53300: 'has no connection left: lower `cold.max`, or raise its max_connections',
  40001: 'let a statement give way to others again and again: ask it less at the same time',
  '40P01': 'let a statement give way to others again and again: ask it less at the same time',
  '57P01': 'closed the connection: it may be restarting',
  '57P02': 'closed the connection: it crashed and restarts',
  '57P03': 'is starting up or shutting down',
}

const UNKNOWN_AUTHORITY =
  'shows a certificate that no authority known here has signed: name its authority by `sslrootcert=/path/to/ca.pem` in the url'

const TLS: Readonly<Record<string, string>> = {
  TLS_REFUSED: 'has no TLS, which the url asks for: turn on `ssl` there, or say `sslmode=prefer` or `disable`',
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  CERT_SIGNATURE_FAILURE: UNKNOWN_AUTHORITY,
  CERT_HAS_EXPIRED: 'shows a certificate that has expired: renew it there',
  CERT_NOT_YET_VALID: 'shows a certificate that is not valid yet: check the clocks of both machines',
  CERT_REVOKED: 'shows a certificate that was revoked: renew it there',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'shows a certificate for another name: connect by a name in it, or look at its authority alone by `sslmode=verify-ca`',
}

const PERMANENT: Readonly<Record<string, string>> = {
  ...TLS,
  ENOTFOUND: `is not known by that name: ${TELL_URL}`,
  SASL_SIGNATURE_MISMATCH: `did not prove that it knows the password: ${TELL_URL}`,
  28000: `refused the login: ${TELL_URL}, its user, and whether it needs sslmode=require`,
  '28P01': `refused the user or its password: ${TELL_URL}`,
  '3D000': `has no database of that name: create it, or ${TELL_URL}`,
  42501:
    'refused for want of a privilege: run `npx thermocline migrate` as a role that may create schemas, and grant this one what it needs',
  25006: 'is read-only: give the url of the primary',
}

/** What has no connection left, by the routine of the server that says so: its words may be in any language. */
const LIMITED: Readonly<Record<string, string>> = {
  InitializeSessionUserId:
    'has no connection left for this role: lower `cold.max`, or raise its CONNECTION LIMIT (ALTER ROLE)',
  CheckMyDatabase:
    'has no connection left for this database: lower `cold.max`, or raise its CONNECTION LIMIT (ALTER DATABASE)',
}

/** Whether TLS was not understood; the code says what exactly. */
const isTlsFailure = (code: string): boolean => code === 'EPROTO' || code.startsWith('ERR_SSL_')

/**
 * Whether waiting mends nothing: the login, the certificate, a missing database or privilege, a standby, an unknown
 * name.
 */
export function isPermanent(code: string): boolean {
  return code in PERMANENT || isTlsFailure(code)
}

/**
 * @param server host and port, or path of the socket.
 * @param denied what of our schema it refused this role.
 */
export function postgresError(error: unknown, server: string, denied?: string): ThermoclineError {
  if (error instanceof ThermoclineError) return error
  if (error instanceof DeadlinePassed) return unavailable(`Postgres at ${server} ${error.message}`)
  if (error instanceof HungUp)
    return unavailable(
      `${server} closed a new connection: Postgres is restarting there, or it is no Postgres: ${TELL_URL}`,
    )
  const code = codeOf(error)
  const reason =
    code === undefined ? undefined : (denial(error, denied) ?? limit(error) ?? TRANSIENT[code] ?? PERMANENT[code])
  if (reason !== undefined) return unavailable(`Postgres at ${server} ${reason}`, error)
  if (code !== undefined && isTlsFailure(code))
    return unavailable(`Postgres at ${server} and this process cannot agree on TLS (${code}): ${TELL_URL}`, error)
  // A protocol that is not understood: Node has a code of its own for each reason.
  if (code === undefined || !isSqlState(code))
    return unavailable(`Postgres at ${server} could not be reached (${code ?? 'no reason given'})`, error)
  if (isFatal(error)) return unavailable(`Postgres at ${server} refused the connection (SQLSTATE ${code})`, error)
  return coldError(error)
}

function denial(error: unknown, denied: string | undefined): string | undefined {
  if (codeOf(error) !== INSUFFICIENT_PRIVILEGE) return undefined
  if (denied !== undefined) return `refused for want of a privilege on the ${denied}: grant it to this role`
  if (isFatal(error)) return 'refused the connection for want of a privilege: GRANT CONNECT ON DATABASE to this role'
  return undefined
}

function limit(error: unknown): string | undefined {
  return codeOf(error) === TOO_MANY_CONNECTIONS
    ? LIMITED[(error as { readonly routine?: string }).routine ?? '']
    : undefined
}

/**
 * The setting that ended a new connection, of those that it was given: unknown, of a wrong value, only the server's to
 * set, or not to be passed on by a pooler.
 */
export function refusedSetting(error: unknown, settings: readonly string[]): string | undefined {
  const code = codeOf(error)
  if (!isFatal(error) || !['42704', '22023', '42501', '55P02', '08P01'].includes(code ?? '')) return undefined
  const { message } = error as { message: string }
  return settings.find((name) => message.includes(`"${name}"`) || message.includes(` ${name}`))
}

/** Whether the statement gave way to another transaction, and may well succeed when it is tried again. */
export function hasGivenWay(error: unknown): boolean {
  return ['40001', '40P01'].includes(codeOf(error) ?? '')
}

function codeOf(error: unknown): string | undefined {
  // Several addresses of one name were tried.
  const first = error instanceof AggregateError ? error.errors[0] : error
  const { code } = (first ?? {}) as { code?: unknown }
  return typeof code === 'string' ? code : undefined
}

function isSqlState(code: string): boolean {
  return /^[0-9][0-9A-Z]{4}$|^[FHPX][0-9A-Z]{4}$/.test(code) && code !== 'EPIPE'
}

/**
 * Whether the server refused one statement and the connection goes on. Anything else leaves the connection in doubt.
 */
export function isRefusal(error: unknown): boolean {
  return (error as { severity?: unknown } | null)?.severity === 'ERROR'
}

/** Whether the server, or a pooler, ended the connection with it. */
function isFatal(error: unknown): boolean {
  // Poolers leave out the one that is not translated.
  const { severity, severity_local } = (error ?? {}) as { severity?: unknown; severity_local?: unknown }
  return (severity ?? severity_local) === 'FATAL'
}
