// The public types, rolled up. `npm run api` writes this file; do not edit it.

interface AcceptedLoss {
    readonly walId: string;
    readonly epoch: number;
    readonly lost: readonly SequenceRange[];
    readonly reason: string;
}

interface AccessStats {
    readonly lastAccessedAt: number;
    readonly accessCount: number;
}

type Answer<T> = T | Promise<T>;

interface ChangeCounts {
    readonly matched: number;
    readonly deleted?: number;
    readonly updated?: number;
    readonly skipped?: number;
    readonly erased?: number;
    readonly moved?: number;
    readonly refused?: number;
}

interface ColdDocument {
    readonly documentId: string;
    readonly chunks: number;
    readonly updatedAt: number;
}

interface ColdDocuments extends ColdQuery {
    readonly after?: string | undefined;
    readonly own: readonly OwnDocument[];
}

interface ColdFind extends ColdQuery {
    readonly order?: Order | undefined;
    readonly after?: OrderKeys | undefined;
    readonly fields?: ReadonlySet<keyof EntryRecord> | undefined;
    readonly withReads?: boolean | undefined;
    readonly versionsOf?: readonly EntryKey[] | undefined;
}

interface ColdFound extends WithVersions {
    readonly rows: readonly ColdRow[];
}

interface ColdHit extends ColdRow {
    readonly score: number;
}

interface ColdMeasure extends Pick<EntryRecord, 'namespace' | 'id' | 'version' | 'kind' | 'createdAt' | 'updatedAt' | 'expiresAt' | 'deletedAt'> {
    readonly bytes: number;
    readonly dimension: number | undefined;
}

interface ColdMeasuring {
    readonly scope: Scope;
    readonly after?: EntryKey | undefined;
}

interface ColdNamespace {
    readonly namespace: string;
    readonly entries: number;
}

interface ColdNamespaces {
    readonly prefix: readonly (string | null)[];
    readonly suffix: readonly (string | null)[];
    readonly depth?: number | undefined;
    readonly after?: readonly string[] | undefined;
    readonly now: number;
    readonly own: readonly OwnVersion[];
}

interface ColdQuery {
    readonly scope: Scope;
    readonly filter: Filter;
    readonly now: number;
    readonly exclude: readonly VersionedKey[];
}

interface ColdRoots extends ColdQuery, Pick<ColdFind, 'after' | 'fields'> {
    readonly except: readonly string[];
}

interface ColdRow {
    readonly record: EntryRecord;
    readonly access: AccessStats | undefined;
}

interface ColdSearch extends ColdQuery {
    readonly embedding: Float32Array;
    readonly metric: Metric;
    readonly k: number;
    readonly versionsOf?: ColdFind['versionsOf'];
}

interface ColdSearchResult extends WithVersions {
    readonly hits: readonly ColdHit[];
    readonly exact: boolean;
}

interface ColdSnapshot {
    readonly count: number;
    pages(): AsyncGenerator<readonly ColdRow[], void, undefined>;
    close(): Promise<void>;
}

interface ColdStats {
    readonly live: number;
    readonly tombstones: number;
    readonly unindexed: number;
    readonly deadLetters: number;
    readonly pinned: number;
    readonly unembedded: number;
    readonly bytes: number;
    readonly lastSync: SyncRun | undefined;
    readonly leases: Readonly<Record<string, string>>;
}

interface ColdTextResult {
    readonly hits: readonly ColdHit[];
    readonly own: ReadonlyMap<OwnText, number>;
}

interface ColdTextSearch extends ColdQuery {
    readonly text: string;
    readonly k: number;
    readonly own: readonly OwnText[];
    readonly fields?: ColdFind['fields'];
}

