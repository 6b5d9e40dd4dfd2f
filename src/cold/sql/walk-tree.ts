/**
 * Walks trees of nodes, level by level from one entry: down to children, or up to parents. It is one statement, which
 * reads no more levels than its answer needs; within a level, rows are found by the primary key, or by the index over
 * children. No entry is visited twice, so a walk ends even where children form a cycle.
 */
import { type SQL, sql } from 'drizzle-orm'
import { IS_NODE } from '../../query/filter.ts'
import { HIGHEST_FIRST } from '../../query/order.ts'
import type { ColdDriver } from '../cold-driver.ts'
import type { ColdQuery, ColdRoots, ColdRow, ColdTreeRow, ColdWalk } from '../cold-tier.ts'
import { ACCESS_JOIN } from './entry-access.ts'
import { selects } from './filter-sql.ts'
import { lookUp, unnest } from './look-up-keys.ts'
import { afterSql, orderSql } from './order-sql.ts'
import { rowColumns, toColdRow } from './read-entries.ts'

export async function walkTree(driver: ColdDriver, query: ColdWalk, limit: number): Promise<ColdTreeRow[]> {
  const rows = await driver.query(walkSql(query, limit))
  return rows.map((row) => ({ ...toColdRow(row), depth: row.depth as number }))
}

/**
 *   walk   one row a level: its ids, all ids so far, and how many of them are answers, as far as that matters
 *   found  the answers among them, nearest first
 */
export function walkSql(query: ColdWalk, limit: number): SQL {
  const { scope, from, depth, after, fields } = query
  const isAfter =
    after === undefined ? sql`true` : sql`(walk.depth, met.id) > (${after.depth}::int4, ${after.id}::uuid)`
  return sql`
    WITH RECURSIVE walk (depth, ids, seen, found) AS (
      SELECT 0, ARRAY[${from}::uuid], ARRAY[${from}::uuid], 0::int8
      UNION ALL
      SELECT walk.depth + 1, next.ids, walk.seen || next.ids, walk.found + counted.answers
      FROM walk
      CROSS JOIN LATERAL (
        SELECT array_agg(step.id) AS ids FROM (${nextOf(query)} EXCEPT SELECT unnest(walk.seen)) AS step (id)
      ) next
      CROSS JOIN LATERAL (
        SELECT count(*) AS answers FROM (
          SELECT FROM (SELECT walk.depth + 1 AS depth) AS walk CROSS JOIN LATERAL (SELECT unnest(next.ids)) AS met (id)
          CROSS JOIN ${answer(query)} WHERE ${isAfter} LIMIT ${limit}::int8
        ) AS answer
      ) counted
      WHERE walk.depth < ${depth}::int4 AND walk.found < ${limit}::int8 AND next.ids IS NOT NULL
    ),
    found AS MATERIALIZED (
      SELECT ${scope.namespace}::text AS namespace, met.id, walk.depth FROM walk
      CROSS JOIN LATERAL (SELECT unnest(walk.ids)) AS met (id)
      CROSS JOIN ${answer(query)}
      WHERE walk.depth > 0 AND ${isAfter} ORDER BY walk.depth, met.id LIMIT ${limit}::int8
    )
    SELECT found.depth, ${rowColumns(fields)} FROM found CROSS JOIN ${lookUp(sql`found`)} ${ACCESS_JOIN}
    ORDER BY found.depth, found.id`
}

/** The ids that a level leads to. */
function nextOf({ direction, ...query }: ColdWalk): SQL {
  const isNode = selects({ ...query, filter: IS_NODE })
  if (direction === 'up') return sql`SELECT e.id FROM ${rowsWhere(sql`children && walk.ids`)} e WHERE ${isNode}`
  return sql`
    SELECT child.id FROM (SELECT unnest(walk.ids)) AS parent (id)
    CROSS JOIN LATERAL (
      SELECT e.children FROM thermocline.memory_entries e WHERE e.id = parent.id AND ${isNode} LIMIT 1
    ) node
    CROSS JOIN LATERAL (SELECT unnest(node.children)) AS child (id)`
}

