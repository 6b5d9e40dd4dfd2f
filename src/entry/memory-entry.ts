/**
 * Defines the entries that callers put in and get back. The store's own form of an entry is in
 * record.ts, whose `toEntry` makes the caller's copy and decides how JSON shows vectors and bytes.
 */

export type EntryKind = 'embedding' | 'chunk' | 'metadata' | 'raptor' | 'blob'

export const ENTRY_KINDS = ['embedding', 'chunk', 'metadata', 'raptor', 'blob'] as const satisfies readonly EntryKind[]

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue }
export type JsonObject = { readonly [key: string]: JsonValue }

/**
 * Metadata as it is given: a plain object of JSON values, also one of an interface or a `Record<string, unknown>`.
 * Types refuse what is no plain object. What stands deeper is checked by the put, which names the path of a value that
 * JSON has no form for, and drops members that are undefined.
 */
export type GivenMetadata = JsonObject | (object & NoBuiltIn)

/** Refuses arrays, functions, dates, maps and the like: each of them has one of these. */
interface NoBuiltIn {
  readonly [Symbol.iterator]?: never
  readonly [Symbol.hasInstance]?: never
  readonly [Symbol.toPrimitive]?: never
  readonly [Symbol.toStringTag]?: never
}

/** Fields that every entry has. */
export interface EntryBase {
  /** Path of the namespace, segments joined by `/` (see namespace.ts for escapes). */
  readonly namespace: string
  /** UUID, lower case. */
  readonly id: string
  /** Caller's own name for the entry, unique in its namespace. */
  readonly key?: string
  /** 24 hex digits; compares as text, newer is greater. */
  readonly version: string
  readonly metadata?: JsonObject
  readonly embeddingModel?: string
  readonly createdAt: Date
  readonly updatedAt: Date
  /** Time of the latest counted read this process knows of. May lag by about a second. */
  readonly lastAccessedAt: Date
  /** Counted reads. Approximate: a crash loses about the last second of them. */
  readonly accessCount: number
  /** Of an entry that slides, as the tier that answered has it: another read may have moved it on meanwhile. */
  readonly expiresAt?: Date
  /** Of an entry that slides: the milliseconds that a counted read may extend its life to. */
  readonly slidingTtl?: number
}

/** A vector by itself. */
export interface EmbeddingEntry extends EntryBase {
  readonly kind: 'embedding'
  readonly embedding: Float32Array
}

/** A piece of a document. */
export interface ChunkEntry extends EntryBase {
  readonly kind: 'chunk'
  readonly text: string
  readonly documentId?: string
  /** 0-based place in its document. */
  readonly position?: number
  readonly embedding?: Float32Array
}

/** Structured facts without text or vector. */
export interface MetadataEntry extends EntryBase {
  readonly kind: 'metadata'
  readonly metadata: JsonObject
}

/** A node of a RAPTOR tree: a summary of its children. */
export interface RaptorEntry extends EntryBase {
  readonly kind: 'raptor'
  /** 0 for leaves, rising towards the root. */
  readonly level: number
  readonly summary: string
  readonly children: readonly string[]
  readonly embedding?: Float32Array
}

/** Bytes that are no JSON, as a file or an image. */
export interface BlobEntry extends EntryBase {
  readonly kind: 'blob'
  readonly bytes: Uint8Array
  /** What the bytes are, as `image/png`. */
  readonly contentType?: string
}

/** A part of a RAPTOR tree. */
export type TreeEntry = RaptorEntry | ChunkEntry

export type MemoryEntry = EmbeddingEntry | ChunkEntry | MetadataEntry | RaptorEntry | BlobEntry

export type EntryOfKind<K extends EntryKind> = Extract<MemoryEntry, { kind: K }>

/** What a repository of kind `K` answers. */
export type EntryOf<K extends EntryKind | undefined> = K extends EntryKind ? EntryOfKind<K> : MemoryEntry

type Vector = readonly number[] | Float32Array | Float64Array

/** Fields that any input may have. */
export interface InputBase {
  /** UUID; chosen by the store when left out (UUIDv7, or derived from `key`). */
  readonly id?: string | undefined
  /** At most 512 bytes of UTF-8. Two puts with the same key write the same entry. */
  readonly key?: string | undefined
  readonly metadata?: GivenMetadata | undefined
  /** Name of the model that made the embedding. At most 512 bytes of UTF-8. */
  readonly embeddingModel?: string | undefined
  /** The time of the put when left out. */
  readonly createdAt?: Date | number | undefined
  /** Lifetime from the put: milliseconds or text like `'30m'`. Not together with `expiresAt`. */
  readonly ttl?: number | string | undefined
  /**
   * Whether reads keep it alive: one that counts and finds less than three quarters of `ttl` left extends it to a whole
   * `ttl` from then on, under the same version. @default false
   */
  readonly sliding?: boolean | undefined
  readonly expiresAt?: Date | number | undefined
  /** As an entry that was read has it, beside its `expiresAt`. In a new entry say `ttl` and `sliding` instead. */
  readonly slidingTtl?: number | undefined
  /** Taken where it is the namespace of the put, as in an entry that was read there; any other is refused. */
  readonly namespace?: string | undefined
  /** Ignored, as are the next three: an entry that was read may be put back as it is. */
  readonly version?: string | undefined
  readonly updatedAt?: Date | undefined
  readonly lastAccessedAt?: Date | undefined
  readonly accessCount?: number | undefined
}

export interface EmbeddingInput extends InputBase {
  readonly kind: 'embedding'
  readonly embedding: Vector
}

export interface ChunkInput extends InputBase {
  readonly kind: 'chunk'
  readonly text: string
  readonly documentId?: string | undefined
  readonly position?: number | undefined
  readonly embedding?: Vector | undefined
}

export interface MetadataInput extends InputBase {
  readonly kind: 'metadata'
  readonly metadata: GivenMetadata
}

export interface RaptorInput extends InputBase {
  readonly kind: 'raptor'
  readonly level: number
  readonly summary: string
  readonly children: readonly string[]
  readonly embedding?: Vector | undefined
}

export interface BlobInput extends InputBase {
  readonly kind: 'blob'
  readonly bytes: Uint8Array
  /** What the bytes are, as `image/png`. At most 512 bytes of UTF-8. */
  readonly contentType?: string | undefined
}

export type EntryInput = EmbeddingInput | ChunkInput | MetadataInput | RaptorInput | BlobInput

export type InputOfKind<K extends EntryKind> = Extract<EntryInput, { kind: K }>
