// The public types, rolled up. `npm run api` writes this file; do not edit it.

import { Writable } from 'node:stream';

interface AccessCountOptions {
    readonly minAccesses?: number | undefined;
    readonly after?: Duration | undefined;
    readonly atLatest?: Duration | undefined;
}

interface AccessStats {
    readonly lastAccessedAt: number;
    readonly accessCount: number;
}

interface ActivationOptions {
    readonly below?: number | undefined;
    readonly promoteFrom?: number | undefined;
    readonly leastIdle?: Duration | undefined;
}

interface Activity {
    readonly since: Date;
    readonly calls: Readonly<Record<string, OperationStats>>;
    readonly tiers: {
        readonly pending: TierActivity;
        readonly hot: TierActivity;
        readonly cold: TierActivity;
        readonly log: TierActivity;
    };
    readonly migrations: Migrations;
}

interface Alert {
    readonly code: AlertCode;
    readonly severity: AlertSeverity;
    readonly message: string;
    readonly since: Date;
    readonly value: number;
    readonly threshold: number;
}

type AlertCode = 'checkpoint-lag' | 'pending-full' | 'sync-overdue' | 'hot-away' | 'cold-away' | 'dead-letters' | 'hot-full' | 'hit-ratio-low' | 'hot-slow' | 'disk-low' | 'log-growing' | 'clock-drift';

interface AlertOptions {
    readonly checkpointLag?: Duration | false | undefined;
    readonly pendingFill?: number | false | undefined;
    readonly syncAge?: Duration | false | undefined;
    readonly tierAway?: Duration | false | undefined;
    readonly deadLetters?: number | false | undefined;
    readonly hotFill?: number | false | undefined;
    readonly hitRatio?: number | false | undefined;
    readonly hotLatency?: Duration | false | undefined;
    readonly diskFree?: number | false | undefined;
    readonly logGrowth?: Duration | false | undefined;
    readonly clockDrift?: Duration | false | undefined;
}

type AlertSeverity = 'warning' | 'critical';

interface AnyColdOptions {
    readonly dimensions?: readonly number[] | undefined;
    readonly metrics?: readonly Metric[] | undefined;
    readonly language?: string | undefined;
    readonly indexes?: readonly (`metadata.${string}` | MetadataPathText)[] | undefined;
    readonly precision?: Precision | NamespaceRules<Precision> | undefined;
    readonly migrate?: 'auto' | 'check' | undefined;
}

interface AnyMetadata {
    readonly metadata?: JsonComparison;
    readonly [path: `metadata[${string}`]: JsonMatch;
}

type AnyThermoclineError = {
    [C in ErrorCode]: ThermoclineError<C>;
}[ErrorCode];

type ArchiveSource = string | AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>;

type ArchiveTarget = string | Writable;

interface AskedTierStats extends TierStats {
    readonly errorCode: ErrorCode | undefined;
}

interface AtomicOptions extends IdempotentOptions {
    readonly atomic: true;
}

interface BlobConditions {
    readonly contentType?: TextMatch;
}

interface BlobEntry extends EntryBase {
    readonly kind: 'blob';
    readonly bytes: Uint8Array;
    readonly contentType?: string;
}

interface BlobInput extends InputBase {
    readonly kind: 'blob';
    readonly bytes: Uint8Array;
    readonly contentType?: string | undefined;
}

interface ByBoth extends Pick<ByVector, 'embedding' | 'metric' | 'mmr'>, Pick<ByText, 'text'> {
    readonly by?: undefined;
    readonly fusion?: Fusion | undefined;
}

interface ByMeaning extends Pick<ByText, 'text'>, Pick<ByVector, 'metric' | 'mmr'> {
    readonly by: 'vector' | 'both';
    readonly embedding?: undefined;
    readonly fusion?: Fusion | undefined;
}

interface ByText {
    readonly text: string;
    readonly by?: 'words' | undefined;
    readonly embedding?: undefined;
    readonly metric?: undefined;
    readonly mmr?: undefined;
    readonly fusion?: undefined;
}

interface ByVector {
    readonly embedding: readonly number[] | Float32Array | Float64Array;
    readonly metric?: Metric | undefined;
    readonly mmr?: Mmr | undefined;
    readonly text?: undefined;
    readonly by?: undefined;
    readonly fusion?: undefined;
}

type CallOfQuery = 'find' | 'findAll' | 'count' | 'search' | 'searchMany' | 'deleteWhere' | 'updateWhere' | 'erase' | 'prefetch';

interface CallOptions {
    readonly signal?: AbortSignal | undefined;
    readonly timeout?: Duration | undefined;
}

interface ChangeCounts {
    readonly matched: number;
    readonly deleted?: number;
    readonly updated?: number;
    readonly skipped?: number;
    readonly erased?: number;
    readonly moved?: number;
    readonly refused?: number;
}

interface ChangeWhereOptions<C> extends WriteOptions {
    readonly dryRun?: boolean | undefined;
    readonly all?: boolean | undefined;
    readonly recursive?: boolean | undefined;
    readonly batchSize?: number | undefined;
    readonly onProgress?: ((counts: C) => void) | undefined;
}

type Changeable<I extends EntryInput> = I extends EntryInput ? {
    readonly [F in Exclude<keyof I, keyof InputBase | 'kind'>]?: I[F] | null;
} : never;

interface CheckpointOptions {
    readonly every?: Duration | undefined;
}

interface CheckpointStats {
    readonly shipped: number;
    readonly superseded: number;
    readonly rejected: number;
    readonly bytes: number;
}

interface ChunkConditions {
    readonly text?: TextMatch;
    readonly documentId?: TextMatch;
    readonly position?: Match<number>;
}

interface ChunkEntry extends EntryBase {
    readonly kind: 'chunk';
    readonly text: string;
    readonly documentId?: string;
    readonly position?: number;
    readonly embedding?: Float32Array;
}

interface ChunkInput extends InputBase {
    readonly kind: 'chunk';
    readonly text: string;
    readonly documentId?: string | undefined;
    readonly position?: number | undefined;
    readonly embedding?: Vector | undefined;
}

declare class ChunkRepository extends MemoryRepository<'chunk'> {
    #private;
    withMetadata<S extends StandardSchema>(schema: S): TypedChunkRepository<S>;
    ofDocument(documentId: string, options?: DocumentChunksOptions): Promise<FindResult<ChunkEntry>>;
    documents(options?: DocumentsOptions): Promise<FindResult<DocumentSummary>>;
    replaceDocument(documentId: string, chunks: readonly PutOf<'chunk'>[], options?: ReplaceDocumentOptions): Promise<ReplacedDocument>;
    deleteDocument(documentId: string, options?: DeleteDocumentOptions): Promise<number>;
}

interface Clock {
    now(): number;
}

interface CloseOptions {
    readonly timeout?: Duration | undefined;
}

interface CloseResult {
    readonly shipped: number;
    readonly remaining: number;
}

interface ColdNumbers {
    readonly entries: number;
    readonly tombstones: number;
    readonly unindexed: number;
    readonly deadLetters: number;
    readonly pinned: number;
    readonly unembedded: number;
}

type ColdOptions = EmbeddedColdOptions | PostgresColdOptions;

interface CollectOptions extends CallOptions {
    readonly store?: string | undefined;
}

interface Common {
    readonly namespace: string;
    idOf(key: string): string;
    has(id: string, options?: CallOptions): Promise<boolean>;
    hasMany(ids: readonly string[], options?: CallOptions): Promise<boolean[]>;
    touch(ids: string | readonly string[], options?: CallOptions): Promise<void>;
    expire(id: string, ttl: Duration | null, options?: ExpireOptions): Promise<Receipt>;
    promote(id: string, options?: CallOptions): Promise<Promotion>;
    promote(ids: readonly string[], options?: CallOptions): Promise<Promotion[]>;
    demote(id: string, options?: CallOptions): Promise<Demotion>;
    demote(ids: readonly string[], options?: CallOptions): Promise<Demotion[]>;
    pin(id: string, options?: CallOptions): Promise<Pinning>;
    pin(ids: readonly string[], options?: CallOptions): Promise<Pinning[]>;
    unpin(id: string, options?: CallOptions): Promise<Unpinning>;
    unpin(ids: readonly string[], options?: CallOptions): Promise<Unpinning[]>;
    delete(id: string, options?: WriteOptions): Promise<Receipt>;
    deleteMany(ids: readonly string[], options?: WriteOptions): Promise<Receipt[]>;
    deleteByKey(key: string, options?: WriteOptions): Promise<Receipt>;
    explain(id: string, options?: CallOptions): Promise<Explanation>;
}

interface CommonConditions {
    readonly kind?: EntryKind | Equality<EntryKind>;
    readonly id?: Match<string>;
    readonly key?: TextMatch;
    readonly version?: TextMatch;
    readonly embeddingModel?: TextMatch;
    readonly embedding?: {
        readonly exists: boolean;
    };
    readonly createdAt?: Match<Date | number>;
    readonly updatedAt?: Match<Date | number>;
    readonly expiresAt?: Match<Date | number>;
    readonly lastAccessedAt?: Match<Date | number>;
    readonly accessCount?: Match<number>;
}

