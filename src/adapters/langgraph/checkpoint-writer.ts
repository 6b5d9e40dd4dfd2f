/**
 * Writes checkpoints, and what tasks wrote after them: what is new of each, together, and for as long as it lives.
 * What entries there are is decided in checkpoint-entries.ts; what is too much for one write of the store is cut up by
 * write-in-order.ts.
 */
import {
  type ChannelVersions,
  type Checkpoint,
  type CheckpointMetadata,
  copyCheckpoint,
  type PendingWrite,
  type SerializerProtocol,
  WRITES_IDX_MAP,
} from '@langchain/langgraph-checkpoint'
import type { BlobInput, ChunkInput, MetadataInput, NamespaceView, PutOperation } from '../../index.ts'
import { untilUncontested } from '../in-common/until-uncontested.ts'
import {
  type Life,
  NEWEST_KEY,
  newestInput,
  partKeysOf,
  recordInput,
  type Serialized,
  valueInputs,
  valueKey,
  type WriteFields,
  writeInputs,
  writeKey,
} from './checkpoint-entries.ts'
import type { CheckpointPlace } from './checkpoint-places.ts'
import type { KnownNewest, Newest } from './known-newest.ts'
import { fitsAtOnce, writeInOrder } from './write-in-order.ts'

/** A checkpoint as LangGraph hands it over. */
export interface GivenCheckpoint {
  readonly place: CheckpointPlace
  readonly parent: string | undefined
  readonly checkpoint: Checkpoint
  readonly metadata: CheckpointMetadata
  readonly newVersions: ChannelVersions
}

type ChannelVersion = readonly [channel: string, version: number | string]

/** One write of a task. */
interface GivenWrite {
  readonly serialized: Serialized
  readonly fields: WriteFields
}

export class CheckpointWriter {
  readonly #serde: SerializerProtocol
  readonly #known: KnownNewest
  readonly #ttl: number | undefined

  /** @param ttl of a checkpoint, in milliseconds; undefined: for good. */
  constructor(serde: SerializerProtocol, known: KnownNewest, ttl: number | undefined) {
    this.#serde = serde
    this.#known = known
    this.#ttl = ttl
  }

