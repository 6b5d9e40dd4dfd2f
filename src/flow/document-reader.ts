/**
 * Reads documents: their chunks in order, and which documents there are. It queries through {@link Searcher}, so
 * pending and cold count as one.
 *
 * Chunks are ordered by position, those without one last. The first page is one query in that order. A later page
 * begins at a position, so that the index over documents leads to it: a condition that also admits absent positions
 * would read the document from its start again. Chunks without a position are queried separately, after all others.
 */
import type { ColdDocument, ColdRow } from '../cold/cold-tier.ts'
import type { MemoryEntry } from '../entry/memory-entry.ts'
import type { EntryRecord } from '../entry/record.ts'
import { type Patience, runningOut } from '../kernel/deadline.ts'
import { type PagedQuery, readCursor, writeCursor } from '../query/cursor.ts'
import type { Filter, Scalar, ScalarCondition } from '../query/filter.ts'
import { type Order, type OrderKeys, orderKeys } from '../query/order.ts'
import type { Scope } from '../query/scope.ts'
import type { Select } from '../query/select.ts'
import type { Page, PageRequest, Searcher } from './searcher.ts'

type Asked = Omit<PageRequest, 'order'>

export interface DocumentPage {
  readonly items: readonly ColdDocument[]
  /** Undefined where nothing follows. */
  readonly nextCursor?: string
}

const BATCH = 500
const KEYS: Select = new Set(['id'])
const BY_POSITION: Order = [{ field: 'position', isDescending: false }]
const IS_CHUNK: ScalarCondition = { field: 'kind', operator: 'eq', value: 'chunk' }

export class DocumentReader {
  readonly #searcher: Searcher
  readonly #storeId: string

  constructor(searcher: Searcher, storeId: string) {
    this.#searcher = searcher
    this.#storeId = storeId
  }

  /** A page of the chunks of one document. Counts no access. */
  async chunks(scope: Scope, documentId: string, { limit, cursor }: Asked, options: Patience): Promise<Page> {
    const query = { ...this.#chunksOf(scope, documentId), subject: 'ofDocument' }
    const after = cursor === undefined ? undefined : readCursor(query, cursor)
    // One more tells whether there is another page.
    const rows = await this.#rowsAfter(query, after, limit + 1, runningOut(options))
    const last = rows.length > limit ? rows[limit - 1] : undefined
    const items: MemoryEntry[] = rows.slice(0, limit).map((row) => this.#searcher.entryOf(row))
    if (last === undefined) return { items }
    return { items, nextCursor: writeCursor(query, orderKeys(last.record, BY_POSITION)) }
  }

  /**
   * Which chunks one document has, in order, a batch at a time: of what cold answers only what a key has and the
   * position are read, since whoever changes them looks at each again.
   */
  async *keys(scope: Scope, documentId: string, options: Patience): AsyncGenerator<EntryRecord[], void, undefined> {
    const query = this.#chunksOf(scope, documentId)
    for (let after: OrderKeys | undefined; ; ) {
      const rows = await this.#rowsAfter(query, after, BATCH, options, KEYS)
      if (rows.length > 0) yield rows.map(({ record }) => this.#searcher.seen(record))
      if (rows.length < BATCH) return
      after = orderKeys(rows.at(-1)!.record, BY_POSITION)
    }
  }

  /** A page of documents, by their ids. */
  async documents(scope: Scope, filter: Filter, { limit, cursor }: Asked, options: Patience): Promise<DocumentPage> {
    const asked: Filter = [IS_CHUNK, { field: 'documentId', operator: 'exists' }, ...filter]
    const query = { storeId: this.#storeId, scope, filter: asked, order: [], subject: 'documents' }
    const after = cursor === undefined ? undefined : String(readCursor(query, cursor)[0])
    const documents = await this.#searcher.documents(scope, asked, { limit: limit + 1, after }, options)
    const last = documents.length > limit ? documents[limit - 1] : undefined
    if (last === undefined) return { items: documents }
    return { items: documents.slice(0, limit), nextCursor: writeCursor(query, [last.documentId]) }
  }

  #chunksOf(scope: Scope, documentId: string): PagedQuery {
    const filter: Filter = [IS_CHUNK, { field: 'documentId', operator: 'eq', value: documentId }]
    return { storeId: this.#storeId, scope, filter, order: BY_POSITION }
  }

  async #rowsAfter(
    { scope, filter, order }: PagedQuery,
    after: OrderKeys | undefined,
    limit: number,
    options: Patience,
    select?: Select,
  ): Promise<ColdRow[]> {
    if (after === undefined) return this.#searcher.rows(scope, filter, { limit, order, after, select }, options)
    const [position = null] = after
    const rows: ColdRow[] = []
    if (position !== null) {
      const placed = [...filter, ...beyond(position, String(after[2]))]
      rows.push(...(await this.#searcher.rows(scope, placed, { limit, order, after: undefined, select }, options)))
      if (rows.length === limit) return rows
    }
    const unplaced: Filter = [...filter, { not: [{ field: 'position', operator: 'exists' }] }]
    const asked = {
      limit: limit - rows.length,
      order: [],
      after: position === null ? after.slice(1) : undefined,
      select,
    }
    return [...rows, ...(await this.#searcher.rows(scope, unplaced, asked, options))]
  }
}

/** A range, and what it has that came before: the planner expects less of both in one condition than there is. */
export function beyond(position: Scalar, id: string): Filter {
  const sameButBefore: Filter = [
    { field: 'position', operator: 'eq', value: position },
    { field: 'id', operator: 'lte', value: id },
  ]
  return [{ field: 'position', operator: 'gte', value: position }, { not: sameButBefore }]
}
