/**
 * What a case works with: stores of the built package, servers, clients, folders. All of it is let go of when the case
 * ends, last made first.
 */
import { randomUUID } from 'node:crypto'
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Redis } from 'ioredis'
import postgres from 'postgres'
import type { MemoryStore, MemoryStoreOptions } from '../../../src/index.ts'
import { Peers } from '../peers.ts'
import type { ServerName } from './bench-case.ts'

/** What the process of a case is told when it is started. */
export interface Job {
  /** The folder of this repository. */
  readonly root: string
  /** The folder of the built package. */
  readonly dist: string
  /** A folder of this case, on a disk. */
  readonly dir: string
  readonly servers: Readonly<Partial<Record<ServerName, ServerAddress>>>
  readonly rounds: number
  /** Whether the largest sizes are asked for. */
  readonly isFull: boolean
  /** File for the profile of the processor, where one is asked for. */
  readonly profile: string | undefined
}

export interface ServerAddress {
  readonly host: string
  readonly port: number
}

export class Bench {
  readonly peers: Peers
  readonly isFull: boolean
  readonly rounds: number
  readonly #job: Job
  readonly #releases: (() => Promise<unknown>)[] = []

  constructor(job: Job) {
    this.#job = job
    this.peers = new Peers(job.root)
    this.isFull = job.isFull
    this.rounds = job.rounds
  }

  /** A module of the built package by its path in `src`, such as `entry/codec`. Give its type: `typeof import(…)`. */
  async module<T>(path: string): Promise<T> {
    return (await import(this.moduleUrl(path))) as T
  }

  moduleUrl(path: string): string {
    return pathToFileURL(join(this.#job.dist, `${path}.js`)).href
  }

  /** A store in a folder of its own. Warnings go to stderr. */
  async openStore(options: MemoryStoreOptions = {}): Promise<MemoryStore> {
    const { openMemoryStore } = await this.module<typeof import('../../../src/index.ts')>('index')
    const place = options.inMemory ? {} : { dir: await this.folder() }
    const store = await openMemoryStore({ ...place, ...options })
    this.defer(() => store.close({ timeout: '60s' }))
    return store
  }

  /** A store on the private Redis, and on a new database of the private Postgres where none is named. */
  async openServerStore(options: MemoryStoreOptions = {}): Promise<MemoryStore> {
    const { host, port } = this.address('redis')
    const url = options.cold?.url ?? (await this.database())
    return this.openStore({
      ...options,
      hot: { url: `redis://${host}:${port}` },
      cold: { dimensions: options.cold?.dimensions, url },
    })
  }

  /** A new, empty folder on the disk. */
  folder(): Promise<string> {
    return mkdtemp(join(this.#job.dir, 'data-'))
  }

  /** A client of a private Redis. */
  redis(name: 'redis' | 'syncing redis'): Redis {
    const redis = new Redis(this.address(name))
    this.defer(async () => redis.disconnect())
    return redis
  }

  /** Url of a new, empty database. */
  async database(): Promise<string> {
    const name = `bench_${randomUUID().replaceAll('-', '')}`
    const admin = postgres(this.#databaseUrl('postgres'), { max: 1, onnotice: () => {} })
    try {
      await admin.unsafe(`CREATE DATABASE ${name} ENCODING 'UTF8' TEMPLATE template0`)
    } finally {
      await admin.end()
    }
    return this.#databaseUrl(name)
  }

  /** A client of a database. */
  sql(url: string, options: postgres.Options<Record<string, never>> = {}): postgres.Sql {
    const sql = postgres(url, { onnotice: () => {}, ...options })
    this.defer(() => sql.end({ timeout: 5 }))
    return sql
  }

  address(name: ServerName): ServerAddress {
    const address = this.#job.servers[name]
    if (address === undefined) throw new Error(`the case does not ask for the server "${name}"`)
    return address
  }

  /** Has something let go of when the case ends. */
  defer(release: () => Promise<unknown>): void {
    this.#releases.push(release)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const release of this.#releases.reverse()) await release()
  }

  #databaseUrl(name: string): string {
    const { host, port } = this.address('postgres')
    return `postgres://test@${host}:${port}/${name}`
  }
}
