/**
 * Writes a filter as SQL over `e`, a row of memory_entries. It MUST select what `matches` (query/filter.ts) selects in
 * JavaScript, so that a query gets the same from pending and from cold: text is compared by code point (every text
 * column is `COLLATE "C"`), fractions exactly with whole numbers, and a condition on NULL does not hold.
 *
 * Only single conditions are ever negated: `not` is pushed down to the parts of what it negates. A condition that is
 * not negated may be NULL, which selects as little as false does, so it keeps a form that an index serves.
 */
import { type SQL, sql } from 'drizzle-orm'
import { MAX_INT4 } from '../../entry/limits.ts'
import { ROOT } from '../../entry/namespace.ts'
import {
  type Condition,
  type Filter,
  isListCondition,
  isVectorCondition,
  type ListCondition,
  type Scalar,
  type ScalarCondition,
  type ScalarField,
} from '../../query/filter.ts'
import { childRange, type Scope } from '../../query/scope.ts'
import type { ColdQuery, VersionedKey } from '../cold-tier.ts'
import { timeParameter } from './column-types.ts'
import { type Comparison, comparedColumn } from './entry-columns.ts'
import { unnestKeys } from './look-up-keys.ts'
import { memberSql } from './metadata-sql.ts'
import { COMPARING, prefixRange } from './text-range.ts'

type ScalarComparison = Exclude<Comparison, 'list'>

const TYPES: Record<Exclude<ScalarComparison, 'time' | 'number'>, SQL> = { text: sql`text`, uuid: sql`uuid` }

/** An index over integers serves integers alone; nothing else takes a fraction. */
function numberType(values: readonly Scalar[]): SQL {
  const isWhole = values.every((value) => Number.isInteger(value) && Math.abs(Number(value)) <= MAX_INT4)
  return isWhole ? sql`int4` : sql`float8`
}

/**
 * Rows of the scope that are live, match the filter and are not excluded.
 * @param isInScope Another form of {@link inScope}.
 */
export function selects(query: ColdQuery, isInScope = inScope(query.scope)): SQL {
  const conditions = [isInScope, isLive(query.now), filterSql(query.filter)]
  if (query.exclude.length > 0) conditions.push(isNewerThan(query.exclude))
  return sql.join(conditions, sql` AND `)
}

/** Two ranges of the key: between a namespace and those below it, others may have any number of rows. */
export function inScope(scope: Scope): SQL {
  const [own, below] = scopeParts(scope)
  return below === undefined ? own : sql`(${own} OR (${below}))`
}

/** The ranges apart, in order: one that is read in an order needs a condition for itself. */
function scopeParts({ namespace, recursive }: Scope): [SQL] | [own: SQL, below: SQL] {
  if (recursive && namespace === ROOT) return [sql`true`]
  const own = sql`e.namespace = ${namespace}`
  if (!recursive) return [own]
  const { from, to } = childRange(namespace)
  return [own, sql`e.namespace >= ${from} AND e.namespace < ${to}`]
}

/**
 * The first rows of a scope in an order, as `e`: each range is read apart, no further than to the limit.
 * @param rowsOf those of one range, in this order and up to this limit.
 */
export function firstOfParts(scope: Scope, order: SQL, limit: number, rowsOf: (isInScope: SQL) => SQL): SQL {
  const [own, below] = scopeParts(scope)
  if (below === undefined) return rowsOf(own)
  return sql`
    SELECT * FROM ((${rowsOf(own)}) UNION ALL (${rowsOf(below)})) e ORDER BY ${order} LIMIT ${limit}::int8`
}

/**
 * For an index that begins with something else than the namespace: two ranges cannot be read from it in order, so one
 * around both stands beside them.
 */