interface CommonSearchOptions<K extends EntryKind | undefined = undefined, S extends SelectField<K> = SelectField<K>> extends CountOptions<K> {
    readonly k?: number | undefined;
    readonly minScore?: number | undefined;
    readonly select?: readonly S[] | undefined;
    readonly countAccess?: boolean | undefined;
}

interface CommonSearchTreeOptions<S extends TreeField = TreeField> extends CallOptions {
    readonly k?: number | undefined;
    readonly from?: 'roots' | readonly string[] | undefined;
    readonly beam?: number | undefined;
    readonly metric?: Metric | undefined;
    readonly select?: readonly S[] | undefined;
    readonly countAccess?: boolean | undefined;
}

interface Comparison<T> extends Equality<T> {
    readonly gt?: T;
    readonly gte?: T;
    readonly lt?: T;
    readonly lte?: T;
}

interface CountOptions<K extends EntryKind | undefined = undefined> extends CallOptions {
    readonly where?: Where<K> | undefined;
    readonly recursive?: boolean | undefined;
}

declare const DEFAULTS: {
    readonly dir: '.thermocline';
    readonly inMemory: false;
    readonly hot: {
        readonly kind: 'memory';
        readonly maxEntries: 10000;
        readonly maxBytes: number;
    };
    readonly cold: {
        readonly kind: 'embedded';
        readonly dir: undefined;
        readonly dimensions: readonly [];
        readonly metrics: readonly ["cosine"];
        readonly language: undefined;
        readonly indexes: readonly [];
        readonly precision: 'full';
        readonly migrate: 'auto';
    };
    readonly durability: 'wal';
    readonly wal: {
        readonly segmentBytes: number;
        readonly checkpointBytes: number;
        readonly maxPendingBytes: number;
        readonly lockTimeout: 5000;
    };
    readonly checkpoint: {
        readonly every: 1000;
    };
    readonly sync: {
        readonly schedule: '0 * * * * *';
        readonly hotToColdAge: 300000;
        readonly batchSize: 100;
        readonly activationHalfLife: 600000;
        readonly maxMigrationsPerSecond: number;
    };
    readonly policies: readonly [];
    readonly promote: {
        readonly minAccesses: 1;
    };
    readonly timeouts: {
        readonly hot: 2000;
        readonly cold: 10000;
        readonly search: 10000;
        readonly open: 30000;
    };
    readonly embed: {
        readonly when: 'put';
        readonly former: readonly [];
        readonly batchSize: 64;
        readonly maxConcurrency: 2;
        readonly timeout: 60000;
    };
    readonly alerts: {
        readonly checkpointLag: 60000;
        readonly pendingFill: 0.8;
        readonly syncAge: 900000;
        readonly tierAway: 30000;
        readonly deadLetters: 0;
        readonly hotFill: 0.95;
        readonly hitRatio: 0.2;
        readonly hotLatency: 10;
        readonly diskFree: 0.1;
        readonly logGrowth: 600000;
        readonly clockDrift: 1000;
    };
    readonly requireCold: true;
    readonly logger: Logger;
    readonly clock: Clock;
};

interface DeadLetter {
    readonly letter: string;
    readonly namespace: string | undefined;
    readonly id: string | undefined;
    readonly version: Version | undefined;
    readonly key: string | undefined;
    readonly kind: EntryKind | undefined;
    readonly reason: string;
    readonly refusedAt: Date;
    readonly log: string | undefined;
    readonly bytes: number;
    readonly content?: DeadLetterContent | undefined;
}

type DeadLetterChoice = readonly string[] | 'all';

interface DeadLetterContent {
    readonly text: string | null;
    readonly metadata: string | null;
    readonly embedding: Float32Array | null;
    readonly bytes: Uint8Array | null;
}

interface DeadLetterPage {
    readonly items: DeadLetter[];
    readonly nextCursor?: string;
}

interface DeadLettersOptions extends CallOptions, Pick<FindOptions, 'limit' | 'cursor'> {
    readonly content?: boolean | undefined;
}

type DeleteAllOptions = Omit<DeleteWhereOptions, 'all'>;

interface DeleteDocumentOptions extends WriteOptions {
    readonly onProgress?: ((progress: {
        readonly deleted: number;
    }) => void) | undefined;
}

interface DeleteOperation {
    readonly delete: string;
    readonly expectedVersion?: string | undefined;
}

type DeleteWhereOptions = ChangeWhereOptions<DeletedWhere>;

interface DeletedWhere {
    readonly matched: number;
    readonly deleted: number;
}

type Demotion = 'demoted' | 'not-hot' | 'kept' | 'pinned';

interface DescendantsOptions<S extends TreeField = TreeField> extends TreeOptions<S> {
    readonly depth?: number | undefined;
}

type Directions<F extends string> = {
    readonly [N in F]?: 'asc' | 'desc';
};

type DocumentChunksOptions = CallOptions & Pick<FindOptions, 'limit' | 'cursor'>;

interface DocumentSummary {
    readonly documentId: string;
    readonly chunks: number;
    readonly updatedAt: Date;
}

interface DocumentsOptions extends CallOptions, Pick<FindOptions, 'limit' | 'cursor'> {
    readonly where?: Where<'chunk'> | undefined;
}

interface DroppedDeadLetters {
    readonly matched: number;
    readonly dropped: number;
}

type Durability = 'wal' | 'cold';

type Duration = number | string;

type EmbedMany = (texts: string[], options: {
    readonly signal: AbortSignal;
    readonly purpose: EmbedPurpose;
}) => Promise<readonly (readonly number[] | Float32Array | Float64Array)[]>;

interface EmbedOptions {
    readonly model: string;
    readonly dimensions: number;
    readonly embedMany: EmbedMany;
    readonly when?: EmbedTime | undefined;
    readonly former?: readonly FormerModel[] | undefined;
    readonly batchSize?: number | undefined;
    readonly maxConcurrency?: number | undefined;
    readonly timeout?: Duration | undefined;
}

type EmbedPurpose = 'document' | 'query';

type EmbedTexts = (texts: string[], options: {
    readonly signal: AbortSignal | undefined;
}) => Promise<readonly (readonly number[] | Float32Array | Float64Array)[]>;

type EmbedTime = 'put' | 'background';

interface EmbeddedColdOptions extends AnyColdOptions {
    readonly dir?: string | undefined;
    readonly url?: undefined;
    readonly client?: undefined;
    readonly max?: undefined;
}

interface EmbedderCounts {
    readonly calls: number;
    readonly texts: number;
    readonly failedCalls: number;
}

interface EmbeddingEntry extends EntryBase {
    readonly kind: 'embedding';
    readonly embedding: Float32Array;
}

interface EmbeddingInput extends InputBase {
    readonly kind: 'embedding';
    readonly embedding: Vector;
}

interface EntryBase {
    readonly namespace: string;
    readonly id: string;
    readonly key?: string;
    readonly version: string;
    readonly metadata?: JsonObject;
    readonly embeddingModel?: string;
    readonly createdAt: Date;
    readonly updatedAt: Date;
    readonly lastAccessedAt: Date;
    readonly accessCount: number;
    readonly expiresAt?: Date;
    readonly slidingTtl?: number;
}

type EntryInput = EmbeddingInput | ChunkInput | MetadataInput | RaptorInput | BlobInput;

interface EntryKey {
    readonly namespace: string;
    readonly id: string;
}

type EntryKind = 'embedding' | 'chunk' | 'metadata' | 'raptor' | 'blob';

type EntryOf<K extends EntryKind | undefined> = K extends EntryKind ? EntryOfKind<K> : MemoryEntry;

type EntryOfKind<K extends EntryKind> = Extract<MemoryEntry, {
    kind: K;
}>;

interface EntryState {
    readonly tier: 'hot' | 'cold';
    readonly namespace: string;
    readonly kind: EntryKind;
    readonly bytes: number;
    readonly idleMs: number;
    readonly ageMs: number;
    readonly accessCount: number;
    readonly activation: number;
    readonly halfLifeMs: number;
    readonly hotFill: number;
    readonly frequency: number;
    readonly rivalFrequency: number;
}

interface Equality<T> {
    readonly eq?: T;
    readonly ne?: T;
    readonly in?: readonly T[];
    readonly nin?: readonly T[];
    readonly exists?: boolean;
}

interface EraseDoneOptions {
    readonly within?: Duration | undefined;
    readonly signal?: AbortSignal | undefined;
}

interface EraseOptions extends CallOptions {
    readonly vacuum?: boolean | 'full' | undefined;
    readonly dryRun?: boolean | undefined;
    readonly all?: boolean | undefined;
    readonly recursive?: boolean | undefined;
    readonly batchSize?: number | undefined;
    readonly onProgress?: ((progress: EraseProgress) => void) | undefined;
}

interface EraseProgress {
    readonly matched: number;
    readonly erased: number;
}

interface Erased extends ErasedSoFar {
    done(options?: EraseDoneOptions): Promise<readonly Remnant[]>;
}

interface ErasedSoFar {
    readonly matched: number;
    readonly erased: number;
    readonly removed: {
        readonly hot: number;
        readonly staged: number;
        readonly deadLetters: number;
        readonly idempotencyKeys: number;
        readonly log: {
            readonly segments: number;
            readonly bytes: number;
        };
    };
    readonly left: readonly Remnant[];
}

