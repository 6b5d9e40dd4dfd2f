/**
 * Reads a condition of `find` from JSON, which has times as texts: flags (cli/where-flag.ts) and the studio
 * (studio/request-input.ts) take it so. What may stand in it is checked in query/where.ts.
 */
import type { MemoryStore } from '../store/memory-store.ts'

export type Where = NonNullable<Parameters<MemoryStore['export']>[0]['where']>

/** Fields that are compared to a time. */
const TIMES: ReadonlySet<string> = new Set(['createdAt', 'updatedAt', 'expiresAt', 'lastAccessedAt'])
/** What stands below is content. */
const CONTENT: ReadonlySet<string> = new Set(['metadata', 'metadataPath'])
const ISO_TIME = /^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2}))?$/

/** Throws SyntaxError where it is no JSON. */
export function whereOfJson(json: string): Where {
  return withTimes(JSON.parse(json), false) as Where
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
