/** Public names only. */
export type { CallOptions } from './call-options.ts'
export type { Clock } from './clock.ts'
export type { Metric } from './cold/cold-tier.ts'
export type { Duration } from './entry/duration.ts'
export type { Comparison, Where } from './entry/filter.ts'
export type {
  ChunkEntry,
  ChunkInput,
  EmbeddingEntry,
  EmbeddingInput,
  EntryInput,
  EntryKind,
  JsonObject,
  JsonValue,
  MemoryEntry,
  MetadataEntry,
  MetadataInput,
  RaptorEntry,
  RaptorInput,
} from './entry/memory-entry.ts'
export { namespaceSegments } from './entry/namespace.ts'
export type { Version } from './entry/version.ts'
export {
  type AnyThermoclineError,
  type ErrorCode,
  type ErrorDetails,
  isThermoclineError,
  ThermoclineError,
  type TierName,
} from './errors.ts'
export type { Explanation, Placement } from './flow/read.ts'
export type { SearchHit, SearchResult } from './flow/search.ts'
export type { TierState } from './flow/tier-watch.ts'
export type { Durability, Receipt, WriteOutcome } from './flow/write.ts'
export type { Logger } from './log.ts'
export type { CloseOptions, CloseResult, MemoryStore, StoreHealth, StoreStats } from './memory-store.ts'
export { openMemoryStore } from './open-store.ts'
export {
  type CheckpointOptions,
  type ColdOptions,
  DEFAULTS,
  type HotOptions,
  type MemoryStoreOptions,
  type PostgresClientLike,
  type PromoteOptions,
  type RedisClientLike,
  type SyncOptions,
  type TimeoutOptions,
  type WalOptions,
} from './options.ts'
export type { CountOptions, FindOptions, PutManyOptions, SearchOptions, WriteOptions } from './repository/calls.ts'
export type { EntryOf, FindResult, MemoryRepository, PutOf } from './repository/memory-repository.ts'
export type { NamespaceView } from './repository/namespace-view.ts'
export type { CheckpointStats, SetBack } from './sync/checkpoint.ts'
export { type SyncStats, SyncWorker } from './sync/sync-worker.ts'