export function inScopeAround(scope: Scope): SQL {
  if (!scope.recursive || scope.namespace === ROOT) return inScope(scope)
  const { to } = childRange(scope.namespace)
  return sql`e.namespace >= ${scope.namespace} AND e.namespace < ${to} AND ${inScope(scope)}`
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

function filterSql(filter: Filter, isNegated = false): SQL {
  if (filter.length === 0) return isNegated ? sql`false` : sql`true`
  const parts = filter.map((node) => {
    if ('not' in node) return filterSql(node.not, !isNegated)
    if ('or' in node) return anyOf(node.or, isNegated)
    return isNegated ? sql`(${conditionSql(node)}) IS NOT TRUE` : sql`(${conditionSql(node)})`
  })
  return joined(parts, isNegated ? sql` OR ` : sql` AND `)
}

function anyOf(branches: readonly Filter[], isNegated: boolean): SQL {
  if (branches.length === 0) return isNegated ? sql`true` : sql`false`
  return joined(
    branches.map((branch) => filterSql(branch, isNegated)),
    isNegated ? sql` AND ` : sql` OR `,
  )
}

function joined(parts: readonly SQL[], by: SQL): SQL {
  return sql`(${sql.join([...parts], by)})`
}

function conditionSql(condition: Condition): SQL {
  if ('path' in condition) return memberSql(condition)
  if (isVectorCondition(condition)) return sql`num_nonnulls(e.embedding, e.rounded) > 0`
  if (isListCondition(condition)) return listSql(condition)
  const { column, comparison } = compared(condition.field)
  if (condition.operator === 'exists') return sql`${column} IS NOT NULL`
  if (comparison === 'time') return timeSql(column, condition)
  const values = condition.operator === 'in' ? condition.values : [condition.value]
  const type = comparison === 'number' ? numberType(values) : TYPES[comparison]
  if (condition.operator === 'in') return sql`${column} = ANY (${sql.param([...condition.values])}::${type}[])`
  if (condition.operator === 'contains') return sql`strpos(${column}, ${condition.value}::text) > 0`
  if (condition.operator === 'startsWith') return prefixRange(column, condition.value)
  return sql`${column} ${COMPARING[condition.operator]} ${condition.value}::${type}`
}

/** Reads are rows of their own, which an entry that nobody has read lacks. */
const READS: Record<'accessCount' | 'lastAccessedAt', { readonly column: SQL; readonly comparison: ScalarComparison }> =
  {
    accessCount: { column: ofReads(sql`t.access_count`, sql`0`), comparison: 'number' },
    lastAccessedAt: { column: ofReads(sql`t.last_accessed_at`, sql`e.updated_at`), comparison: 'time' },
  }

function ofReads(column: SQL, unread: SQL): SQL {
  return sql`coalesce((SELECT ${column} FROM thermocline.entry_access t
    WHERE t.namespace = e.namespace AND t.id = e.id LIMIT 1), ${unread})`
}

function compared(field: ScalarField): { readonly column: SQL; readonly comparison: ScalarComparison } {
  if (field === 'accessCount' || field === 'lastAccessedAt') return READS[field]
  const { name, comparison } = comparedColumn(field)
  return { column: sql.raw(`e.${name}`), comparison }
}

function listSql(condition: ListCondition): SQL {
  if (condition.operator === 'exists') return sql`e.children IS NOT NULL`
  const ids = sql`${sql.param([...condition.value])}::uuid[]`
  const operators = { eq: sql`=`, contains: sql`@>`, overlaps: sql`&&` } as const
  return sql`e.children ${operators[condition.operator]} ${ids}`
}

/**
 * Columns hold whole milliseconds from 1970 on; bounds are rounded to such without changing what lies on which side.
 */
function timeSql(column: SQL, condition: ScalarCondition): SQL {
  if (condition.operator === 'exists') return sql`true`
  if (condition.operator === 'in') {
    const times = condition.values.filter((value) => Number.isInteger(value) && Number(value) >= 0)
    const texts = times.map((value) => new Date(Number(value)).toISOString())
    return sql`${column} = ANY (${sql.param(texts)}::timestamptz[])`
  }
  const { operator } = condition
  if (operator === 'contains' || operator === 'startsWith') return sql`false`
  const value = Math.max(Number(condition.value), -1)
  if (operator === 'eq' && !Number.isInteger(value)) return sql`false`
  const roundsUp = operator === 'gte' || operator === 'lt'
  const bound = roundsUp ? Math.ceil(value) : Math.floor(value)
  return sql`${column} ${COMPARING[operator]} ${timeParameter(bound)}`
}
