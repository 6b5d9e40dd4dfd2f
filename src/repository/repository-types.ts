/** What repositories take and answer, by the kind of their entries. */
import type { EntryInput, EntryKind, InputOfKind } from '../entry/memory-entry.ts'
import type { Patch } from '../entry/patch.ts'

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
