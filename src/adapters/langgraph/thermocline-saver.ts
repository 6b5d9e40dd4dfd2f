/**
 * Defines the checkpointer for LangGraph: what its runtime calls, over the public calls of a store. Where checkpoints
 * are is decided in checkpoint-places.ts, how they are written in checkpoint-writer.ts, and how they are read in
 * checkpoint-reader.ts.
 */
import { isDeepStrictEqual } from 'node:util'
import type { RunnableConfig } from '@langchain/core/runnables'
import {
  BaseCheckpointSaver,
  type ChannelVersions,
  type Checkpoint,
  type CheckpointListOptions,
  type CheckpointMetadata,
  type CheckpointTuple,
  type DeltaChannelHistory,
  type PendingWrite,
  type SerializerProtocol,
} from '@langchain/langgraph-checkpoint'
import { defineCall, flag, lifetime, nonEmptyText, optionRule, type RulesOf } from '../../call-options.ts'
import {
  type Duration,
  type JsonValue,
  type MemoryStore,
  metadataPath,
  type NamespaceView,
  ThermoclineError,
  type Where,
} from '../../index.ts'
import { checkStore } from '../in-common/check-store.ts'
import { isIndexed, RECORDS } from './checkpoint-entries.ts'
import { CheckpointNamespaces, configOf, type GivenPlace, neededBy, placeIn, plainText } from './checkpoint-places.ts'
import { CheckpointReader, RECORD_FIELDS } from './checkpoint-reader.ts'
import { CheckpointWriter } from './checkpoint-writer.ts'
import { deltaHistory } from './delta-history.ts'
import { KnownNewest } from './known-newest.ts'
import { type Pruned, pruneBelow } from './prune-checkpoints.ts'

export interface SaverOptions {
  /**
   * How long a checkpoint lives after it was written or loaded: milliseconds or a text like `'30d'`. What it shares
   * with others, and the writes after it, may live as long again. @default for good
   */
  readonly ttl?: Duration | undefined
  /** Turns values into bytes and back. @default the one of LangGraph */
  readonly serde?: SerializerProtocol | undefined
}

export interface PruneOptions {
  /** How many checkpoints of each thread, and of each subgraph of it, stay: the newest ones. At least 1. */
  readonly keepLatest: number
  /** The one thread to prune. @default every thread */
  readonly threadId?: string | undefined
  /** Whether to count what would be removed, and remove nothing. @default false */
  readonly dryRun?: boolean | undefined
}

const checkSaver = defineCall('ThermoclineSaver', {
  ttl: lifetime,
  serde: optionRule(
    (serde) => (isSerializer(serde) ? serde : undefined),
    'a serializer, with `dumpsTyped` and `loadsTyped`',
  ),
} satisfies RulesOf<SaverOptions>)

const checkPrune = defineCall('prune', {
  keepLatest: optionRule(
    (count) => (Number.isSafeInteger(count) && (count as number) >= 1 ? (count as number) : undefined),
    'a whole number of at least 1',
  ),
  threadId: nonEmptyText,
  dryRun: flag,
} satisfies RulesOf<PruneOptions>)

/** Checkpoints that `list` has in memory at once. */
const PAGE = 20

/**
 * A LangGraph checkpointer that keeps its checkpoints in a store of thermocline. Each call that writes resolves once
 * the database has what it wrote, and needs both tiers. It rejects with what the store rejects with.
 */
export class ThermoclineSaver extends BaseCheckpointSaver {
  readonly #namespaces: CheckpointNamespaces
  readonly #reader: CheckpointReader
  readonly #writer: CheckpointWriter

  /** @param store or a view of it, as `store.namespace('tenant', 'acme')`. Closing it stays with the caller. */
  constructor(store: MemoryStore | NamespaceView, options?: SaverOptions) {
    checkStore('ThermoclineSaver', store)
    const { ttl, serde } = checkSaver(options)
    super(serde)
    this.#namespaces = new CheckpointNamespaces(store)
    const known = new KnownNewest()
    const touches = ttl !== undefined
    this.#reader = new CheckpointReader({ namespaces: this.#namespaces, serde: this.serde, known, touches })
    this.#writer = new CheckpointWriter(this.serde, known, ttl)
  }

