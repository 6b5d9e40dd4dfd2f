/** Turns arrays and keys into rows of a statement, and joins the rows of memory_entries that belong to them. */
import { type SQL, sql } from 'drizzle-orm'
import type { EntryKey } from '../../entry/entry-key.ts'

/**
 * Arrays of one length as rows, in as many parameters however long they are. A parameter by itself would tell the
 * planner its length, and the estimates that follow from it depend on statistics that a new table lacks: the subselects
 * hide it, so that every plan is made for few rows, each looked up through an index. Look them up by `LATERAL (… LIMIT
 * 1)`.
 */
export function unnest(...arrays: readonly SQL[]): SQL {
  return sql`unnest(${sql.join(
    arrays.map((array) => sql`(SELECT ${array})`),
    sql`, `,
  )})`
}

/** The keys as rows of two columns, and more columns as {@link unnest} takes them. */
export function unnestKeys(keys: readonly EntryKey[], ...more: readonly SQL[]): SQL {
  const namespaces = sql.param(keys.map((key) => key.namespace))
  const ids = sql.param(keys.map((key) => key.id))
  return unnest(sql`${namespaces}::text[]`, sql`${ids}::uuid[]`, ...more)
}

/**
 * To join after rows `k` of keys: the row of memory_entries, as `e`. At most one, which the planner believes without
 * statistics, and found through the primary key whatever it believes about the table.
 */
export function lookUp(k: SQL): SQL {
  return sql`LATERAL (
    SELECT * FROM thermocline.memory_entries entry
    WHERE entry.namespace = ${k}.namespace AND entry.id = ${k}.id LIMIT 1
  ) e`
}
