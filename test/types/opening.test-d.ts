/** How a store is opened and closed. See {@link ./inputs.test-d.ts} for how this is checked. */
import type { Redis } from 'ioredis'
import type { Logger as PinoLogger } from 'pino'
import type { Sql } from 'postgres'
import { expectTypeOf } from 'vitest'
import {
  byIdleTime,
  type CloseResult,
  DEFAULTS,
  type Durability,
  type HotTier,
  type MemoryStore,
  type MemoryStoreOptions,
  openMemoryStore,
} from '../../src/index.ts'

declare const redis: Redis
declare const postgres: Sql
declare const pino: PinoLogger
declare const tier: HotTier

export const accepted: readonly MemoryStoreOptions[] = [
  {},
  { dir: '.thermocline', durability: 'cold' },
  { inMemory: true },
  { hot: { url: 'redis://localhost' }, cold: { url: 'postgres://localhost', max: 1, migrate: 'check' } },
  { hot: { client: redis }, cold: { client: postgres } },
  { hot: { kind: 'memory', maxEntries: 10, maxBytes: 1_000 }, cold: { dir: 'cold' } },
  { hot: { name: 'mine', open: () => tier }, cold: { url: 'postgres://localhost' } },
  { hot: { name: 'mine', open: async ({ markerTtl }) => ({ ...tier, markerTtl }) } },
  { cold: { dimensions: [3, 512], metrics: ['cosine', 'l2', 'inner-product'] } },
  { wal: { segmentBytes: 1_000_000, checkpointBytes: 1, maxPendingBytes: 2, lockTimeout: '5s' } },
  { checkpoint: { every: 100 }, sync: { schedule: '0 * * * * *', hotToColdAge: '5m', batchSize: 10 } },
  { sync: false, promote: false, logger: false },
  { promote: { minAccesses: 2 }, logger: console, clock: Date, requireCold: false },
  { policies: 'balanced' },
  { policies: { 'tenant/*': byIdleTime(), raptor: { name: 'mine', decide: () => 'stay' }, '**': 'costOptimised' } },
  { timeouts: { hot: '1s', cold: 1_000, search: '1m', open: 0 }, logger: pino },
  // What comes from elsewhere and is not set keeps its default.
  { dir: undefined, hot: { url: undefined }, cold: undefined, sync: undefined, logger: undefined },
]

export const refused: readonly MemoryStoreOptions[] = [
  // @ts-expect-error there is no such option
  { directory: '.thermocline' },
  // @ts-expect-error nor such a preset
  { policies: 'fast' },
  // @ts-expect-error nor such a decision
  { policies: { chunk: { name: 'mine', decide: () => true } } },
  // @ts-expect-error nor such an option of a tier
  { hot: { uri: 'redis://localhost' } },
  // @ts-expect-error a URL and a client name two servers
  { hot: { url: 'redis://localhost', kind: 'memory' } },
  // @ts-expect-error a tier of one's own has a name
  { hot: { open: () => tier } },
  // @ts-expect-error and bounds itself
  { hot: { name: 'mine', open: () => tier, maxEntries: 10 } },
  // @ts-expect-error age alone decides on Redis
  { hot: { url: 'redis://localhost', maxEntries: 10 } },
  // @ts-expect-error an embedded database and a server are two databases
  { cold: { dir: 'cold', url: 'postgres://localhost' } },
  // @ts-expect-error an embedded database has one connection
  { cold: { dir: 'cold', max: 4 } },
  // @ts-expect-error a client of Postgres is none of Redis
  { hot: { client: postgres } },
  // @ts-expect-error nor the other way round
  { cold: { client: redis } },
  // @ts-expect-error a metric that does not exist
  { cold: { metrics: ['euclid'] } },
  // @ts-expect-error a level of durability that does not exist
  { durability: 'memory' },
  // @ts-expect-error `false` turns the worker off, and there is no `true`
  { sync: true },
  // @ts-expect-error a logger has all four levels
  { logger: { info() {}, warn() {}, error() {} } },
  // @ts-expect-error a clock answers numbers
  { clock: { now: () => new Date() } },
  // @ts-expect-error a duration is a number or a text
  { checkpoint: { every: new Date() } },
]

export async function open(options: MemoryStoreOptions): Promise<void> {
  await using store = await openMemoryStore(options)
  expectTypeOf(store).toEqualTypeOf<MemoryStore>()
  expectTypeOf(openMemoryStore()).resolves.toEqualTypeOf<MemoryStore>()
  expectTypeOf(store.close({ timeout: '5s' })).resolves.toEqualTypeOf<CloseResult>()
  expectTypeOf<CloseResult>().toEqualTypeOf<{ readonly shipped: number; readonly remaining: number }>()
  // @ts-expect-error closing takes time: a store has no synchronous `using`
  using _synchronous = store
  // @ts-expect-error options are not changed
  options.dir = 'elsewhere'
}

expectTypeOf(DEFAULTS.durability).toExtend<Durability>()
expectTypeOf(DEFAULTS).toExtend<Record<keyof MemoryStoreOptions, unknown>>()
