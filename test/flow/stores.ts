/** The pairs of drivers that every flow suite runs on, and stores for one test each. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, onTestFinished } from 'vitest'
import { openPgliteCold } from '../../src/cold/pglite/pglite-driver.ts'
import { Tiering } from '../../src/flow/tiering.ts'
import type { HotTier } from '../../src/hot/hot-tier.ts'
import { type MemoryStore, type MemoryStoreOptions, openMemoryStore } from '../../src/index.ts'
import type { Clock } from '../../src/kernel/clock.ts'
import { LatencyHistogram } from '../../src/kernel/latency-histogram.ts'
import { idleTimePolicy } from '../../src/policy/idle-time.ts'
import { PolicyTable } from '../../src/policy/policy-table.ts'
import { openCold } from '../../src/store/open-cold.ts'
import { openHot } from '../../src/store/open-hot.ts'
import { openMemoryStoreOver } from '../../src/store/open-store.ts'
import { MigrationPace } from '../../src/sync/migration-pace.ts'
import { isThorough } from '../tools/budget.ts'
import { lendDatabase } from '../tools/lent-database.ts'
import { ManualClock } from '../tools/manual-clock.ts'
import { describeWithAnyPostgres, describeWithRedis, PostgresDatabases, PrivateRedis } from '../tools/services.ts'

export interface Pair {
  readonly name: string
  /** Options of an empty store. */
  options(given?: MemoryStoreOptions): Promise<MemoryStoreOptions>
  /** An empty store, for the caller to close. Background work runs only when the test asks for it. */
  open(options?: MemoryStoreOptions): Promise<MemoryStore>
  /** What has left hot may come back: its markers are gone, as they are after a minute. */
  expireMarkers(clock: ManualClock): Promise<void>
}

/** Nothing happens by itself: tests drive checkpoints and syncs. */
export const QUIET = { checkpoint: { every: '1h' }, sync: { schedule: '0 0 0 1 1 *', hotToColdAge: 0 } } as const

/** By which everything in hot may leave. */
export function allIdle(hot: HotTier, clock: Clock): Tiering {
  const policies = new PolicyTable([], idleTimePolicy(0, 1))
  return new Tiering({ hot, clock, policies, pressure: { latestFill: 0 }, halfLifeMs: 60_000 })
}

/** As fast as it goes. */
export function unpaced(): MigrationPace {
  return new MigrationPace({ most: Number.POSITIVE_INFINITY, takeCallTimes: () => new LatencyHistogram() })
}

/** The embedded pair, in memory. */
export const embeddedPair: Pair = {
  name: 'in-process and PGlite',
  options: async (given) => ({ inMemory: given?.dir === undefined, ...QUIET }),
  open: (options) => openInMemory(options),
  expireMarkers: async (clock) => clock.advance(60_000),
}

/**
 * An embedded store in memory, for the caller to close; its database was perhaps another test's, which does not show
 * (see {@link lendDatabase}). What is about opening or ending a database calls `openMemoryStore`.
 */
export function openInMemory(options?: MemoryStoreOptions): Promise<MemoryStore> {
  return openStore({ inMemory: true, ...options })
}

/** For the caller to close. What is in memory is lent, as above. */
export function openStore(options: MemoryStoreOptions): Promise<MemoryStore> {
  return openMemoryStoreOver({ openCold: openColdOrLent, openHot }, { ...QUIET, ...options })
}

/** As {@link openCold}, with a database that is lent where it is one in memory. */
export const openColdOrLent: typeof openCold = async (options, folder, releases, terms) => {
  const { cold: given, timeouts, logger, clock } = options
  if (folder !== undefined || given.kind !== 'embedded') return openCold(options, folder, releases, terms)
  const cold = await openPgliteCold({ ...given, dir: undefined, timeout: timeouts.cold, logger, clock }, lendDatabase())
  releases.push('the cold tier', () => cold.close())
  return cold
}

/**
 * Declares the tests on each pair of drivers, of which `npm test` leaves the servers out: for what calls the store as
 * any user does, and is the same on both.
 */
