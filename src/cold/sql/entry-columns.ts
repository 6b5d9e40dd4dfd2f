/**
 * Lists the columns of an entry. It is the only such list: copying into staging, taking over from there, replacing,
 * reading, comparing and emptying an expired entry all follow from it. Only `indexed`, which is not part of an entry,
 * is not listed. A field of {@link EntryRecord} that is missing does not compile, and a test compares the list with the
 * schema (cold/schema.ts), its constraints, and an entry that expires.
 */
import { type SQL, sql } from 'drizzle-orm'
import { inKeyOrder, keyOrderOf } from '../../entry/key-order.ts'
import type { EntryKind } from '../../entry/memory-entry.ts'
import type { AccessStats, EntryRecord } from '../../entry/record.ts'
import { type RoundedVector, widenVector } from '../../entry/rounded-vector.ts'
import type { FilterField, ScalarField } from '../../query/filter.ts'
import type { Row } from '../cold-driver.ts'
import {
  BYTES,
  BYTEWISE,
  type ColumnType,
  FLOAT4,
  FLOATS,
  INT4,
  INT8,
  JSONB,
  SMALLINTS,
  TEXT,
  TEXTS,
  TIME,
  UUID,
  UUIDS,
} from './column-types.ts'
import { inOnePiece } from './compile-statement.ts'

/**
 * - `key`: names the row.
 * - `kept`: says what became of the entry, and stays on its tombstone.
 * - `content`: is NULL on a tombstone.
 */
type Role = 'key' | 'kept' | 'content'

/** How a condition compares the column. */
export type Comparison = 'text' | 'uuid' | 'number' | 'time' | 'list'

interface Column<T> {
  readonly name: string
  readonly type: ColumnType<T>
  readonly role: Role
  /** Null where no condition can name it. */
  readonly comparison: Comparison | null
}

/**
 * Columns that follow from fields of a record and are none. `jsonb` sorts the members of its objects: what that loses
 * has a column of its own. Another tells which version it is that slides. An embedding that is rounded is in four, and
 * not in its own.
 */
const DERIVED_FROM = {
  metadataOrder: 'metadata',
  slidingVersion: 'slidingTtl',
  rounded: 'embedding',
  roundedScale: 'embedding',
  roundedDimension: 'embedding',
  roundedVersion: 'embedding',
} as const
interface Derived {
  readonly metadataOrder: string
  readonly slidingVersion: string
  readonly rounded: Int16Array
  readonly roundedScale: number
  readonly roundedDimension: number
  readonly roundedVersion: string
}
type DerivedName = keyof typeof DERIVED_FROM
type ColumnName = keyof EntryRecord | DerivedName
type Value<N extends ColumnName> = N extends keyof EntryRecord
  ? NonNullable<EntryRecord[N]>
  : N extends DerivedName
    ? Derived[N]
    : never

type ComparisonOf<N extends Exclude<FilterField, 'embedding'>> = N extends ScalarField
  ? Exclude<Comparison, 'list'>
  : 'list'

type Columns = {
  readonly [N in ColumnName]: Column<Value<N>> & {
    readonly comparison: N extends Exclude<FilterField, 'embedding'> ? ComparisonOf<N> : null
  }
}

const COLUMNS: Columns = {
  namespace: { name: 'namespace', type: BYTEWISE, role: 'key', comparison: null },
  id: { name: 'id', type: UUID, role: 'key', comparison: 'uuid' },
  key: { name: 'key', type: BYTEWISE, role: 'kept', comparison: 'text' },
  version: { name: 'version', type: BYTEWISE, role: 'kept', comparison: 'text' },
  kind: { name: 'kind', type: BYTEWISE as ColumnType<EntryKind>, role: 'content', comparison: 'text' },
  text: { name: 'text', type: BYTEWISE, role: 'content', comparison: 'text' },
  documentId: { name: 'document_id', type: BYTEWISE, role: 'content', comparison: 'text' },
  position: { name: 'position', type: INT4, role: 'content', comparison: 'number' },
  level: { name: 'level', type: INT4, role: 'content', comparison: 'number' },
  children: { name: 'children', type: UUIDS, role: 'content', comparison: 'list' },
  childVersions: { name: 'child_versions', type: TEXTS, role: 'content', comparison: null },
  metadata: { name: 'metadata', type: JSONB, role: 'content', comparison: null },
  metadataOrder: { name: 'metadata_order', type: TEXT, role: 'content', comparison: null },
  embedding: { name: 'embedding', type: FLOATS, role: 'content', comparison: null },
  rounded: { name: 'rounded', type: SMALLINTS, role: 'content', comparison: null },
  roundedScale: { name: 'rounded_scale', type: FLOAT4, role: 'content', comparison: null },
  roundedDimension: { name: 'rounded_dimension', type: INT4, role: 'content', comparison: null },
  roundedVersion: { name: 'rounded_version', type: BYTEWISE, role: 'content', comparison: null },
  embeddingModel: { name: 'embedding_model', type: BYTEWISE, role: 'content', comparison: 'text' },
  bytes: { name: 'bytes', type: BYTES, role: 'content', comparison: null },
  contentType: { name: 'content_type', type: BYTEWISE, role: 'content', comparison: 'text' },
  createdAt: { name: 'created_at', type: TIME, role: 'kept', comparison: 'time' },
  updatedAt: { name: 'updated_at', type: TIME, role: 'kept', comparison: 'time' },
  expiresAt: { name: 'expires_at', type: TIME, role: 'content', comparison: 'time' },
  slidingTtl: { name: 'sliding_ttl', type: INT8, role: 'content', comparison: null },
  slidingVersion: { name: 'sliding_version', type: BYTEWISE, role: 'content', comparison: null },
  deletedAt: { name: 'deleted_at', type: TIME, role: 'kept', comparison: null },
}

