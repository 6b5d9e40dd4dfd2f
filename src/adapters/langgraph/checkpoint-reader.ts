/**
 * Reads checkpoints: finds their records, and makes each whole with the values of its channels and the writes after it.
 * What entries there are is decided in checkpoint-entries.ts; how far a channel that keeps differences goes back is
 * decided in delta-history.ts.
 */
import {
  type Checkpoint,
  type CheckpointMetadata,
  type CheckpointPendingWrite,
  type CheckpointTuple,
  compareWritesSortKeys,
  maxChannelVersion,
  type SerializerProtocol,
  TASKS,
  writesSortKey,
} from '@langchain/langgraph-checkpoint'
import type { ChunkEntry, MetadataEntry, NamespaceView } from '../../index.ts'
import {
  contentOf,
  NEWEST_KEY,
  type RecordFields,
  recordKey,
  type Serialized,
  valueKey,
  type WriteFields,
  wholeOf,
  writesOf,
} from './checkpoint-entries.ts'
import { type CheckpointNamespaces, type CheckpointPlace, configOf, nameOf, plainText } from './checkpoint-places.ts'
import type { KnownNewest } from './known-newest.ts'

/** A record that was read: the checkpoint has no values yet. */
export interface ReadRecord {
  /** Of the entry. */
  readonly id: string
  readonly namespace: string
  readonly place: CheckpointPlace
  readonly parent: string | undefined
  readonly checkpoint: Checkpoint
  readonly metadata: CheckpointMetadata
}

export interface ReadWrite {
  readonly task: string
  readonly path: string
  readonly index: number
  readonly channel: string
  readonly serialized: Serialized
}

/** By the key of the value. */
type Values = ReadonlyMap<string, Serialized>
/** By the id of the checkpoint, in the order in which LangGraph applies them. */
export type Writes = ReadonlyMap<string, readonly ReadWrite[]>

/** What is read of the entry of a record: its text is empty, and it has no vector. */
export const RECORD_FIELDS = ['id', 'namespace', 'key', 'metadata'] as const
type RecordEntry = Pick<ChunkEntry, 'kind' | (typeof RECORD_FIELDS)[number]>

export interface CheckpointReaderParts {
  readonly namespaces: CheckpointNamespaces
  readonly serde: SerializerProtocol
  readonly known: KnownNewest
  /** Whether what is read lives on for that. */
  readonly touches: boolean
}

export class CheckpointReader {
  readonly #namespaces: CheckpointNamespaces
  readonly #serde: SerializerProtocol
  readonly #known: KnownNewest
  /** Whether what is read lives on for that. */
  readonly #touches: boolean

  constructor({ namespaces, serde, known, touches }: CheckpointReaderParts) {
    this.#namespaces = namespaces
    this.#serde = serde
    this.#known = known
    this.#touches = touches
  }

  /** Returns the record of a checkpoint, or of the newest one where no id is given. */
  async record(view: NamespaceView, checkpoint: string | undefined): Promise<ReadRecord | undefined> {
    if (checkpoint === undefined) return this.#newest(view)
    const entry = await view.chunks.getByKey(recordKey(checkpoint))
    return entry && this.decode(entry)
  }

