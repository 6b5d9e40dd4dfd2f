/**
 * Writes conditions on members of metadata as SQL, for filter-sql.ts. The GIN index over metadata serves equality and
 * containment. Numbers are ordered among numbers, and texts among texts by code point: `jsonb` itself would order texts
 * by the collation of the database. Comparisons are written so that the indexes of single members serve them, where
 * these are declared (member-indexes.ts).
 *
 * Paths are parameters like values, one each: a jsonpath in strict mode leads through members only, where the operators
 * `->` and `#>` would take a name of digits for a place in an array.
 */
import { type SQL, sql } from 'drizzle-orm'
import type { JsonValue } from '../../entry/memory-entry.ts'
import type { PathCondition } from '../../query/filter.ts'
import { isJsonArray, isJsonObject } from '../../query/json-values.ts'
import type { MetadataPath } from '../../query/metadata-path.ts'
import { COMPARING, prefixRange } from './text-range.ts'

export function memberSql(condition: PathCondition): SQL {
  const { path } = condition
  switch (condition.operator) {
    case 'exists':
      return sql`${member(path)} IS NOT NULL`
    case 'in':
      return isAmong(path, condition.values)
    case 'eq':
      return equals(path, condition.value)
    case 'contains':
      return contains(path, condition.value)
    case 'startsWith':
      return startsWith(path, condition.value)
    default:
      return beyond(path, condition.operator, condition.value)
  }
}

/** Containment below the top of an object is equality for scalars, and less than it for arrays and objects. */
function equals(path: MetadataPath, value: JsonValue): SQL {
  if (path.length === 0) return sql`e.metadata = ${json(value)}`
  const holds = holdsAt(path, value)
  return isScalar(value) ? holds : sql`${holds} AND ${member(path)} = ${json(value)}`
}

/** The second form decides, by a hash of the values; the first is for the index. */
function isAmong(path: MetadataPath, values: readonly JsonValue[]): SQL {
  const wholes = sql.param(values.map((value) => JSON.stringify(wrapped(path, value))))
  const parts = sql.param(values.map((value) => JSON.stringify(value)))
  const equal = sql`${member(path)} = ANY (${parts}::text[]::jsonb[])`
  return path.length === 0 ? equal : sql`${equal} AND e.metadata @> ANY (${wholes}::text[]::jsonb[])`
}

function contains(path: MetadataPath, value: JsonValue): SQL {
  const asMembers = isJsonObject(value) ? [holdsAt(path, value)] : []
  const asItems = path.length === 0 ? [] : [holdsAt(path, isJsonArray(value) ? value : [value])]
  const asText = typeof value === 'string' ? [sql`strpos(${text(path)}, ${value}::text) > 0`] : []
  const ways = [...asMembers, ...asItems, ...asText]
  return ways.length === 0 ? sql`false` : sql`(${sql.join(ways, sql` OR `)})`
}

type Ordering = 'gt' | 'gte' | 'lt' | 'lte'

function beyond(path: MetadataPath, operator: Ordering, value: JsonValue): SQL {
  const compares = COMPARING[operator]
  if (typeof value === 'number') return sql`${number(path)} ${compares} ${String(value)}::text::numeric`
  if (typeof value !== 'string') return sql`false`
  // Where a text is beyond another, its beginning is not before that of the other.
  const notBefore = operator === 'gt' || operator === 'gte' ? COMPARING.gte : COMPARING.lte
  const begins = sql`${beginning(text(path))} ${notBefore} ${beginningOf(value)}::text`
  return sql`${begins} AND ${text(path)} ${compares} ${value}::text`
}

function startsWith(path: MetadataPath, prefix: string): SQL {
  return sql`${prefixRange(beginning(text(path)), beginningOf(prefix))} AND starts_with(${text(path)}, ${prefix}::text)`
}

/**
 * What an index holds of a text: a btree takes no more than a third of a page, and a row whose text is longer would be
 * refused.
 */
const INDEXED_CHARACTERS = 128

export function beginning(text: SQL): SQL {
  return sql`left(${text}, ${sql.raw(String(INDEXED_CHARACTERS))})`
}

export function beginningOf(value: string): string {
  return [...value.slice(0, 2 * INDEXED_CHARACTERS)].slice(0, INDEXED_CHARACTERS).join('')
}

/** What an index over the member holds, with no parameter, as of a row of `memory_entries`. */
export function indexedMember(type: 'number' | 'text', path: MetadataPath): SQL {
  const metadata = sql`metadata`
  const literal = (value: string): SQL => sql.raw(`E'${value.replaceAll(/['\\\\]/g, '$&$&')}'`)
  return type === 'number' ? number(path, metadata, literal) : beginning(text(path, metadata, literal))
}

/** The value there, or NULL. */
export function member(path: MetadataPath): SQL {
  return sql`jsonb_path_query_first(e.metadata, ${pathText(path)}::text::jsonpath, '{}', true)`
}

const METADATA = sql`e.metadata`
const asParameter = (value: string): SQL => sql`${value}`

/** The number there, or NULL. */
export function number(path: MetadataPath, metadata = METADATA, given = asParameter): SQL {
  return sql`(${ofType('number', path, metadata, given)})::numeric`
}

/** The text there, or NULL. */
export function text(path: MetadataPath, metadata = METADATA, given = asParameter): SQL {
  return sql`(${ofType('string', path, metadata, given)} #>> '{}') COLLATE "C"`
}

function ofType(type: 'number' | 'string', path: MetadataPath, metadata: SQL, given: typeof asParameter): SQL {
  const typed = given(`${pathText(path)} ? (@.type() == "${type}")`)
  return sql`jsonb_path_query_first(${metadata}, ${typed}::text::jsonpath, '{}', true)`
}

/** `strict` does not look into arrays; what it finds wrong is no error, but nothing. */
function pathText(path: MetadataPath): string {
  return `strict $${path.map((name) => `.${JSON.stringify(name)}`).join('')}`
}

/** Metadata that holds the value at the path. */
function holdsAt(path: MetadataPath, value: JsonValue): SQL {
  return sql`e.metadata @> ${json(wrapped(path, value))}`
}

function wrapped(path: MetadataPath, value: JsonValue): JsonValue {
  return path.reduceRight<JsonValue>((inner, name) => Object.fromEntries([[name, inner]]), value)
}

/** By way of text, so that no driver encodes it once more. */
function json(value: JsonValue): SQL {
  return sql`${JSON.stringify(value)}::text::jsonb`
}

function isScalar(value: JsonValue): boolean {
  return typeof value !== 'object' || value === null
}