export interface EntryColumn extends Column<unknown> {
  readonly field: ColumnName
}

/** The columns, in the order in which they are copied. */
export const ENTRY_COLUMNS: readonly EntryColumn[] = Object.entries(COLUMNS).map(([field, column]) => ({
  field: field as ColumnName,
  ...column,
}))

const FIELD_COLUMNS = ENTRY_COLUMNS.filter(({ field }) => !isDerived(field))

function isDerived(field: ColumnName): field is DerivedName {
  return field in DERIVED_FROM
}

/** The names of all columns, or of those of some roles. */
export function columnNames(...roles: Role[]): string[] {
  return ENTRY_COLUMNS.filter(({ role }) => roles.length === 0 || roles.includes(role)).map(({ name }) => name)
}

/** All of them, as a statement that inserts names them. */
export const COLUMNS_SQL = sql.raw(columnNames().join(', '))

/** The same, of a row `s` that is staged. */
export const STAGED_COLUMNS_SQL = sql.raw(
  columnNames()
    .map((column) => `s.${column}`)
    .join(', '),
)

/** What another version of an entry changes, where an insert meets the row of the former (ON CONFLICT). */
export const REPLACEMENTS_SQL = sql.raw(
  columnNames('kept', 'content')
    .map((column) => `${column} = excluded.${column}`)
    .join(', '),
)

/** What a condition over the field compares. */
export function comparedColumn(
  field: Exclude<ScalarField, keyof AccessStats>,
): Column<unknown> & { readonly comparison: Exclude<Comparison, 'list'> } {
  return COLUMNS[field]
}

/** What the column holds of the record; null is NULL. @param rounded its embedding, where that is kept rounded. */
export function valueIn(record: EntryRecord, field: ColumnName, rounded: RoundedVector | undefined): unknown {
  switch (field) {
    case 'metadataOrder':
      return record.metadata === null ? null : keyOrderOf(record.metadata)
    case 'slidingVersion':
      return record.slidingTtl === null ? null : record.version
    case 'embedding':
      return rounded === undefined ? record.embedding : null
    case 'rounded':
      return rounded?.steps ?? null
    case 'roundedScale':
      return rounded?.scale ?? null
    case 'roundedDimension':
      return rounded?.dimension ?? null
    case 'roundedVersion':
      return rounded === undefined ? null : record.version
    default:
      return record[field]
  }
}

/** What is selected of each column of a row `e` of memory_entries. */
const SELECTED = new Map(
  ENTRY_COLUMNS.map(({ field, name, type }) => {
    return [field, inOnePiece(sql`${type.select(sql.raw(`e.${name}`))} AS ${sql.raw(name)}`)] as const
  }),
)
const ALL_SELECTED = selected(ENTRY_COLUMNS)

/** What to select of a row `e` of memory_entries. @param fields of the record. @default all */
export function selectedColumns(fields?: ReadonlySet<keyof EntryRecord>): SQL {
  return fields === undefined ? ALL_SELECTED : selected(columnsOf(fields))
}

function selected(columns: readonly EntryColumn[]): SQL {
  const pieces = columns.map(({ field }) => SELECTED.get(field)!)
  return inOnePiece(sql.join(pieces, sql`, `))
}

/** The columns of {@link selectedColumns} as they are. */
export function bareColumns(fields?: ReadonlySet<keyof EntryRecord>): SQL {
  return fields === undefined
    ? sql`e.*`
    : sql.raw(
        columnsOf(fields)
          .map(({ name }) => `e.${name}`)
          .join(', '),
      )
}

function columnsOf(fields: ReadonlySet<keyof EntryRecord> | undefined): readonly EntryColumn[] {
  if (fields === undefined) return ENTRY_COLUMNS
  return ENTRY_COLUMNS.filter(({ field }) => fields.has(isDerived(field) ? DERIVED_FROM[field] : field))
}

/** The record of a row with {@link selectedColumns}; fields that were not selected are null. */
export function recordOf(row: Row): EntryRecord {
  const record: Partial<Record<ColumnName, unknown>> = {}
  for (const { field, name, type } of FIELD_COLUMNS) {
    const answer = row[name] ?? null
    record[field] = answer === null ? null : type.read(answer)
  }
  if ((row.rounded ?? null) !== null) record.embedding = widenedIn(row)
  const { metadata } = record
  if (metadata !== null) record.metadata = inKeyOrder(metadata as string, row.metadata_order as string | null)
  return record as unknown as EntryRecord
}

function widenedIn({ rounded, rounded_scale, rounded_dimension }: Row): Float32Array {
  return widenVector({
    steps: SMALLINTS.read(rounded),
    scale: FLOAT4.read(rounded_scale),
    dimension: INT4.read(rounded_dimension),
  })
}