  /** Puts the record and those values of channels that are new, together. */
  async putCheckpoint(view: NamespaceView, given: GivenCheckpoint): Promise<void> {
    const { place, parent, checkpoint, metadata, newVersions } = given
    const expired = await this.#renewShared(view, checkpoint, newVersions)
    const values = await this.#valuesOf(checkpoint, [...Object.entries(newVersions), ...expired])
    const bare = { ...copyCheckpoint(checkpoint), channel_values: {} }
    const serialized = await this.#serde.dumpsTyped({ checkpoint: bare, metadata })
    const record = recordInput(place, parent, metadata, serialized)
    const puts = [...values.map((input) => this.#putOf(input, 'shared')), this.#putOf(record, 'own')]
    let guess = this.#known.of(view)
    await untilUncontested(async () => {
      const pointer = await this.#ifNewest(view, checkpoint.id, guess)
      guess = undefined
      const receipts = await writeInOrder(view, [...puts, ...pointer])
      if (pointer.length === 0) return
      this.#known.note(view, { checkpoint: checkpoint.id, version: receipts.at(-1)!.version })
    })
  }

  /** Leaves what is there, but for errors, interrupts and the like. */
  async putWrites(
    view: NamespaceView,
    writes: readonly PendingWrite[],
    { of, task, path }: Pick<WriteFields, 'of' | 'task' | 'path'>,
  ): Promise<void> {
    const written = new Map<string, GivenWrite>()
    for (const [nth, [channel, value]] of writes.entries()) {
      const index = WRITES_IDX_MAP[channel] ?? nth
      const serialized = await this.#serde.dumpsTyped(value)
      written.set(writeKey(of, task, index), { serialized, fields: { of, task, path, index, channel } })
    }
    await this.#insert(view, written)
  }

  /** @param life `shared`: of what other checkpoints may need as well, so that none outlives what it needs. */
  #putOf(input: BlobInput | ChunkInput | MetadataInput, life: 'own' | 'shared'): PutOperation {
    const ttl = this.#ttl === undefined ? undefined : this.#ttl * (life === 'shared' ? 2 : 1)
    const living: Life = ttl === undefined ? {} : { ttl, sliding: true }
    return { put: { ...input, ...living } }
  }

  /**
   * What says that the checkpoint is the newest, if it is. A guess decides nothing: what is newer than it takes its
   * place if it is right; whether what is older is the newest all the same, as where the thread was deleted since, is
   * read.
   */
  async #ifNewest(view: NamespaceView, checkpoint: string, guess: Newest | undefined): Promise<PutOperation[]> {
    const isBeyond = guess !== undefined && guess.checkpoint < checkpoint
    const there = isBeyond ? guess : this.#known.found(view, await view.metadata.getByKey(NEWEST_KEY))
    if (there !== undefined && there.checkpoint >= checkpoint) return []
    return [{ ...this.#putOf(newestInput(checkpoint), 'shared'), expectedVersion: there?.version ?? null }]
  }

  /** Those that the checkpoint has values of, cut where they are large. */
  async #valuesOf(checkpoint: Checkpoint, versions: readonly ChannelVersion[]): Promise<BlobInput[]> {
    const present = versions.filter(([channel]) => Object.hasOwn(checkpoint.channel_values, channel))
    const inputs = present.map(async ([channel, version]) =>
      valueInputs(channel, version, await this.#serde.dumpsTyped(checkpoint.channel_values[channel])),
    )
    return (await Promise.all(inputs)).flat()
  }

  /** Has values that the checkpoint has from an earlier one live on with it. Returns those that have expired. */
  async #renewShared(
    view: NamespaceView,
    checkpoint: Checkpoint,
    newVersions: ChannelVersions,
  ): Promise<ChannelVersion[]> {
    if (this.#ttl === undefined) return []
    const shared = Object.entries(checkpoint.channel_versions).filter(([name]) => !Object.hasOwn(newVersions, name))
    const heads = await view.blobs.getManyByKey(shared.map(([channel, version]) => valueKey(channel, version)))
    const ids = heads.flatMap((head) => (head === undefined ? [] : [head.key!, ...partKeysOf(head)]))
    await view.entries.touch(ids.map((key) => view.entries.idOf(key)))
    return shared.filter((_, i) => heads[i] === undefined)
  }

  /** Leaves what is there. What is too much for one write is put in parts, which nobody finds before their heads. */
  async #insert(view: NamespaceView, writes: ReadonlyMap<string, GivenWrite>): Promise<void> {
    const keys = [...writes.keys()]
    await untilUncontested(async () => {
      const areThere = await view.chunks.hasMany(keys.map((key) => view.chunks.idOf(key)))
      const missing = [...writes].filter(([, { fields }], i) => !areThere[i] || fields.index < 0)
      const whole = this.#putsOf(missing, { bareHead: false })
      const isCut = !fitsAtOnce([...whole.parts, ...whole.heads])
      const { parts, heads } = isCut ? this.#putsOf(missing, { bareHead: true }) : whole
      if (isCut) await writeInOrder(view, parts)
      if (heads.length > 0) await writeInOrder(view, isCut ? heads : [...parts, ...heads])
    })
  }

  #putsOf(writes: readonly (readonly [key: string, GivenWrite])[], cut: { readonly bareHead: boolean }) {
    const parts: PutOperation[] = []
    const heads: PutOperation[] = []
    for (const [key, { serialized, fields }] of writes)
      for (const input of writeInputs(key, serialized, fields, cut)) {
        const put = this.#putOf(input, 'shared')
        if (input.key !== key) parts.push(put)
        else heads.push(fields.index < 0 ? put : { ...put, expectedVersion: null })
      }
    return { parts, heads }
  }
}
