/**
 * Defines the vector store for LangChain, over the chunks of one namespace. How a document becomes a chunk is decided
 * in document-entries.ts, and what a filter selects in document-filter.ts.
 */
import { Document, type DocumentInterface } from '@langchain/core/documents'
import type { EmbeddingsInterface } from '@langchain/core/embeddings'
import { type MaxMarginalRelevanceSearchOptions, VectorStore } from '@langchain/core/vectorstores'
import { defineCall, flag, lifetime, oneOf, optionRule, type RulesOf } from '../../call-options.ts'
import {
  type Durability,
  type Duration,
  type Metric,
  type Mmr,
  type NamespaceView,
  type SearchOptions,
  ThermoclineError,
  type Where,
} from '../../index.ts'
import { chunkOf, DOCUMENT_FIELDS, documentOf, entryIdOf } from './document-entries.ts'
import { type DocumentFilter, whereOf } from './document-filter.ts'
import { durability, homeOf, type KeptIn, keptIn } from './kept-in.ts'

/** `vector`: by the embedding of what is asked; `text`: by its words; `both`: by the places in either list. */
export type SearchBy = 'vector' | 'text' | 'both'

/** Documents are in `langchain/documents` unless `namespace` says otherwise. */
export interface VectorStoreOptions extends KeptIn {
  /** What a query that is a text is searched by. @default 'vector' */
  readonly by?: SearchBy | undefined
  /** How vectors are compared. @default 'cosine' */
  readonly metric?: Metric | undefined
  /** Leaves out what scores less. @default nothing */
  readonly minScore?: number | undefined
  /** How long a document lives: milliseconds or a text like `'30d'`. @default for good */
  readonly ttl?: Duration | undefined
  /** What adding and deleting wait for. @default as the store was opened */
  readonly durability?: Durability | undefined
}

export interface AddOptions {
  /** One for each document, of 1 to 512 bytes; what has the id already is replaced. @default those of the documents */
  readonly ids?: readonly string[] | undefined
}

/** One of them. */
export interface DeleteOptions {
  readonly ids?: readonly string[] | undefined
  /** All that it selects; an empty one is refused. */
  readonly filter?: DocumentFilter | undefined
  /** Every document. */
  readonly all?: boolean | undefined
}

const ids = optionRule<readonly string[]>(
  (value) => (Array.isArray(value) && value.every((id) => typeof id === 'string') ? value : undefined),
  'an array of texts',
)
const checkOptions = defineCall('ThermoclineVectorStore', {
  ...keptIn,
  by: oneOf<SearchBy>(['vector', 'text', 'both']),
  metric: oneOf<Metric>(['cosine', 'l2', 'inner-product']),
  minScore: optionRule((value) => (Number.isFinite(value) ? (value as number) : undefined), 'a finite number'),
  ttl: lifetime,
  durability,
} satisfies RulesOf<VectorStoreOptions>)
const checkAdd = defineCall('addDocuments', { ids } satisfies RulesOf<AddOptions>)
const checkDelete = defineCall('delete', {
  ids,
  filter: (value) => whereOf(value as DocumentFilter),
  all: flag,
} satisfies RulesOf<DeleteOptions>)

/** What a search is by. */
type Asked = { readonly embedding: number[]; readonly text?: string } | { readonly text: string }

/**
 * Keeps documents with their embeddings in a store of thermocline. What is added is found at once by this process, and
 * within about a second by others. Scores are similarities: the higher, the nearer.
 */
export class ThermoclineVectorStore extends VectorStore {
  declare FilterType: DocumentFilter
  readonly #chunks: NamespaceView['chunks']
  readonly #options: ReturnType<typeof checkOptions>

  /** @param embeddings of what is added, and of what is asked. */
  constructor(embeddings: EmbeddingsInterface, options: VectorStoreOptions) {
    super(embeddings, {})
    this.#options = checkOptions(options)
    this.#chunks = homeOf('ThermoclineVectorStore', this.#options, ['langchain', 'documents']).chunks
  }

  override _vectorstoreType(): string {
    return 'thermocline'
  }

  /** Returns the ids, in order. */
  override async addDocuments(documents: DocumentInterface[], options?: AddOptions): Promise<string[]> {
    const { ids } = checkAdd(options)
    const vectors = await this.embeddings.embedDocuments(documents.map(({ pageContent }) => pageContent))
    return this.addVectors(vectors, documents, { ids })
  }

