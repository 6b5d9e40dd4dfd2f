/** Defines the store of bytes for LangChain, as its caches of embeddings and its retrievers of parents want it. */
import { BaseStore } from '@langchain/core/stores'
import { defineCall, lifetime, type RulesOf } from '../../call-options.ts'
import type { Durability, Duration, NamespaceView } from '../../index.ts'
import { durability, homeOf, type KeptIn, keptIn } from './kept-in.ts'

/** Values are in `langchain/bytes` unless `namespace` says otherwise. */
export interface ByteStoreOptions extends KeptIn {
  /** How long a value lives: milliseconds or a text like `'30d'`. @default for good */
  readonly ttl?: Duration | undefined
  /** What setting and deleting wait for. @default as the store was opened */
  readonly durability?: Durability | undefined
}

const checkOptions = defineCall('ThermoclineByteStore', {
  ...keptIn,
  ttl: lifetime,
  durability,
} satisfies RulesOf<ByteStoreOptions>)

/** Keeps bytes by keys, which are texts of 1 to 512 bytes; a value has at most 16 MiB. */
export class ThermoclineByteStore extends BaseStore<string, Uint8Array> {
  override lc_namespace = ['langchain', 'storage', 'thermocline']
  readonly #blobs: NamespaceView['blobs']
  readonly #options: ReturnType<typeof checkOptions>

  constructor(options: ByteStoreOptions) {
    super()
    this.#options = checkOptions(options)
    this.#blobs = homeOf('ThermoclineByteStore', this.#options, ['langchain', 'bytes']).blobs
  }

  /** Returns undefined where there is no such key. */
  async mget(keys: string[]): Promise<(Uint8Array | undefined)[]> {
    return (await this.#blobs.getManyByKey(keys)).map((entry) => entry?.bytes)
  }

  /** Of several values of one key the last counts. */
  async mset(keyValuePairs: [string, Uint8Array][]): Promise<void> {
    const { ttl, durability } = this.#options
    const blobs = [...new Map(keyValuePairs)].map(([key, bytes]) => ({ key, bytes, ttl }))
    await this.#blobs.putMany(blobs, { durability })
  }

  async mdelete(keys: string[]): Promise<void> {
    const { durability } = this.#options
    await this.#blobs.deleteMany(
      keys.map((key) => this.#blobs.idOf(key)),
      { durability },
    )
  }

  /** Yields the keys that begin so, in no order. */
  async *yieldKeys(prefix = ''): AsyncGenerator<string> {
    const where = { key: { startsWith: prefix } }
    for await (const { key } of this.#blobs.findAll({ where, select: ['key'] })) yield key!
  }
}
