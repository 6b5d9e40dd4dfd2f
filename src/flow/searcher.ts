/**
 * Answers queries from pending and cold: pending is copied first, then cold is asked, and of each key the newer version
 * counts (rule R4 of flow/README.md). A pending entry is compared with cold's version of its key only if it may be
 * returned, and versions of pending keys are sent to cold only where they are few or replace much of what cold returns;
 * a page is asked for with room for them instead, where they are few and no more than it holds.
 * So many pending writes cost a pass over them, and nothing in the database.
 */

import type { ColdDocument, ColdHit, ColdRow, ColdTier, OwnText, SearchedCold } from '../cold/cold-tier.ts'
import { type EntryKey, keyText } from '../entry/entry-key.ts'
import { isLive } from '../entry/expiry.ts'
import type { MemoryEntry } from '../entry/memory-entry.ts'
import type { AccessStats, EntryRecord } from '../entry/record.ts'
import type { Version, VersionClock } from '../entry/version.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Patience, runningOut } from '../kernel/deadline.ts'
import { readCursor, writeCursor } from '../query/cursor.ts'
import { asksForReads, type Filter, IS_NODE, matches } from '../query/filter.ts'
import { similarity } from '../query/metric.ts'
import { HIGHEST_FIRST, type Order, type OrderKeys, orderKeys } from '../query/order.ts'
import type { Scope } from '../query/scope.ts'
import type { SearchQuery, VectorQuery } from '../query/search-query.ts'
import { fieldsNeeded, type Select, selectsReads, toSelected } from '../query/select.ts'
import type { AccessCounter } from './access-counter.ts'
import { chooseUnlike } from './choose-unlike.ts'
import { OwnRows } from './own-rows.ts'
import type { Pending } from './pending.ts'
import { alternating, type Place, rankHits } from './rank-hits.ts'
import { afterPlace, byPlace, byScore, type Comparator, first } from './row-order.ts'
import { withinScope } from './within-scope.ts'

export interface SearcherParts {
  /** Cursors are of one store. */
  readonly storeId: string
  readonly pending: Pending
  readonly cold: Pick<
    ColdTier,
    'find' | 'count' | 'documents' | 'roots' | 'haveParents' | keyof SearchedCold | 'together'
  >
  readonly access: AccessCounter
  /** Learns of what was found. */
  readonly versions: VersionClock
  readonly clock: Clock
  /** Milliseconds for a query that names no timeout. */
  readonly timeout: number
}

export interface SearchHit<E = MemoryEntry> {
  readonly entry: E
  /**
   * Higher is better. By `embedding`: cosine similarity, inner product or negative L2 distance. By `text`: from 0 to 1.
   * By both: the sum of `weight / (constant + rank)` over the two lists.
   */
  readonly score: number
  /** Where it is among the nearest vectors, if it is, and its score there. */
  readonly vector?: Place
  /** Where it is among the texts that have the words, if it is, and its score there. */
  readonly text?: Place
}

export interface SearchResult<E = MemoryEntry> {
  /** Best first, ties by namespace and id; with `mmr` in the order in which they were chosen. */
  readonly hits: readonly SearchHit<E>[]
  /** Whether a tier was missing, so that there may be nearer entries. */
  readonly partial: boolean
  /**
   * Whether every vector was compared, for want of an index of these dimensions and this metric. By `text` alone: true.
   */
  readonly exact: boolean
}

export interface PageRequest {
  readonly limit: number
  /** @default by namespace and id */
  readonly order?: Order | undefined
  /** Where the page before ended. */
  readonly cursor?: string | undefined
  /** @default every field */
  readonly select?: Select | undefined
}

/** Rows after a place in an order. */
export interface RowRequest {
  readonly limit: number
  readonly order: Order
  readonly after: OrderKeys | undefined
  /** What rows need hold. @default every field */
  readonly select?: Select | undefined
  /** The same, by fields of records, besides those of the order. */
  readonly fields?: ReadonlySet<keyof EntryRecord> | undefined
}

export interface Page {
  readonly items: MemoryEntry[]
  /** Undefined where nothing follows. */
  readonly nextCursor?: string
}

/** As {@link Page}, whose cursor is made when it is asked for: few who take one page take another. */
export interface PageWithNext<E = MemoryEntry> {
  readonly items: E[]
  /** Makes the cursor; undefined where nothing follows. */
  readonly next: (() => string) | undefined
}

/** One of many searches. */
export interface Asked {
  readonly scope: Scope
  readonly filter: Filter
  readonly query: SearchQuery
}