export function describeMainPair(name: string, body: (pair: Pair) => void): void {
  if (isThorough) describePairs(name, body)
  else describe(`${name} on ${embeddedPair.name}`, () => body(embeddedPair))
}

/** Declares the tests on each pair of drivers. */
export function describePairs(name: string, body: (pair: Pair) => void): void {
  describe(`${name} on ${embeddedPair.name}`, () => body(embeddedPair))
  describeWithServers(`${name} on Redis and Postgres`, (servers) =>
    body({
      name: 'Redis and Postgres',
      options: () => servers.storeOptions(),
      open: (options) => servers.openStore(options),
      expireMarkers: () => servers.expireMarkers(),
    }),
  )
}

/** Redis and Postgres for the tests of a suite, each its own. */
export class Servers {
  redis!: PrivateRedis
  databases!: PostgresDatabases
  readonly #folders: string[] = []

  async start(): Promise<void> {
    this.redis = await PrivateRedis.start({ onPort: true })
    this.databases = await PostgresDatabases.start()
  }

  async stop(): Promise<void> {
    await this.databases[Symbol.asyncDispose]()
    await this.redis[Symbol.asyncDispose]()
    for (const folder of this.#folders) await rm(folder, { recursive: true, force: true })
  }

  get redisUrl(): string {
    return redisUrlOf(this.redis)
  }

  /** What every process of one store shares, with a database that no store has been in. */
  async shared(): Promise<{ hot: { url: string }; cold: { url: string } }> {
    return { hot: { url: this.redisUrl }, cold: { url: await this.databases.create() } }
  }

  expireMarkers(): Promise<void> {
    return expireMarkersIn(this.redis)
  }

  async folder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'thermocline-test-'))
    this.#folders.push(folder)
    return folder
  }

  /** Options of an empty store in a folder of its own. */
  async storeOptions(): Promise<MemoryStoreOptions> {
    return { dir: await this.folder(), ...(await this.shared()), ...QUIET }
  }

  /** For the caller to close. */
  async openStore(options: MemoryStoreOptions = {}): Promise<MemoryStore> {
    return openMemoryStore({ ...(await this.storeOptions()), ...options })
  }
}

/** What left hot may come back at once: Redis's own clock cannot be moved. */
export async function expireMarkersIn(redis: PrivateRedis): Promise<void> {
  const client = new Redis(redisUrlOf(redis))
  try {
    for (const key of await client.keys('*:m:*')) await client.del(key)
  } finally {
    await client.quit()
  }
}

export function redisUrlOf({ connection }: PrivateRedis): string {
  if (!('port' in connection)) throw new Error('this Redis listens on no port')
  return `redis://${connection.host}:${connection.port}`
}

/** Declares tests that need a Redis and a Postgres. */
export function describeWithServers(name: string, body: (servers: Servers) => void): void {
  describeWithRedis(name, () => {
    describeWithAnyPostgres('', () => {
      const servers = new Servers()
      beforeAll(() => servers.start())
      afterAll(() => servers.stop())
      body(servers)
    })
  })
}

/**
 * One store for the tests of a suite, since making a database takes seconds; each test has a namespace of its own in
 * it. Its clock is a day ahead, so that the sweep of a server, which judges by its own, never reaches an expiry first.
 */
export function shareStore(pair: Pick<Pair, 'open'>, options?: MemoryStoreOptions) {
  const clock = new ManualClock(Date.now() + 86_400_000)
  let store: MemoryStore | undefined
  let views = 0
  beforeAll(async () => {
    store = await pair.open({ clock, ...options })
  })
  afterAll(async () => {
    await store?.close()
  })
  return {
    clock,
    store: () => store!,
    view: () => store!.namespace('test', String(++views)),
  }
}

/** A data folder that goes with the test. */
export async function temporaryFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'thermocline-test-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  return dir
}

/** A unit vector of `dimensions` that `seed` names, the same in every run. */
export function vectorOf(seed: number, dimensions = 8): Float32Array {
  const vector = Float32Array.from({ length: dimensions }, (_, i) => Math.sin((seed + 1) * (i + 1) * 1.7) + 0.01)
  const length = Math.hypot(...vector)
  return vector.map((x) => x / length)
}
