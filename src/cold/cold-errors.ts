/**
 * Turns an error of any database into a ThermoclineError. Statements, parameters and rows are left out: they hold
 * people's text. Which errors of a Postgres server pass by themselves is decided in postgres/postgres-errors.ts.
 */
import { ThermoclineError, withoutContent } from '../errors.ts'

/**
 * Relations or columns that are not there: undefined_table, undefined_column, invalid_schema_name, undefined_object.
 */
const MISSING_SCHEMA = new Set(['42P01', '42703', '3F000', '42704'])

/** @param error what a driver threw, also when drizzle wrapped it. */
export function coldError(error: unknown): ThermoclineError {
  if (error instanceof ThermoclineError) return error
  const cause = withoutContent(error)
  const code = 'code' in cause ? cause.code : undefined
  if (code !== undefined && MISSING_SCHEMA.has(code))
    return new ThermoclineError(
      'ERR_SCHEMA',
      'the cold tier lacks tables that this version needs: run `npx thermocline migrate`',
      {},
      { cause: error },
    )
  if (code === DISK_FULL)
    return unavailable('the disk of the database is full: make room there; until then it takes no writes', error)
  const reason = code === undefined ? 'could not be reached' : `refused a statement (SQLSTATE ${code})`
  return unavailable(`the cold tier ${reason}`, error)
}

export function unavailable(message: string, cause?: unknown): ThermoclineError<'ERR_TIER_UNAVAILABLE'> {
  return new ThermoclineError('ERR_TIER_UNAVAILABLE', message, { tier: 'cold' }, { cause })
}

/** SQLSTATE where the server has no room to write. */
const DISK_FULL = '53100'
/** SQLSTATE of what a role may not do. */
export const INSUFFICIENT_PRIVILEGE = '42501'
/** SQLSTATE where the server, the database or the role has no connection left. */
export const TOO_MANY_CONNECTIONS = '53300'

/** SQLSTATE of an error that a driver's `query` rejected with. */
export function sqlStateOf(error: unknown): string | undefined {
  const cause = error instanceof ThermoclineError ? error.cause : undefined
  return cause !== null && typeof cause === 'object' && 'code' in cause && typeof cause.code === 'string'
    ? cause.code
    : undefined
}