interface ColdTier {
    readonly storeId: string;
    read(keys: readonly EntryKey[], options?: Patience, fields?: ColdFind['fields']): Promise<(ColdRow | undefined)[]>;
    versions(keys: readonly EntryKey[], options?: Patience): Promise<(Version | undefined)[]>;
    highestVersion(): Promise<Version | undefined>;
    find(query: ColdFind, limit: number, options?: Patience): Promise<ColdFound>;
    count(query: ColdQuery, own: readonly OwnVersion[], options?: Patience): Promise<number>;
    documents(query: ColdDocuments, limit: number, options?: Patience): Promise<ColdDocument[]>;
    namespaces(query: ColdNamespaces, limit: number, options?: Patience): Promise<ColdNamespace[]>;
    measure(query: ColdMeasuring, limit: number, options?: Patience): Promise<ColdMeasure[]>;
    walk(query: ColdWalk, limit: number, options?: Patience): Promise<ColdTreeRow[]>;
    roots(query: ColdRoots, limit: number, options?: Patience): Promise<ColdRow[]>;
    haveParents(query: ColdQuery, ids: readonly string[], options?: Patience): Promise<ReadonlySet<string>>;
    snapshot(query: ColdQuery): Promise<ColdSnapshot>;
    search(query: ColdSearch, options?: Patience): Promise<ColdSearchResult>;
    together<T>(ask: (cold: SearchedCold) => Promise<T>, options?: Patience): Promise<T>;
    searchTexts(query: ColdTextSearch, options?: Patience): Promise<ColdTextResult>;
    upsert(records: readonly EntryRecord[]): Promise<{
        readonly written: number;
        readonly rejected: number;
    }>;
    ship(batch: ShipBatch): Promise<ShipResult>;
    replace(replacement: Replacement): Promise<Replaced>;
    replaceEach(replacements: readonly Replacement[]): Promise<readonly ReplacedOfMany[]>;
    answerTo(key: Pick<IdempotencyKey, 'namespace' | 'key'>): Promise<KeyedAnswer | undefined>;
    pin(pins: readonly PinRequest[], limits: PinLimits): Promise<PinnedAll>;
    unpin(keys: readonly EntryKey[], kind?: EntryKind): Promise<readonly EntryKey[]>;
    arePinned(keys: readonly EntryKey[], options?: Patience): Promise<boolean[]>;
    pins(after: EntryKey | undefined, limit: number): Promise<EntryKey[]>;
    takeOver(walId: string, epoch: number, place?: string): Promise<LogCheckpoint>;
    checkpointOf(walId: string): Promise<LogCheckpoint | undefined>;
    retire(walId: string, epoch: number): Promise<void>;
    logs(): Promise<RegisteredLog[]>;
    askCuts(token: string, exceptWalId: string): Promise<void>;
    askedCut(walId: string): Promise<string | undefined>;
    noteCut(walId: string, epoch: number, token: string): Promise<void>;
    recordLoss(loss: AcceptedLoss): Promise<void>;
    enterHotGeneration(generationId: string): Promise<EnteredGeneration | undefined>;
    enterPrivateGeneration(generationId: string): Promise<number | undefined>;
    hotMisses(limit: number): Promise<HotMisses>;
    clearHotMisses(generationNumber: number, misses: readonly HotMiss[]): Promise<number>;
    holdLease(name: string, holder: string, durationMs: number): Promise<boolean>;
    releaseLease(name: string, holder: string): Promise<void>;
    leaseHolder(name: string): Promise<string | undefined>;
    time(): Promise<number>;
    slide(reads: readonly SlidingRead[]): Promise<(Slid | undefined)[]>;
    recordAccess(touches: readonly (EntryKey & {
        lastAccessedAt: number;
        accesses: number;
    })[]): Promise<void>;
    raiseAccess(touches: readonly (EntryKey & {
        lastAccessedAt: number;
        accesses: number;
    })[]): Promise<void>;
    unembedded(query: WaitingTexts): Promise<Unembedded[]>;
    registerModel(model: EmbeddingModel): Promise<EmbeddingModel[]>;
    isModelUsed(model: string): Promise<boolean>;
    indexInBulk(signal: AbortSignal): Promise<number>;
    indexVectors(limit: number, upTo?: Version): Promise<number>;
    sweep(options: {
        readonly graceMs: number;
        readonly limit: number;
    }): Promise<SweepResult>;
    expired(limit: number): Promise<EntryKey[]>;
    eraseStaged(keys: readonly EntryKey[]): Promise<number>;
    eraseStagedWhere(query: ColdQuery): Promise<number>;
    eraseIdempotencyKeys(entries: readonly NamedEntry[]): Promise<number>;
    deadLetters(after: string, limit: number, among?: readonly string[]): Promise<StoredLetter[]>;
    retryDeadLetters(letters: readonly ReadableLetter[]): Promise<RetriedLetters>;
    removeDeadLetters(digests: readonly string[]): Promise<number>;
    vacuum(mode: Vacuuming): Promise<Vacuumed>;
    validate(): Promise<void>;
    recordSyncRun(run: SyncRun): Promise<void>;
    stats(): Promise<ColdStats>;
    close(): Promise<void>;
}

