/**
 * What is only measured against: dependencies of `test/bench/package.json`, which `npm run check` does without. So they
 * are loaded by name, and typed by the few calls that the cases make.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
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
  stop(): Promise<void>
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

  async #load<T>(name: string): Promise<T> {
    const file = createRequire(join(this.#root, 'package.json')).resolve(name)
    return (await import(pathToFileURL(file).href)) as T
  }
}
