/** Types the calls that only repositories of chunks or of RAPTOR nodes have, where their metadata has a schema. */
import type { ChunkEntry, RaptorEntry, TreeEntry } from '../entry/memory-entry.ts'
import type { SchemaInput, SchemaOutput, StandardSchema } from '../entry/standard-schema.ts'
import type { TreeHit } from '../flow/tree-searcher.ts'
import type { Selected } from '../query/select.ts'
import type {
  DeleteDocumentOptions,
  DescendantsOptions,
  DocumentChunksOptions,
  DocumentsOptions,
  ReplaceDocumentOptions,
  SearchTreeOptions,
  SelectField,
  StaleNodesOptions,
  TreeField,
  TreeOptions,
} from './calls.ts'
import type { DocumentSummary, FindResult, PutOf, ReplacedDocument, StaleNode } from './repository-types.ts'
import type { TypedRepository, TypedWhere, WithMetadata } from './typed-repository.ts'

/** A {@link TypedRepository} of chunks: metadata of those of a document is checked and typed as well. */
export interface TypedChunkRepository<S extends StandardSchema> extends TypedRepository<'chunk', S> {
  ofDocument(
    documentId: string,
    options?: DocumentChunksOptions,
  ): Promise<FindResult<WithMetadata<ChunkEntry, SchemaOutput<S>>>>
  documents(
    options?: Omit<DocumentsOptions, 'where'> & { readonly where?: TypedWhere<'chunk', SchemaOutput<S>> | undefined },
  ): Promise<FindResult<DocumentSummary>>
  replaceDocument(
    documentId: string,
    chunks: readonly WithMetadata<PutOf<'chunk'>, SchemaInput<S>>[],
    options?: ReplaceDocumentOptions,
  ): Promise<ReplacedDocument>
  deleteDocument(documentId: string, options?: DeleteDocumentOptions): Promise<number>
}

type NodeField = SelectField<'raptor'>
type Parts<F extends TreeField> = Promise<FindResult<Selected<TreeEntry, F>>>
type Nodes<S extends StandardSchema, F extends NodeField> = Promise<
  FindResult<Selected<WithMetadata<RaptorEntry, SchemaOutput<S>>, F>>
>

/** A {@link TypedRepository} of nodes. Where chunks are answered as well, metadata is of no known type. */
export interface TypedRaptorRepository<S extends StandardSchema> extends TypedRepository<'raptor', S> {
  children<F extends TreeField = never>(id: string, options?: TreeOptions<F>): Parts<F>
  leaves<F extends TreeField = never>(id: string, options?: TreeOptions<F>): Parts<F>
  descendants<F extends TreeField = never>(id: string, options?: DescendantsOptions<F>): Parts<F>
  parents<F extends NodeField = never>(id: string, options?: TreeOptions<F>): Nodes<S, F>
  level<F extends NodeField = never>(level: number, options?: TreeOptions<F>): Nodes<S, F>
  roots<F extends NodeField = never>(options?: TreeOptions<F>): Nodes<S, F>
  ancestors<F extends NodeField = never>(id: string, options?: TreeOptions<F>): Nodes<S, F>
  staleNodes<F extends NodeField = never>(
    options?: StaleNodesOptions<F>,
  ): Promise<StaleNode<Selected<WithMetadata<RaptorEntry, SchemaOutput<S>>, F>>[]>
  searchTree<F extends TreeField = never>(options: SearchTreeOptions<F>): Promise<TreeHit<Selected<TreeEntry, F>>[]>
}
