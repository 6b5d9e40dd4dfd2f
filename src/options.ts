/**
 * Defines the options of a store. Their defaults are in default-options.ts; store/resolve-options.ts checks what was
 * given and fills in the rest.
 */
import type { PostgresClientLike } from './cold/postgres/postgres-location.ts'
import type { Duration } from './entry/duration.ts'
import type { NamespaceRules } from './entry/namespace-rules.ts'
import type { Precision } from './entry/rounded-vector.ts'
import type { EmbedMany } from './flow/embedder.ts'
import type { EmbedTime } from './flow/vectors.ts'
import type { Durability } from './flow/writer.ts'
import type { HotTier, HotTierOpening } from './hot/hot-tier.ts'
import type { Clock } from './kernel/clock.ts'
import type { Logger } from './kernel/logger.ts'
import type { PolicyPreset } from './policy/presets.ts'
import type { TieringPolicy } from './policy/tiering-policy.ts'
import type { MetadataPathText } from './query/metadata-path.ts'
import type { Metric } from './query/metric.ts'

export type { PostgresClientLike }

/** Options of {@link openMemoryStore}. Durations are milliseconds or text like `'5m'`. */
export interface MemoryStoreOptions {
  /** Parent of `wal/` and of the embedded database. @default '.thermocline' */
  readonly dir?: string | undefined
  /** Keep everything in memory and touch no file: for a user's own tests. @default false */
  readonly inMemory?: boolean | undefined
  readonly hot?: HotOptions | undefined
  readonly cold?: ColdOptions | undefined
  /** What a write waits for where it names nothing else. @default 'wal' */
  readonly durability?: Durability | undefined
  readonly wal?: WalOptions | undefined
  readonly checkpoint?: CheckpointOptions | undefined
  /** The background sync, or false to run it only by `store.sync()`. */
  readonly sync?: SyncOptions | false | undefined
  /** When a read from cold puts the entry into hot, or false for never. */
  readonly promote?: PromoteOptions | false | undefined
  /**
   * What stays in hot, by namespace or kind: the first that fits counts, and what none fits goes by `sync.hotToColdAge`
   * and `promote`. One for all is a preset alone. @default none
   */
  readonly policies?: PolicyPreset | Policies | undefined
  readonly timeouts?: TimeoutOptions | undefined
  /** By which model the store makes vectors of texts: of those put without one, and of queries. @default none */
  readonly embed?: EmbedOptions | undefined
  /** When people are alerted of what is wrong, or false for never. */
  readonly alerts?: AlertOptions | false | undefined
  /**
   * Whether opening fails where a Postgres server is still away after `timeouts.open`. False: the store serves from its
   * log, reads of what only cold has reject, and cold is used once it is there. @default true
   */
  readonly requireCold?: boolean | undefined
  /**
   * Anything with pino's methods, or false for silence.
   * @default warnings and errors become warnings of the process (`process.on('warning')`), each text once
   */
  readonly logger?: Logger | false | undefined
  /** @default the system's */
  readonly clock?: Clock | undefined
}

export type HotOptions = MemoryHotOptions | RedisHotOptions | OwnHotOptions

/** A hot tier in this process, for this process alone. */
export interface MemoryHotOptions {
  readonly kind?: 'memory' | undefined
  /** Entries before the least recently used are demoted early. @default 10 000 */
  readonly maxEntries?: number | undefined
  /** Payload bytes before the same happens. @default 256 MiB */
  readonly maxBytes?: number | undefined
  readonly url?: undefined
  readonly client?: undefined
  readonly name?: undefined
  readonly open?: undefined
}

/**
 * A hot tier of one's own, for this process alone, that passes `describeHotTier` of `thermocline/testkit`. It is empty
 * at first, and goes with the store. Reads that it has counted and not handed over go with it.
 */
export interface OwnHotOptions {
  /** What messages and errors call it, of 1 to 64 characters. */
  readonly name: string
  /**
   * Opens it, once, as the store opens, which rejects where this does. The store closes it, and gives each call
   * `timeouts.hot`; whatever a call rejects with, the tier counts as not answering.
   */
  readonly open: (opening: HotTierOpening) => HotTier | Promise<HotTier>
  readonly kind?: undefined
  readonly maxEntries?: undefined
  readonly maxBytes?: undefined
  readonly url?: undefined
  readonly client?: undefined
}

