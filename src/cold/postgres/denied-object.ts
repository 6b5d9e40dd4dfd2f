/**
 * Finds out what of our schema a role may not use, of the words in which the server refused it. Of those words nothing
 * else is kept: whatever is not ours may be content.
 */
import { is } from 'drizzle-orm'
import { getTableConfig, getViewConfig, PgTable, PgView } from 'drizzle-orm/pg-core'
import { INSUFFICIENT_PRIVILEGE } from '../cold-errors.ts'
import * as schema from '../schema.ts'

/** By kind and name, as the server puts it. A server that speaks another language names nothing that is understood. */
function namesOfOurs(): ReadonlyMap<string, string> {
  return new Map([
    [`schema ${schema.SCHEMA_NAME}`, schema.SCHEMA_NAME],
    inSchema('table', 'migrations'),
    ...Object.values(schema).flatMap((value) => {
      if (is(value, PgView)) return [inSchema('view', getViewConfig(value).name)]
      if (!is(value, PgTable)) return []
      const { name, columns } = getTableConfig(value)
      const drawn = columns.filter((column) => column.getSQLType() === 'bigserial')
      return [inSchema('table', name), ...drawn.map((column) => inSchema('sequence', `${name}_${column.name}_seq`))]
    }),
  ])
}

function inSchema(kind: string, name: string): [said: string, named: string] {
  return [`${kind} ${name}`, `${schema.SCHEMA_NAME}.${name}`]
}

/** Returns kind and name; undefined where the server refused something else, or did not say what. */
export function deniedObject(error: unknown): string | undefined {
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown }
  if (code !== INSUFFICIENT_PRIVILEGE || typeof message !== 'string') return undefined
  const [, kind, name] = /^permission denied for (\w+) "?(\w+)"?$/.exec(message) ?? []
  const named = namesOfOurs().get(`${kind} ${name}`)
  return named && `${kind} ${named}`
}
