/**
 * Lists namespaces with the number of entries in each, in the order of their segments. Counts come from
 * namespace_counts, whose key has that order, so a page reads the rows of its own namespaces. The only entries that are
 * read are those that have expired and are not swept yet, and those of which the caller has a newer version.
 */
import { type SQL, sql } from 'drizzle-orm'
import type { ColdDriver } from '../cold-driver.ts'
import type { ColdNamespace, ColdNamespaces, OwnVersion } from '../cold-tier.ts'
import { timeParameter } from './column-types.ts'
import { lookUp, unnestKeys } from './look-up-keys.ts'

export async function listNamespaces(
  driver: ColdDriver,
  query: ColdNamespaces,
  limit: number,
): Promise<ColdNamespace[]> {
  const rows = await driver.query(namespacesSql(query, limit))
  return rows.map((row) => ({ namespace: row.namespace as string, entries: row.entries as number }))
}

export function namespacesSql(query: ColdNamespaces, limit: number): SQL {
  const { depth } = query
  const changed =
    query.own.length === 0 ? expired(query) : sql`${expired(query)} UNION ALL ${ofCaller(query.own, query)}`
  return sql`
    WITH changes AS MATERIALIZED (
      SELECT s.segments, sum(s.entries) AS entries FROM (${changed}) AS s (segments, entries) GROUP BY 1
    )
    SELECT array_to_string(t.segments, '/') AS namespace, t.entries::float8 AS entries
    FROM (${depth === undefined ? eachByItself(query, limit) : upToDepth(query, depth)}) AS t
    WHERE t.entries > 0 ORDER BY t.segments LIMIT ${limit}::int8`
}

/**
 * Namespaces of which the counts are not all come from a list of their own, so that the other one is read in the order
 * of its key and no further than to the limit. What is among the first of both together is among the first of its list.
 */
function eachByItself(query: ColdNamespaces, limit: number): SQL {
  return sql`
    (SELECT c.segments, sum(c.entries) AS entries FROM thermocline.namespace_counts c
      WHERE ${isAsked(sql`c.segments`, query)} AND c.segments NOT IN (SELECT segments FROM changes)
      GROUP BY c.segments HAVING sum(c.entries) > 0 ORDER BY c.segments LIMIT ${limit}::int8)
    UNION ALL
    SELECT x.segments, x.entries + coalesce((
      SELECT sum(c.entries) FROM thermocline.namespace_counts c WHERE c.segments = x.segments
    ), 0) FROM changes x`
}

/** One may have any number of others below it, so that all counts are read that were asked for. */
function upToDepth(query: ColdNamespaces, depth: number): SQL {
  return sql`
    SELECT s.segments[1:${depth}::int4] AS segments, sum(s.entries) AS entries FROM (
      SELECT c.segments, c.entries FROM thermocline.namespace_counts c WHERE ${isAsked(sql`c.segments`, query)}
      UNION ALL SELECT segments, entries FROM changes
    ) AS s GROUP BY 1`
}

/** Takes off what counts until the sweep has reached it. */
function expired(query: ColdNamespaces): SQL {
  const segments = segmentsOf(sql`e.namespace`)
  return sql`
    SELECT ${segments}, -count(*) FROM thermocline.memory_entries e
    WHERE e.expires_at IS NOT NULL AND e.expires_at <= ${timeParameter(query.now)} AND ${isAsked(segments, query)}
    GROUP BY 1`
}

/** What own versions change: each counts in place of a row that is no newer. */
function ofCaller(own: readonly OwnVersion[], query: ColdNamespaces): SQL {
  const versions = sql.param(own.map(({ version }) => version))
  const matches = sql.param(own.map((record) => (record.matches ? 1 : 0)))
  const segments = segmentsOf(sql`k.namespace`)
  return sql`
    SELECT ${segments}, sum(CASE
      WHEN e.version IS NULL THEN k.matches
      WHEN e.version > k.version THEN 0
      WHEN e.deleted_at IS NOT NULL OR e.expires_at <= ${timeParameter(query.now)} THEN k.matches
      ELSE k.matches - 1 END)::int8
    FROM ${unnestKeys(own, sql`${versions}::text[]`, sql`${matches}::int4[]`)} AS k (namespace, id, version, matches)
    LEFT JOIN ${lookUp(sql`k`)} ON true WHERE ${isAsked(segments, query)} GROUP BY 1`
}

function segmentsOf(namespace: SQL): SQL {
  return sql`string_to_array(${namespace} COLLATE "C", '/')`
}

/** Whether a namespace begins and ends as asked, and comes after the place where the page before ended. */
function isAsked(segments: SQL, { prefix, suffix, after, depth }: ColdNamespaces): SQL {
  const named = prefix.indexOf(null)
  const start = named < 0 ? prefix : prefix.slice(0, named)
  const conditions = [
    sql`cardinality(${segments}) >= ${Math.max(prefix.length, suffix.length)}::int4`,
    ...prefix.slice(start.length).flatMap((segment, i) => isSegment(segments, sql`${start.length + i + 1}`, segment)),
    ...suffix.flatMap((segment, i) =>
      isSegment(segments, sql`cardinality(${segments}) - ${suffix.length - i - 1}`, segment),
    ),
  ]
  if (start.length > 0) conditions.push(sql`${segments} >= ${list(start)} AND ${segments} < ${list(afterBelow(start))}`)
  // What is below a namespace of that depth was counted with it.
  if (after !== undefined)
    conditions.push(
      after.length === depth ? sql`${segments} >= ${list(afterBelow(after))}` : sql`${segments} > ${list(after)}`,
    )
  return sql.join(conditions, sql` AND `)
}

function isSegment(segments: SQL, place: SQL, segment: string | null): SQL[] {
  return segment === null ? [] : [sql`(${segments})[(${place})::int4] = ${segment}::text`]
}

/** The first list of segments after this one and all that is below it: no text is between a text and it with `\x01`. */
function afterBelow(segments: readonly (string | null)[]): (string | null)[] {
  return [...segments.slice(0, -1), `${segments.at(-1)}\x01`]
}

function list(segments: readonly (string | null)[]): SQL {
  return sql`${sql.param([...segments])}::text[]`
}