/** Redis or Valkey, 6.2 or newer, shared by every process of the store. Age alone decides what leaves it. */
export interface RedisHotOptions {
  /** `redis://user:password@host:port/database`, or `rediss:` for TLS. */
  readonly url?: string | undefined
  /**
   * A client of ioredis (single, Sentinel or Cluster), best created with `lazyConnect`. Only its options are used, for
   * connections of our own; it is left alone.
   */
  readonly client?: RedisClientLike | undefined
  readonly kind?: undefined
  readonly maxEntries?: undefined
  readonly maxBytes?: undefined
  readonly name?: undefined
  readonly open?: undefined
}

/** A client of ioredis, by what is read of it. */
export interface RedisClientLike {
  readonly options: object
  readonly isCluster: boolean
}

export type ColdOptions = EmbeddedColdOptions | PostgresColdOptions

interface AnyColdOptions {
  /** Embedding dimensions to keep a vector index for; others are searched exactly. @default none */
  readonly dimensions?: readonly number[] | undefined
  /** Metrics to keep a vector index for. @default ['cosine'] */
  readonly metrics?: readonly Metric[] | undefined
  /**
   * Text search configuration of Postgres that texts are searched by, as `'english'`, which knows that "running" is a
   * form of "run". Where it is named, an index serves it; a store has one, so every process names the same or none.
   * @default as the database has it, else 'simple': words as they are
   */
  readonly language?: string | undefined
  /**
   * Members of metadata to keep an index of, as `'metadata.year'`, for conditions by `gt`, `gte`, `lt`, `lte` and
   * `startsWith`, and for `orderBy`; equality needs none. An index stays until it is dropped by hand. @default none
   */
  readonly indexes?: readonly (`metadata.${string}` | MetadataPathText)[] | undefined
  /**
   * How exactly embeddings are kept: as they were put, or rounded to two bytes (`half`) or one (`int8`) per component.
   * For all, or by namespace: `{ 'archive/**': 'int8' }` is it and all below, `{ archive: 'half' }` it alone, `**`
   * all others. It holds for what is written from then on; reads give the rounded embedding once cold alone has the
   * entry. Every process names the same. @default 'full'
   */
  readonly precision?: Precision | NamespaceRules<Precision> | undefined
  /** Apply missing migrations at open, or only check that none is missing. @default 'auto' */
  readonly migrate?: 'auto' | 'check' | undefined
}

/** Postgres inside this process. */
export interface EmbeddedColdOptions extends AnyColdOptions {
  /** Folder of the database. @default `cold` in `dir` */
  readonly dir?: string | undefined
  readonly url?: undefined
  readonly client?: undefined
  readonly max?: undefined
}

/** A PostgreSQL server, 14 or newer, with pgvector where it has it. */
export interface PostgresColdOptions extends AnyColdOptions {
  /** `postgres://user:password@host:port/database`. */
  readonly url?: string | undefined
  /** A client of postgres.js. Only its options are used, for connections of our own; it is left alone. */
  readonly client?: PostgresClientLike | undefined
  /** Connections. @default 4 */
  readonly max?: number | undefined
  readonly dir?: undefined
}

export interface WalOptions {
  /** Bytes after which a new segment begins. @default 64 MiB */
  readonly segmentBytes?: number | undefined
  /** Unshipped bytes that start a checkpoint at once. @default 64 MiB */
  readonly checkpointBytes?: number | undefined
  /** Unshipped bytes beyond which writes wait for room. @default 128 MiB */
  readonly maxPendingBytes?: number | undefined
  /** How long to wait for another process to let go of the folder. @default '5s' */
  readonly lockTimeout?: Duration | undefined
}

export interface CheckpointOptions {
  /** @default '1s' */
  readonly every?: Duration | undefined
}

