/** A Redis and a Postgres of one's own for a suite that breaks them, and backends of one store on both. */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, onTestFinished, vi } from 'vitest'
import type { ColdTier } from '../../src/cold/cold-tier.ts'
import type { HotTier } from '../../src/hot/hot-tier.ts'
import type { MemoryStore, MemoryStoreOptions } from '../../src/index.ts'
import { openHot } from '../../src/store/open-hot.ts'
import { openMemoryStoreOver } from '../../src/store/open-store.ts'
import { openColdOrLent, redisUrlOf, temporaryFolder } from '../flow/stores.ts'
import { describeWithPostgres, describeWithRedis, PrivatePostgres, PrivateRedis } from '../tools/services.ts'
import type { Load } from './load.ts'

/** Everything goes on all the time: what was just written is shipped, demoted and promoted again. */
export const BUSY = {
  checkpoint: { every: 50 },
  sync: { schedule: '* * * * * *', hotToColdAge: 0 },
  timeouts: { hot: 500, cold: 5_000 },
} as const

/** What leaves hot may be promoted again after this, in milliseconds: within a test. */
const MARKER_TTL = 2_000

/** A store with a view of its tiers. */
export interface Backend {
  readonly store: MemoryStore
  readonly hot: HotTier
  readonly cold: ColdTier
}

/** Closes with the test. */
export async function openBackend(options: MemoryStoreOptions): Promise<Backend> {
  const parts = {} as { hot: HotTier; cold: ColdTier }
  const store = await openMemoryStoreOver(
    {
      openCold: async (...args) => {
        parts.cold = await openColdOrLent(...args)
        return parts.cold
      },
      openHot: async (...args) => {
        const opened = await openHot(...args)
        parts.hot = Object.assign(opened.tier, { markerTtl: MARKER_TTL })
        return opened
      },
    },
    options,
  )
  onTestFinished(async () => {
    await store.close({ timeout: 5_000 })
  })
  return { store, ...parts }
}

export class PrivateServers {
  redis!: PrivateRedis
  postgres!: PrivatePostgres
  readonly #folders: string[] = []

  async start(): Promise<void> {
    this.redis = await PrivateRedis.start({ onPort: true })
    this.postgres = await PrivatePostgres.start()
  }

  async stop(): Promise<void> {
    await this.postgres[Symbol.asyncDispose]()
    await this.redis[Symbol.asyncDispose]()
    for (const folder of this.#folders) await rm(folder, { recursive: true, force: true })
  }

  /** Goes with the suite. */
  async folder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'thermocline-test-'))
    this.#folders.push(folder)
    return folder
  }

  get redisUrl(): string {
    return redisUrlOf(this.redis)
  }

  /** Url of a new database that no store has been in. */
  database(): Promise<string> {
    return this.postgres.createMigrated(`test_${randomUUID().replaceAll('-', '')}`)
  }

  /** What every backend of one store shares, with a database that no store has been in. */
  async shared(): Promise<{ hot: { url: string }; cold: { url: string } }> {
    return { hot: { url: this.redisUrl }, cold: { url: await this.database() } }
  }

  /** Backends of one new store, each with a folder of its own. */
  async backends(count: number, options: MemoryStoreOptions = {}): Promise<Backend[]> {
    const shared = await this.shared()
    const open = async () => openBackend({ dir: await temporaryFolder(), ...shared, ...BUSY, ...options })
    return Promise.all(Array.from({ length: count }, open))
  }

  /** A client like any other, for looking and meddling. */
  client(): Redis {
    const client = new Redis(this.redisUrl, { retryStrategy: () => null })
    client.on('error', () => {})
    onTestFinished(() => client.disconnect())
    return client
  }
}

/** Declares tests that break their servers. */
export function describeWithPrivateServers(name: string, body: (servers: PrivateServers) => void): void {
  describeWithRedis(name, () => {
    describeWithPostgres('', () => {
      const servers = new PrivateServers()
      beforeAll(() => servers.start())
      afterAll(() => servers.stop())
      body(servers)
    })
  })
}

/**
 * Waits until the very same backends have healed: everything is shipped, and nothing is left to repair in a hot tier
 * that they all know, and that answers each of them: one may still leave it alone after another has repaired it.
 */
export async function heal(backends: readonly Backend[]): Promise<void> {
  const isHealed = async (): Promise<void> => {
    for (const { store, hot } of backends) {
      await store.checkpoint()
      expect(await store.stats()).toMatchObject({ pending: { entries: 0 } })
      await hot.size()
      expect(hot.generationNumber).toBe(backends[0]!.hot.generationNumber)
    }
    expect((await backends[0]!.cold.hotMisses(1)).misses).toEqual([])
  }
  await vi.waitFor(isHealed, { timeout: 20_000, interval: 50 })
}

/** Heals, and finds everything acknowledged: before and after all of it has left hot. */
export async function expectIntact(load: Load, backends: readonly Backend[]): Promise<void> {
  await load.stop()
  await heal(backends)
  const { hot, cold, store } = backends[0]!
  const keys = load.ids.map((id) => ({ namespace: store.chunks.namespace, id }))
  const versionIn = async (id: string) => (await cold.versions([{ namespace: store.chunks.namespace, id }]))[0]
  await load.verify(versionIn)
  const [held, stored] = [await hot.read(keys), await cold.versions(keys)]
  for (const [i, value] of held.entries()) if (value !== undefined) expect(value.version >= stored[i]!).toBe(true)
  await store.sync()
  await load.verify(versionIn)
}
