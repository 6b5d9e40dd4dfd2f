/**
 * What a caller knows of an error, of the store and of its worker. See {@link ./inputs.test-d.ts} for how this is
 * checked.
 */
import { expectTypeOf } from 'vitest'
import {
  type AnyThermoclineError,
  type CheckpointStats,
  type ErrorCode,
  type ErrorDetails,
  isThermoclineError,
  type MemoryStore,
  namespaceSegments,
  type StoreHealth,
  type StoreStats,
  type SyncStats,
  type SyncWorker,
  ThermoclineError,
  type TierState,
} from '../../src/index.ts'

declare const store: MemoryStore

/** Every code, so that a new or a lost one is seen here as well. */
expectTypeOf<ErrorCode>().toEqualTypeOf<
  | 'ERR_INVALID_OPTIONS'
  | 'ERR_INVALID_ENTRY'
  | 'ERR_INVALID_QUERY'
  | 'ERR_CONFLICT'
  | 'ERR_LOCKED'
  | 'ERR_ARCHIVE_CORRUPT'
  | 'ERR_WAL_CORRUPT'
  | 'ERR_WAL_FAILED'
  | 'ERR_TIER_UNAVAILABLE'
  | 'ERR_BACKPRESSURE'
  | 'ERR_TIMEOUT'
  | 'ERR_ABORTED'
  | 'ERR_CLOSED'
  | 'ERR_SCHEMA'
  | 'ERR_UNSUPPORTED'
  | 'ERR_NOT_FOUND'
  | 'ERR_IDEMPOTENCY'
  | 'ERR_EMBEDDING_FAILED'
  | 'ERR_EMBEDDING_INVALID'
  | 'ERR_INTERNAL'
>()

export function explain(error: unknown): void {
  if (isThermoclineError(error, 'ERR_WAL_CORRUPT')) {
    expectTypeOf(error).toEqualTypeOf<ThermoclineError<'ERR_WAL_CORRUPT'>>()
    expectTypeOf(error.details.segment).toEqualTypeOf<number>()
    // @ts-expect-error details are of their code
    error.details.pid
  }
  if (!isThermoclineError(error)) return
  expectTypeOf(error).toEqualTypeOf<AnyThermoclineError>()
  expectTypeOf(error).toExtend<Error>()
  expectTypeOf(error.retryable).toEqualTypeOf<boolean>()
  if (error.code === 'ERR_TIER_UNAVAILABLE') expectTypeOf(error.details.tier).toEqualTypeOf<'hot' | 'cold'>()
  if (error.code === 'ERR_LOCKED') expectTypeOf(error.details.pid).toEqualTypeOf<number | undefined>()
  if (error.code === 'ERR_TIMEOUT')
    expectTypeOf(error.details.outcome).toEqualTypeOf<'none' | 'unknown' | 'applied' | 'partial' | undefined>()
  // @ts-expect-error there is no such code
  if (error.code === 'ERR_WRONG') return
  // @ts-expect-error details are not changed
  error.details = {}
}

// @ts-expect-error a code that does not exist
isThermoclineError(new Error('a'), 'ERR_WRONG')
// @ts-expect-error an error is built from the details of its code
new ThermoclineError('ERR_TIER_UNAVAILABLE', 'a', { pid: 1 })
expectTypeOf<ErrorDetails['ERR_INVALID_ENTRY']['field']>().toEqualTypeOf<string>()

export function watch(health: StoreHealth, stats: StoreStats, state: TierState): void {
  expectTypeOf(store.health()).toEqualTypeOf<StoreHealth>()
  expectTypeOf(health.error).toEqualTypeOf<ThermoclineError | undefined>()
  if (state.is === 'away') expectTypeOf(state.since).toEqualTypeOf<Date>()
  // @ts-expect-error a tier that is there is not away since anything
  else state.since
  // @ts-expect-error a tier that does not answer has no figures
  stats.cold.entries
  expectTypeOf(stats.pending.entries).toEqualTypeOf<number>()
}

// The worker, and the calls of the store that are the same.
expectTypeOf(store.worker).toEqualTypeOf<SyncWorker>()
expectTypeOf(store.sync()).resolves.toEqualTypeOf<SyncStats>()
expectTypeOf(store.worker.syncNow()).resolves.toEqualTypeOf<SyncStats>()
expectTypeOf(store.checkpoint({ timeout: '5s' })).resolves.toEqualTypeOf<CheckpointStats>()
expectTypeOf(store.worker.checkpointNow()).resolves.toEqualTypeOf<CheckpointStats>()
expectTypeOf(store.stats()).resolves.toEqualTypeOf<StoreStats>()
expectTypeOf(store.worker.shutdown()).resolves.toEqualTypeOf<void>()
expectTypeOf(namespaceSegments('tenant/acme')).toEqualTypeOf<string[]>()