/** What this process has pending in the scope, and whom else it asks. */
interface Own {
  readonly cold: SearchedCold
  readonly glance?: Glance
  readonly scope: Scope
  readonly filter: Filter
  readonly now: number
  /** Pending rows by {@link keyText}; tombstones and what does not match are among them. */
  readonly versions: ReadonlyMap<string, EntryRecord>
  /** Reads of these that cold knows, by the same keys, where the filter asks for reads. */
  readonly reads: ReadonlyMap<string, AccessStats>
}

/** What both have, of which the first are answered. */
interface BothRows<R extends ColdRow> {
  /** Those that no own version replaces. */
  readonly fromCold: readonly R[]
  readonly ownRows: OwnRows<R>
  /** What a row counts as, or undefined where it does not belong into the answer. */
  readonly toRow: (row: ColdRow) => R | undefined
  readonly order: Comparator<R>
  readonly limit: number
}

/** Up to as many own versions travel with a query; beyond, only where the answer without them falls short. */
const FEW = 500

export class Searcher {
  readonly #parts: SearcherParts

  constructor(parts: SearcherParts) {
    this.#parts = parts
  }

  /** One page of entries in an order. Counts no access. */
  async find(scope: Scope, filter: Filter, asked: PageRequest, options: Patience): Promise<Page> {
    return withCursor(await this.page(scope, filter, asked, options))
  }

