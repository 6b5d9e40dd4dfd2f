/**
 * Decides what a node records of its children when it is put, and which children are refused. Only puts of nodes pay
 * for either.
 *
 * For each child, the version that it has then is recorded, as a read finds it (rule R1 of flow/README.md); by it
 * stale-nodes.ts finds out later whether the child has changed. A child that is put in the same call has no version
 * yet: the version is filled in when it is decided, if the child comes before its node. While cold is away nothing is
 * recorded, and the node counts as fresh until it is put again.
 *
 * A child whose own children lead back to the node is refused, as far as that can be seen: by what is pending here, by
 * what cold has, and among the nodes of the call. Nothing can lead back to an id that the store itself chooses, so for
 * those nothing is checked. Nodes that two processes put at the same time may still form a cycle.
 */
import type { EntryKey } from '../entry/entry-key.ts'
import { CHILD_MARK } from '../entry/record.ts'
import type { UnversionedRecord } from '../entry/validate.ts'
import { isThermoclineError, retold, ThermoclineError } from '../errors.ts'
import { type Patience, runningOut } from '../kernel/deadline.ts'
import { slices } from '../kernel/slices.ts'
import type { Reader } from './reader.ts'
import type { TreeReader } from './tree-reader.ts'

/** An entry that is about to be put. */
export interface Put {
  readonly record: UnversionedRecord
  /** Whether its id may be known to others. */
  readonly isChosen: boolean
}

/** What one call writes. */
export interface Together {
  readonly keys: readonly EntryKey[]
  /** Nodes among them. */
  readonly nodes: ReadonlyMap<string, UnversionedRecord>
}

type Edges = ReadonlyMap<string, readonly string[]>

/** Entries of one read. */
const BATCH = 500

export class ChildVersions {
  readonly #reader: Pick<Reader, 'newest'>
  readonly #trees: Pick<TreeReader, 'above'>

  constructor(reader: Pick<Reader, 'newest'>, trees: Pick<TreeReader, 'above'>) {
    this.#reader = reader
    this.#trees = trees
  }

  /** The record of a put, with what a node has to remember; at once where it is no node. As {@link addAll}. */
  add(
    record: UnversionedRecord,
    isChosen: boolean,
    options: Patience,
    { keys, nodes }: Together = { keys: [record], nodes: new Map() },
  ): UnversionedRecord | Promise<UnversionedRecord> {
    if (record.kind !== 'raptor') return record
    return this.addAll([{ record, isChosen }], keys, options, nodes).then(
      ([added]) => added!,
      (error: unknown) => {
        if (!isThermoclineError(error, 'ERR_INVALID_ENTRY')) throw error
        throw retold(error, { field: error.details.field })
      },
    )
  }

  /**
   * The records of puts, in order.
   * @param together all that the call writes.
   * @param nodes the other nodes among them, by id.
   * @throws `ERR_INVALID_ENTRY` where a node leads back to itself, and nothing was written. `index` is its place.
   */
  async addAll(
    puts: readonly Put[],
    together: readonly EntryKey[],
    options: Patience,
    nodes: Together['nodes'] = new Map(),
  ): Promise<UnversionedRecord[]> {
    const records = puts.map(({ record }) => record)
    if (!records.some(({ kind }) => kind === 'raptor')) return records
    const patience = runningOut(options)
    try {
      await this.#refuseCycles(puts, nodes, patience)
      const versions = await this.#versionsOf(records, new Set(together.map(({ id }) => id)), patience)
      return records.map((record) => {
        if (record.kind !== 'raptor') return record
        return { ...record, childVersions: versions && record.children!.map((id) => versions.get(id)!) }
      })
    } catch (error) {
      if (!isThermoclineError(error) || error.code === 'ERR_INVALID_ENTRY') throw error
      throw retold(error, { ...error.details, outcome: 'none' })
    }
  }

  /** Undefined while cold is away. */
  async #versionsOf(
    records: readonly UnversionedRecord[],
    together: ReadonlySet<string>,
    patience: Patience,
  ): Promise<ReadonlyMap<string, string> | null> {
    const { namespace } = records[0]!
    const versions = new Map<string, string>()
    for (const { children } of records)
      for (const id of children ?? []) versions.set(id, together.has(id) ? CHILD_MARK.sameCall : CHILD_MARK.absent)
    const asked = [...versions.keys()].filter((id) => !together.has(id)).map((id) => ({ namespace, id }))
    try {
      for (const some of slices(asked, BATCH))
        for (const found of await this.#reader.newest(some, patience))
          if (found !== undefined) versions.set(found.id, found.version)
      return versions
    } catch (error) {
      if (isThermoclineError(error, 'ERR_TIER_UNAVAILABLE')) return null
      throw error
    }
  }

  async #refuseCycles(puts: readonly Put[], nodes: Together['nodes'], patience: Patience): Promise<void> {
    const records = [...nodes.values(), ...puts.map(({ record }) => record)]
    const own = new Map(records.map(({ id, children }) => [id, children ?? []]))
    refuseCycle(puts, own)
    const targets = puts.filter(({ record, isChosen }) => isChosen && (record.children ?? []).length > 0)
    if (targets.length === 0) return
    const { namespace } = targets[0]!.record
    const from = [...new Set([...nodes.keys(), ...targets.map(({ record }) => record.id)])]
    try {
      const above = await this.#trees.above(namespace, from, new Set(own.keys()), patience)
      const edges = [...above].map(([id, { children }]) => [id, children ?? []] as const)
      if (edges.length > 0) refuseCycle(puts, new Map([...edges, ...own]))
    } catch (error) {
      if (!isThermoclineError(error, 'ERR_TIER_UNAVAILABLE')) throw error
    }
  }
}

/** Looks along the edges from each node that is put, at each entry once: what led nowhere is not tried again. */
function refuseCycle(puts: readonly Put[], edges: Edges): void {
  const done = new Set<string>()
  for (const [index, { record }] of puts.entries()) {
    const way = new Set<string>()
    const stack: [id: string, left: Iterator<string>][] = []
    const enter = (id: string): void => {
      if (way.has(id)) throw leadsBack(index)
      if (done.has(id) || !edges.has(id)) return
      way.add(id)
      stack.push([id, edges.get(id)!.values()])
    }
    enter(record.id)
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const next = top[1].next()
      if (!next.done) {
        enter(next.value)
        continue
      }
      stack.pop()
      way.delete(top[0])
      done.add(top[0])
    }
  }
}

function leadsBack(index: number): ThermoclineError<'ERR_INVALID_ENTRY'> {
  const message = '`children` lead back to the node itself: leave out the child that is above it'
  return new ThermoclineError('ERR_INVALID_ENTRY', message, { field: 'children', index })
}
