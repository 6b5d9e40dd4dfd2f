/** Two backends of one store, whose calls to the tiers a test holds or refuses one by one. */
import { afterAll, beforeAll, beforeEach, expect, vi } from 'vitest'
import type { MemoryStore, MemoryStoreOptions } from '../../src/index.ts'
import { GatedTiers } from '../flow/gate.ts'
import { describeWithPrivateServers, type PrivateServers } from './private-servers.ts'

const PATIENCE = { timeout: 30_000, interval: 20 }

/** A sync repairs, and demotes nothing. */
export const STEADY = { schedule: '0 0 0 1 1 *', hotToColdAge: '1h' } as const
export const AWAY = { code: 'ERR_TIER_UNAVAILABLE', retryable: true, details: { tier: 'cold' } }
/** Every tombstone is old enough. */
export const NO_GRACE = { graceMs: -86_400_000, limit: 1_000 }

export class GatedBackend {
  readonly tiers = new GatedTiers()
  store!: MemoryStore

  async open(options: MemoryStoreOptions): Promise<this> {
    this.store = await this.tiers.open({ sync: STEADY, ...options })
    return this
  }

  get hot() {
    return this.tiers.hot
  }

  get cold() {
    return this.tiers.cold
  }

  get chunks() {
    return this.store.chunks
  }

  keyOf(id: string) {
    return { namespace: this.chunks.namespace, id }
  }

  async versionsOf(id: string) {
    const keys = [this.keyOf(id)]
    const [[hot], [cold]] = await Promise.all([this.hot.tier.read(keys), this.cold.tier.versions(keys)])
    return { hot: hot?.version, cold }
  }

  /** Ships what is pending, and makes the key leave hot, which cold has then. */
  async moveToCold(id: string): Promise<void> {
    await this.store.checkpoint()
    const { hot } = await this.versionsOf(id)
    await this.hot.tier.remove([{ key: this.keyOf(id), version: hot! }])
  }

  /**
   * No write reaches hot from now on. The clock is above the entry's version, as order between clocks is by version
   * then.
   */
  async loseHotHaving(id: string): Promise<void> {
    await this.chunks.get(id)
    this.hot.refuse('write')
  }

  heal(): void {
    this.hot.allow()
    this.cold.allow()
  }
}

export const a = new GatedBackend()
export const b = new GatedBackend()
/** What they were opened with, their folders apart. */
export let shared: Awaited<ReturnType<PrivateServers['shared']>>
/** That no other test puts anything under. */
export let key: string
let keys = 0

/** Before each test both are in step, and nothing is refused. */
export function describeTwoBackends(title: string, tests: (servers: PrivateServers) => void): void {
  describeWithPrivateServers(title, (servers) => {
    beforeAll(async () => {
      shared = await servers.shared()
      for (const backend of [a, b]) await backend.open({ dir: await servers.folder(), ...shared })
    })
    afterAll(async () => {
      for (const { store } of [a, b]) await store.close()
    })
    beforeEach(async () => {
      key = `key ${++keys}`
      for (const backend of [a, b]) backend.heal()
      await inStep()
    })
    tests(servers)
  })
}

/** Nothing is pending or left to repair, and all use the generation that is current. */
export const inStep = () =>
  vi.waitFor(async () => {
    for (const { store } of [a, b]) await store.sync()
    expect(a.hot.tier.generationNumber).toBeDefined()
    expect(b.hot.tier.generationNumber).toBe(a.hot.tier.generationNumber)
    expect((await a.cold.tier.hotMisses(1)).misses).toEqual([])
  }, PATIENCE)

export const markersEnd = async (servers: PrivateServers) => {
  const client = servers.client()
  for (const marker of await client.keys('*:m:*')) await client.del(marker)
}

/** Until every backend uses the memory that Redis has now. */
export const flush = async (servers: PrivateServers) => {
  const { generationId } = a.hot.tier
  await servers.client().flushall()
  for (const { hot } of [a, b])
    await vi.waitFor(async () => {
      await hot.tier.size()
      expect(hot.tier.generationId).not.toBe(generationId)
    }, PATIENCE)
}

/** Every log has shipped what is older than the version that cold has of the entry. */
export const shipPast = async (id: string) => {
  const [row] = await a.cold.tier.read([a.keyOf(id)])
  const { version } = row!.record
  for (const { chunks, store } of [a, b]) {
    const isPast = async () => expect((await chunks.put({ text: 'x' })).version > version).toBe(true)
    await vi.waitFor(isPast, PATIENCE)
    await store.checkpoint()
  }
}