type ErrorCode = keyof ErrorDetails;

interface ErrorDetails {
    ERR_INVALID_OPTIONS: {
        option?: string;
        index?: number;
    };
    ERR_INVALID_ENTRY: {
        field: string;
        path?: string;
        index?: number;
        line?: number;
        counts?: ChangeCounts;
        imported?: Imported;
        issues?: readonly object[];
    };
    ERR_INVALID_QUERY: {
        field?: string;
        index?: number;
    };
    ERR_LOCKED: {
        pid?: number;
    };
    ERR_WAL_CORRUPT: {
        walId: string;
        segment: number;
        offset: number;
        missing: SequenceRange;
    };
    ERR_ARCHIVE_CORRUPT: {
        line: number;
        imported?: Imported;
    };
    ERR_WAL_FAILED: WriteFailure;
    ERR_TIER_UNAVAILABLE: WriteFailure & {
        tier: TierName;
    };
    ERR_BACKPRESSURE: WriteFailure;
    ERR_NOT_FOUND: WriteFailure;
    ERR_UNSUPPORTED: {
        packages?: readonly string[];
    };
    ERR_TIMEOUT: WriteFailure & {
        tier?: TierName;
    };
    ERR_ABORTED: WriteFailure;
    ERR_CLOSED: WriteFailure;
    ERR_SCHEMA: object;
    ERR_CONFLICT: WriteFailure & {
        kind?: string;
        actual?: string | null;
        index?: number;
        line?: number;
    };
    ERR_IDEMPOTENCY: WriteFailure;
    ERR_EMBEDDING_FAILED: WriteFailure & {
        model: string;
        index?: number;
        retryAfterMs?: number;
        refused?: boolean;
        readonly original?: unknown;
    };
    ERR_EMBEDDING_INVALID: WriteFailure & {
        model: string;
        index?: number;
        expected?: number;
        actual?: number;
    };
    ERR_INTERNAL: WriteFailure;
}

interface EventEntry {
    readonly namespace: string;
    readonly id: string;
    readonly version: Version;
}

interface ExpireOptions extends UpdateOptions {
    readonly sliding?: boolean | undefined;
}

interface Explanation {
    readonly pending: Placement | undefined;
    readonly hot: Placement | undefined;
    readonly cold: Placement | undefined;
    readonly shipped: boolean | undefined;
    readonly pinned: boolean | undefined;
    readonly failures: readonly ThermoclineError<'ERR_TIER_UNAVAILABLE'>[];
}

interface ExportOptions extends CallOptions {
    readonly to: ArchiveTarget;
    readonly where?: Where | undefined;
    readonly onProgress?: ((progress: ExportProgress) => void) | undefined;
}

interface ExportProgress {
    readonly entries: number;
    readonly total: number;
}

interface Exported {
    readonly entries: number;
    readonly bytes: number;
    readonly exportedAt: Date;
}

type FieldName = keyof (CommonConditions & ChunkConditions & RaptorConditions & BlobConditions);

type FieldOf<E extends MemoryEntry> = KeyOfEach<E>;

interface FindOptions<K extends EntryKind | undefined = undefined, S extends SelectField<K> = SelectField<K>> extends CountOptions<K> {
    readonly limit?: number | undefined;
    readonly orderBy?: OrderBy | undefined;
    readonly cursor?: string | undefined;
    readonly select?: readonly S[] | undefined;
}

interface FindResult<E> {
    readonly items: readonly E[];
    readonly nextCursor?: string;
}

type FormerModel = Pick<EmbedOptions, 'model' | 'dimensions' | 'embedMany'>;

interface Fusion {
    readonly vector?: number | undefined;
    readonly text?: number | undefined;
    readonly constant?: number | undefined;
}

type GivenMetadata = JsonObject | (object & NoBuiltIn);

type Having<O, K extends EntryKind | undefined, M> = Ordering<Omit<O, 'where'>, M> & {
    readonly where?: TypedWhere<K, M> | undefined;
};

interface HealthReason {
    readonly code: HealthReasonCode;
    readonly since: Date;
    readonly message: string;
}

type HealthReasonCode = 'closed' | 'stopped' | 'hot-away' | 'cold-away' | 'pending-full' | 'hot-overfull' | 'disk-full' | 'set-back' | 'other-redis' | 'unembedded' | 'other-model';

type Held<V> = V extends readonly (infer I)[] ? I | readonly I[] : V extends string ? string : Partial<V> | JsonValue;

interface HotCandidate extends AccessStats {
    readonly key: EntryKey;
    readonly version: Version;
    readonly deleted: boolean;
    readonly expiresAt: number | null;
}

interface HotCapacity {
    readonly maxEntries: number | undefined;
    readonly maxBytes: number | undefined;
}

declare class HotContent {
    #private;
    readonly byteLength: number;
    constructor(payload: Uint8Array);
    get payload(): Uint8Array;
    get kind(): EntryKind | null;
}

interface HotExtension {
    readonly key: EntryKey;
    readonly version: Version;
    readonly expiresAt: number;
}

interface HotMeasure extends HotState {
    readonly bytes: number;
}

type HotOptions = MemoryHotOptions | RedisHotOptions | OwnHotOptions;

interface HotPostponement {
    readonly key: EntryKey;
    readonly asIfAccessedAt: number;
}

interface HotRead extends HotState, AccessStats {
    readonly content: HotContent;
}

interface HotRemoval {
    readonly key: EntryKey;
    readonly version: Version;
}

interface HotReservation {
    readonly key: EntryKey;
    readonly newest: Version;
    readonly below: Version;
}

type HotReserved = {
    readonly status: 'reserved';
    readonly reads: AccessStats | undefined;
} | {
    readonly status: 'newer';
};

interface HotSize {
    readonly entries: number;
    readonly bytes: number;
}

interface HotState {
    readonly version: Version;
    readonly deleted: boolean;
    readonly expiresAt: number | null;
}

interface HotTier {
    readonly capacity: HotCapacity;
    readonly markerTtl: number;
    readonly generationId: string;
    readonly generationNumber: number | undefined;
    readonly mayEvict?: boolean;
    now(): number;
    held?(key: EntryKey): HotRead | undefined;
    read(keys: readonly EntryKey[]): Promise<readonly (HotRead | undefined)[]>;
    write(writes: readonly HotWrite[]): Promise<HotWriteResult[]>;
    touch(touches: readonly HotTouch[]): Promise<HotTouch[]>;
    extend(extensions: readonly HotExtension[]): Promise<void>;
    candidates(query: {
        readonly limit: number;
        readonly idleSince: number;
    }): Promise<HotCandidate[]>;
    candidateKeys?(query: {
        readonly limit: number;
        readonly idleSince: number;
    }): Promise<EntryKey[]>;
    examine?(keys: readonly EntryKey[]): Promise<(HotCandidate | undefined)[]>;
    postpone(postponements: readonly HotPostponement[]): Promise<void>;
    sample?(limit: number): Promise<HotCandidate[]>;
    activations(keys: readonly EntryKey[], at: number): Promise<readonly (number | undefined)[]>;
    memoryUse?(): Promise<number>;
    remove(removals: readonly HotRemoval[]): Promise<(AccessStats | undefined)[]>;
    repair(repairs: readonly HotRemoval[]): Promise<(AccessStats | undefined)[]>;
    reserve(reservations: readonly HotReservation[]): Promise<HotReserved[]>;
    verify(): Promise<void>;
    deleteFormer?(): Promise<void>;
    measure(keys: readonly EntryKey[]): Promise<readonly (HotMeasure | undefined)[]>;
    size(): Promise<HotSize>;
    close(): Promise<void>;
}

interface HotTierOpening {
    readonly markerTtl: number;
    readonly generationNumber: number | undefined;
    readonly activationHalfLife: number | undefined;
    readonly contentOf: (payload: Uint8Array) => HotContent;
}

interface HotTouch {
    readonly key: EntryKey;
    readonly lastAccessedAt: number;
    readonly accesses: number;
}

interface HotValue extends HotState {
    readonly payload: Uint8Array;
}

interface HotWrite extends HotValue {
    readonly key: EntryKey;
    readonly reason: 'put' | 'repush' | 'promotion';
    readonly startedAt: number;
    readonly generationId?: string;
    readonly access?: AccessStats;
}

type HotWriteResult = {
    readonly status: 'stored';
} | {
    readonly status: 'refused';
    readonly floor: Version;
} | {
    readonly status: 'late';
};

interface IdempotentOptions extends WriteOptions {
    readonly idempotencyKey?: string | undefined;
}

interface IdleTimeOptions {
    readonly after?: Duration | undefined;
    readonly minAccesses?: number | undefined;
}

interface ImportOptions extends WriteOptions {
    readonly from: ArchiveSource;
    readonly onConflict?: OnConflict | undefined;
    readonly dryRun?: boolean | undefined;
    readonly onProgress?: ((progress: ImportProgress) => void) | undefined;
}

interface ImportProgress {
    readonly step: 'verify' | 'write';
    readonly entries: number;
    readonly total: number;
}