interface ColdTierOpening {
    readonly dimensions: readonly number[];
    readonly metrics: readonly Metric[];
    readonly precision?: NamespaceRules<Precision>;
    readonly logger: Logger;
}

interface ColdTierSuite {
    open(opening: ColdTierOpening): Promise<ColdTier>;
    readonly indexesVectors?: boolean | undefined;
    readonly indexedVectors?: number | undefined;
    readonly runs?: number | undefined;
    readonly seed?: number | undefined;
}

interface ColdTreeRow extends ColdRow {
    readonly depth: number;
}

interface ColdWalk extends ColdQuery {
    readonly from: string;
    readonly direction: 'down' | 'up';
    readonly depth: number;
    readonly after?: TreePlace | undefined;
    readonly fields?: ColdFind['fields'];
}

type Comparing<T> = {
    readonly operator: 'eq' | 'gt' | 'gte' | 'lt' | 'lte' | 'contains';
    readonly value: T;
} | {
    readonly operator: 'startsWith';
    readonly value: string;
} | {
    readonly operator: 'in';
    readonly values: readonly T[];
} | {
    readonly operator: 'exists';
};

type Condition = ScalarCondition | ListCondition | VectorCondition | PathCondition;

interface CrashSuite {
    readonly module: URL;
    readonly execArgv?: readonly string[] | undefined;
    crash?(): Promise<unknown>;
    readonly kills?: number | undefined;
    readonly seed?: number | undefined;
}

interface EmbeddingModel {
    readonly model: string;
    readonly dimensions: number;
}

interface EnteredGeneration {
    readonly number: number;
    readonly highestVersion: Version;
}

interface EntryKey {
    readonly namespace: string;
    readonly id: string;
}

type EntryKind = 'embedding' | 'chunk' | 'metadata' | 'raptor' | 'blob';