export interface SyncOptions {
  /** Cron pattern, seconds first. @default '0 * * * * *', every minute */
  readonly schedule?: string | undefined
  /** Time without an access after which an entry leaves hot. @default '5m' */
  readonly hotToColdAge?: Duration | undefined
  /** Entries of a batch that leaves hot; two leave at a time without `maxMigrationsPerSecond`. @default 100 */
  readonly batchSize?: number | undefined
  /**
   * Entries that leave hot a second, since they are idle, at most; fewer while callers wait longer for it. A sync takes
   * as long as that takes. @default as many as can
   */
  readonly maxMigrationsPerSecond?: number | undefined
  /** Time in which what a read adds to the activation of an entry halves. @default '10m' */
  readonly activationHalfLife?: Duration | undefined
}

/**
 * Policies by kind (`'raptor'`), or by namespace: `'tenant/*'` is one segment below `tenant`, `'tenant/**'` it and all
 * below, `'**'` everything.
 */
export type Policies = Readonly<Record<string, TieringPolicy | PolicyPreset>>

export interface PromoteOptions {
  /** Reads of an entry before it is promoted. @default 1 */
  readonly minAccesses?: number | undefined
}

/** A model that makes vectors of texts, and how it is asked. */
export interface EmbedOptions {
  /**
   * Its name, which the entries have as `embeddingModel`: vectors of different names are never compared. Models that
   * make other vectors need another name, also where only the dimensions differ.
   */
  readonly model: string
  /** How many numbers a vector has, 1 to 16 000; a vector index is kept for them. */
  readonly dimensions: number
  readonly embedMany: EmbedMany
  /**
   * `put`: a put waits for its vector, and is refused where there is none. `background`: a put is acknowledged at once,
   * and the vector follows, as a version of its own. @default 'put'
   */
  readonly when?: EmbedTime | undefined
  /**
   * Models of which entries have vectors still: queries are asked by them as well, until `reembed` has moved all.
   * @default none
   */
  readonly former?: readonly FormerModel[] | undefined
  /** Texts of one call of `embedMany` at most. @default 64 */
  readonly batchSize?: number | undefined
  /** Calls of `embedMany` under way at most. @default 2 */
  readonly maxConcurrency?: number | undefined
  /** After so long a call of `embedMany` has failed. @default '1m' */
  readonly timeout?: Duration | undefined
}

/** A model that a store is moved from. */
export type FormerModel = Pick<EmbedOptions, 'model' | 'dimensions' | 'embedMany'>

/** Limits; false: that is not looked at. Shares are from 0 to 1. */
export interface AlertOptions {
  /** Age of the oldest acknowledged write that cold lacks. @default '1m' */
  readonly checkpointLag?: Duration | false | undefined
  /** Share of `wal.maxPendingBytes` that is pending. @default 0.8 */
  readonly pendingFill?: number | false | undefined
  /** Since a sync ended well; at least two of the gaps between scheduled ones. @default '15m' */
  readonly syncAge?: Duration | false | undefined
  /** For how long a tier does not answer. @default '30s' */
  readonly tierAway?: Duration | false | undefined
  /** Acknowledged writes that the database refused. @default 0 */
  readonly deadLetters?: number | false | undefined
  /** Share of the capacity of hot, or of the memory of Redis. @default 0.95 */
  readonly hotFill?: number | false | undefined
  /** Least share of reads by id that hot answers, of at least 1 000 in five minutes. @default 0.2 */
  readonly hitRatio?: number | false | undefined
  /** What 99 of 100 calls to hot take at most, of at least 100 in a minute. @default '10ms' */
  readonly hotLatency?: Duration | false | undefined
  /** Least share that is free of a disk with the log, or with the embedded database. @default 0.1 */
  readonly diskFree?: number | false | undefined
  /** For how long the log only grows, over several files. @default '10m' */
  readonly logGrowth?: Duration | false | undefined
  /** How far the clock of this machine is from that of the database. @default '1s' */
  readonly clockDrift?: Duration | false | undefined
}

export interface TimeoutOptions {
  /** One command of Redis. @default '2s' */
  readonly hot?: Duration | undefined
  /** One statement of cold. @default '10s' */
  readonly cold?: Duration | undefined
  /** A `search`, `find` or `count`. @default '10s' */
  readonly search?: Duration | undefined
  /** How long opening waits for a Postgres that is away. @default '30s' */
  readonly open?: Duration | undefined
}
