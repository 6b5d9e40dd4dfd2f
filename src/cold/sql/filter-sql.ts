/**
 * A filter as SQL over `e`, a row of memory_entries. It MUST select what `matches` selects in JavaScript, so that a
 * query answers the same from pending and from cold: text by code point (every text column is `COLLATE "C"`), fractions
 * against whole numbers exactly, and a field that is NULL matches nothing.
 */
import { type SQL, sql } from 'drizzle-orm'
import { childRange } from '../../entry/namespace.ts'
import type { Condition, Operator } from '../../query/filter.ts'
import type { Scope } from '../../query/scope.ts'
import type { ColdQuery, VersionedKey } from '../cold-tier.ts'
import { timeParameter } from './column-types.ts'
import { type Comparison, comparedColumn } from './entry-columns.ts'
import { unnestKeys } from './look-up-keys.ts'

type Single = Exclude<Operator, 'in'>

const OPERATORS: Record<Single, SQL> = { eq: sql`=`, gt: sql`>`, gte: sql`>=`, lt: sql`<`, lte: sql`<=` }

/** float8 for numbers: an integer parameter could not take a fraction. */
const TYPES: Record<Exclude<Comparison, 'time'>, SQL> = { text: sql`text`, uuid: sql`uuid`, number: sql`float8` }

/** Rows of the scope that are live, match the filter and are not excluded. */
export function selects(query: ColdQuery): SQL {
  const conditions = [inScope(query.scope), isLive(query.now), ...query.filter.map(conditionSql)]
  if (query.exclude.length > 0) conditions.push(isNewerThan(query.exclude))
  return sql.join(conditions, sql` AND `)
}

function inScope({ namespace, recursive }: Scope): SQL {
  if (!recursive) return sql`e.namespace = ${namespace}`
  const { from, to } = childRange(namespace)
  // The range around both is what an index can be walked by; an OR alone hides it.
  return sql`e.namespace >= ${namespace} AND e.namespace < ${to} AND (e.namespace = ${namespace} OR e.namespace >= ${from})`
}

function isLive(now: number): SQL {
  return sql`e.deleted_at IS NULL AND (e.expires_at IS NULL OR e.expires_at > ${timeParameter(now)})`
}

/**
 * `NOT IN` over a subselect that does not depend on the row is one hash table, looked into once a row; an anti-join is
 * whatever the planner believes in, and without statistics that is a comparison of every row with every key.
 */
function isNewerThan(versions: readonly VersionedKey[]): SQL {
  const own = sql.param(versions.map(({ version }) => version))
  return sql`(e.namespace, e.id) NOT IN (
    SELECT x.namespace, x.id FROM ${unnestKeys(versions, sql`${own}::text[]`)} AS k (namespace, id, version)
    CROSS JOIN LATERAL (
      SELECT m.namespace, m.id, m.version FROM thermocline.memory_entries m
      WHERE m.namespace = k.namespace AND m.id = k.id LIMIT 1
    ) x WHERE x.version <= k.version)`
}

function conditionSql(condition: Condition): SQL {
  const { name, comparison } = comparedColumn(condition.field)
  const column = sql.raw(`e.${name}`)
  if (comparison === 'time') return timeCondition(column, condition)
  const type = TYPES[comparison]
  if (condition.operator === 'in') return sql`${column} = ANY (${sql.param([...condition.values])}::${type}[])`
  return sql`${column} ${OPERATORS[condition.operator]} ${condition.value}::${type}`
}

/**
 * Columns hold whole milliseconds from 1970 on; bounds are rounded to such without changing what lies on which side.
 */
function timeCondition(column: SQL, condition: Condition): SQL {
  if (condition.operator === 'in') {
    const times = condition.values.filter((value) => Number.isInteger(value) && Number(value) >= 0)
    const texts = times.map((value) => new Date(Number(value)).toISOString())
    return sql`${column} = ANY (${sql.param(texts)}::timestamptz[])`
  }
  const value = Math.max(Number(condition.value), -1)
  if (condition.operator === 'eq' && !Number.isInteger(value)) return sql`false`
  const roundsUp = condition.operator === 'gte' || condition.operator === 'lt'
  const bound = roundsUp ? Math.ceil(value) : Math.floor(value)
  return sql`${column} ${OPERATORS[condition.operator]} ${timeParameter(bound)}`
}
