/** Defines the record, the store's own form of an entry, and turns it into the entry that a caller gets. */
import { type EntryKey, keyText } from './entry-key.ts'
import type { EntryKind, MemoryEntry } from './memory-entry.ts'
import type { Version } from './version.ts'

/**
 * The store's own form of one version of an entry: flat, one shape for every kind and for tombstones, so that one
 * batch, one codec and one upsert serve them all. Times are milliseconds since the epoch. Records are never changed
 * after they were made; their arrays are shared between tiers and must not leave the store (see {@link toEntry}).
 */
export interface EntryRecord extends EntryKey {
  readonly key: string | null
  readonly version: Version
  /** null on a tombstone. */
  readonly kind: EntryKind | null
  /** A chunk's text or a RAPTOR node's summary. */
  readonly text: string | null
  readonly documentId: string | null
  readonly position: number | null
  readonly level: number | null
  readonly children: readonly string[] | null
  /**
   * For each child of a node its version when the node was put, or a {@link CHILD_MARK}. null: not known, as of a node
   * that was put by a process of before this field, or while cold was away.
   */
  readonly childVersions: readonly string[] | null
  /** JSON text, encoded once at the put. */
  readonly metadata: string | null
  readonly embedding: Float32Array | null
  readonly embeddingModel: string | null
  readonly bytes: Uint8Array | null
  readonly contentType: string | null
  readonly createdAt: number
  readonly updatedAt: number
  /** With a sliding ttl: as of the last extension that this copy of the version knows of. */
  readonly expiresAt: number | null
  /** Milliseconds that a counted read may extend the expiry to (see {@link ./sliding.ts}); null: none does. */
  readonly slidingTtl: number | null
  /** Set on a tombstone, which keeps key and version and no content. */
  readonly deletedAt: number | null
}

/** What is remembered of a child that had no version to name. */
export const CHILD_MARK = {
  /** There was no such entry. */
  absent: '-',
  /**
   * It was put by the same call, which gave it a version below the node's that is not filled in
   * ({@link withVersionsOf}). Where another version of the node goes on with what it remembers, the one of that put
   * follows.
   */
  sameCall: '=',
} as const

/** What a node goes on with where it is not made anew of its children. */
export function keptChildVersions({ childVersions, version }: EntryRecord): readonly string[] | null {
  return childVersions === null
    ? null
    : childVersions.map((mark) => (mark === CHILD_MARK.sameCall ? `${mark}${version}` : mark))
}

/**
 * The record, with versions in place of the marks of children that got theirs in the same call before it: a write of
 * another process may come between the child and the node.
 * @param versions by {@link keyText}.
 */
export function withVersionsOf<R extends Pick<EntryRecord, 'namespace' | 'children' | 'childVersions'>>(
  record: R,
  versions: ReadonlyMap<string, Version>,
): R {
  const { namespace, children, childVersions } = record
  if (!childVersions?.includes(CHILD_MARK.sameCall)) return record
  const known = childVersions.map((mark, nth) =>
    mark === CHILD_MARK.sameCall ? (versions.get(keyText({ namespace, id: children![nth]! })) ?? mark) : mark,
  )
  return { ...record, childVersions: known }
}

/** Reads of an entry, kept apart from it so that counting one changes no version. */
export interface AccessStats {
  readonly lastAccessedAt: number
  readonly accessCount: number
}

/**
 * The record with its version. Field by field: a copy that gets one more than the original has takes V8 twenty times
 * as long.
 */
export function withVersion(record: Omit<EntryRecord, 'version'>, version: Version): EntryRecord {
  return {
    namespace: record.namespace,
    id: record.id,
    key: record.key,
    version,
    kind: record.kind,
    text: record.text,
    documentId: record.documentId,
    position: record.position,
    level: record.level,
    children: record.children,
    childVersions: record.childVersions,
    metadata: record.metadata,
    embedding: record.embedding,
    embeddingModel: record.embeddingModel,
    bytes: record.bytes,
    contentType: record.contentType,
    createdAt: record.createdAt,
    updatedAt: record.updatedAt,
    expiresAt: record.expiresAt,
    slidingTtl: record.slidingTtl,
    deletedAt: record.deletedAt,
  }
}