interface Imported {
    readonly entries: number;
    readonly written: number;
    readonly unchanged: number;
    readonly skipped: number;
    readonly expired: number;
}

interface InputBase {
    readonly id?: string | undefined;
    readonly key?: string | undefined;
    readonly metadata?: GivenMetadata | undefined;
    readonly embeddingModel?: string | undefined;
    readonly createdAt?: Date | number | undefined;
    readonly ttl?: number | string | undefined;
    readonly sliding?: boolean | undefined;
    readonly expiresAt?: Date | number | undefined;
    readonly slidingTtl?: number | undefined;
    readonly namespace?: string | undefined;
    readonly version?: string | undefined;
    readonly updatedAt?: Date | undefined;
    readonly lastAccessedAt?: Date | undefined;
    readonly accessCount?: number | undefined;
}

type InputOfKind<K extends EntryKind> = Extract<EntryInput, {
    kind: K;
}>;

interface InputOutcome {
    readonly id: string;
    readonly outcome: 'none' | 'unknown' | 'applied';
}

interface JsonComparison extends Equality<JsonValue> {
    readonly gt?: string | number;
    readonly gte?: string | number;
    readonly lt?: string | number;
    readonly lte?: string | number;
    readonly contains?: JsonValue;
    readonly startsWith?: string;
}

type JsonMatch = string | number | boolean | null | JsonComparison;

type JsonObject = {
    readonly [key: string]: JsonValue;
};

type JsonValue = string | number | boolean | null | readonly JsonValue[] | {
    readonly [key: string]: JsonValue;
};

type KeyOfEach<E> = E extends unknown ? keyof E : never;

interface LastSync extends Omit<SyncRun, 'startedAt'> {
    readonly startedAt: Date;
}

interface ListComparison {
    readonly eq?: readonly string[];
    readonly ne?: readonly string[];
    readonly contains?: string | readonly string[];
    readonly exists?: boolean;
}

interface LogStanding {
    readonly walId: string;
    readonly epoch: number;
    readonly sequence: number;
    readonly place: string | undefined;
    readonly heartbeatAt: Date;
    readonly heartbeatAgeMs: number;
    readonly isRegistered: boolean;
    readonly isHere: boolean;
    readonly owed: number | undefined;
    readonly isDamaged: boolean | undefined;
    readonly isOwned: boolean | undefined;
}

interface Logger {
    debug(fields: object, message: string): void;
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
    error(fields: object, message: string): void;
}

type ManySearchOptions<K extends EntryKind | undefined = undefined, S extends SelectField<K> = SelectField<K>> = (ByVector | ByText | ByMeaning | ByBoth) & Omit<CommonSearchOptions<K, S>, keyof CallOptions>;

type Match<T> = T | Comparison<T>;

type MemberAt<M, P extends string> = M extends object ? P extends `.${infer N}.${infer Rest}` ? N extends keyof M ? MemberAt<NonNullable<M[N]>, `.${Rest}`> : never : P extends `.${infer N}` ? N extends keyof M ? Exclude<M[N], undefined> : never : never : never;

interface MemberComparison<V> extends Equality<V> {
    readonly gt?: Ordered<V>;
    readonly gte?: Ordered<V>;
    readonly lt?: Ordered<V>;
    readonly lte?: Ordered<V>;
    readonly contains?: Held<V>;
    readonly startsWith?: V extends string ? string : never;
}

type MemberConditions<M> = {
    readonly [P in Paths<M> as `metadata${P}`]?: Extract<MemberAt<M, P>, Scalars> | MemberComparison<MemberAt<M, P>>;
};

type MemoryEntry = EmbeddingEntry | ChunkEntry | MetadataEntry | RaptorEntry | BlobEntry;

interface MemoryHotOptions {
    readonly kind?: 'memory' | undefined;
    readonly maxEntries?: number | undefined;
    readonly maxBytes?: number | undefined;
    readonly url?: undefined;
    readonly client?: undefined;
    readonly name?: undefined;
    readonly open?: undefined;
}

declare class MemoryRepository<K extends EntryKind | undefined = undefined> {
    #private;
    readonly namespace: string;
    withMetadata<S extends StandardSchema>(schema: S): TypedRepository<K, S>;
    put(input: PutOf<K>, options?: PutOptions): Promise<Receipt>;
    upsert(input: PutOf<K>, options?: IdempotentOptions): Promise<Receipt>;
    update(id: string, patch: PatchOf<K>, options?: UpdateOptions): Promise<Receipt>;
    putMany(inputs: readonly PutOf<K>[], options?: PutManyOptions & {
        readonly settle?: false | undefined;
    }): Promise<Receipt[]>;
    putMany(inputs: readonly PutOf<K>[], options: PutManyOptions & {
        readonly settle: true;
    }): Promise<WriteOutcome[]>;
    get(id: string, options?: CallOptions): Promise<EntryOf<K> | undefined>;
    getMany(ids: readonly string[], options?: CallOptions): Promise<(EntryOf<K> | undefined)[]>;
    getByKey(key: string, options?: CallOptions): Promise<EntryOf<K> | undefined>;
    getManyByKey(keys: readonly string[], options?: CallOptions): Promise<(EntryOf<K> | undefined)[]>;
    idOf(key: string): string;
    has(id: string, options?: CallOptions): Promise<boolean>;
    hasMany(ids: readonly string[], options?: CallOptions): Promise<boolean[]>;
    peek(id: string, options?: CallOptions): Promise<EntryOf<K> | undefined>;
    touch(ids: string | readonly string[], options?: CallOptions): Promise<void>;
    expire(id: string, ttl: Duration | null, options?: ExpireOptions): Promise<Receipt>;
    promote(id: string, options?: CallOptions): Promise<Promotion>;
    promote(ids: readonly string[], options?: CallOptions): Promise<Promotion[]>;
    demote(id: string, options?: CallOptions): Promise<Demotion>;
    demote(ids: readonly string[], options?: CallOptions): Promise<Demotion[]>;
    pin(id: string, options?: CallOptions): Promise<Pinning>;
    pin(ids: readonly string[], options?: CallOptions): Promise<Pinning[]>;
    unpin(id: string, options?: CallOptions): Promise<Unpinning>;
    unpin(ids: readonly string[], options?: CallOptions): Promise<Unpinning[]>;
    prefetch(where: Where<K>, options?: PrefetchOptions): Promise<number>;
    delete(id: string, options?: WriteOptions): Promise<Receipt>;
    deleteMany(ids: readonly string[], options?: WriteOptions): Promise<Receipt[]>;
    deleteByKey(key: string, options?: WriteOptions): Promise<Receipt>;
    deleteWhere(where: Where<K>, options?: DeleteWhereOptions): Promise<DeletedWhere>;
    erase(what: readonly string[] | {
        readonly where: Where<K>;
    }, options?: EraseOptions): Promise<Erased>;
    updateWhere(where: Where<K>, patch: PatchOf<K>, options?: UpdateWhereOptions): Promise<UpdatedWhere>;
    find<S extends SelectField<K> = never>(options?: FindOptions<K, S>): Promise<FindResult<Selected<EntryOf<K>, S>>>;
    findAll<S extends SelectField<K> = never>(options?: FindOptions<K, S>): AsyncGenerator<Selected<EntryOf<K>, S>, void, undefined>;
    count(options?: CountOptions<K>): Promise<number>;
    search<S extends SelectField<K> = never>(options: SearchOptions<K, S>): Promise<SearchResult<Selected<EntryOf<K>, S>>>;
    searchMany<S extends SelectField<K> = never>(queries: readonly ManySearchOptions<K, S>[], options?: CallOptions): Promise<SearchResult<Selected<EntryOf<K>, S>>[]>;
    explain(id: string, options?: CallOptions): Promise<Explanation>;
}

declare class MemoryStore implements AsyncDisposable {
    #private;
    get entries(): NamespaceView['entries'];
    get chunks(): NamespaceView['chunks'];
    get embeddings(): NamespaceView['embeddings'];
    get metadata(): NamespaceView['metadata'];
    get raptorNodes(): NamespaceView['raptorNodes'];
    get blobs(): NamespaceView['blobs'];
    get worker(): SyncWorker;
    get root(): RootView;
    namespace(...segments: readonly string[]): NamespaceView;
    namespaces(options?: NamespacesOptions): Promise<FindResult<NamespaceSummary>>;
    write(operations: readonly Operation[], options: AtomicOptions): Promise<Receipt[]>;
    export(options: ExportOptions): Promise<Exported>;
    import(options: ImportOptions): Promise<Imported>;
    sync(options?: CallOptions): Promise<SyncStats>;
    previewSync(options?: PreviewSyncOptions): Promise<SyncPreview>;
    checkpoint(options?: CallOptions): Promise<CheckpointStats>;
    reembed(options?: ReembedOptions): Promise<Reembedded>;
    deadLetters(options?: DeadLettersOptions): Promise<DeadLetterPage>;
    retryDeadLetters(letters: DeadLetterChoice, options?: CallOptions): Promise<RetriedDeadLetters>;
    dropDeadLetters(letters: DeadLetterChoice, options?: CallOptions): Promise<DroppedDeadLetters>;
    stats(options?: CallOptions): Promise<StoreStats>;
    logs(options?: CallOptions): Promise<LogStanding[]>;
    metrics(options?: CallOptions): Promise<string>;
    collectInto(registry: MetricRegistry, options?: CollectOptions): Promise<void>;
    alerts(options?: CallOptions): Promise<Alert[]>;
    resetStats(): void;
    health(): StoreHealth;
    on<E extends StoreEvent>(event: E, listener: StoreListener<E>): this;
    once<E extends StoreEvent>(event: E, listener: StoreListener<E>): this;
    off<E extends StoreEvent>(event: E, listener: StoreListener<E>): this;
    close(options?: CloseOptions): Promise<CloseResult>;
    [Symbol.asyncDispose](): Promise<void>;
}

