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

/**
 * Namespaces of which the counts are not all are put together apart, so that the others are read in the order of their
 * key and no further than to the limit. What is among the first of both together is among the first of its list.
 */
export function namespacesSql(query: ColdNamespaces, limit: number): SQL {
  const changed =
    query.own.length === 0 ? expired(query) : sql`${expired(query)} UNION ALL ${ofCaller(query.own, query)}`
  return sql`
    WITH RECURSIVE changes AS MATERIALIZED (
      SELECT ${toldApart(sql`s.segments`, query)} AS segments, sum(s.entries) AS entries
      FROM (${changed}) AS s (segments, entries) GROUP BY 1
    ),
    walk (segments, entries, next, found) AS (${walkSql(query, limit)})
    SELECT array_to_string(t.segments, '/') AS namespace, t.entries::float8 AS entries
    FROM (
      SELECT segments, entries FROM walk
      UNION ALL
      SELECT x.segments, x.entries + (${countsFrom(sql`x.segments`, behind(sql`x.segments`, query), query)})
      FROM changes x
    ) AS t
    WHERE t.entries > 0 ORDER BY t.segments LIMIT ${limit}::int8`
}

/**
 * Goes from one namespace to the next: finds it by the key, sums its range of counts, and stops once enough of them
 * have entries. What a page costs depends neither on how many namespaces there are, nor on what the planner knows of
 * them.
 */
function walkSql(query: ColdNamespaces, limit: number): SQL {
  return sql`
    SELECT NULL::text[] COLLATE "C", 0::numeric, ${list(firstPlace(query))} COLLATE "C", 0
    UNION ALL
    SELECT n.segments, s.entries, n.next, w.found + (s.entries > 0)::int4
    FROM walk w
    CROSS JOIN LATERAL (
      SELECT p.segments, ${behind(sql`p.segments`, query)} AS next FROM (
        SELECT ${toldApart(sql`c.segments`, query)} AS segments FROM thermocline.namespace_counts c
        WHERE c.segments >= w.next AND ${isAsked(sql`c.segments`, query)} ORDER BY c.segments LIMIT 1
      ) p
    ) n
    CROSS JOIN LATERAL (
      ${countsFrom(sql`n.segments`, sql`n.next`, query)}
        AND n.segments NOT IN (SELECT segments FROM changes)
    ) s
    WHERE w.found < ${limit}::int8`
}

function countsFrom(from: SQL, to: SQL, query: ColdNamespaces): SQL {
  return sql`
    SELECT coalesce(sum(c.entries), 0) AS entries FROM thermocline.namespace_counts c
    WHERE c.segments >= greatest(${from}, ${list(named(query.prefix))}) AND c.segments < ${to}
      AND ${isAsked(sql`c.segments`, query)}`
}

/** What is below a namespace of the depth that was asked for counts as it. */
function toldApart(segments: SQL, { depth }: ColdNamespaces): SQL {
  return depth === undefined ? segments : sql`${segments}[1:${depth}::int4]`
}

/**
 * The least list of segments behind all that counts as this namespace. Of depth 0, where all counts as the root, that
 * is a list of NULL, which is behind every other.
 */
function behind(segments: SQL, { depth }: ColdNamespaces): SQL {
  const withNothingBelow = sql`array_append(${segments}, '')`
  if (depth === undefined) return withNothingBelow
  const last = sql`${segments}[${depth}::int4] || E'\\x01'`
  return sql`CASE WHEN cardinality(${segments}) < ${depth}::int4 THEN ${withNothingBelow}
    ELSE array_append(${segments}[1:${depth - 1}::int4], ${last}) END`
}

/** Where the first that is asked for may stand, or the next after the page before. */
function firstPlace({ prefix, after, depth }: ColdNamespaces): readonly (string | null)[] {
  if (after === undefined) return named(prefix)
  return after.length === depth ? afterBelow(after) : [...after, '']
}

/** Takes off what counts until the sweep has reached it. */
function expired(query: ColdNamespaces): SQL {
  const segments = segmentsOf(sql`e.namespace`)
  return sql`
    SELECT ${segments}, -count(*) FROM thermocline.memory_entries e
    WHERE e.expires_at IS NOT NULL AND e.expires_at <= ${timeParameter(query.now)} AND ${isToCome(segments, query)}
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
    LEFT JOIN ${lookUp(sql`k`)} ON true WHERE ${isToCome(segments, query)} GROUP BY 1`
}

function segmentsOf(namespace: SQL): SQL {
  return sql`string_to_array(${namespace} COLLATE "C", '/')`
}

/** Whether a namespace begins and ends as asked, and no page before had it. */
function isToCome(segments: SQL, query: ColdNamespaces): SQL {
  return sql`${segments} >= ${list(firstPlace(query))} AND ${isAsked(segments, query)}`
}

/** Whether it ends as asked, and begins so, as far as that does not follow from where it stands. */
function isAsked(segments: SQL, { prefix, suffix }: ColdNamespaces): SQL {
  const start = named(prefix)
  const isBefore = start.length > 0 ? sql`${segments} < ${list(afterBelow(start))}` : sql`true`
  const conditions = [
    ...prefix.slice(start.length).flatMap((segment, i) => isSegment(segments, sql`${start.length + i + 1}`, segment)),
    ...suffix.flatMap((segment, i) =>
      isSegment(segments, sql`cardinality(${segments}) - ${suffix.length - i - 1}`, segment),
    ),
  ]
  if (start.length === prefix.length && suffix.length === 0) return isBefore
  // As a CASE it counts as true of half of them: of fewer, the planner would read and sort all for each that is next.
  return sql`${isBefore} AND CASE
    WHEN cardinality(${segments}) < ${Math.max(prefix.length, suffix.length)}::int4 THEN false
    ELSE ${sql.join([sql`true`, ...conditions], sql` AND `)} END`
}

/** The segments before the first that may be any. */
function named(prefix: ColdNamespaces['prefix']): ColdNamespaces['prefix'] {
  const any = prefix.indexOf(null)
  return any < 0 ? prefix : prefix.slice(0, any)
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
