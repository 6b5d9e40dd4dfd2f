/**
 * Defines the view above all namespaces. It has no entries of its own, so its repositories have only the calls that
 * query, in any namespace. At run time it is a {@link NamespaceView}, whose other calls reject.
 */
import type { EntryKind } from '../entry/memory-entry.ts'
import type { StandardSchema } from '../entry/standard-schema.ts'
import type { MemoryRepository } from './memory-repository.ts'
import type { NamespaceView } from './namespace-view.ts'
import type { TypedRepository } from './typed-repository.ts'

/** About what a query finds. Others name an entry of one namespace. */
type CallOfQuery =
  | 'find'
  | 'findAll'
  | 'count'
  | 'search'
  | 'searchMany'
  | 'deleteWhere'
  | 'updateWhere'
  | 'erase'
  | 'prefetch'

/** A repository of every namespace. */
export interface RootRepository<K extends EntryKind | undefined = undefined>
  extends Pick<MemoryRepository<K>, CallOfQuery> {
  withMetadata<S extends StandardSchema>(schema: S): Pick<TypedRepository<K, S>, CallOfQuery>
}

/** The repositories of every namespace: what they find says in `namespace` where it is. */
export interface RootView
  extends Pick<NamespaceView, 'path' | 'namespace' | 'namespaces' | 'count' | 'stats' | 'export' | 'import'> {
  readonly entries: RootRepository
  readonly chunks: RootRepository<'chunk'>
  readonly embeddings: RootRepository<'embedding'>
  readonly metadata: RootRepository<'metadata'>
  readonly raptorNodes: RootRepository<'raptor'>
  readonly blobs: RootRepository<'blob'>
}
