/**
 * Reads trees of RAPTOR nodes, within one namespace: what is above and below an entry, and which nodes are roots.
 * Pending and cold count as one, as in every query (rule R4 of flow/README.md). Only nodes and chunks are parts of a
 * tree.
 *
 * A walk is one statement where nothing of the namespace is pending. Otherwise it goes level by level, with a read for
 * each: pending nodes may add or remove children at any place, and may be too many to send with a statement. Either way
 * it visits each entry once, so it ends whatever the children are.
 */
import type { ColdRow, ColdTier, ColdTreeRow, ColdWalk, TreePlace } from '../cold/cold-tier.ts'
import { isLive } from '../entry/expiry.ts'
import type { MemoryEntry } from '../entry/memory-entry.ts'
import type { EntryRecord } from '../entry/record.ts'
import type { Version } from '../entry/version.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Patience, runningOut } from '../kernel/deadline.ts'
import { slices } from '../kernel/slices.ts'
import { type PagedQuery, readCursor, writeCursor } from '../query/cursor.ts'
import { type Filter, IN_TREE, IS_NODE, matches } from '../query/filter.ts'
import { HIGHEST_FIRST, type OrderKeys, orderKeys } from '../query/order.ts'
import { fieldsNeeded, type Select } from '../query/select.ts'
import type { Pending } from './pending.ts'
import type { Page, PageRequest, Searcher } from './searcher.ts'
import { withinScope } from './within-scope.ts'

export interface TreeReaderParts {
  /** Cursors are of one store. */
  readonly storeId: string
  readonly searcher: Searcher
  readonly pending: Pending
  readonly cold: Pick<ColdTier, 'read' | 'walk'>
  readonly clock: Clock
  /** Milliseconds for a call that names no timeout. */
  readonly timeout: number
}

type Asked = Omit<PageRequest, 'order'>

/** A walk from an entry; what it meets and the filter selects is answered. */
export interface Walk extends Pick<ColdWalk, 'from' | 'direction' | 'filter'> {
  /** @default every level, to {@link MAX_DEPTH} */
  readonly depth?: number | undefined
}

/** What pending has of the namespace, as it was when the call began. */
interface Own {
  readonly namespace: string
  readonly now: number
  /** By id. */
  readonly records: ReadonlyMap<string, EntryRecord>
}

type Fields = ReadonlySet<keyof EntryRecord> | undefined

/** Levels that a walk goes at most: more than any tree has whose nodes summarise two or more each. */
export const MAX_DEPTH = 100
/** Rows of a read: with embeddings, a few MiB. */
const BATCH = 500
/** Versions of a read, and what makes them out: fields that every row is told apart and judged by. */
const VERSIONS = 5_000
const KEYS = fieldsNeeded(new Set())

/** What has no children: chunks, and nodes whose list is empty. */
const HAS_NONE: Filter = [{ field: 'children', operator: 'eq', value: [] }]
export const IS_LEAF: Filter = [
  { or: [[{ field: 'kind', operator: 'eq', value: 'chunk' }], [...IS_NODE, ...HAS_NONE]] },
]

export class TreeReader {
  readonly #parts: TreeReaderParts

  constructor(parts: TreeReaderParts) {
    this.#parts = parts
  }

  /** A page of the children of a node, in the order in which it names them. */
  async children(namespace: string, id: string, { limit, cursor, select }: Asked, options: Patience): Promise<Page> {
    const patience = this.#patience(options)
    const query = this.#paged(namespace, IN_TREE, `children ${id}`)
    const after = cursor === undefined ? -1 : Number(readCursor(query, cursor)[0])
    const own = this.#own(namespace)
    const [node] = await this.#read(own, [id], fieldsNeeded(new Set(['children'])), patience)
    const children = [...new Set(node?.record.kind === 'raptor' ? node.record.children : [])]
    const places = new Map(children.map((child, nth) => [child, nth]))
    const rows: ColdRow[] = []
    const size = Math.min(BATCH, limit + 1)
    for (let nth = after + 1; nth < children.length && rows.length <= limit; nth += size) {
      const found = await this.#read(own, children.slice(nth, nth + size), fieldsNeeded(select), patience)
      rows.push(...found.filter((row) => matches(row.record, IN_TREE)))
    }
    return this.#page(query, rows, { limit, select }, ({ record }) => [places.get(record.id)!])
  }