/** To join after `met`: whether its entry is an answer. */
function answer(query: ColdWalk): SQL {
  return sql`LATERAL (
    SELECT FROM thermocline.memory_entries e WHERE e.id = met.id AND ${selects(query)} LIMIT 1
  ) AS there`
}

/** Nodes that one statement looks at. */
const CANDIDATES = 1_000

export async function findRoots(driver: ColdDriver, query: ColdRoots, limit: number): Promise<ColdRow[]> {
  const roots: ColdRow[] = []
  for (let after = query.after; ; ) {
    const rows = await driver.query(rootsSql({ ...query, after }, limit - roots.length))
    roots.push(...rows.filter(({ id }) => id !== null).map(toColdRow))
    const [{ looked_at: lookedAt, last_level: level, last_id: id } = {}] = rows
    if (roots.length >= limit || lookedAt !== CANDIDATES) return roots
    after = [level as number, query.scope.namespace, id as string]
  }
}

/**
 * Those of the next nodes that are roots. Whether one is goes by an index, which the planner expects to find much in:
 * were each node asked for as it comes, it would think the statement worth compiling. What comes out of an array it
 * takes for few.
 */
export function rootsSql(query: ColdRoots, limit: number): SQL {
  const { scope, after, except, fields } = query
  const isAfter = after === undefined ? sql`true` : afterSql(HIGHEST_FIRST, after)
  const notThese = sql.param([...except])
  return sql`
    WITH candidate AS MATERIALIZED (
      SELECT e.id, e.level FROM thermocline.memory_entries e
      WHERE e.level IS NOT NULL AND ${selects({ ...query, filter: IS_NODE })} AND ${isAfter}
      ORDER BY ${orderSql(HIGHEST_FIRST)} LIMIT ${CANDIDATES}::int8
    ),
    root AS MATERIALIZED (
      SELECT ${scope.namespace}::text AS namespace, k.id, k.nth
      FROM unnest((SELECT array_agg(id ORDER BY level DESC, id) FROM candidate)) WITH ORDINALITY AS k (id, nth)
      WHERE k.id NOT IN (SELECT other.id FROM ${unnest(sql`${notThese}::uuid[]`)} AS other (id))
        AND NOT EXISTS (${parentsOf(sql`${scope.namespace}`, sql`k.id`, query)})
      ORDER BY k.nth LIMIT ${limit}::int8
    ),
    last AS MATERIALIZED (SELECT level, id::text AS id FROM candidate ORDER BY level, candidate.id DESC LIMIT 1)
    SELECT ${rowColumns(fields)}, (SELECT count(*) FROM candidate)::int4 AS looked_at,
      (SELECT level FROM last) AS last_level, (SELECT id FROM last) AS last_id
    FROM (SELECT) AS always LEFT JOIN (root CROSS JOIN ${lookUp(sql`root`)}) ON true ${ACCESS_JOIN}
    ORDER BY root.nth`
}

/** Which of these ids have a parent that the query sees. */
export async function haveParents(driver: ColdDriver, query: ColdQuery, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set()
  const rows = await driver.query(sql`
    SELECT own.id::text AS id FROM ${unnest(sql`${sql.param([...ids])}::uuid[]`)} AS own (id)
    WHERE EXISTS (${parentsOf(sql`${query.scope.namespace}`, sql`own.id`, query)})`)
  return new Set(rows.map(({ id }) => id as string))
}

/** `child` is of another row than the `e` in here, so it is handed in by a name of its own. */
function parentsOf(namespace: SQL, child: SQL, query: ColdQuery): SQL {
  return sql`
    SELECT FROM (SELECT ${namespace} AS namespace, ${child} AS id) AS child
    CROSS JOIN LATERAL (
      SELECT FROM ${rowsWhere(sql`children @> ARRAY[child.id]`)} e
      WHERE e.namespace = child.namespace AND ${selects({ ...query, filter: IS_NODE })} LIMIT 1
    ) AS parent`
}

/** Found by the index over children alone: the planner would go through all of a namespace to intersect both. */
function rowsWhere(condition: SQL): SQL {
  return sql`(SELECT * FROM thermocline.memory_entries WHERE ${condition} OFFSET 0)`
}
