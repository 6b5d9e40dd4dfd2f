/**
 * Finds stale nodes: those that no longer describe their children. A node records the version of each child when it is
 * put (child-versions.ts). It is stale where a child has another version now, is gone or has appeared, and where a
 * child is stale itself. Nodes are read level by level from the lowest, until enough are found: a node above a stale
 * one is on a higher level, unless levels were given at random.
 */
import type { EntryRecord } from '../entry/record.ts'
import { CHILD_MARK } from '../entry/record.ts'
import type { Version } from '../entry/version.ts'
import { type Patience, runningOut } from '../kernel/deadline.ts'
import { type Filter, IS_NODE } from '../query/filter.ts'
import { type Order, type OrderKeys, orderKeys } from '../query/order.ts'
import { fieldsNeeded } from '../query/select.ts'
import type { Searcher } from './searcher.ts'
import type { TreeReader } from './tree-reader.ts'

/** Ids of children. */
export interface Staleness {
  /** Have another version. */
  readonly changed: readonly string[]
  /** Were there, and are not. */
  readonly gone: readonly string[]
  /** Were not there, and are. */
  readonly appeared: readonly string[]
  /** Are stale themselves. */
  readonly below: readonly string[]
}

export interface StaleRecord extends Staleness {
  readonly record: EntryRecord
}

/** Nodes of a read, with their lists of children. */
const BATCH = 500
const LOWEST_FIRST: Order = [{ field: 'level', isDescending: false }]
const FIELDS = new Set<keyof EntryRecord>([
  ...fieldsNeeded(new Set(['level', 'children']), LOWEST_FIRST)!,
  'childVersions',
])

export class StaleNodes {
  readonly #searcher: Searcher
  readonly #trees: TreeReader

  constructor(searcher: Searcher, trees: TreeReader) {
    this.#searcher = searcher
    this.#trees = trees
  }

  /** The first `limit` stale nodes of a namespace, the lowest level first, then by id. Their records are not whole. */
  async list(namespace: string, limit: number, options: Patience): Promise<StaleRecord[]> {
    const patience = runningOut(options)
    const found = new Map<string, StaleRecord>()
    for (let level = await this.#levelAfter(namespace, undefined, patience); level !== undefined; ) {
      for await (const nodes of this.#nodesOf(namespace, level, patience)) {
        for (const stale of await this.#changed(namespace, nodes, patience)) found.set(stale.record.id, stale)
        if (found.size >= limit) break
      }
      level = found.size >= limit ? undefined : await this.#levelAfter(namespace, level, patience)
    }
    const above = await this.#trees.above(namespace, [...found.keys()], new Set(), patience, FIELDS)
    for (const [id, record] of above) if (!found.has(id)) found.set(id, { record, ...NOTHING })
    const isStale = (id: string): boolean => found.has(id)
    return [...found.values()]
      .sort((a, b) => a.record.level! - b.record.level! || (a.record.id < b.record.id ? -1 : 1))
      .slice(0, limit)
      .map((stale) => ({ ...stale, below: [...new Set(stale.record.children)].filter(isStale) }))
  }

  async #levelAfter(namespace: string, level: number | undefined, patience: Patience): Promise<number | undefined> {
    const beyond: Filter = level === undefined ? [] : [{ field: 'level', operator: 'gt', value: level }]
    const filter: Filter = [...IS_NODE, { field: 'level', operator: 'exists' }, ...beyond]
    const asked = { limit: 1, order: LOWEST_FIRST, after: undefined, fields: FIELDS }
    const [row] = await this.#searcher.rows({ namespace, recursive: false }, filter, asked, patience)
    return row?.record.level ?? undefined
  }

  async *#nodesOf(
    namespace: string,
    level: number,
    patience: Patience,
  ): AsyncGenerator<EntryRecord[], void, undefined> {
    const filter: Filter = [...IS_NODE, { field: 'level', operator: 'eq', value: level }]
    for (let after: OrderKeys | undefined; ; ) {
      const asked = { limit: BATCH, order: [], after, fields: FIELDS }
      const rows = await this.#searcher.rows({ namespace, recursive: false }, filter, asked, patience)
      yield rows.map(({ record }) => record)
      if (rows.length < BATCH) return
      after = orderKeys(rows.at(-1)!.record, [])
    }
  }

  /** Those whose children are others than they remember. */
  async #changed(namespace: string, nodes: readonly EntryRecord[], patience: Patience): Promise<StaleRecord[]> {
    const known = nodes.filter(({ children, childVersions }) => childVersions?.length === children?.length)
    const ids = [...new Set(known.flatMap(({ children }) => children ?? []))]
    const versions = await this.#trees.versions(namespace, ids, patience)
    return known
      .map((record) => ({ record, ...compared(record, versions), below: [] }))
      .filter(({ changed, gone, appeared }) => changed.length + gone.length + appeared.length > 0)
  }
}

const NOTHING: Staleness = { changed: [], gone: [], appeared: [], below: [] }

/** @param versions of what is live, by id. */
function compared(record: EntryRecord, versions: ReadonlyMap<string, string>): Omit<Staleness, 'below'> {
  const kinds = { changed: new Set<string>(), gone: new Set<string>(), appeared: new Set<string>() }
  for (const [nth, id] of (record.children ?? []).entries()) {
    const then = record.childVersions![nth]!
    const now = versions.get(id)
    if (then === CHILD_MARK.absent) {
      if (now !== undefined) kinds.appeared.add(id)
    } else if (now === undefined) kinds.gone.add(id)
    else if (isAnother(now, then, record)) kinds.changed.add(id)
  }
  return { changed: [...kinds.changed], gone: [...kinds.gone], appeared: [...kinds.appeared] }
}

function isAnother(now: Version, then: string, { version }: EntryRecord): boolean {
  if (!then.startsWith(CHILD_MARK.sameCall)) return now !== then
  return now > (then.slice(CHILD_MARK.sameCall.length) || version)
}