  /** As {@link addDocuments}, with embeddings that are there already. */
  override async addVectors(
    vectors: number[][],
    documents: DocumentInterface[],
    options?: AddOptions,
  ): Promise<string[]> {
    const { ids = documents.map(({ id }) => id) } = checkAdd(options)
    for (const [name, { length }] of Object.entries({ vectors, ids })) {
      if (length === documents.length) continue
      const message = `there must be as many \`${name}\` as documents: ${length} is not ${documents.length}`
      throw new ThermoclineError('ERR_INVALID_OPTIONS', message, { option: name })
    }
    const { ttl, durability } = this.#options
    const chunks = documents.map((document, i) => ({ ...chunkOf(document, vectors[i]!, ids[i]), ttl }))
    const receipts = await this.#chunks.putMany(chunks, { durability })
    return receipts.map(({ id }, i) => ids[i] ?? id)
  }

  /** Deletes by ids, by a filter, or all; deleting what is not there is no error. */
  override async delete(options: DeleteOptions): Promise<void> {
    const { ids, filter, all } = checkDelete(options)
    const { durability } = this.#options
    if ([ids, filter, all || undefined].filter((one) => one !== undefined).length !== 1) {
      const message = 'delete takes either `ids` or `filter` or `all: true`'
      throw new ThermoclineError('ERR_INVALID_OPTIONS', message, { option: 'ids' })
    }
    if (ids === undefined) await this.#chunks.deleteWhere(filter ?? {}, { durability, all })
    else
      await this.#chunks.deleteMany(
        ids.map((id) => entryIdOf(this.#chunks, id)),
        { durability },
      )
  }

  /** Always by the vector. */
  override similaritySearchVectorWithScore(
    query: number[],
    k: number,
    filter?: DocumentFilter,
  ): Promise<[Document, number][]> {
    return this.#search({ embedding: query }, { k, filter })
  }

  override async similaritySearch(query: string, k = 4, filter?: DocumentFilter): Promise<Document[]> {
    return (await this.similaritySearchWithScore(query, k, filter)).map(([document]) => document)
  }

  override async similaritySearchWithScore(
    query: string,
    k = 4,
    filter?: DocumentFilter,
  ): Promise<[Document, number][]> {
    return this.#search(await this.#asked(query), { k, filter })
  }

  /** Chooses from the `fetchK` best (20) by `lambda` (0.5): 1 is relevance alone. */
  override async maxMarginalRelevanceSearch(
    query: string,
    { k, fetchK = 20, lambda = 0.5, filter }: MaxMarginalRelevanceSearchOptions<DocumentFilter>,
  ): Promise<Document[]> {
    const mmr = { fetch: fetchK, lambda }
    const hits = await this.#search(await this.#asked(query), { k: Math.min(k, fetchK), filter, mmr })
    return hits.map(([document]) => document)
  }

  /** @param metadatas one for each text, or one for all. */
  static override fromTexts(
    texts: string[],
    metadatas: object[] | object,
    embeddings: EmbeddingsInterface,
    options: VectorStoreOptions,
  ): Promise<ThermoclineVectorStore> {
    const documents = texts.map((pageContent, i) => {
      return new Document({ pageContent, metadata: Array.isArray(metadatas) ? (metadatas[i] ?? {}) : metadatas })
    })
    return ThermoclineVectorStore.fromDocuments(documents, embeddings, options)
  }

  static override async fromDocuments(
    documents: DocumentInterface[],
    embeddings: EmbeddingsInterface,
    options: VectorStoreOptions,
  ): Promise<ThermoclineVectorStore> {
    const store = new ThermoclineVectorStore(embeddings, options)
    await store.addDocuments(documents)
    return store
  }

  /** As `new`, with what is there already. */
  static async fromExistingIndex(
    embeddings: EmbeddingsInterface,
    options: VectorStoreOptions,
  ): Promise<ThermoclineVectorStore> {
    return new ThermoclineVectorStore(embeddings, options)
  }

  async #asked(query: string): Promise<Asked> {
    const { by = 'vector' } = this.#options
    if (by === 'text') return { text: query }
    const embedding = await this.embeddings.embedQuery(query)
    return by === 'vector' ? { embedding } : { embedding, text: query }
  }

  async #search(
    asked: Asked,
    { k, filter, mmr }: { readonly k: number; readonly filter?: DocumentFilter | undefined; readonly mmr?: Mmr },
  ): Promise<[Document, number][]> {
    const { metric, minScore } = this.#options
    const where: Where<'chunk'> | undefined = filter && whereOf(filter)
    const ofVectors = 'embedding' in asked ? { metric, mmr } : mmr && { mmr }
    const options = { ...asked, ...ofVectors, k, where, minScore, select: DOCUMENT_FIELDS }
    const { hits } = await this.#chunks.search(options as SearchOptions<'chunk', (typeof DOCUMENT_FIELDS)[number]>)
    return hits.map(({ entry, score }) => [documentOf(entry), score])
  }
}