  /** A page of the nodes that no node has for a child, the highest level first. */
  async roots(namespace: string, { limit, cursor, select }: Asked, options: Patience): Promise<Page> {
    const query = { ...this.#paged(namespace, IS_NODE, 'roots'), order: HIGHEST_FIRST }
    const after = cursor === undefined ? undefined : readCursor(query, cursor)
    const rows = await this.#parts.searcher.roots(query.scope, { limit: limit + 1, after, select }, options)
    return this.#page(query, rows, { limit, select }, ({ record }) => orderKeys(record, HIGHEST_FIRST))
  }

  /** A page of what a walk meets, nearest first, then by id. */
  async walk(namespace: string, walk: Walk, { limit, cursor, select }: Asked, options: Patience): Promise<Page> {
    const { from, direction, filter, depth = MAX_DEPTH } = walk
    const query = this.#paged(namespace, filter, `${direction} ${from} ${depth}`)
    const [level, id] = cursor === undefined ? [] : readCursor(query, cursor)
    const after = level === undefined ? undefined : { depth: Number(level), id: String(id) }
    const rows = await this.rows(namespace, { ...walk, depth, after }, { limit: limit + 1, select }, options)
    return this.#page(query, rows, { limit, select }, ({ depth: met, record }) => [met, record.id])
  }

  /** The first `limit` of what a walk meets after a place. */
  async rows(
    namespace: string,
    { after, ...walk }: Walk & { readonly after?: TreePlace | undefined },
    { limit, select }: { readonly limit: number; readonly select?: Select | undefined },
    options: Patience,
  ): Promise<ColdTreeRow[]> {
    const patience = this.#patience(options)
    const own = this.#own(namespace)
    const scope = { namespace, recursive: false }
    const { depth = MAX_DEPTH } = walk
    const query = { ...walk, depth, after, scope, now: own.now, exclude: [], fields: fieldsNeeded(select) }
    if (own.records.size > 0) return this.#walkLevels(own, query, limit, patience)
    return withinScope(scope, await this.#parts.cold.walk(query, limit, patience))
  }

  /**
   * The nodes above these entries, by id, except some.
   * @param except nodes that no way leads through, as those that are about to change.
   * @param fields of their records, the children among them.
   */
  async above(
    namespace: string,
    ids: readonly string[],
    except: ReadonlySet<string>,
    options: Patience,
    fields = fieldsNeeded(new Set(['children'])),
  ): Promise<Map<string, EntryRecord>> {
    const patience = this.#patience(options)
    const own = this.#own(namespace)
    const seen = new Set([...ids, ...except])
    const found = new Map<string, EntryRecord>()
    for (let level = ids; level.length > 0; ) {
      const next: string[] = []
      for await (const batch of this.#above(own, level, seen, fields, patience))
        for (const { record } of batch) {
          next.push(record.id)
          found.set(record.id, record)
        }
      level = next
    }
    return found
  }

  /** The versions of what is live of these ids. */
  async versions(namespace: string, ids: readonly string[], options: Patience): Promise<Map<string, Version>> {
    const rows = await this.live(namespace, ids, KEYS, options, VERSIONS)
    return new Map(rows.map(({ record }) => [record.id, record.version]))
  }

  /** What is live of these ids, in their order. @param fields of the records. @default all */
  async live(
    namespace: string,
    ids: readonly string[],
    fields: Fields,
    options: Patience,
    batch = BATCH,
  ): Promise<ColdRow[]> {
    const patience = this.#patience(options)
    const own = this.#own(namespace)
    const rows: ColdRow[] = []
    for (const some of slices(ids, batch)) rows.push(...(await this.#read(own, some, fields, patience)))
    return rows
  }

  /** The same as callers get it, by id. */
  async entries(
    namespace: string,
    ids: readonly string[],
    select: Select | undefined,
    options: Patience,
  ): Promise<Map<string, MemoryEntry>> {
    const rows = await this.live(namespace, ids, fieldsNeeded(select), options)
    return new Map(rows.map((row) => [row.record.id, this.#parts.searcher.entryOf(row, select)]))
  }

  async #walkLevels(own: Own, query: ColdWalk, limit: number, patience: Patience): Promise<ColdTreeRow[]> {
    const { direction, from, filter, after } = query
    const fields = query.fields && new Set([...query.fields, 'children' as const])
    const seen = new Set([from])
    const rows: ColdTreeRow[] = []
    let level = await this.#read(own, [from], fields, patience)
    let ids = [from]
    for (let depth = 1; depth <= query.depth && ids.length > 0; depth++) {
      const next =
        direction === 'up'
          ? this.#above(own, ids, seen, fields, patience)
          : this.#below(own, level, seen, fields, patience)
      level = []
      for await (const batch of next) {
        level.push(...batch)
        for (const row of batch)
          if (matches(row.record, filter) && isAfter(after, depth, row)) rows.push({ ...row, depth })
        if (rows.length >= limit) return rows.slice(0, limit)
      }
      ids = level.map(({ record }) => record.id)
    }
    return rows
  }

  /** The live children of nodes that were not seen before, by id, a batch at a time. */
  async *#below(
    own: Own,
    level: readonly ColdRow[],
    seen: Set<string>,
    fields: Fields,
    patience: Patience,
  ): AsyncGenerator<ColdRow[], void, undefined> {
    const nodes = level.filter(({ record }) => record.kind === 'raptor')
    const children = new Set(nodes.flatMap(({ record }) => record.children ?? []))
    const ids = [...children].filter((id) => !seen.has(id)).sort()
    for (const id of ids) seen.add(id)
    for (const some of slices(ids, BATCH)) yield await this.#read(own, some, fields, patience)
  }

  /** The nodes that have one of these for a child and were not seen before, by id, a batch at a time. */
  async *#above(
    { namespace }: Own,
    ids: readonly string[],
    seen: Set<string>,
    fields: Fields,
    patience: Patience,
  ): AsyncGenerator<ColdRow[], void, undefined> {
    const scope = { namespace, recursive: false }
    const filter: Filter = [...IS_NODE, { field: 'children', operator: 'overlaps', value: ids }]
    for (let after: OrderKeys | undefined; ; ) {
      const asked = { limit: BATCH, order: [], after, fields }
      const rows = await this.#parts.searcher.rows(scope, filter, asked, patience)
      const found = rows.filter(({ record }) => !seen.has(record.id))
      for (const { record } of found) seen.add(record.id)
      yield found
      if (rows.length < BATCH) return
      after = orderKeys(rows.at(-1)!.record, [])
    }
  }

  /** What is live of these ids, in their order. */
  async #read(own: Own, ids: readonly string[], fields: Fields, patience: Patience): Promise<ColdRow[]> {
    const { namespace, now } = own
    const keys = ids.map((id) => ({ namespace, id }))
    const scope = { namespace, recursive: false }
    const found = withinScope(scope, await this.#parts.cold.read(keys, patience, fields))
    return ids.flatMap((id, i) => {
      const row = found[i]
      const pending = own.records.get(id)
      const record = pending === undefined || (row?.record.version ?? '') > pending.version ? row?.record : pending
      return record !== undefined && isLive(record, now) ? [{ record, access: row?.access }] : []
    })
  }

  #own(namespace: string): Own {
    const { pending, clock } = this.#parts
    const records = new Map<string, EntryRecord>()
    for (const record of pending.inScope(namespace, false).values()) records.set(record.id, record)
    return { namespace, now: clock.now(), records }
  }

  #paged(namespace: string, filter: Filter, subject: string): PagedQuery {
    const { storeId } = this.#parts
    return { storeId, scope: { namespace, recursive: false }, filter, order: [], subject }
  }

  /** @param rows one more than the page has, where there is another page. */
  #page<R extends ColdRow>(
    query: PagedQuery,
    rows: readonly R[],
    { limit, select }: Asked,
    placeOf: (row: R) => OrderKeys,
  ): Page {
    const items = rows.slice(0, limit).map((row) => this.#parts.searcher.entryOf(row, select))
    const last = rows.length > limit ? rows[limit - 1] : undefined
    return last === undefined ? { items } : { items, nextCursor: writeCursor(query, placeOf(last)) }
  }

  /** The patience of one call, for all that it asks. */
  #patience(given: Patience): Patience {
    return runningOut(given, this.#parts.timeout)
  }
}

function isAfter(place: TreePlace | undefined, depth: number, { record }: ColdRow): boolean {
  return place === undefined || depth > place.depth || (depth === place.depth && record.id > place.id)
}