  /**
   * Where it is still the one that was the newest last, its record comes along; not where what is read lives on for
   * that, which what nobody asked for must not.
   */
  async #newest(view: NamespaceView): Promise<ReadRecord | undefined> {
    const guess = this.#touches ? undefined : this.#known.of(view)?.checkpoint
    const keys = guess === undefined ? [NEWEST_KEY] : [NEWEST_KEY, recordKey(guess)]
    const [pointer, record] = await view.entries.getManyByKey(keys)
    const newest = this.#known.found(view, pointer as MetadataEntry | undefined)
    if (newest === undefined) return undefined
    const isGuessed = newest.checkpoint === guess && record !== undefined
    return isGuessed ? this.decode(record as ChunkEntry) : this.record(view, newest.checkpoint)
  }

  async decode(entry: RecordEntry): Promise<ReadRecord> {
    const { thread, ns, checkpoint, parent } = entry.metadata as unknown as RecordFields
    const whole = await this.revive(contentOf(entry))
    return {
      id: entry.id,
      namespace: entry.namespace,
      place: { thread: nameOf(thread), ns: nameOf(ns), checkpoint: nameOf(checkpoint) },
      parent: parent === undefined ? undefined : nameOf(parent),
      ...(whole as Pick<ReadRecord, 'checkpoint' | 'metadata'>),
    }
  }

  /** Makes each whole, in order; what was removed meanwhile, and may lack values for that, is left out. */
  async load(records: readonly ReadRecord[]): Promise<CheckpointTuple[]> {
    const tuples = new Map<ReadRecord, CheckpointTuple>()
    for (const group of groupedBy(records, ({ namespace }) => namespace).values()) {
      const view = this.#namespaces.of(group[0]!.place)
      const keys = group.flatMap(({ checkpoint }) => keysOfValues(checkpoint).map(([, key]) => key))
      const ids = group.flatMap(({ place, ...record }) => [place.checkpoint, ...sendingParent(record)])
      const [values, writes] = await Promise.all([this.values(view, keys), this.writes(view, ids)])
      const areThere = await view.chunks.hasMany(group.map(({ id }) => id))
      for (const [i, record] of group.entries())
        if (areThere[i]) tuples.set(record, await this.#tupleOf(record, values, writes))
      if (this.#touches) await view.entries.touch([view.entries.idOf(NEWEST_KEY), ...group.map(({ id }) => id)])
    }
    return records.flatMap((record) => tuples.get(record) ?? [])
  }

  async values(view: NamespaceView, keys: readonly string[]): Promise<Values> {
    const wanted = [...new Set(keys)]
    const heads = await view.blobs.getManyByKey(wanted)
    const found = wanted.flatMap((key, i) => (heads[i] === undefined ? [] : [[key, heads[i]] as const]))
    return new Map(await Promise.all(found.map(async ([key, head]) => [key, await wholeOf(view, head)] as const)))
  }

  /** Returns the writes after these checkpoints, of all channels or of some. */
  async writes(view: NamespaceView, checkpoints: readonly string[], channels?: readonly string[]): Promise<Writes> {
    const read: (ReadWrite & { readonly of: string })[] = []
    const ids: string[] = []
    const where = {
      documentId: { in: checkpoints.map(writesOf) },
      'metadata.part': { exists: false },
      ...(channels === undefined ? {} : { 'metadata.channel': { in: channels.map(plainText) } }),
    }
    for await (const head of view.chunks.findAll({ where, select: ['id', 'key', 'metadata'], limit: 500 })) {
      const { of, task, path, index, channel } = head.metadata as unknown as WriteFields
      const names = { of: nameOf(of), task: nameOf(task), path: nameOf(path), channel: nameOf(channel) }
      read.push({ ...names, index, serialized: await wholeOf(view, head) })
      ids.push(head.id)
    }
    if (this.#touches) await view.entries.touch(ids)
    return groupedBy(read.sort(asApplied), ({ of }) => of)
  }

  async reviveAll(writes: readonly ReadWrite[] = []): Promise<CheckpointPendingWrite[]> {
    return Promise.all(
      writes.map(async ({ task, channel, serialized }) => [task, channel, await this.revive(serialized)] as const),
    ) as Promise<CheckpointPendingWrite[]>
  }

  revive([form, bytes]: Serialized): Promise<unknown> {
    return this.#serde.loadsTyped(form, bytes)
  }

  async #tupleOf(record: ReadRecord, values: Values, writes: Writes): Promise<CheckpointTuple> {
    const { place, parent, metadata } = record
    const checkpoint = { ...record.checkpoint, channel_values: {} as Record<string, unknown> }
    for (const [channel, key] of keysOfValues(checkpoint)) {
      const value = values.get(key)
      if (value !== undefined) checkpoint.channel_values[channel] = await this.revive(value)
    }
    for (const id of sendingParent(record)) await this.#addSends(checkpoint, writes.get(id))
    return {
      config: configOf(place),
      checkpoint,
      metadata,
      pendingWrites: await this.reviveAll(writes.get(place.checkpoint)),
      ...(parent === undefined ? {} : { parentConfig: configOf({ ...place, checkpoint: parent }) }),
    }
  }

  /** Checkpoints of a format before 4 have what their parent sent as writes, not as a channel. */
  async #addSends(checkpoint: Checkpoint, writes: readonly ReadWrite[] = []): Promise<void> {
    const sends = writes.filter(({ channel }) => channel === TASKS)
    const versions = Object.values(checkpoint.channel_versions)
    checkpoint.channel_values[TASKS] = await Promise.all(sends.map(({ serialized }) => this.revive(serialized)))
    checkpoint.channel_versions[TASKS] = versions.length === 0 ? 1 : maxChannelVersion(...versions)
  }
}

/** Of a checkpoint of a format before 4: its parent, whose writes it needs. */
export function sendingParent({ checkpoint, parent }: Pick<ReadRecord, 'checkpoint' | 'parent'>): string[] {
  return checkpoint.v < 4 && parent !== undefined ? [parent] : []
}

export function keysOfValues({ channel_versions }: Checkpoint): [channel: string, key: string][] {
  return Object.entries(channel_versions).map(([channel, version]) => [channel, valueKey(channel, version)])
}

/** In the order in which they come; `Map.groupBy` is younger than Node 20. */
function groupedBy<T>(all: readonly T[], nameOfGroup: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const one of all) {
    const group = groups.get(nameOfGroup(one))
    if (group === undefined) groups.set(nameOfGroup(one), [one])
    else group.push(one)
  }
  return groups
}

function asApplied(a: ReadWrite, b: ReadWrite): number {
  return compareWritesSortKeys(writesSortKey(a.path, a.task, a.index), writesSortKey(b.path, b.task, b.index))
}
