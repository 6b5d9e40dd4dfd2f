/**
 * Decides the order of what `find` returns. Every order ends with namespace and id, so no two entries have the same
 * place; an entry that lacks the field comes last, in both directions. Pending is ordered by {@link compareKeys} and
 * cold by SQL (cold/sql/order-sql.ts); both MUST agree.
 */
import type { JsonValue } from '../entry/memory-entry.ts'
import type { EntryRecord } from '../entry/record.ts'
import { compareText } from '../entry/text.ts'
import { ThermoclineError } from '../errors.ts'
import { isPlainObject } from '../kernel/plain-object.ts'
import type { Scalar, ScalarField } from './filter.ts'
import { valueAt } from './json-values.ts'
import { type MetadataPath, namesMetadata, parseMetadataPath } from './metadata-path.ts'
import { FIELDS, type FieldName } from './where.ts'

/**
 * Reads change the order of the last two while one pages; lists and vectors have none, and every order ends with the
 * id.
 */
type Unordered = 'id' | 'children' | 'embedding' | 'lastAccessedAt' | 'accessCount'
const UNORDERED: readonly Unordered[] = ['id', 'children', 'embedding', 'lastAccessedAt', 'accessCount']

/** What may be ordered by beside metadata. */
export type OwnField = Exclude<FieldName, Unordered>

export type OrderField = OwnField | `metadata.${string}` | `metadata[${string}`

type Directions<F extends string> = { readonly [N in F]?: 'asc' | 'desc' }

/** A field, from low to high; or fields with their directions, the first of which counts most. */
export type OrderBy<F extends string = OrderField> = F | Directions<F> | readonly (F | Directions<F>)[]

/** Of members of metadata numbers come before texts, and texts before what has no order. */
export type OrderTerm = { readonly isDescending: boolean } & (
  | { readonly field: Exclude<ScalarField, 'accessCount' | 'lastAccessedAt'>; readonly kind?: string | undefined }
  | { readonly path: MetadataPath }
)

export type Order = readonly OrderTerm[]

/** What decides the place of an entry, namespace and id at the end. Those of one order have one length. */
export type OrderKeys = readonly (Scalar | null)[]

/** Nodes of trees from the roots down. */
export const HIGHEST_FIRST: Order = [{ field: 'level', isDescending: true }]

const MAX_TERMS = 8

export function parseOrder(given: unknown): Order {
  const items = Array.isArray(given) ? Array.from(given) : [given]
  const terms = items.flatMap((item) => {
    if (typeof item === 'string') return [termOf(item, 'asc')]
    if (!isPlainObject(item) || Object.keys(item).length === 0)
      throw invalid('`orderBy` must be a field, an object of field to `asc` or `desc`, or an array of such')
    return Object.entries(item).map(([name, direction]) => termOf(name, direction))
  })
  if (terms.length > MAX_TERMS) throw invalid(`\`orderBy\` must name at most ${MAX_TERMS} fields`)
  return terms
}

function termOf(name: string, direction: unknown): OrderTerm {
  if (direction !== 'asc' && direction !== 'desc') throw invalid('a direction of `orderBy` must be `asc` or `desc`')
  const isDescending = direction === 'desc'
  const path = namesMetadata(name) ? parseMetadataPath(name) : undefined
  if (path !== undefined && path.length > 0) return { path, isDescending }
  const known = Object.keys(FIELDS).filter((field) => !UNORDERED.some((other) => other === field))
  const subject = known.includes(name) ? FIELDS[name as keyof typeof FIELDS] : undefined
  if (subject === undefined || subject.type === 'json')
    throw invalid(`\`orderBy\` knows no \`${name}\`; it knows ${known.join(', ')}, metadata.…`)
  const { field, kind } = subject as { field: OrderTermField; kind?: string }
  return { field, kind, isDescending }
}

type OrderTermField = Exclude<ScalarField, 'accessCount' | 'lastAccessedAt'>

export function orderKeys(record: EntryRecord, order: Order): OrderKeys {
  const metadata = order.some((term) => 'path' in term) ? (JSON.parse(record.metadata ?? 'null') as JsonValue) : null
  const keys = order.flatMap((term): OrderKeys => {
    if ('path' in term) return memberKeys(valueAt(metadata, term.path))
    return [term.kind === undefined || term.kind === record.kind ? record[term.field] : null]
  })
  return [...keys, record.namespace, record.id]
}

function memberKeys(value: JsonValue | undefined): OrderKeys {
  if (typeof value === 'number') return [value, null, 0]
  if (typeof value === 'string') return [null, value, 0]
  return [null, null, value === undefined ? 1 : 0]
}

/** Which of the keys descend; namespace and id never do. */
export function directions(order: Order): readonly boolean[] {
  const ofTerms = order.flatMap((term) =>
    'path' in term ? [term.isDescending, term.isDescending, false] : [term.isDescending],
  )
  return [...ofTerms, false, false]
}

/** Compares keys of one order. */
export function compareKeys(a: OrderKeys, b: OrderKeys, descends: readonly boolean[]): number {
  for (const [i, key] of a.entries()) {
    const other = b[i] ?? null
    if (key === other) continue
    if (key === null) return 1
    if (other === null) return -1
    const result = typeof key === 'string' ? compareText(key, String(other)) : key - Number(other)
    if (result !== 0) return descends[i] ? -result : result
  }
  return 0
}

function invalid(message: string): ThermoclineError<'ERR_INVALID_QUERY'> {
  return new ThermoclineError('ERR_INVALID_QUERY', message, { field: 'orderBy' })
}
