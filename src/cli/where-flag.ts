/** Reads `--where JSON`: a condition as `find` takes it. What may stand in it is checked in query/where.ts. */
import { type Where, whereOfJson } from '../admin/json-where.ts'
import { isThermoclineError } from '../errors.ts'
import { UsageError } from './exit-code.ts'

export type { Where } from '../admin/json-where.ts'

export function parseWhere(json: string): Where {
  try {
    return whereOfJson(json)
  } catch (cause) {
    throw new UsageError(`--where is no JSON: quote it for the shell, as '{"kind":"chunk"}'`, { cause })
  }
}

/** Rethrows what a call says of its query, which came from nowhere but the flag. */
export function tellWhere(error: unknown): never {
  if (!isThermoclineError(error, 'ERR_INVALID_QUERY')) throw error
  throw new UsageError(`--where: ${error.message.replace('say `all: true`', 'say --all in its place')}`)
}
