/** Defines what repositories take and return, by the kind of their entries. */
import type { EntryInput, EntryKind, InputOfKind, RaptorEntry } from '../entry/memory-entry.ts'
import type { Patch } from '../entry/patch.ts'
import type { Staleness } from '../flow/stale-nodes.ts'

export interface FindResult<E> {
  readonly items: readonly E[]
  /** Where the next page begins; undefined where nothing follows. */
  readonly nextCursor?: string
}

/**
 * An input without its `kind`, which a repository of one kind knows. It distributes over the kinds, so that each keeps
 * its own fields.
 */
type Put<I extends EntryInput, K extends EntryKind | undefined> = K extends EntryKind
  ? Omit<I, 'kind'> & { readonly kind?: K | undefined }
  : I

/** What a repository of kind `K` takes. */
export type PutOf<K extends EntryKind | undefined> = K extends EntryKind ? Put<InputOfKind<K>, K> : EntryInput
/** What an update in a repository of kind `K` may change: null removes a field. */
export type PatchOf<K extends EntryKind | undefined> = K extends EntryKind ? Patch<InputOfKind<K>> : Patch<EntryInput>

/** A document, as its chunks tell. */
export interface DocumentSummary {
  readonly documentId: string
  /** How many chunks it has, of those that `where` selects. */
  readonly chunks: number
  /** When the latest of them was written. */
  readonly updatedAt: Date
}

/** What became of a document: ids of its chunks. */
export interface ReplacedDocument {
  /** Of each chunk that was given, in order. */
  readonly ids: readonly string[]
  /** As they were: nothing was written. */
  readonly kept: readonly string[]
  /** Written anew under the id that they had: another place, other metadata, an embedding that was missing. */
  readonly changed: readonly string[]
  readonly added: readonly string[]
  /** Deleted. */
  readonly removed: readonly string[]
  /** Have no embedding, or would have none but for `embed`, where this is a dry run. */
  readonly unembedded: readonly string[]
}

/** A node that has to be summarised again, and why. */
export interface StaleNode<E = RaptorEntry> extends Staleness {
  readonly entry: E
}
