/**
 * Holds the defaults of the options of a store. Defaults of single calls, such as how many entries `find` returns, are
 * in repository/calls.ts.
 */
import { systemClock } from './kernel/clock.ts'
import { silentLogger, warningLogger } from './kernel/logger.ts'
import type { MemoryStoreOptions } from './options.ts'

/** What `logger: false` asks for. */
export { silentLogger }

/** Connections of a Postgres where nothing else is said: `cold.max`, which the embedded database does not have. */
export const POSTGRES_CONNECTIONS = 4

/** Every other default, durations in milliseconds. */
export const DEFAULTS = {
  dir: '.thermocline',
  inMemory: false,
  hot: { kind: 'memory', maxEntries: 10_000, maxBytes: 256 * 1024 * 1024 },
  cold: {
    kind: 'embedded',
    dir: undefined,
    dimensions: [],
    metrics: ['cosine'],
    language: undefined,
    indexes: [],
    precision: 'full',
    migrate: 'auto',
  },
  durability: 'wal',
  wal: {
    segmentBytes: 64 * 1024 * 1024,
    checkpointBytes: 64 * 1024 * 1024,
    maxPendingBytes: 128 * 1024 * 1024,
    lockTimeout: 5_000,
  },
  checkpoint: { every: 1_000 },
  sync: {
    schedule: '0 * * * * *',
    hotToColdAge: 300_000,
    batchSize: 100,
    activationHalfLife: 600_000,
    maxMigrationsPerSecond: Number.POSITIVE_INFINITY,
  },
  policies: [],
  promote: { minAccesses: 1 },
  timeouts: { hot: 2_000, cold: 10_000, search: 10_000, open: 30_000 },
  embed: { when: 'put', former: [], batchSize: 64, maxConcurrency: 2, timeout: 60_000 },
  alerts: {
    checkpointLag: 60_000,
    pendingFill: 0.8,
    syncAge: 900_000,
    tierAway: 30_000,
    deadLetters: 0,
    hotFill: 0.95,
    hitRatio: 0.2,
    hotLatency: 10,
    diskFree: 0.1,
    logGrowth: 600_000,
    clockDrift: 1_000,
  },
  requireCold: true,
  logger: warningLogger,
  clock: systemClock,
} as const satisfies { readonly [O in keyof MemoryStoreOptions]-?: unknown }