interface MemoryStoreOptions {
    readonly dir?: string | undefined;
    readonly inMemory?: boolean | undefined;
    readonly hot?: HotOptions | undefined;
    readonly cold?: ColdOptions | undefined;
    readonly durability?: Durability | undefined;
    readonly wal?: WalOptions | undefined;
    readonly checkpoint?: CheckpointOptions | undefined;
    readonly sync?: SyncOptions | false | undefined;
    readonly promote?: PromoteOptions | false | undefined;
    readonly policies?: PolicyPreset | Policies | undefined;
    readonly timeouts?: TimeoutOptions | undefined;
    readonly embed?: EmbedOptions | undefined;
    readonly alerts?: AlertOptions | false | undefined;
    readonly requireCold?: boolean | undefined;
    readonly logger?: Logger | false | undefined;
    readonly clock?: Clock | undefined;
}

type MergePatch<M> = M extends Scalars | readonly unknown[] ? M : M extends object ? {
    readonly [N in keyof M]?: MergePatch<M[N]> | null | undefined;
} : M;

interface MetadataConditions extends AnyMetadata {
    readonly [path: `metadata.${string}`]: JsonMatch;
}

interface MetadataEntry extends EntryBase {
    readonly kind: 'metadata';
    readonly metadata: JsonObject;
}

interface MetadataInput extends InputBase {
    readonly kind: 'metadata';
    readonly metadata: GivenMetadata;
}

type MetadataPathText = `metadata["${string}"]`;

type Metric = 'cosine' | 'l2' | 'inner-product';

interface MetricRegistry {
    registerMetric(metric: never): void;
    getSingleMetric(name: string): unknown;
    removeSingleMetric(name: string): void;
}

interface Migrations {
    readonly promoted: number;
    readonly demoted: number;
    readonly early: number;
    readonly expired: number;
    readonly collected: number;
    readonly superseded: number;
}

interface Mmr {
    readonly fetch?: number | undefined;
    readonly lambda?: number | undefined;
}

interface NamespaceCountOptions extends CallOptions {
    readonly recursive?: boolean | undefined;
}

type NamespaceRules<T> = Readonly<Record<string, T>>;

interface NamespaceStats {
    readonly entries: number;
    readonly pending: TierShare;
    readonly hot: TierShare | undefined;
    readonly cold: TierShare;
    readonly dimensions: Readonly<Record<number, number>>;
    readonly oldest: Date | undefined;
    readonly newest: Date | undefined;
}

type NamespaceStatsOptions = NamespaceCountOptions;

interface NamespaceSummary {
    readonly namespace: string;
    readonly segments: string[];
    readonly count: number;
}

declare class NamespaceView {
    #private;
    readonly path: string;
    readonly entries: MemoryRepository;
    readonly chunks: ChunkRepository;
    readonly embeddings: MemoryRepository<'embedding'>;
    readonly metadata: MemoryRepository<'metadata'>;
    readonly raptorNodes: RaptorRepository;
    readonly blobs: MemoryRepository<'blob'>;
    write(operations: readonly Operation[], options: AtomicOptions): Promise<Receipt[]>;
    namespaces(options?: NamespacesOptions): Promise<FindResult<NamespaceSummary>>;
    count(options?: NamespaceCountOptions): Promise<number>;
    stats(options?: NamespaceStatsOptions): Promise<NamespaceStats>;
    deleteAll(options?: DeleteAllOptions): Promise<DeletedWhere>;
    export(options: ExportOptions): Promise<Exported>;
    import(options: ImportOptions): Promise<Imported>;
    namespace(...segments: readonly string[]): NamespaceView;
}

interface NamespacesOptions extends CallOptions, Pick<FindOptions, 'limit' | 'cursor'> {
    readonly prefix?: readonly string[] | undefined;
    readonly suffix?: readonly string[] | undefined;
    readonly depth?: number | undefined;
    readonly wildcard?: string | undefined;
}

interface NoBuiltIn {
    readonly [Symbol.iterator]?: never;
    readonly [Symbol.hasInstance]?: never;
    readonly [Symbol.toPrimitive]?: never;
    readonly [Symbol.toStringTag]?: never;
}

type NodeField = SelectField<'raptor'>;

type NodeField$1 = SelectField<'raptor'>;

type Nodes$1<S extends StandardSchema, F extends NodeField$1> = Promise<FindResult<Selected<WithMetadata<RaptorEntry, SchemaOutput<S>>, F>>>;

type Nodes<S extends NodeField> = Promise<FindResult<Selected<RaptorEntry, S>>>;

type OnConflict = 'skip' | 'newer' | 'overwrite' | 'fail';

type Operation = PutOperation | UpdateOperation | DeleteOperation;

interface OperationStats {
    readonly count: number;
    readonly failed: number;
    readonly p50: number;
    readonly p95: number;
    readonly p99: number;
}

type OrderBy<F extends string = OrderField> = F | Directions<F> | readonly (F | Directions<F>)[];

type OrderField = OwnField | `metadata.${string}` | `metadata[${string}`;

type Ordered<V> = V extends string ? string : V extends number ? number : never;

type Ordering<O, M> = 'orderBy' extends keyof O ? Omit<O, 'orderBy'> & {
    readonly orderBy?: TypedOrderBy<M> | undefined;
} : O;

type OwnConditions<K extends EntryKind | undefined> = CommonConditions & (K extends 'chunk' ? ChunkConditions : K extends 'raptor' ? RaptorConditions : K extends 'blob' ? BlobConditions : K extends EntryKind ? unknown : ChunkConditions & RaptorConditions & BlobConditions);

type OwnField = Exclude<FieldName, Unordered>;

interface OwnHotOptions {
    readonly name: string;
    readonly open: (opening: HotTierOpening) => HotTier | Promise<HotTier>;
    readonly kind?: undefined;
    readonly maxEntries?: undefined;
    readonly maxBytes?: undefined;
    readonly url?: undefined;
    readonly client?: undefined;
}

declare const PRECISIONS: readonly ['full', 'half', 'int8'];

declare const PRESETS: {
    readonly highPerformance: TieringPolicy;
    readonly balanced: TieringPolicy;
    readonly costOptimised: TieringPolicy;
};

type Parts$1<F extends TreeField> = Promise<FindResult<Selected<TreeEntry, F>>>;

type Parts$2<E, S extends PropertyKey> = E extends unknown ? Pick<E, Extract<keyof E, S | 'kind'>> : never;

type Parts<S extends TreeField> = Promise<FindResult<Selected<TreeEntry, S>>>;

type Patch<I extends EntryInput> = Changeable<I> & {
    readonly metadata?: GivenMetadata | null | undefined;
    readonly embeddingModel?: string | null | undefined;
};

type PatchOf<K extends EntryKind | undefined> = K extends EntryKind ? Patch<InputOfKind<K>> : Patch<EntryInput>;

type PatchWith<P, M> = P extends unknown ? Omit<P, 'metadata'> & {
    readonly metadata?: MergePatch<NonNullable<M>> | null | undefined;
} : never;

type Path<N extends string, Inner extends string> = N extends `${string}${'.' | '[' | ']'}${string}` ? never : `.${N}` | `.${N}${Inner}`;

type Paths<M, Depth extends unknown[] = []> = Depth['length'] extends 6 ? never : M extends Scalars | readonly unknown[] ? never : M extends object ? {
    [N in keyof M & string]: Path<N, Paths<NonNullable<M[N]>, [...Depth, 0]>>;
}[keyof M & string] : never;

type Pinning = 'pinned' | 'already-pinned';

interface Place {
    readonly rank: number;
    readonly score: number;
}

interface Placement {
    readonly version: string;
    readonly deleted: boolean;
    readonly expired: boolean;
}

type Policies = Readonly<Record<string, TieringPolicy | PolicyPreset>>;

type PolicyPreset = keyof typeof PRESETS;

interface PostgresClientLike {
    readonly options: {
        readonly host: readonly string[];
        readonly port: readonly number[];
    };
}

interface PostgresColdOptions extends AnyColdOptions {
    readonly url?: string | undefined;
    readonly client?: PostgresClientLike | undefined;
    readonly max?: number | undefined;
    readonly dir?: undefined;
}

type Precision = (typeof PRECISIONS)[number];

interface PrefetchOptions extends CallOptions {
    readonly limit?: number | undefined;
    readonly orderBy?: OrderBy | undefined;
    readonly recursive?: boolean | undefined;
}