export function tombstoneOf(entry: EntryKey & { key: string | null }, version: Version, now: number): EntryRecord {
  return {
    namespace: entry.namespace,
    id: entry.id,
    key: entry.key,
    version,
    kind: null,
    text: null,
    documentId: null,
    position: null,
    level: null,
    children: null,
    childVersions: null,
    metadata: null,
    embedding: null,
    embeddingModel: null,
    bytes: null,
    contentType: null,
    createdAt: now,
    updatedAt: now,
    expiresAt: null,
    slidingTtl: null,
    deletedAt: now,
  }
}

/** Returns about as many bytes as the content takes that a caller gave. */
export function contentSize({
  text,
  metadata,
  embedding,
  bytes,
}: Pick<EntryRecord, 'text' | 'metadata' | 'embedding' | 'bytes'>): number {
  const binary = (embedding?.byteLength ?? 0) + (bytes?.byteLength ?? 0)
  return (text?.length ?? 0) + (metadata?.length ?? 0) + binary
}

/**
 * Makes the entry a caller receives: everything in it is the caller's own copy.
 * @param isShared whether somebody else has the record, or will have it.
 */
export function toEntry(record: EntryRecord, access: AccessStats | undefined, isShared = true): MemoryEntry {
  const entry: Record<string, unknown> = { kind: record.kind, namespace: record.namespace, id: record.id }
  if (record.key !== null) entry.key = record.key
  entry.version = record.version
  if (record.text !== null) entry[record.kind === 'raptor' ? 'summary' : 'text'] = record.text
  if (record.documentId !== null) entry.documentId = record.documentId
  if (record.position !== null) entry.position = record.position
  if (record.level !== null) entry.level = record.level
  if (record.children !== null) entry.children = [...record.children]
  if (record.metadata !== null) entry.metadata = JSON.parse(record.metadata)
  if (record.embedding !== null) entry.embedding = asCallers(isShared ? record.embedding.slice() : record.embedding)
  if (record.embeddingModel !== null) entry.embeddingModel = record.embeddingModel
  if (record.bytes !== null) entry.bytes = inBase64(new Uint8Array(record.bytes))
  if (record.contentType !== null) entry.contentType = record.contentType
  entry.createdAt = new Date(record.createdAt)
  entry.updatedAt = new Date(record.updatedAt)
  entry.lastAccessedAt = new Date(access?.lastAccessedAt ?? record.updatedAt)
  entry.accessCount = access?.accessCount ?? 0
  if (record.expiresAt !== null) entry.expiresAt = new Date(record.expiresAt)
  if (record.slidingTtl !== null) entry.slidingTtl = record.slidingTtl
  return entry as unknown as MemoryEntry
}

/** Lets JSON show the numbers, and not an object of index to number. Not enumerable, so that nothing else notices. */
const AS_NUMBERS: PropertyDescriptor = {
  value(this: Float32Array): number[] {
    return Array.from(this)
  },
}

function asCallers(embedding: Float32Array): Float32Array {
  return Object.defineProperty(embedding, 'toJSON', AS_NUMBERS)
}

const IN_BASE64: PropertyDescriptor = {
  value(this: Uint8Array): string {
    return Buffer.from(this.buffer, this.byteOffset, this.byteLength).toString('base64')
  },
}

/** JSON shows the bytes in base64, and not an object of index to number. */
function inBase64(bytes: Uint8Array): Uint8Array {
  return Object.defineProperty(bytes, 'toJSON', IN_BASE64)
}

/**
 * The newer of two versions of one entry. Of two copies of one version the one that expires later has heard more; else
 * it is the second.
 */
export function newerOf(one: EntryRecord | undefined, other: EntryRecord | undefined): EntryRecord | undefined {
  if (one === undefined || other === undefined) return one ?? other
  if (one.version === other.version) return (one.expiresAt ?? 0) > (other.expiresAt ?? 0) ? one : other
  return one.version > other.version ? one : other
}
