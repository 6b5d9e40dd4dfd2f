/** What postgres.js and the server say, as one sentence that names the server and the remedy, and no credentials. */
import { ThermoclineError } from '../errors.ts'
import { coldError, unavailable } from './errors.ts'

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

const TELL_URL = 'check the url of the cold tier'

/** By SQLSTATE or by code of Node and postgres.js; each follows the name of the server. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: `refuses connections: start Postgres there, or ${TELL_URL}`,
  ENOENT: `has no such socket: start Postgres there, or ${TELL_URL}`,
  EACCES: 'may not be used by this user: check the permissions of the socket',
  ENOTFOUND: `is not known by that name: ${TELL_URL}`,
  EAI_AGAIN: 'cannot be looked up at the moment: check the name service of this machine',
  EHOSTUNREACH: `cannot be reached: check the network, or ${TELL_URL}`,
  ENETUNREACH: `cannot be reached: check the network, or ${TELL_URL}`,
  CONNECT_TIMEOUT: `does not answer: check that Postgres listens there, or ${TELL_URL}`,
  CONNECTION_CLOSED: 'closed the connection: it may be restarting',
  ECONNRESET: 'closed the connection: it may be restarting',
  EPIPE: 'closed the connection: it may be restarting',
  SASL_SIGNATURE_MISMATCH: `did not prove that it knows the password: ${TELL_URL}`,
  28000: `refused the login: ${TELL_URL}, its user, and whether it needs sslmode=require`,
  '28P01': `refused the user or its password: ${TELL_URL}`,
  '3D000': `has no database of that name: create it, or ${TELL_URL}`,
  42501:
    'refused for want of a privilege: run `npx thermocline migrate` as a role that may create schemas, and grant this one what it needs',
  53300: 'has no connection left: lower `max`, or raise its max_connections',
  25006: 'is read-only: give the url of the primary',
  '57P01': 'closed the connection: it may be restarting',
  '57P02': 'closed the connection: it crashed and restarts',
  '57P03': 'is starting up or shutting down',
}

/** @param server host and port, or path of the socket. */
export function postgresError(error: unknown, server: string): ThermoclineError {
  if (error instanceof ThermoclineError) return error
  if (error instanceof DeadlinePassed) return unavailable(`Postgres at ${server} ${error.message}`)
  if (error instanceof HungUp)
    return unavailable(
      `${server} closed a new connection: Postgres is restarting there, or it is no Postgres: ${TELL_URL}`,
    )
  const code = codeOf(error)
  const reason = code === undefined ? undefined : REASONS[code]
  if (reason !== undefined) return unavailable(`Postgres at ${server} ${reason}`, error)
  // A certificate that is not trusted, a protocol that is not understood: Node has a code of its own for each.
  if (code === undefined || !isSqlState(code))
    return unavailable(`Postgres at ${server} could not be reached (${code ?? 'no reason given'})`, error)
  return coldError(error)
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

/** Whether the server refused one statement and the connection goes on. Anything else leaves the connection in doubt. */
export function isRefusal(error: unknown): boolean {
  return error !== null && typeof error === 'object' && 'severity' in error && error.severity === 'ERROR'
}