interface PreviewSyncOptions extends CallOptions {
    readonly limit?: number | undefined;
}

interface PreviewedEntry {
    readonly namespace: string;
    readonly id: string;
    readonly kind: EntryKind | undefined;
    readonly bytes: number | undefined;
    readonly reason: 'policy' | 'deleted' | 'expired' | 'pinned';
    readonly policy: string | undefined;
    readonly idleMs: number;
    readonly accessCount: number;
}

interface PromoteOptions {
    readonly minAccesses?: number | undefined;
}

type Promotion = 'promoted' | 'already-hot' | 'refused' | 'absent';

type Put<I extends EntryInput, K extends EntryKind | undefined> = K extends EntryKind ? Omit<I, 'kind'> & {
    readonly kind?: K | undefined;
} : I;

interface PutManyOptions extends WriteOptions {
    readonly settle?: boolean | undefined;
}

type PutOf<K extends EntryKind | undefined> = K extends EntryKind ? Put<InputOfKind<K>, K> : EntryInput;

interface PutOperation {
    readonly put: EntryInput;
    readonly expectedVersion?: string | null | undefined;
}

interface PutOptions extends IdempotentOptions {
    readonly expectedVersion?: string | null | undefined;
}

interface RaptorConditions {
    readonly summary?: TextMatch;
    readonly level?: Match<number>;
    readonly children?: ListComparison;
}

interface RaptorEntry extends EntryBase {
    readonly kind: 'raptor';
    readonly level: number;
    readonly summary: string;
    readonly children: readonly string[];
    readonly embedding?: Float32Array;
}

interface RaptorInput extends InputBase {
    readonly kind: 'raptor';
    readonly level: number;
    readonly summary: string;
    readonly children: readonly string[];
    readonly embedding?: Vector | undefined;
}

declare class RaptorRepository extends MemoryRepository<'raptor'> {
    #private;
    withMetadata<S extends StandardSchema>(schema: S): TypedRaptorRepository<S>;
    children<S extends TreeField = never>(id: string, options?: TreeOptions<S>): Parts<S>;
    parents<S extends NodeField = never>(id: string, options?: TreeOptions<S>): Nodes<S>;
    level<S extends NodeField = never>(level: number, options?: TreeOptions<S>): Nodes<S>;
    roots<S extends NodeField = never>(options?: TreeOptions<S>): Nodes<S>;
    leaves<S extends TreeField = never>(id: string, options?: TreeOptions<S>): Parts<S>;
    ancestors<S extends NodeField = never>(id: string, options?: TreeOptions<S>): Nodes<S>;
    descendants<S extends TreeField = never>(id: string, options?: DescendantsOptions<S>): Parts<S>;
    staleNodes<S extends NodeField = never>(options?: StaleNodesOptions<S>): Promise<StaleNode<Selected<RaptorEntry, S>>[]>;
    searchTree<S extends TreeField = never>(options: SearchTreeOptions<S>): Promise<TreeHit<Selected<TreeEntry, S>>[]>;
}

interface Receipt {
    readonly namespace: string;
    readonly id: string;
    readonly version: Version;
    readonly durability: Durability;
}

interface RedisClientLike {
    readonly options: object;
    readonly isCluster: boolean;
}

interface RedisHotOptions {
    readonly url?: string | undefined;
    readonly client?: RedisClientLike | undefined;
    readonly kind?: undefined;
    readonly maxEntries?: undefined;
    readonly maxBytes?: undefined;
    readonly name?: undefined;
    readonly open?: undefined;
}

interface ReembedOptions extends CallOptions {
    readonly onProgress?: ((progress: Reembedded) => void) | undefined;
}

interface Reembedded {
    readonly matched: number;
    readonly moved: number;
    readonly refused: number;
}

interface Remnant {
    readonly place: RemnantPlace;
    readonly name?: string;
    readonly remedy: string;
    readonly isUnfinished: boolean;
}

type RemnantPlace = 'log' | 'quarantine' | 'hot' | 'redis-files' | 'dead-letters' | 'database-files' | 'database-log';

interface ReplaceDocumentOptions extends WriteOptions {
    readonly embed?: EmbedTexts | undefined;
    readonly embeddingModel?: string | undefined;
    readonly dryRun?: boolean | undefined;
}

interface ReplacedDocument {
    readonly ids: readonly string[];
    readonly kept: readonly string[];
    readonly changed: readonly string[];
    readonly added: readonly string[];
    readonly removed: readonly string[];
    readonly unembedded: readonly string[];
}

interface RetriedDeadLetters {
    readonly matched: number;
    readonly written: number;
    readonly superseded: number;
    readonly refused: Readonly<Record<string, number>>;
}

interface RootRepository<K extends EntryKind | undefined = undefined> extends Pick<MemoryRepository<K>, CallOfQuery> {
    withMetadata<S extends StandardSchema>(schema: S): Pick<TypedRepository<K, S>, CallOfQuery>;
}

interface RootView extends Pick<NamespaceView, 'path' | 'namespace' | 'namespaces' | 'count' | 'stats' | 'export' | 'import'> {
    readonly entries: RootRepository;
    readonly chunks: RootRepository<'chunk'>;
    readonly embeddings: RootRepository<'embedding'>;
    readonly metadata: RootRepository<'metadata'>;
    readonly raptorNodes: RootRepository<'raptor'>;
    readonly blobs: RootRepository<'blob'>;
}

type Scalars = string | number | boolean | null;

type SchemaInput<S extends StandardSchema> = NonNullable<S['~standard']['types']>['input'];

interface SchemaIssue {
    readonly message: string;
    readonly path?: readonly (PropertyKey | {
        readonly key: PropertyKey;
    })[] | undefined;
}

type SchemaOutput<S extends StandardSchema> = NonNullable<S['~standard']['types']>['output'];

type SchemaResult<Output> = {
    readonly value: Output;
    readonly issues?: undefined;
} | {
    readonly issues: readonly SchemaIssue[];
};

interface SearchHit<E = MemoryEntry> {
    readonly entry: E;
    readonly score: number;
    readonly vector?: Place;
    readonly text?: Place;
}

type SearchOptions<K extends EntryKind | undefined = undefined, S extends SelectField<K> = SelectField<K>> = (ByVector | ByText | ByMeaning | ByBoth) & CommonSearchOptions<K, S>;

interface SearchResult<E = MemoryEntry> {
    readonly hits: readonly SearchHit<E>[];
    readonly partial: boolean;
    readonly exact: boolean;
}

type SearchTreeOptions<S extends TreeField = TreeField> = (TreeByVector | TreeByMeaning) & CommonSearchTreeOptions<S>;

type SelectField<K extends EntryKind | undefined = undefined> = FieldOf<EntryOf<K>>;

type Selected<E, S extends PropertyKey> = [S] extends [never] ? E : Parts$2<E, S>;

interface SequenceRange {
    readonly from: number;
    readonly to: number | undefined;
}

interface SetBack {
    readonly at: Date;
    readonly had: number;
    readonly has: number | undefined;
    readonly lost: readonly SequenceRange[];
}

interface StaleNode<E = RaptorEntry> extends Staleness {
    readonly entry: E;
}

interface StaleNodesOptions<S extends SelectField<'raptor'> = SelectField<'raptor'>> extends CallOptions, Pick<FindOptions, 'limit'> {
    readonly select?: readonly S[] | undefined;
}

interface Staleness {
    readonly changed: readonly string[];
    readonly gone: readonly string[];
    readonly appeared: readonly string[];
    readonly below: readonly string[];
}

interface StandardSchema<Input = unknown, Output = Input> {
    readonly '~standard': {
        readonly version: 1;
        readonly vendor: string;
        readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
        readonly types?: {
            readonly input: Input;
            readonly output: Output;
        } | undefined;
    };
}

type StoreEvent = keyof StoreEventMap;

interface StoreEventMap {
    readonly write: {
        readonly entries: readonly WrittenEntry[];
    };
    readonly delete: {
        readonly entries: readonly EventEntry[];
    };
    readonly expire: {
        readonly count: number;
    };
    readonly promote: {
        readonly entries: readonly EventEntry[];
    };
    readonly embed: {
        readonly model: string;
        readonly entries: readonly EventEntry[];
    };
    readonly demote: {
        readonly entries: readonly EventEntry[];
        readonly early: boolean;
    };
    readonly checkpoint: {
        readonly shipped: number;
        readonly superseded: number;
        readonly rejected: number;
        readonly bytes: number;
        readonly durationMs: number;
    };
    readonly sync: {
        readonly ok: true;
        readonly synced: number;
        readonly errors: number;
        readonly durationMs: number;
    } | {
        readonly ok: false;
        readonly code: ErrorCode | undefined;
    };
    readonly 'tier-down': {
        readonly tier: TierName;
        readonly since: Date;
    };
    readonly 'tier-up': {
        readonly tier: TierName;
        readonly since: Date;
        readonly awayMs: number;
    };
    readonly generation: {
        readonly generation: number | undefined;
    };
    readonly 'dead-letter': {
        readonly count: number;
    };
    readonly alert: Alert;
    readonly 'alert-cleared': Alert;
}

