/** Exports the public names, and nothing else. */
export type { CallOptions } from './call-options.ts'
export { DEFAULTS } from './default-options.ts'
export type { Duration } from './entry/duration.ts'
export type { EntryKey } from './entry/entry-key.ts'
export type {
  BlobEntry,
  BlobInput,
  ChunkEntry,
  ChunkInput,
  EmbeddingEntry,
  EmbeddingInput,
  EntryInput,
  EntryKind,
  EntryOf,
  JsonObject,
  JsonValue,
  MemoryEntry,
  MetadataEntry,
  MetadataInput,
  RaptorEntry,
  RaptorInput,
  TreeEntry,
} from './entry/memory-entry.ts'
export { namespaceSegments } from './entry/namespace.ts'
export type { NamespaceRules } from './entry/namespace-rules.ts'
export type { Patch } from './entry/patch.ts'
export type { AccessStats } from './entry/record.ts'
export type { Precision } from './entry/rounded-vector.ts'
export type { SchemaInput, SchemaIssue, SchemaOutput, StandardSchema } from './entry/standard-schema.ts'
export type { Version } from './entry/version.ts'
export {
  type AnyThermoclineError,
  type ChangeCounts,
  type ErrorCode,
  type ErrorDetails,
  type Imported,
  isThermoclineError,
  type SequenceRange,
  ThermoclineError,
  type TierName,
  type WriteFailure,
} from './errors.ts'
export type { ArchiveSource } from './flow/archive-source.ts'
export type { ArchiveTarget } from './flow/archive-target.ts'
export type { EmbedderCounts, EmbedMany, EmbedPurpose } from './flow/embedder.ts'
export type { Remnant, RemnantPlace } from './flow/erase-remnants.ts'
export type { EraseDoneOptions, Erased, EraseProgress } from './flow/eraser.ts'
export type { Explanation, Placement } from './flow/explainer.ts'
export type { Exported, ExportProgress } from './flow/exporter.ts'
export type { ImportProgress, OnConflict } from './flow/importer.ts'
export type { NamespaceStats, TierEntries, TierShare } from './flow/namespace-meter.ts'
export type { NamespaceSummary } from './flow/namespace-reader.ts'
export type { Place } from './flow/rank-hits.ts'
export type { Reembedded } from './flow/reembedder.ts'
export type { SearchHit, SearchResult } from './flow/searcher.ts'
export type { TierState } from './flow/tier-watch.ts'
export type { TreeHit } from './flow/tree-searcher.ts'
export type { EmbedTime } from './flow/vectors.ts'
export type { DeletedWhere, UpdatedWhere } from './flow/where-changer.ts'
export type { Durability, Receipt, WriteOutcome } from './flow/writer.ts'
export type { HotContent } from './hot/hot-content.ts'
export type {
  HotCandidate,
  HotCapacity,
  HotExtension,
  HotMeasure,
  HotPostponement,
  HotRead,
  HotRemoval,
  HotReservation,
  HotReserved,
  HotSize,
  HotState,
  HotTier,
  HotTierOpening,
  HotTouch,
  HotValue,
  HotWrite,
  HotWriteResult,
} from './hot/hot-tier.ts'
export type { Clock } from './kernel/clock.ts'
export type { Logger } from './kernel/logger.ts'
export type { TraceContext } from './kernel/tracing.ts'
export type {
  AlertOptions,
  CheckpointOptions,
  ColdOptions,
  EmbedOptions,
  FormerModel,
  HotOptions,
  MemoryStoreOptions,
  OwnHotOptions,
  Policies,
  PostgresClientLike,
  PromoteOptions,
  RedisClientLike,
  SyncOptions,
  TimeoutOptions,
  WalOptions,
} from './options.ts'
export { type AccessCountOptions, byAccessCount } from './policy/access-count.ts'
export { type ActivationOptions, byActivation } from './policy/decaying-activation.ts'
export { byIdleTime, type IdleTimeOptions } from './policy/idle-time.ts'
export type { PolicyPreset } from './policy/presets.ts'
export type { EntryState, TieringDecision, TieringPolicy } from './policy/tiering-policy.ts'
export { type TinyLfuOptions, tinyLfu } from './policy/tiny-lfu.ts'
export { metadataPath } from './query/metadata-path.ts'
export type { Metric } from './query/metric.ts'
export type { OrderBy, OrderField } from './query/order.ts'
export type { Fusion, Mmr } from './query/search-query.ts'
export type { Selected } from './query/select.ts'
export type { Comparison, Equality, JsonComparison, ListComparison, TextComparison, Where } from './query/where.ts'
export type {
  DeleteOperation,
  Operation,
  PutOperation,
  UpdateOperation,
} from './repository/atomic-write.ts'
export type {
  AtomicOptions,
  ByBoth,
  ByMeaning,
  ByText,
  ByVector,
  CollectOptions,
  CountOptions,
  DeadLettersOptions,
  DeleteAllOptions,
  DeleteDocumentOptions,
  DeleteWhereOptions,
  DescendantsOptions,
  DocumentChunksOptions,
  DocumentsOptions,
  EmbedTexts,
  EraseOptions,
  ExpireOptions,
  ExportOptions,
  FindOptions,
  IdempotentOptions,
  ImportOptions,
  ManySearchOptions,
  NamespaceCountOptions,
  NamespaceStatsOptions,
  NamespacesOptions,
  PrefetchOptions,
  PreviewSyncOptions,
  PutManyOptions,
  PutOptions,
  ReembedOptions,
  ReplaceDocumentOptions,
  SearchOptions,
  SearchTreeOptions,
  SelectField,
  StaleNodesOptions,
  TreeByMeaning,
  TreeByVector,
  TreeField,
  TreeOptions,
  UpdateOptions,
  UpdateWhereOptions,
  WriteOptions,
} from './repository/calls.ts'
export type { ChunkRepository } from './repository/chunk-repository.ts'
export type { MemoryRepository } from './repository/memory-repository.ts'
export type { NamespaceView } from './repository/namespace-view.ts'
export type { RaptorRepository } from './repository/raptor-repository.ts'
export type {
  DocumentSummary,
  FindResult,
  PatchOf,
  PutOf,
  ReplacedDocument,
  StaleNode,
} from './repository/repository-types.ts'
export type { RootRepository, RootView } from './repository/root-view.ts'
export type { TypedChunkRepository, TypedRaptorRepository } from './repository/typed-kinds.ts'
export type { TypedOrderBy, TypedPatch, TypedRepository, TypedWhere } from './repository/typed-repository.ts'
export type { CloseResult } from './store/close-store.ts'
export type { LogStanding } from './store/log-standings.ts'
export type { CloseOptions, MemoryStore } from './store/memory-store.ts'
export { openMemoryStore } from './store/open-memory-store.ts'
export type { AskedTierStats, ColdNumbers, LastSync, StoreStats, TierStats } from './store/store-stats.ts'
export type { HealthReason, HealthReasonCode, StoreHealth } from './store/store-status.ts'
export type { CheckpointStats } from './sync/checkpointer.ts'
export type { SyncStats } from './sync/full-sync.ts'
export type { Pinning, Unpinning } from './sync/pins.ts'
export type {
  DeadLetter,
  DeadLetterChoice,
  DeadLetterContent,
  DeadLetterPage,
  DroppedDeadLetters,
  RetriedDeadLetters,
} from './sync/refused-writes.ts'
export type { SetBack } from './sync/set-back.ts'
export type { PreviewedEntry, SyncPreview } from './sync/sync-preview.ts'
export { SyncWorker } from './sync/sync-worker.ts'
export type { Demotion, Promotion } from './sync/tier-moves.ts'
export type { Activity, Migrations, OperationStats, TierActivity } from './telemetry/activity.ts'
export type { Alert, AlertCode, AlertSeverity } from './telemetry/alerts.ts'
export type { MetricRegistry } from './telemetry/metric-registry.ts'
export type {
  EventEntry,
  StoreEvent,
  StoreEventMap,
  StoreListener,
  WrittenEntry,
} from './telemetry/store-events.ts'