  /** As {@link find}. */
  async page(scope: Scope, filter: Filter, asked: PageRequest, options: Patience): Promise<PageWithNext> {
    const { limit, order = [], cursor, select } = asked
    const query = { storeId: this.#parts.storeId, scope, filter, order }
    const after = cursor === undefined ? undefined : readCursor(query, cursor)
    // One more tells whether there is another page.
    const rows = await this.rows(scope, filter, { limit: limit + 1, order, after, select }, options)
    const last = rows.length > limit ? rows[limit - 1] : undefined
    const items = rows.slice(0, limit).map((row) => this.entryOf(row, select))
    const next = last && (() => writeCursor(query, orderKeys(last.record, order)))
    return { items, next }
  }

  /** What a caller gets of a row. */
  entryOf({ record, access }: ColdRow, select?: Select): MemoryEntry {
    return toSelected(this.seen(record), access, select)
  }

  /** What is written of it from now on is newer than this. */
  seen(record: EntryRecord): EntryRecord {
    this.#parts.versions.observe(record, record.version)
    return record
  }

  /** The first `limit` rows after a place in an order. */
  async rows(scope: Scope, filter: Filter, asked: RowRequest, options: Patience): Promise<ColdRow[]> {
    const { limit, order, after, select, fields = fieldsNeeded(select, order) } = asked
    const patience = this.patience(options)
    const isAfter = after === undefined ? undefined : afterPlace(order, after)
    const toRow = (row: ColdRow): ColdRow | undefined => (isAfter?.(row) === false ? undefined : row)
    // Who filters by reads compares with them once more.
    const withReads = selectsReads(select) || asksForReads(filter)
    const inOrder = byPlace(order)
    return standingStill(async (glance) => {
      const own = { ...(await this.#own(scope, filter, patience)), order, after, fields, withReads, glance }
      const ownRows = new OwnRows(selectedRows(own, toRow), limit, inOrder)
      const versionsOf = ownRows.foremost()
      const find = async (most: number, exclude: readonly EntryRecord[]): Promise<readonly ColdRow[]> => {
        const { rows, versions } = await this.#parts.cold.find({ ...own, exclude, versionsOf }, most, patience)
        ownRows.compare(versions, true)
        return rows
      }
      const pending = own.versions.size
      // Each replaces one row at most: to read as many more costs less than to have each of them looked up.
      const fromCold =
        pending <= Math.min(limit, FEW)
          ? newerThanOwn(own, await find(limit + pending, []))
          : await notReplaced(own, limit, find)
      return this.#merge(own, { fromCold, ownRows, toRow, order: inOrder, limit }, patience)
    })
  }

  /** The first `limit` nodes of one namespace that no live node has for a child, the highest level first. */
  async roots(
    scope: Scope,
    { limit, after, select }: Omit<RowRequest, 'order'>,
    options: Patience,
  ): Promise<ColdRow[]> {
    const patience = this.patience(options)
    const own = { ...(await this.#own(scope, IS_NODE, patience)), order: HIGHEST_FIRST, after }
    const exclude = [...own.versions.values()]
    const ownNodes = exclude.filter((record) => isSelected(own, record))
    const nodes = await this.#notOvertaken(ownNodes, patience)
    const except = new Set(nodes.flatMap(({ children }) => children ?? []))
    const candidates = new Set(nodes.map(({ id }) => id).filter((id) => !except.has(id)))
    const below = await this.#parts.cold.haveParents({ ...own, exclude }, [...candidates], patience)
    for (const id of below) candidates.delete(id)
    const query = { ...own, exclude, except: [...except], fields: fieldsNeeded(select, HIGHEST_FIRST) }
    const fromCold = withinScope(scope, await this.#parts.cold.roots(query, limit, patience))
    const isAfter = after === undefined ? undefined : afterPlace(HIGHEST_FIRST, after)
    const toRow = (row: ColdRow): ColdRow | undefined =>
      candidates.has(row.record.id) && isAfter?.(row) !== false ? row : undefined
    const order = byPlace(HIGHEST_FIRST)
    const ownRows = new OwnRows(selectedRows(own, toRow), limit, order)
    return this.#merge(own, { fromCold, ownRows, toRow, order, limit }, patience)
  }

  /** Those of own records of which cold has nothing newer. */
  async #notOvertaken(records: readonly EntryRecord[], patience: Patience): Promise<EntryRecord[]> {
    if (records.length === 0) return []
    const versions = await this.#parts.cold.versions(records, patience)
    return records.filter(({ version }, i) => (versions[i] ?? '') <= version)
  }

  /** The first `limit` documents of one namespace whose ids come after one, by what the filter selects. */
  async documents(
    scope: Scope,
    filter: Filter,
    { limit, after }: { readonly limit: number; readonly after: string | undefined },
    options: Patience,
  ): Promise<ColdDocument[]> {
    const patience = this.patience(options)
    const own = await this.#own(scope, filter, patience)
    const versions = [...own.versions.values()].map((record) => {
      const { namespace, id, version, updatedAt } = record
      return { namespace, id, version, updatedAt, documentId: isSelected(own, record) ? record.documentId : null }
    })
    return this.#parts.cold.documents({ ...own, exclude: [], own: versions, after }, limit, patience)
  }

  async count(scope: Scope, filter: Filter, options: Patience): Promise<number> {
    const patience = this.patience(options)
    const own = await this.#own(scope, filter, patience)
    const versions = [...own.versions.values()].map((record) => {
      return { namespace: record.namespace, id: record.id, version: record.version, matches: isSelected(own, record) }
    })
    return this.#parts.cold.count({ ...own, exclude: [] }, versions, patience)
  }

  /** The best `k` by vector, by text or by both. */
  async search(scope: Scope, filter: Filter, query: SearchQuery, options: Patience): Promise<SearchResult> {
    const patience = this.patience(options)
    return this.#search(await this.#own(scope, filter, patience), query, patience)
  }

  /** As {@link search}, of many at once: what is pending is looked at once, and what cold is asked goes together. */
  async searchMany(asked: readonly Asked[], options: Patience): Promise<SearchResult[]> {
    const patience = this.patience(options)
    const { pending, cold } = this.#parts
    const snapshots = new Map<string, ReadonlyMap<string, EntryRecord>>()
    for (const { scope } of asked) {
      const key = JSON.stringify(scope)
      if (!snapshots.has(key)) snapshots.set(key, pending.inScope(scope.namespace, scope.recursive))
    }
    const ask = async ({ scope, filter, query }: Asked, together: SearchedCold): Promise<SearchResult> => {
      const own = await this.#own(scope, filter, patience, together, snapshots.get(JSON.stringify(scope)))
      return this.#search(own, query, patience)
    }
    return cold.together((together) => Promise.all(asked.map((one) => ask(one, together))), patience)
  }

  async #search(own: Own, query: SearchQuery, patience: Patience): Promise<SearchResult> {
    const { vector } = query
    let seen: Own | undefined = own
    const look = async (given: VectorQuery, glance: Glance) => {
      const fresh = seen ?? (await this.#own(own.scope, own.filter, patience))
      seen = undefined
      return this.#nearest({ ...fresh, glance }, given, query.reach, patience)
    }
    const [nearest, worded] = await Promise.all([
      vector && Promise.all([vector, ...query.others].map((one) => standingStill((glance) => look(one, glance)))),
      query.text === undefined ? undefined : this.#worded(own, query.text, query, patience),
    ])
    const byVector = nearest && alternating(nearest.map(({ hits }) => hits))
    const ranked = rankHits({ vector: byVector, text: worded }, query, byScore)
    const hits = await chooseUnlike(ranked, query, patience)
    const now = this.#parts.clock.now()
    return {
      hits: hits.map(({ record, access, ...ranked }) => {
        const reads = query.countAccess ? this.#parts.access.count(record, access, now) : access
        return { entry: this.entryOf({ record, access: reads }, query.select), ...ranked }
      }),
      partial: false,
      exact: nearest?.every(({ exact }) => exact) ?? true,
    }
  }

  /** The nearest among entries whose embedding has the query's dimensions. */
  async #nearest(all: Own, { embedding, metric, model }: VectorQuery, k: number, patience: Patience) {
    // Vectors of two models are in no distance to each other.
    const own = model === undefined ? all : { ...all, filter: [...all.filter, ofModel(model)] }
    const toHit = (row: ColdRow): ColdHit | undefined => {
      const vector = row.record.embedding
      return vector?.length === embedding.length ? { ...row, score: similarity(metric, embedding, vector) } : undefined
    }
    const ownRows = new OwnRows(selectedRows(own, toHit), k, byScore)
    const versionsOf = ownRows.foremost()
    let exact = true
    const fromCold = await notReplaced(own, k, async (most, exclude) => {
      const found = await own.cold.search({ ...own, exclude, versionsOf, embedding, metric, k: most }, patience)
      ownRows.compare(found.versions, found.exact)
      exact = found.exact
      return found.hits
    })
    const merged = { fromCold, ownRows, toRow: toHit, order: byScore, limit: k }
    return { hits: await this.#merge(own, merged, patience), exact }
  }

  /** The best of the texts that have the words: only Postgres can tell which, so own ones travel there. */
  async #worded(own: Own, text: string, query: SearchQuery, patience: Patience): Promise<ColdHit[]> {
    const { reach: k, vector, select } = query
    // By both, what is chosen among is compared by its vector.
    const fields = vector === undefined ? fieldsNeeded(select) : undefined
    const records = new Map<OwnText, EntryRecord>()
    for (const record of own.versions.values())
      if (record.text !== null && isSelected(own, record)) records.set(toOwnText(record, record.text), record)
    let scores: ReadonlyMap<OwnText, number> | undefined
    const fromCold = await notReplaced(own, k, async (most, exclude) => {
      const texts = scores === undefined ? [...records.keys()] : []
      const found = await own.cold.searchTexts({ ...own, exclude, text, k: most, own: texts, fields }, patience)
      scores ??= found.own
      return found.hits
    })
    const newer = new Set(fromCold.map(({ record }) => keyText(record)))
    const hits = [...fromCold]
    for (const [ownText, score] of scores ?? []) {
      const record = records.get(ownText)!
      if (!newer.has(keyText(record))) hits.push({ record, access: readsOf(own, record), score })
    }
    return first(hits, k, byScore)
  }

  async #own(
    scope: Scope,
    filter: Filter,
    patience: Patience,
    cold: SearchedCold = this.#parts.cold,
    versions: Own['versions'] = this.#parts.pending.inScope(scope.namespace, scope.recursive),
  ): Promise<Own> {
    const reads = new Map<string, AccessStats>()
    if (versions.size > 0 && asksForReads(filter)) {
      for (const row of await cold.read([...versions.values()], patience))
        if (row?.access !== undefined) reads.set(keyText(row.record), row.access)
    }
    return { cold, scope, filter, now: this.#parts.clock.now(), versions, reads }
  }

  /**
   * The first `limit` of what cold answered and of own rows that cold has nothing newer for. Which those are is asked
   * for the foremost only, for more of them while some turn out to be overtaken.
   */
  async #merge<R extends ColdRow>(own: Own, found: BothRows<R>, patience: Patience): Promise<R[]> {
    const { fromCold, ownRows, toRow, order, limit } = found
    const answered = new Set(fromCold.map(({ record }) => keyText(record)))
    const others = ownRows.left.filter(({ record }) => !answered.has(keyText(record)))
    let rows = [...fromCold, ...others]
    const settled = new Set<ColdRow>([...fromCold, ...ownRows.newest])
    for (let reach = limit; ; reach *= 2) {
      const foremost = first(rows, reach, order)
      const asked = foremost.filter((row) => !settled.has(row))
      const answer = foremost.slice(0, limit)
      if (answer.every((row) => settled.has(row))) return answer
      const overtaken = await overtakenOf(own, asked, patience)
      for (const row of asked) settled.add(row)
      const gone = new Set<ColdRow>(overtaken)
      if (gone.size > 0) rows = rows.filter((row) => !gone.has(row))
      for (const newer of await newerRowsOf(own, overtaken, patience)) {
        const row = toRow(newer)
        if (row === undefined) continue
        settled.add(row)
        rows.push(row)
      }
    }
  }

  /** The patience of one call, for all that it asks. */
  patience(given: Patience): Patience {
    return runningOut(given, this.#parts.timeout)
  }
}

/** Versions that cold has of keys whose own version it has overtaken: before a query asked cold, and once it had. */
interface Glance {
  readonly before: ReadonlyMap<string, Version>
  readonly now: Map<string, Version>
}

/** Each time somebody else wrote one of the few entries that are pending here. */
const MOST_GLANCES = 10

/**
 * The answer of `work`, which asks cold for rows and may have to ask what overtakes own ones after that, as cold was at
 * one moment: it is asked again where what overtakes them was not known before, and may have come in between, together
 * with more that the rows lack (rule K8 of flow/README.md).
 */
async function standingStill<T>(work: (glance: Glance) => Promise<T>): Promise<T> {
  for (let before: Glance['before'] = new Map(), tries = 1; ; tries++) {
    const glance: Glance = { before, now: new Map() }
    const answer = await work(glance)
    if (tries === MOST_GLANCES || [...glance.now].every(([key, version]) => before.get(key) === version)) return answer
    before = glance.now
  }
}

/** Those of own rows of which cold has something newer. */
async function overtakenOf<R extends ColdRow>(own: Own, rows: readonly R[], patience: Patience): Promise<R[]> {
  const records = rows.map(({ record }) => record)
  const versions = await own.cold.versions(records, patience)
  return rows.filter(({ record }, i) => {
    const version = versions[i]
    if (version === undefined || version <= record.version) return false
    own.glance?.now.set(keyText(record), version)
    return true
  })
}

/** What cold has in the place of these, as far as it is selected. */
async function newerRowsOf(own: Own, overtaken: readonly ColdRow[], patience: Patience): Promise<ColdRow[]> {
  if (overtaken.length === 0) return []
  const records = overtaken.map(({ record }) => record)
  const found = (await own.cold.read(records, patience)).filter((row) => row !== undefined)
  for (const { record } of found) own.glance?.now.set(keyText(record), record.version)
  return found.filter(({ record, access }) => isSelected(own, record, access))
}

/**
 * At least `wanted` rows of cold, if it has as many, that no own version replaces.
 * @param ask for the first so many, less what these versions replace.
 */
async function notReplaced<R extends ColdRow>(
  own: Own,
  wanted: number,
  ask: (most: number, exclude: readonly EntryRecord[]) => Promise<readonly R[]>,
): Promise<readonly R[]> {
  const { scope, versions } = own
  if (versions.size > FEW) {
    const rows = await ask(wanted, [])
    const newer = newerThanOwn(own, rows)
    if (newer.length === rows.length || rows.length < wanted) return newer
  }
  return withinScope(scope, await ask(wanted, [...versions.values()]))
}

/** Own records that the query selects, as far as they count. */
function selectedRows<R extends ColdRow>(own: Own, toRow: (row: ColdRow) => R | undefined): R[] {
  const rows: R[] = []
  for (const [key, record] of own.versions) {
    if (!isSelected(own, record)) continue
    const row = toRow({ record, access: own.reads.get(key) })
    if (row !== undefined) rows.push(row)
  }
  return rows
}

/** Those of cold's rows that no own version replaces. */
function newerThanOwn<R extends ColdRow>({ scope, versions }: Own, rows: readonly R[]): R[] {
  return withinScope(scope, rows).filter(
    ({ record }) => (versions.get(keyText(record))?.version ?? '') < record.version,
  )
}

export function withCursor<E>({ items, next }: PageWithNext<E>): { items: E[]; nextCursor?: string } {
  return next === undefined ? { items } : { items, nextCursor: next() }
}

/** Postgres looks at the first 100 000 characters, which are at most twice as many here. */
const MOST_UNITS = 200_000

function ofModel(model: string): Filter[number] {
  return { field: 'embeddingModel', operator: 'eq', value: model }
}

function toOwnText({ namespace, id, version }: EntryRecord, text: string): OwnText {
  return { namespace, id, version, text: text.slice(0, MOST_UNITS) }
}

function isSelected(own: Own, record: EntryRecord, access = readsOf(own, record)): boolean {
  return isLive(record, own.now) && matches(record, own.filter, access)
}

function readsOf({ reads }: Own, key: EntryKey): AccessStats | undefined {
  return reads.size === 0 ? undefined : reads.get(keyText(key))
}