interface StoreHealth {
    readonly live: boolean;
    readonly ready: boolean;
    readonly degraded: boolean;
    readonly reasons: readonly HealthReason[];
    readonly hot: TierState;
    readonly cold: TierState;
    readonly error?: ThermoclineError;
    readonly setBack?: SetBack;
}

type StoreListener<E extends StoreEvent> = (event: StoreEventMap[E]) => void;

interface StoreStats {
    readonly pending: {
        readonly entries: number;
        readonly bytes: number;
    };
    readonly hot: {
        readonly entries: number;
        readonly bytes: number;
    } | undefined;
    readonly cold: ColdNumbers | undefined;
    readonly wal: {
        readonly id: string;
        readonly epoch: number;
        readonly sequence: number;
        readonly checkpoint: number;
        readonly oldestUnshippedMs: number;
    };
    readonly since: Date;
    readonly calls: Readonly<Record<string, OperationStats>>;
    readonly migrations: Migrations;
    readonly tiers: {
        readonly pending: TierStats;
        readonly hot: AskedTierStats & {
            readonly generation: number | undefined;
        };
        readonly cold: AskedTierStats & Partial<Omit<ColdNumbers, 'entries'>>;
        readonly log: TierStats & {
            readonly segments: number;
        };
    };
    readonly windows: {
        readonly oneMinute: Activity;
        readonly fiveMinutes: Activity;
    };
    readonly checkpoint: {
        readonly lagRecords: number;
        readonly lagBytes: number;
        readonly lagSeconds: number;
    };
    readonly embedding: (EmbedderCounts & {
        readonly model: string;
        readonly otherModels: readonly string[];
    }) | undefined;
    readonly sync: {
        readonly last: LastSync | undefined;
        readonly failed: {
            readonly at: Date;
            readonly code: ErrorCode | undefined;
        } | undefined;
        readonly lease: {
            readonly holder: string;
            readonly isOurs: boolean;
        } | undefined;
    };
}

interface SyncOptions {
    readonly schedule?: string | undefined;
    readonly hotToColdAge?: Duration | undefined;
    readonly batchSize?: number | undefined;
    readonly maxMigrationsPerSecond?: number | undefined;
    readonly activationHalfLife?: Duration | undefined;
}

interface SyncPreview {
    readonly demote: readonly PreviewedEntry[];
    readonly stay: readonly PreviewedEntry[];
    readonly expire: readonly {
        readonly namespace: string;
        readonly id: string;
    }[];
    readonly more: {
        readonly hot: boolean;
        readonly expired: boolean;
    };
}

interface SyncRun {
    readonly startedAt: number;
    readonly durationMs: number;
    readonly synced: number;
    readonly skipped: number;
    readonly errors: number;
    readonly bytes: number;
}

interface SyncStats {
    readonly synced: number;
    readonly skipped: number;
    readonly errors: number;
    readonly bytes: number;
    readonly expired: number;
    readonly collected: number;
    readonly indexed: number;
    readonly durationMs: number;
    readonly startedAt: Date;
}

declare class SyncWorker {
    #private;
    start(): void;
    get nextRun(): Date | null;
    syncNow(): Promise<SyncStats>;
    checkpointNow(): Promise<CheckpointStats>;
    shutdown(): Promise<void>;
}

interface TextComparison extends Comparison<string> {
    readonly contains?: string;
    readonly startsWith?: string;
}

type TextMatch = string | TextComparison;

declare class ThermoclineError<C extends ErrorCode = ErrorCode> extends Error {
    readonly name = "ThermoclineError";
    readonly code: C;
    readonly retryable: boolean;
    readonly details: Readonly<ErrorDetails[C]>;
    constructor(code: C, message: string, details: ErrorDetails[C], { cause, retryable }?: {
        cause?: unknown;
        retryable?: boolean;
    });
    toJSON(): object;
}

interface TierActivity {
    readonly hits: number;
    readonly misses: number;
    readonly hitRatio: number | undefined;
    readonly operations: Readonly<Record<string, OperationStats>>;
}

interface TierEntries {
    readonly entries: number;
    readonly bytes: number;
}

type TierName = 'hot' | 'cold';

interface TierShare extends TierEntries {
    readonly kinds: Readonly<Record<EntryKind, TierEntries>>;
}

type TierState = {
    readonly is: 'there';
} | {
    readonly is: 'away';
    readonly since: Date;
};

interface TierStats extends TierActivity {
    readonly entries: number | undefined;
    readonly bytes: number | undefined;
    readonly asOf: Date | undefined;
}

type TieringDecision = 'stay' | 'demote' | 'promote';

interface TieringPolicy {
    readonly name: string;
    readonly leastIdle?: Duration | undefined;
    decide(entry: EntryState): TieringDecision;
    rank?(entry: EntryState): number;
    readonly asksFrequency?: boolean | undefined;
}

interface TimeoutOptions {
    readonly hot?: Duration | undefined;
    readonly cold?: Duration | undefined;
    readonly search?: Duration | undefined;
    readonly open?: Duration | undefined;
}

interface TinyLfuOptions {
    readonly base?: TieringPolicy | undefined;
    readonly fullFrom?: number | undefined;
}

interface TraceContext {
    readonly operation: string;
    readonly kind?: string;
    readonly namespace?: string;
    readonly tier?: 'log' | 'cold';
    count?: number;
    bytes?: number;
    outcome?: 'ok' | 'failed';
}

interface TreeByMeaning extends Pick<ByText, 'text'> {
    readonly by: 'vector';
    readonly embedding?: undefined;
}

interface TreeByVector extends Pick<ByVector, 'embedding'> {
    readonly text?: undefined;
    readonly by?: undefined;
}

type TreeEntry = RaptorEntry | ChunkEntry;

type TreeField = FieldOf<TreeEntry>;

interface TreeHit<E = MemoryEntry> {
    readonly entry: E;
    readonly score: number;
    readonly depth: number;
}

interface TreeOptions<S extends TreeField = TreeField> extends CallOptions, Pick<FindOptions, 'limit' | 'cursor'> {
    readonly select?: readonly S[] | undefined;
}

interface TypedChunkRepository<S extends StandardSchema> extends TypedRepository<'chunk', S> {
    ofDocument(documentId: string, options?: DocumentChunksOptions): Promise<FindResult<WithMetadata<ChunkEntry, SchemaOutput<S>>>>;
    documents(options?: Omit<DocumentsOptions, 'where'> & {
        readonly where?: TypedWhere<'chunk', SchemaOutput<S>> | undefined;
    }): Promise<FindResult<DocumentSummary>>;
    replaceDocument(documentId: string, chunks: readonly WithMetadata<PutOf<'chunk'>, SchemaInput<S>>[], options?: ReplaceDocumentOptions): Promise<ReplacedDocument>;
    deleteDocument(documentId: string, options?: DeleteDocumentOptions): Promise<number>;
}

type TypedOrderBy<M> = OrderBy<OwnField | `metadata${Paths<NonNullable<M>>}`>;

type TypedPatch<K extends EntryKind | undefined, S extends StandardSchema> = PatchWith<PatchOf<K>, SchemaInput<S>>;

interface TypedRaptorRepository<S extends StandardSchema> extends TypedRepository<'raptor', S> {
    children<F extends TreeField = never>(id: string, options?: TreeOptions<F>): Parts$1<F>;
    leaves<F extends TreeField = never>(id: string, options?: TreeOptions<F>): Parts$1<F>;
    descendants<F extends TreeField = never>(id: string, options?: DescendantsOptions<F>): Parts$1<F>;
    parents<F extends NodeField$1 = never>(id: string, options?: TreeOptions<F>): Nodes$1<S, F>;
    level<F extends NodeField$1 = never>(level: number, options?: TreeOptions<F>): Nodes$1<S, F>;
    roots<F extends NodeField$1 = never>(options?: TreeOptions<F>): Nodes$1<S, F>;
    ancestors<F extends NodeField$1 = never>(id: string, options?: TreeOptions<F>): Nodes$1<S, F>;
    staleNodes<F extends NodeField$1 = never>(options?: StaleNodesOptions<F>): Promise<StaleNode<Selected<WithMetadata<RaptorEntry, SchemaOutput<S>>, F>>[]>;
    searchTree<F extends TreeField = never>(options: SearchTreeOptions<F>): Promise<TreeHit<Selected<TreeEntry, F>>[]>;
}

