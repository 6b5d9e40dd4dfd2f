/** What only chunks have: the documents that they are pieces of. */
import { name } from '../entry/field-checks.ts'
import type { ChunkEntry } from '../entry/memory-entry.ts'
import type { Page } from '../flow/searcher.ts'
import type { Scope } from '../query/scope.ts'
import { CALL_DEFAULTS, CALLS, type DocumentChunksOptions, type DocumentsOptions } from './calls.ts'
import { type FindResult, type Flows, MemoryRepository } from './memory-repository.ts'

/** A document, as its chunks tell. */
export interface DocumentSummary {
  readonly documentId: string
  /** How many chunks it has, of those that `where` selects. */
  readonly chunks: number
  /** When the latest of them was written. */
  readonly updatedAt: Date
}

export class ChunkRepository extends MemoryRepository<'chunk'> {
  readonly #flows: Flows

  /** @internal */
  constructor(flows: Flows, namespace: string) {
    super(flows, namespace, 'chunk')
    this.#flows = flows
  }

  /** Answers a page of the chunks of a document, in the order of their positions; those without one come last. */
  ofDocument(documentId: string, options?: DocumentChunksOptions): Promise<FindResult<ChunkEntry>> {
    return this.#flows.gate.run(CALLS.ofDocument, options, async ({ limit = LIMIT, cursor, ...patience }) => {
      const asked = { limit, cursor }
      const page = await this.#flows.documents.chunks(this.#scope, documentIdOf(documentId), asked, patience)
      return page as Page & FindResult<ChunkEntry>
    })
  }

  /** Answers a page of the documents of this namespace, in the order of their ids. */
  documents(options?: DocumentsOptions): Promise<FindResult<DocumentSummary>> {
    return this.#flows.gate.run(
      CALLS.documents,
      options,
      async ({ where = [], limit = LIMIT, cursor, ...patience }) => {
        const page = await this.#flows.documents.documents(this.#scope, where, { limit, cursor }, patience)
        const items = page.items.map((document) => ({ ...document, updatedAt: new Date(document.updatedAt) }))
        return { ...page, items }
      },
    )
  }

  /** A document belongs to one namespace. */
  get #scope(): Scope {
    return { namespace: this.namespace, recursive: false }
  }
}

const { limit: LIMIT } = CALL_DEFAULTS.find

function documentIdOf(given: unknown): string {
  return name('documentId', given)
}
