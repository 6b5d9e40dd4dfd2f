/**
 * What is only measured against: dependencies of `test/bench/package.json`, which `npm run check` does without. So they
 * are loaded by name, and typed by the few calls that the cases make.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { BaseCheckpointSaver } from '@langchain/langgraph-checkpoint'
import type { Keyv } from 'keyv'
import type { PeerName } from './harness/bench-case.ts'

export interface Bentocache {
  set(options: { key: string; value: unknown }): Promise<boolean>
  get(options: { key: string }): Promise<unknown>
  disconnectAll(): Promise<void>
}

export interface ClassicLevel {
  open(): Promise<void>
  put(key: string, value: Uint8Array, options: { sync: boolean }): Promise<void>
  close(): Promise<void>
}

export interface LangGraphStore {
  setup(): Promise<void>
  put(namespace: string[], key: string, value: Record<string, unknown>, index: false): Promise<void>
  get(namespace: string[], key: string): Promise<unknown>
  search(namespacePrefix: string[], options: { filter: Record<string, unknown>; limit: number }): Promise<unknown>
  stop(): Promise<void>
}

/** As a graph uses it. */
export type LangGraphSaver = Pick<BaseCheckpointSaver, 'getTuple' | 'put'> & {
  getNextVersion(current: number | undefined): number
}

export class Peers {
  readonly #root: string

  /** @param root the folder of this repository. */
  constructor(root: string) {
    this.#root = join(root, 'test/bench')
  }

  /** Those that are not installed. */
  missing(names: readonly PeerName[]): PeerName[] {
    return names.filter((name) => !existsSync(join(this.#root, 'node_modules', name, 'package.json')))
  }

  /** With the layer of memory, which holds as many as asked for, or with that of Redis. */
  async bentocache(layer: { maxItems: number } | { host: string; port: number }): Promise<Bentocache> {
    const { BentoCache, bentostore } = await this.#load<{
      BentoCache: new (options: object) => Bentocache
      bentostore: () => { useL1Layer(driver: unknown): unknown; useL2Layer(driver: unknown): unknown }
    }>('bentocache')
    const store = bentostore()
    if ('maxItems' in layer) {
      type Memory = { memoryDriver(options: object): unknown }
      store.useL1Layer((await this.#load<Memory>('bentocache/drivers/memory')).memoryDriver(layer))
    } else {
      type Redis = { redisDriver(options: object): unknown }
      store.useL2Layer((await this.#load<Redis>('bentocache/drivers/redis')).redisDriver({ connection: layer }))
    }
    return new BentoCache({ default: 'bench', stores: { bench: store } })
  }

  async classicLevel(dir: string): Promise<ClassicLevel> {
    type Module = { ClassicLevel: new (dir: string, options: object) => ClassicLevel }
    const { ClassicLevel } = await this.#load<Module>('classic-level')
    const level = new ClassicLevel(dir, { valueEncoding: 'view' })
    await level.open()
    return level
  }

  /** With its tables, in a database that should be its own. */
  async langGraphStore(url: string): Promise<LangGraphStore> {
    type Module = { PostgresStore: { fromConnString(url: string): LangGraphStore } }
    const { PostgresStore } = await this.#load<Module>('@langchain/langgraph-checkpoint-postgres/store')
    const store = PostgresStore.fromConnString(url)
    await store.setup()
    return store
  }

  /** Likewise. */
  async langGraphSaver(url: string): Promise<LangGraphSaver & { end(): Promise<void> }> {
    type Saver = LangGraphSaver & { setup(): Promise<void>; end(): Promise<void> }
    type Module = { PostgresSaver: { fromConnString(url: string): Saver } }
    const { PostgresSaver } = await this.#load<Module>('@langchain/langgraph-checkpoint-postgres')
    const saver = PostgresSaver.fromConnString(url)
    await saver.setup()
    return saver
  }

  /** A Keyv over Redis, made as upstream says. */
  async keyvRedis({ host, port }: { host: string; port: number }): Promise<Keyv> {
    const { createKeyv } = await this.#load<{ createKeyv: (url: string) => Keyv }>('@keyv/redis')
    return createKeyv(`redis://${host}:${port}`)
  }

  async #load<T>(name: string): Promise<T> {
    const file = createRequire(join(this.#root, 'package.json')).resolve(name)
    return (await import(pathToFileURL(file).href)) as T
  }
}