interface TypedRepository<K extends EntryKind | undefined, S extends StandardSchema, Input = WithMetadata<PutOf<K>, SchemaInput<S>>, M = SchemaOutput<S>, Entry = WithMetadata<EntryOf<K>, M>> extends Common {
    put(input: Input, options?: PutOptions): Promise<Receipt>;
    upsert(input: Input, options?: IdempotentOptions): Promise<Receipt>;
    update(id: string, patch: TypedPatch<K, S>, options?: UpdateOptions): Promise<Receipt>;
    putMany(inputs: readonly Input[], options?: PutManyOptions & {
        readonly settle?: false | undefined;
    }): Promise<Receipt[]>;
    putMany(inputs: readonly Input[], options: PutManyOptions & {
        readonly settle: true;
    }): Promise<WriteOutcome[]>;
    get(id: string, options?: CallOptions): Promise<Entry | undefined>;
    getMany(ids: readonly string[], options?: CallOptions): Promise<(Entry | undefined)[]>;
    getByKey(key: string, options?: CallOptions): Promise<Entry | undefined>;
    getManyByKey(keys: readonly string[], options?: CallOptions): Promise<(Entry | undefined)[]>;
    peek(id: string, options?: CallOptions): Promise<Entry | undefined>;
    deleteWhere(where: TypedWhere<K, M>, options?: DeleteWhereOptions): Promise<DeletedWhere>;
    erase(what: readonly string[] | {
        readonly where: TypedWhere<K, M>;
    }, options?: EraseOptions): Promise<Erased>;
    updateWhere(where: TypedWhere<K, M>, patch: TypedPatch<K, S>, options?: UpdateWhereOptions): Promise<UpdatedWhere>;
    find<F extends SelectField<K> = never>(options?: Having<FindOptions<K, F>, K, M>): Promise<FindResult<Selected<Entry, F>>>;
    findAll<F extends SelectField<K> = never>(options?: Having<FindOptions<K, F>, K, M>): AsyncGenerator<Selected<Entry, F>, void, undefined>;
    prefetch(where: TypedWhere<K, M>, options?: Ordering<PrefetchOptions, M>): Promise<number>;
    count(options?: Having<CountOptions<K>, K, M>): Promise<number>;
    search<F extends SelectField<K> = never>(options: (ByVector | ByText | ByMeaning | ByBoth) & Having<CommonSearchOptions<K, F>, K, M>): Promise<SearchResult<Selected<Entry, F>>>;
    searchMany<F extends SelectField<K> = never>(queries: readonly ((ByVector | ByText | ByMeaning | ByBoth) & Having<Omit<CommonSearchOptions<K, F>, keyof CallOptions>, K, M>)[], options?: CallOptions): Promise<SearchResult<Selected<Entry, F>>[]>;
}

type TypedWhere<K extends EntryKind | undefined, M> = WhereBesideMetadata<K> & MemberConditions<NonNullable<M>> & {
    readonly and?: readonly TypedWhere<K, M>[];
    readonly or?: readonly TypedWhere<K, M>[];
    readonly not?: TypedWhere<K, M>;
};

type Unordered = 'id' | 'children' | 'embedding' | 'lastAccessedAt' | 'accessCount';

type Unpinning = 'unpinned' | 'not-pinned';

interface UpdateOperation {
    readonly update: string;
    readonly patch: Patch<EntryInput>;
    readonly expectedVersion?: string | undefined;
}

interface UpdateOptions extends IdempotentOptions {
    readonly expectedVersion?: string | undefined;
}

type UpdateWhereOptions = ChangeWhereOptions<UpdatedWhere>;

interface UpdatedWhere {
    readonly matched: number;
    readonly updated: number;
    readonly skipped: number;
}

type Vector = readonly number[] | Float32Array | Float64Array;

type Version = string;

interface WalOptions {
    readonly segmentBytes?: number | undefined;
    readonly checkpointBytes?: number | undefined;
    readonly maxPendingBytes?: number | undefined;
    readonly lockTimeout?: Duration | undefined;
}

type Where<K extends EntryKind | undefined = undefined> = OwnConditions<K> & MetadataConditions & {
    readonly and?: readonly Where<K>[];
    readonly or?: readonly Where<K>[];
    readonly not?: Where<K>;
};

type WhereBesideMetadata<K extends EntryKind | undefined> = OwnConditions<K> & AnyMetadata;

type WithMetadata<E, M> = E extends unknown ? Omit<E, 'metadata'> & (undefined extends M ? {
    readonly metadata?: Exclude<M, undefined>;
} : {
    readonly metadata: M;
}) : never;

interface WriteFailure {
    id?: string;
    outcome?: 'none' | 'unknown' | 'applied' | 'partial';
    version?: string;
    readonly outcomes?: readonly InputOutcome[];
    readonly counts?: ChangeCounts;
    readonly imported?: Imported;
}

interface WriteOptions extends CallOptions {
    readonly durability?: Durability | undefined;
}

type WriteOutcome = {
    readonly ok: true;
    readonly value: Receipt;
} | {
    readonly ok: false;
    readonly error: ThermoclineError;
};

interface WrittenEntry extends EventEntry {
    readonly kind: EntryKind;
}

declare function byAccessCount(options?: AccessCountOptions): TieringPolicy;

declare function byActivation(options?: ActivationOptions): TieringPolicy;

declare function byIdleTime({ after, minAccesses }?: IdleTimeOptions): TieringPolicy;

declare function isThermoclineError(error: unknown): error is AnyThermoclineError;

declare function isThermoclineError<C extends ErrorCode>(error: unknown, code: C): error is ThermoclineError<C>;

declare function metadataPath(...names: readonly [string, ...string[]]): MetadataPathText;

declare function namespaceSegments(path: string): string[];

declare function openMemoryStore(options?: MemoryStoreOptions): Promise<MemoryStore>;

declare function tinyLfu({ base, fullFrom }?: TinyLfuOptions): TieringPolicy;

export { ChunkRepository, DEFAULTS, HotContent, MemoryRepository, MemoryStore, NamespaceView, RaptorRepository, SyncWorker, ThermoclineError, byAccessCount, byActivation, byIdleTime, isThermoclineError, metadataPath, namespaceSegments, openMemoryStore, tinyLfu };

export type { AccessCountOptions, AccessStats, ActivationOptions, Activity, Alert, AlertCode, AlertOptions, AlertSeverity, AnyThermoclineError, ArchiveSource, ArchiveTarget, AskedTierStats, AtomicOptions, BlobEntry, BlobInput, ByBoth, ByMeaning, ByText, ByVector, CallOptions, ChangeCounts, CheckpointOptions, CheckpointStats, ChunkEntry, ChunkInput, Clock, CloseOptions, CloseResult, ColdNumbers, ColdOptions, CollectOptions, Comparison, CountOptions, DeadLetter, DeadLetterChoice, DeadLetterContent, DeadLetterPage, DeadLettersOptions, DeleteAllOptions, DeleteDocumentOptions, DeleteOperation, DeleteWhereOptions, DeletedWhere, Demotion, DescendantsOptions, DocumentChunksOptions, DocumentSummary, DocumentsOptions, DroppedDeadLetters, Durability, Duration, EmbedMany, EmbedOptions, EmbedPurpose, EmbedTexts, EmbedTime, EmbedderCounts, EmbeddingEntry, EmbeddingInput, EntryInput, EntryKey, EntryKind, EntryOf, EntryState, Equality, EraseDoneOptions, EraseOptions, EraseProgress, Erased, ErrorCode, ErrorDetails, EventEntry, ExpireOptions, Explanation, ExportOptions, ExportProgress, Exported, FindOptions, FindResult, FormerModel, Fusion, HealthReason, HealthReasonCode, HotCandidate, HotCapacity, HotExtension, HotMeasure, HotOptions, HotPostponement, HotRead, HotRemoval, HotReservation, HotReserved, HotSize, HotState, HotTier, HotTierOpening, HotTouch, HotValue, HotWrite, HotWriteResult, IdempotentOptions, IdleTimeOptions, ImportOptions, ImportProgress, Imported, JsonComparison, JsonObject, JsonValue, LastSync, ListComparison, LogStanding, Logger, ManySearchOptions, MemoryEntry, MemoryStoreOptions, MetadataEntry, MetadataInput, Metric, MetricRegistry, Migrations, Mmr, NamespaceCountOptions, NamespaceRules, NamespaceStats, NamespaceStatsOptions, NamespaceSummary, NamespacesOptions, OnConflict, Operation, OperationStats, OrderBy, OrderField, OwnHotOptions, Patch, PatchOf, Pinning, Place, Placement, Policies, PolicyPreset, PostgresClientLike, Precision, PrefetchOptions, PreviewSyncOptions, PreviewedEntry, PromoteOptions, Promotion, PutManyOptions, PutOf, PutOperation, PutOptions, RaptorEntry, RaptorInput, Receipt, RedisClientLike, ReembedOptions, Reembedded, Remnant, RemnantPlace, ReplaceDocumentOptions, ReplacedDocument, RetriedDeadLetters, RootRepository, RootView, SchemaInput, SchemaIssue, SchemaOutput, SearchHit, SearchOptions, SearchResult, SearchTreeOptions, SelectField, Selected, SequenceRange, SetBack, StaleNode, StaleNodesOptions, StandardSchema, StoreEvent, StoreEventMap, StoreHealth, StoreListener, StoreStats, SyncOptions, SyncPreview, SyncStats, TextComparison, TierActivity, TierEntries, TierName, TierShare, TierState, TierStats, TieringDecision, TieringPolicy, TimeoutOptions, TinyLfuOptions, TraceContext, TreeByMeaning, TreeByVector, TreeEntry, TreeField, TreeHit, TreeOptions, TypedChunkRepository, TypedOrderBy, TypedPatch, TypedRaptorRepository, TypedRepository, TypedWhere, Unpinning, UpdateOperation, UpdateOptions, UpdateWhereOptions, UpdatedWhere, Version, WalOptions, Where, WriteFailure, WriteOptions, WriteOutcome, WrittenEntry };
