/**
 * Decides what must be written so that a document has the chunks of a list: the chunks that it has are compared with
 * the list by content. A chunk with the same text is the same chunk, whatever its position, so it keeps its id and its
 * embedding.
 */
import { idOfChunk } from '../entry/entry-id.ts'
import type { EntryRecord } from '../entry/record.ts'
import { isKeptAs, type Precision } from '../entry/rounded-vector.ts'
import type { UnversionedRecord } from '../entry/validate.ts'
import { equalJson } from '../query/json-values.ts'

/** A chunk that the document is to have. */
export interface WantedChunk {
  readonly record: UnversionedRecord
  /** Whether the caller named it, by `id` or `key`. */
  readonly isNamed: boolean
  /** Whether the caller said when it was made. */
  readonly isDated: boolean
}

export interface PlannedChunk {
  /** As it is to be. */
  readonly record: UnversionedRecord
  /** What it takes the place of. */
  readonly before: EntryRecord | undefined
  /** Whether the caller named it. */
  readonly isNamed: boolean
  /** By which cold rounds its embedding. */
  readonly precision: Precision
}

export interface DocumentPlan {
  /** In the order of the list. */
  readonly chunks: readonly PlannedChunk[]
  /** What the document has no more. */
  readonly removed: readonly EntryRecord[]
}

/**
 * @param precision by which cold rounds embeddings of the document.
 * @param elsewhere ids that other documents have.
 */
export function planDocument(
  current: readonly EntryRecord[],
  wanted: readonly WantedChunk[],
  precision: Precision,
  elsewhere: ReadonlySet<string>,
): DocumentPlan {
  const left = new Map(current.map((record) => [record.id, record]))
  const before = new Map<WantedChunk, EntryRecord>()
  const match = (chunk: WantedChunk, found: EntryRecord | undefined): void => {
    if (found === undefined || !left.delete(found.id)) return
    before.set(chunk, found)
  }
  const unnamed = wanted.filter(({ isNamed }) => !isNamed)
  for (const chunk of wanted) if (chunk.isNamed) match(chunk, left.get(chunk.record.id))
  // Of several with one text, those go first that stay where they are.
  const inPlace = groups([...left.values()], (record) => `${record.position} ${record.text}`)
  for (const chunk of unnamed) match(chunk, inPlace.get(`${chunk.record.position} ${chunk.record.text}`)?.shift())
  const byText = groups([...left.values()], ({ text }) => text ?? '')
  for (const chunk of unnamed) if (!before.has(chunk)) match(chunk, byText.get(chunk.record.text ?? '')?.shift())
  // What is left keeps its id until it is removed: a chunk that is new must not be deleted with it.
  const taken = new Set([...elsewhere, ...current.map(({ id }) => id), ...named(wanted)])
  const chunks = wanted.map((chunk) => {
    const known = before.get(chunk)
    const record = known === undefined ? added(chunk, taken) : merged(known, chunk, precision)
    return { record, before: known, isNamed: chunk.isNamed, precision }
  })
  return { chunks, removed: [...left.values()] }
}

/** Whether it is there as it is to be, so that nothing has to be written. */
export function isKept({ record, before, precision }: PlannedChunk): boolean {
  return (
    before !== undefined &&
    (['text', 'position', 'key', 'embeddingModel', 'createdAt', 'expiresAt', 'slidingTtl'] as const).every(
      (field) => record[field] === before[field],
    ) &&
    sameMetadata(record.metadata, before.metadata) &&
    isAsBefore(record.embedding, before.embedding, precision)
  )
}

/** Its id follows from document and text: two who ingest the same write the same entries. */
function added({ record, isNamed }: WantedChunk, taken: Set<string>): UnversionedRecord {
  if (isNamed) return record
  const { namespace, documentId, text } = record
  for (let nth = 0; ; nth++) {
    const id = idOfChunk(namespace, documentId!, text!, nth)
    if (taken.has(id)) continue
    taken.add(id)
    return { ...record, id }
  }
}

function merged(before: EntryRecord, { record, isDated }: WantedChunk, precision: Precision): UnversionedRecord {
  const { id, key, createdAt } = before
  const own = { ...record, id, key: record.key ?? key, createdAt: isDated ? record.createdAt : createdAt }
  const isOfModel = record.embeddingModel === null || record.embeddingModel === before.embeddingModel
  if (record.embedding === null && record.text === before.text && isOfModel)
    return { ...own, embedding: before.embedding, embeddingModel: before.embeddingModel }
  if (record.embedding !== null && isAsBefore(record.embedding, before.embedding, precision))
    return { ...own, embeddingModel: record.embeddingModel ?? before.embeddingModel }
  return own
}

function sameMetadata(a: string | null, b: string | null): boolean {
  return a === b || (a !== null && b !== null && equalJson(JSON.parse(a), JSON.parse(b)))
}

/** Whether the vector is the one of before, or was until cold kept it rounded. */
function isAsBefore(a: Float32Array | null, b: Float32Array | null, precision: Precision): boolean {
  return a === null || b === null ? a === b : isKeptAs(a, b, precision)
}

function named(wanted: readonly WantedChunk[]): string[] {
  return wanted.flatMap(({ record, isNamed }) => (isNamed ? [record.id] : []))
}

function groups(records: readonly EntryRecord[], by: (record: EntryRecord) => string): Map<string, EntryRecord[]> {
  const found = new Map<string, EntryRecord[]>()
  for (const record of records) {
    const group = found.get(by(record))
    if (group === undefined) found.set(by(record), [record])
    else group.push(record)
  }
  return found
}
