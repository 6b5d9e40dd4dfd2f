/** A Redis of a test's own with tiers and clients on it. All of it is gone after the test. */
import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, vi } from 'vitest'
import { ZERO_VERSION } from '../../../src/entry/version.ts'
import type { HotWrite } from '../../../src/hot/hot-tier.ts'
import { loadIoredis } from '../../../src/hot/redis/load-ioredis.ts'
import { RedisHotTier, type RedisHotTierOptions } from '../../../src/hot/redis/redis-hot-tier.ts'
import { silentLogger } from '../../../src/kernel/logger.ts'
import { keyOf, writeOf } from '../../../src/testkit/contract/hot-writes.ts'
import { PrivateRedis, type RedisServerOptions } from '../../tools/services.ts'

await loadIoredis()

/** What an empty cold tier answers. */
export const EMPTY = { number: 1, highestVersion: ZERO_VERSION }

/** For whatever takes a moment: on a busy machine that is long. */
export const PATIENT = { timeout: 20_000, interval: 20 }

export const AWAY = expect.objectContaining({ code: 'ERR_TIER_UNAVAILABLE', retryable: true, details: { tier: 'hot' } })

export interface OwnRedis {
  /** The server that tiers and clients use where nothing else is said. A test may put another in its place. */
  redis: PrivateRedis
  /** What is to be done after the test, the last first. */
  readonly releases: (() => Promise<unknown>)[]
  server(options?: RedisServerOptions): Promise<PrivateRedis>
  /** Not connected yet; remembers each generation that became current. */
  tierOf(options?: Partial<RedisHotTierOptions>): TierWithHistory
  connected(options?: Partial<RedisHotTierOptions>): Promise<TierWithHistory>
  /** A client like any other, for looking and meddling. */
  client(of?: PrivateRedis): Redis
}

export interface TierWithHistory {
  readonly tier: RedisHotTier
  readonly generations: readonly string[]
}

/** Starts a server before each test of the group, and releases what the test opened after it. */
export function useRedis(): OwnRedis {
  const releases: (() => Promise<unknown>)[] = []
  const storeId = randomUUID()

  async function server(options?: RedisServerOptions): Promise<PrivateRedis> {
    const started = await PrivateRedis.start(options)
    releases.push(() => started[Symbol.asyncDispose]())
    return started
  }

  function tierOf(options: Partial<RedisHotTierOptions> = {}): TierWithHistory {
    const generations: string[] = []
    const tier = new RedisHotTier({
      server: { options: on.redis.connection },
      storeId,
      logger: silentLogger,
      commandTimeout: 1_500,
      enterGeneration: async () => EMPTY,
      onNewGeneration: (generationId) => generations.push(generationId),
      ...options,
    })
    releases.push(() => tier.close())
    return { tier, generations }
  }

  async function connected(options?: Partial<RedisHotTierOptions>): Promise<TierWithHistory> {
    const opened = tierOf(options)
    await opened.tier.connect()
    return opened
  }

  function client(of = on.redis): Redis {
    const direct = new Redis({ ...of.connection, retryStrategy: () => null })
    direct.on('error', () => {})
    releases.push(async () => direct.disconnect())
    return direct
  }

  const on: OwnRedis = { redis: undefined as unknown as PrivateRedis, releases, server, tierOf, connected, client }
  beforeEach(async () => {
    on.redis = await server()
  })
  afterEach(async () => {
    for (const release of releases.splice(0).reverse()) await release()
  })
  return on
}

export const put = (tier: RedisHotTier, n: number, version: number, overrides: Partial<HotWrite> = {}) =>
  tier.write([writeOf(n, version, { startedAt: tier.now(), ...overrides })])

export const versionIn = async (tier: RedisHotTier, n: number) => (await tier.read([keyOf(n)]))[0]?.version

/** Waits until the tier answers again. */
export const healed = (tier: RedisHotTier) => vi.waitFor(() => tier.size(), PATIENT)