  /** Returns the checkpoint that the config names, or the newest of its thread; undefined where there is none. */
  override async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    const { thread, ns = '', checkpoint } = placeIn(config)
    if (thread === undefined) return undefined
    const record = await this.#reader.record(this.#namespaces.of({ thread, ns }), checkpoint)
    if (record === undefined) return undefined
    const [tuple] = await this.#reader.load([record])
    return tuple
  }

  /**
   * Returns checkpoints, newest first: of a thread, or of all threads where the config names none. `filter` compares
   * members of their metadata.
   */
  override async *list(config: RunnableConfig, options: CheckpointListOptions = {}): AsyncGenerator<CheckpointTuple> {
    const { limit = Number.POSITIVE_INFINITY, before, filter = {} } = options
    const given = placeIn(config)
    const where = whereOf(given, before && placeIn(before).checkpoint, filter)
    const { view, recursive } = this.#scopeOf(given)
    let left = limit
    let cursor: string | undefined
    while (left > 0) {
      const page = { where, recursive, cursor, select: RECORD_FIELDS, limit: Math.min(left, PAGE) }
      const { items, nextCursor } = await view.chunks.find({ ...page, orderBy: { 'metadata.checkpoint': 'desc' } })
      const records = await Promise.all(items.map((entry) => this.#reader.decode(entry)))
      const matching = records.filter(({ metadata }) => isAsked(metadata, filter)).slice(0, left)
      const tuples = await this.#reader.load(matching)
      yield* tuples
      left -= tuples.length
      if (nextCursor === undefined) return
      cursor = nextCursor
    }
  }

  /** Stores a checkpoint and those values of its channels that are new, together. */
  override async put(
    config: RunnableConfig,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    newVersions: ChannelVersions,
  ): Promise<RunnableConfig> {
    const given = placeIn(config)
    const { ns = '', checkpoint: parent } = given
    const place = { thread: neededBy('put', 'thread_id', given.thread), ns, checkpoint: checkpoint.id }
    const view = this.#namespaces.of(place)
    await this.#writer.putCheckpoint(view, { place, parent, checkpoint, metadata, newVersions })
    return configOf(place)
  }

  /** Stores what a task wrote after a checkpoint. What is there stays, but for errors, interrupts and the like. */
  override async putWrites(
    config: RunnableConfig,
    writes: PendingWrite[],
    taskId: string,
    taskPath = '',
  ): Promise<void> {
    const given = placeIn(config)
    const { ns = '' } = given
    const thread = neededBy('putWrites', 'thread_id', given.thread)
    const checkpoint = neededBy('putWrites', 'checkpoint_id', given.checkpoint)
    const view = this.#namespaces.of({ thread, ns })
    await this.#writer.putWrites(view, writes, { of: checkpoint, task: taskId, path: taskPath })
  }

  /** Deletes what there is of a thread, its subgraphs included: records first, so that nobody finds one in part. */
  override async deleteThread(threadId: string): Promise<void> {
    const { thread } = placeIn({ configurable: { thread_id: threadId } })
    const view = this.#namespaces.thread(neededBy('deleteThread', 'thread_id', thread))
    await view.chunks.deleteWhere({ documentId: RECORDS }, { recursive: true, durability: 'cold' })
    await view.deleteAll({ recursive: true, durability: 'cold' })
  }

  /** Returns what channels that keep differences are rebuilt from. */
  override async getDeltaChannelHistory(options: {
    config: RunnableConfig
    channels: string[]
  }): Promise<Record<string, DeltaChannelHistory>> {
    const { thread, ns = '', checkpoint } = placeIn(options.config)
    const none = Object.fromEntries(options.channels.map((channel) => [channel, { writes: [] }]))
    if (thread === undefined || options.channels.length === 0) return none
    const view = this.#namespaces.of({ thread, ns })
    const target = await this.#reader.record(view, checkpoint)
    return target === undefined ? none : deltaHistory(this.#reader, view, target, options.channels)
  }

  /**
   * Removes all checkpoints but the newest ones, and those from which these are rebuilt. A run that goes on from the
   * newest checkpoint may be under way; one that goes on from an older one should not.
   */
  async prune(options: PruneOptions): Promise<Pruned> {
    const { keepLatest, threadId, dryRun = false } = checkPrune(options)
    if (keepLatest === undefined)
      throw new ThermoclineError('ERR_INVALID_OPTIONS', 'prune needs the option `keepLatest`', { option: 'keepLatest' })
    const scope = threadId === undefined ? this.#namespaces.all : this.#namespaces.thread(threadId)
    return pruneBelow(this.#reader, scope, { keepLatest, dryRun })
  }

  /**
   * Versions are numbers with a fraction by chance: where a thread goes on from an older checkpoint, its branches then
   * share no version, and so no value.
   */
  override getNextVersion(current: number | undefined): number {
    if (typeof current === 'string') return super.getNextVersion(current)
    return Math.floor(current ?? 0) + 1 + Math.random()
  }

  #scopeOf({ thread, ns }: GivenPlace): { readonly view: NamespaceView; readonly recursive: boolean } {
    if (thread === undefined) return { view: this.#namespaces.all, recursive: true }
    if (ns === undefined) return { view: this.#namespaces.thread(thread), recursive: true }
    return { view: this.#namespaces.of({ thread, ns }), recursive: false }
  }
}

function isSerializer(value: unknown): value is SerializerProtocol {
  const { dumpsTyped, loadsTyped } = (value ?? {}) as Partial<SerializerProtocol>
  return typeof dumpsTyped === 'function' && typeof loadsTyped === 'function'
}

/** What the database can decide; `isAsked` decides the rest. */
function whereOf(
  { ns, checkpoint }: GivenPlace,
  before: string | undefined,
  filter: Readonly<Record<string, unknown>>,
): Where<'chunk'> {
  const members = Object.entries(filter).filter(isIndexed)
  const asked = members.map(
    ([name, value]): Where<'chunk'> => ({ [metadataPath('about', name)]: { eq: value as JsonValue } }),
  )
  return {
    and: [
      { documentId: RECORDS },
      ...(ns === undefined ? [] : [{ 'metadata.ns': plainText(ns) }]),
      ...(checkpoint === undefined ? [] : [{ 'metadata.checkpoint': plainText(checkpoint) }]),
      ...(before === undefined ? [] : [{ 'metadata.checkpoint': { lt: plainText(before) } }]),
      ...asked,
    ],
  }
}

function isAsked(metadata: CheckpointMetadata, filter: Readonly<Record<string, unknown>>): boolean {
  const members = metadata as unknown as Readonly<Record<string, unknown>>
  return Object.entries(filter).every(([name, value]) => isDeepStrictEqual(members[name], value))
}