interface EntryRecord extends EntryKey {
    readonly key: string | null;
    readonly version: Version;
    readonly kind: EntryKind | null;
    readonly text: string | null;
    readonly documentId: string | null;
    readonly position: number | null;
    readonly level: number | null;
    readonly children: readonly string[] | null;
    readonly childVersions: readonly string[] | null;
    readonly metadata: string | null;
    readonly embedding: Float32Array | null;
    readonly embeddingModel: string | null;
    readonly bytes: Uint8Array | null;
    readonly contentType: string | null;
    readonly createdAt: number;
    readonly updatedAt: number;
    readonly expiresAt: number | null;
    readonly slidingTtl: number | null;
    readonly deletedAt: number | null;
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

type Filter = readonly Node[];

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

interface HotMiss {
    readonly key: EntryKey;
    readonly version: Version;
    readonly recorded: Version;
}

interface HotMisses {
    readonly generationNumber: number | undefined;
    readonly misses: readonly HotMiss[];
}

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

interface HotTierSuite {
    open(opening: HotTierOpening): Promise<OpenedHotTier>;
    readonly movesClock?: boolean | undefined;
    readonly runs?: number | undefined;
    readonly seed?: number | undefined;
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

interface IdempotencyKey {
    readonly namespace: string;
    readonly key: string;
    readonly digest: Uint8Array;
}

interface Imported {
    readonly entries: number;
    readonly written: number;
    readonly unchanged: number;
    readonly skipped: number;
    readonly expired: number;
}

interface InputOutcome {
    readonly id: string;
    readonly outcome: 'none' | 'unknown' | 'applied';
}

interface IsolationSuite {
    open(): TestedStore | Promise<TestedStore>;
    accepts?(namespace: NamespacePath, id: string): boolean;
    readonly listsBelow?: boolean | undefined;
    readonly runs?: number | undefined;
    readonly seed?: number | undefined;
}

type JsonValue = string | number | boolean | null | readonly JsonValue[] | {
    readonly [key: string]: JsonValue;
};

interface KeyedAnswer {
    readonly digest: Uint8Array;
    readonly receipts: readonly {
        readonly id: string;
        readonly version: Version;
    }[];
}

type ListCondition = {
    readonly field: 'children';
} & ({
    readonly operator: 'eq' | 'contains' | 'overlaps';
    readonly value: readonly string[];
} | {
    readonly operator: 'exists';
});

interface LogCheckpoint {
    readonly walId: string;
    readonly epoch: number;
    readonly sequence: number;
}

interface Logger {
    debug(fields: object, message: string): void;
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
    error(fields: object, message: string): void;
}

type MetadataPath = readonly string[];

type Metric = 'cosine' | 'l2' | 'inner-product';

interface NamedEntry extends EntryKey {
    readonly version?: Version | undefined;
}

type NamespacePath = readonly string[];

type NamespaceRules<T> = Readonly<Record<string, T>>;

type Node = Condition | {
    readonly or: readonly Filter[];
} | {
    readonly not: Filter;
};

type OpenTestedStore = (folder: string) => TestedStore | Promise<TestedStore>;

interface OpenedHotTier {
    readonly tier: HotTier;
    readonly advance?: ((milliseconds: number) => void) | undefined;
}

type Order = readonly OrderTerm[];

type OrderKeys = readonly (Scalar | null)[];

type OrderTerm = {
    readonly isDescending: boolean;
} & ({
    readonly field: Exclude<ScalarField, 'accessCount' | 'lastAccessedAt'>;
    readonly kind?: string | undefined;
} | {
    readonly path: MetadataPath;
});

interface OwnDocument extends VersionedKey {
    readonly documentId: string | null;
    readonly updatedAt: number;
}

interface OwnText extends VersionedKey {
    readonly text: string;
}

interface OwnVersion extends VersionedKey {
    readonly matches: boolean;
}

declare const PRECISIONS: readonly ['full', 'half', 'int8'];

type PathCondition = {
    readonly path: MetadataPath;
} & Comparing<JsonValue>;

interface Patience {
    readonly signal?: AbortSignal | undefined;
    readonly timeout?: number | undefined;
    readonly wholeTimeout?: number | undefined;
}

interface PinLimits {
    readonly entries: number | undefined;
    readonly bytes: number | undefined;
}

interface PinRequest extends EntryKey {
    readonly bytes: number;
}

type PinnedAll = {
    readonly status: 'pinned';
    readonly added: readonly EntryKey[];
} | {
    readonly status: 'absent';
    readonly live: readonly EntryKey[];
} | {
    readonly status: 'full';
    readonly entries: number;
    readonly bytes: number;
};

type Precision = (typeof PRECISIONS)[number];

interface ReadableLetter extends Pick<StoredLetter, 'digest'> {
    readonly record: EntryRecord;
}

interface RegisteredLog extends LogCheckpoint {
    readonly place: string | undefined;
    readonly heartbeatAt: number;
    readonly heartbeatAgeMs: number;
    readonly cutAsked: string | undefined;
    readonly cutDone: string | undefined;
}

type Replaced = 'replaced' | 'other' | 'closed';

type ReplacedOfMany = Exclude<Replaced, 'closed'> | 'apart' | ThermoclineError;

interface Replacement {
    readonly changes: readonly Replacing[];
    readonly generationNumber: number | undefined;
    readonly until: number;
    readonly log: LogCheckpoint;
    readonly idempotency?: IdempotencyKey | undefined;
}

interface Replacing {
    readonly record: EntryRecord;
    readonly base: Version | undefined;
}

interface RetriedLetters {
    readonly written: number;
    readonly superseded: number;
    readonly refused: readonly {
        readonly digest: string;
        readonly reason: string;
    }[];
    readonly generationNumber: number | undefined;
    readonly missed: readonly EntryKey[];
}

type Scalar = string | number;

type ScalarCondition = {
    readonly field: ScalarField;
} & Comparing<Scalar>;

type ScalarField = 'kind' | 'id' | 'key' | 'version' | 'text' | 'documentId' | 'position' | 'level' | 'embeddingModel' | 'contentType' | 'createdAt' | 'updatedAt' | 'expiresAt' | keyof AccessStats;

interface Scope {
    readonly namespace: string;
    readonly recursive: boolean;
}

type SearchedCold = Pick<ColdTier, 'read' | 'versions' | 'search' | 'searchTexts'>;

interface SequenceRange {
    readonly from: number;
    readonly to: number | undefined;
}

interface ShipBatch {
    readonly walId: string;
    readonly epoch: number;
    readonly from: number;
    readonly to: number;
    readonly records: readonly EntryRecord[];
    readonly shippedVersion: Version;
    readonly confirmed?: ReadonlyMap<EntryRecord, number> | undefined;
}

type ShipResult = {
    readonly status: 'moved';
    readonly superseded: number;
    readonly rejected: number;
    readonly generationNumber: number | undefined;
    readonly missed: readonly EntryKey[];
} | {
    readonly status: 'fenced';
    readonly epoch: number;
    readonly sequence: number;
} | {
    readonly status: 'unknown';
} | {
    readonly status: 'elsewhere';
    readonly sequence: number;
};

interface Slid {
    readonly key: EntryKey;
    readonly version: Version;
    readonly expiresAt: number;
}

interface SlidingRead extends EntryKey {
    readonly version: Version | undefined;
    readonly readAt: number;
}

interface StoredLetter {
    readonly digest: string;
    readonly record: EntryRecord | undefined;
    readonly reason: string;
    readonly walId: string | undefined;
    readonly recordedAt: number;
    readonly bytes: number;
}

interface StoredValue {
    readonly id: string;
    readonly value: string;
}

interface SweepResult {
    readonly expired: number;
    readonly collected: number;
    readonly forgotten: number;
}

interface SyncRun {
    readonly startedAt: number;
    readonly durationMs: number;
    readonly synced: number;
    readonly skipped: number;
    readonly errors: number;
    readonly bytes: number;
}

interface TestedStore {
    put(namespace: NamespacePath, id: string, value: string): Answer<unknown>;
    get(namespace: NamespacePath, id: string): Answer<string | null | undefined>;
    delete(namespace: NamespacePath, id: string): Answer<unknown>;
    list?(namespace: NamespacePath): Answer<Iterable<StoredValue>>;
    search?(namespace: NamespacePath, text: string): Answer<Iterable<StoredValue>>;
    clear?(namespace: NamespacePath): Answer<unknown>;
    close?(): Answer<unknown>;
}

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

type TierName = 'hot' | 'cold';

interface TreePlace {
    readonly depth: number;
    readonly id: string;
}

interface Unembedded extends VersionedKey {
    readonly text: string;
}

interface Vacuumed {
    readonly isDone: boolean;
    readonly heldBy: readonly string[];
}

type Vacuuming = 'plain' | 'full';

type VectorCondition = {
    readonly field: 'embedding';
    readonly operator: 'exists';
};

type Version = string;

interface VersionedKey extends EntryKey {
    readonly version: Version;
}

interface WaitingTexts {
    readonly model: string;
    readonly after: Version | undefined;
    readonly limit: number;
    readonly bytes: number;
}

interface WithVersions {
    readonly versions: readonly (Version | undefined)[];
}

interface WriteFailure {
    id?: string;
    outcome?: 'none' | 'unknown' | 'applied' | 'partial';
    version?: string;
    readonly outcomes?: readonly InputOutcome[];
    readonly counts?: ChangeCounts;
    readonly imported?: Imported;
}

declare function describeColdTier(name: string, { indexesVectors, runs, ...suite }: ColdTierSuite): void;

declare function describeCrashSafety(name: string, suite: CrashSuite): void;

declare function describeHotTier(name: string, { open, seed, movesClock, runs }: HotTierSuite): void;

declare function describeIsolation(name: string, suite: IsolationSuite): void;

export { describeColdTier, describeCrashSafety, describeHotTier, describeIsolation };

export type { ColdTier, ColdTierOpening, ColdTierSuite, CrashSuite, HotTierSuite, IsolationSuite, NamespacePath, OpenTestedStore, OpenedHotTier, StoredValue, TestedStore };
