/** Reads `--where JSON`: a condition as `find` takes it. What may stand in it is checked in query/where.ts. */
import { isThermoclineError } from '../errors.ts'
import type { MemoryStore } from '../store/memory-store.ts'
import { UsageError } from './exit-code.ts'

export type Where = NonNullable<Parameters<MemoryStore['export']>[0]['where']>

/** Fields that are compared to a time, which JSON has as a text. */
const TIMES: ReadonlySet<string> = new Set(['createdAt', 'updatedAt', 'expiresAt', 'lastAccessedAt'])
/** What stands below is content. */
const CONTENT: ReadonlySet<string> = new Set(['metadata', 'metadataPath'])
const ISO_TIME = /^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2}))?$/

export function parseWhere(json: string): Where {
  let where: unknown
  try {
    where = JSON.parse(json)
  } catch (cause) {
    throw new UsageError(`--where is no JSON: quote it for the shell, as '{"kind":"chunk"}'`, { cause })
  }
  return withTimes(where, false) as Where
}

/** Rethrows what a call says of its query, which came from nowhere but the flag. */
export function tellWhere(error: unknown): never {
  if (!isThermoclineError(error, 'ERR_INVALID_QUERY')) throw error
  throw new UsageError(`--where: ${error.message.replace('say `all: true`', 'say --all in its place')}`)
}

function withTimes(value: unknown, isTime: boolean): unknown {
  if (typeof value === 'string' && isTime && ISO_TIME.test(value)) return new Date(value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((each) => withTimes(each, isTime))
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      CONTENT.has(name) ? each : withTimes(each, isTime || TIMES.has(name)),
    ]),
  )
}
