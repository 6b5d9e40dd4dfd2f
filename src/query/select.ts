/**
 * Decides which fields of entries a query returns (`select`). The kind is always among them: it says what an entry is.
 * Cold is asked only for these fields and those that order the rows, so vectors and texts that nobody asked for are not
 * read.
 */
import type { EntryOfKind, MemoryEntry } from '../entry/memory-entry.ts'
import { type AccessStats, type EntryRecord, toEntry } from '../entry/record.ts'
import { ThermoclineError } from '../errors.ts'
import type { Order } from './order.ts'

type KeyOfEach<E> = E extends unknown ? keyof E : never

/** The names of fields that entries `E` may have. */
export type FieldOf<E extends MemoryEntry> = KeyOfEach<E>

/** Entries `E` with the selected fields and `kind`; with all of them where nothing is selected. */
export type Selected<E, S extends PropertyKey> = [S] extends [never] ? E : Parts<E, S>
type Parts<E, S extends PropertyKey> = E extends unknown ? Pick<E, Extract<keyof E, S | 'kind'>> : never

export type Select = ReadonlySet<string>

type RecordField = keyof EntryRecord

/** What holds each field: a field of the record, or reads, which have a table of their own. */
const FIELDS: { readonly [F in FieldOf<MemoryEntry>]: RecordField | undefined } = {
  kind: 'kind',
  namespace: 'namespace',
  id: 'id',
  key: 'key',
  version: 'version',
  text: 'text',
  summary: 'text',
  documentId: 'documentId',
  position: 'position',
  level: 'level',
  children: 'children',
  metadata: 'metadata',
  embedding: 'embedding',
  embeddingModel: 'embeddingModel',
  bytes: 'bytes',
  contentType: 'contentType',
  createdAt: 'createdAt',
  updatedAt: 'updatedAt',
  lastAccessedAt: undefined,
  accessCount: undefined,
  expiresAt: 'expiresAt',
  slidingTtl: 'slidingTtl',
} satisfies Record<
  keyof EntryOfKind<'chunk'> | keyof EntryOfKind<'raptor'> | keyof EntryOfKind<'blob'>,
  RecordField | undefined
>

const READS = ['lastAccessedAt', 'accessCount'] as const satisfies readonly FieldOf<MemoryEntry>[]

/** What every row is told apart, judged and made an entry by. */
const ALWAYS: readonly RecordField[] = [
  'namespace',
  'id',
  'key',
  'version',
  'kind',
  'createdAt',
  'updatedAt',
  'expiresAt',
  'slidingTtl',
  'deletedAt',
]

export function parseSelect(given: unknown): Select {
  const known = Object.keys(FIELDS)
  if (!Array.isArray(given) || given.length === 0)
    throw invalid(`\`select\` must be an array of the fields to answer: ${known.join(', ')}`)
  // Unlike map, this sees holes.
  for (const field of Array.from(given))
    if (!known.includes(field)) throw invalid(`\`select\` knows no \`${String(field)}\`; it knows ${known.join(', ')}`)
  return new Set(['kind', ...given])
}

/** The fields of a record that are needed to answer these and to order by that. @param select undefined: all. */
export function fieldsNeeded(select: Select | undefined, order: Order = []): ReadonlySet<RecordField> | undefined {
  if (select === undefined) return undefined
  const ofSelect = [...select].flatMap((field) => FIELDS[field as keyof typeof FIELDS] ?? [])
  const ofOrder = order.map((term): RecordField => ('path' in term ? 'metadata' : term.field))
  return new Set([...ALWAYS, ...ofSelect, ...ofOrder])
}

/** Whether counted reads are among what a query returns. @param select undefined: they are. */
export function selectsReads(select: Select | undefined): boolean {
  return select === undefined || READS.some((field) => select.has(field))
}

/** The entry that a caller receives, or what was selected of it; nothing else is copied. */
export function toSelected(
  record: EntryRecord,
  access: AccessStats | undefined,
  select: Select | undefined,
): MemoryEntry {
  if (select === undefined) return toEntry(record, access)
  const { children, metadata, embedding, bytes } = record
  const part: EntryRecord = {
    ...record,
    children: select.has('children') ? children : null,
    metadata: select.has('metadata') ? metadata : null,
    embedding: select.has('embedding') ? embedding : null,
    bytes: select.has('bytes') ? bytes : null,
  }
  const selected = Object.entries(toEntry(part, access)).filter(([field]) => select.has(field))
  return Object.fromEntries(selected) as unknown as MemoryEntry
}

function invalid(message: string): ThermoclineError<'ERR_INVALID_QUERY'> {
  return new ThermoclineError('ERR_INVALID_QUERY', message, { field: 'select' })
}
