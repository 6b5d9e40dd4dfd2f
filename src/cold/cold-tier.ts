/**
 * Defines the contract of the cold tier. What it has committed is the truth, and is stored for good. Its time is that
 * of the database, or of the store's clock where the database belongs to one process. Every method is one transaction,
 * and every rejection is a ThermoclineError: `ERR_TIER_UNAVAILABLE` (tier cold) where the database cannot be reached or
 * the deadline passed. Nothing here depends on session state.
 */

import type { EntryKey } from '../entry/entry-key.ts'
import type { EntryKind } from '../entry/memory-entry.ts'
import type { AccessStats, EntryRecord } from '../entry/record.ts'
import type { Version } from '../entry/version.ts'
import type { SequenceRange, ThermoclineError } from '../errors.ts'
import type { Patience } from '../kernel/deadline.ts'
import type { Filter } from '../query/filter.ts'
import type { Metric } from '../query/metric.ts'
import type { HIGHEST_FIRST, Order, OrderKeys } from '../query/order.ts'
import type { Scope } from '../query/scope.ts'

/**
 * SQLSTATEs of what a database refuses to hold, however often it is tried: data exceptions, broken constraints,
 * exceeded limits, and what a trigger raises without a code of its own.
 */
export const ROW_FAULTS = /^(22|23|54|P0001$)/

export interface ColdRow {
  /** May be a tombstone or expired: callers judge. */
  readonly record: EntryRecord
  readonly access: AccessStats | undefined
}

/** A log as cold knows it, for people. */
export interface RegisteredLog extends LogCheckpoint {
  /** Host and folder of its files, where its owner said so. */
  readonly place: string | undefined
  /** When its owner last shipped, or said that there is nothing to ship; by the database's clock. */
  readonly heartbeatAt: number
  readonly heartbeatAgeMs: number
  /** The latest token of {@link ColdTier.askCuts}. */
  readonly cutAsked: string | undefined
  /** The latest of those that its owner has followed. */
  readonly cutDone: string | undefined
}

/**
 * Acknowledged records that an operator gave up, or that a database had and lost as it was set back: then the reason
 * begins with {@link SET_BACK}, and a range is empty where everything was shipped again.
 */
export interface AcceptedLoss {
  readonly walId: string
  readonly epoch: number
  readonly lost: readonly SequenceRange[]
  readonly reason: string
}

export const SET_BACK = 'the database was set back'

/** A key of which hot may hold an older version than cold. */
export interface HotMiss {
  readonly key: EntryKey
  /** Hot MUST hold nothing older than this. */
  readonly version: Version
  /** As the row says; names the row that {@link ColdTier.clearHotMisses} removes. */
  readonly recorded: Version
}

export interface HotMisses {
  /** Number of the hot generation that is current; undefined where none ever was. */
  readonly generationNumber: number | undefined
  readonly misses: readonly HotMiss[]
}

/** What cold answers where a generation of hot has become the current one. */
export interface EnteredGeneration {
  /** Rises whenever another generation becomes current. */
  readonly number: number
  /** Highest version in cold, read after the generation became current; the zero version in an empty store. */
  readonly highestVersion: Version
}

/** Where a log stands in cold. */
export interface LogCheckpoint {
  /** UUID of the log. */
  readonly walId: string
  /** Rises with each takeover; a ship under an older one is fenced. */
  readonly epoch: number
  /** Every record up to this sequence is in cold. */
  readonly sequence: number
}

export interface ShipBatch {
  readonly walId: string
  readonly epoch: number
  /** The checkpoint moves from here … */
  readonly from: number
  /** … to here, only if it stood exactly there. */
  readonly to: number
  /** Newest version per key; no key twice. */
  readonly records: readonly EntryRecord[]
  /** Every write of this log at or below this version is in cold once this batch is. */
  readonly shippedVersion: Version
  /** Number of the hot generation that is known to hold a record, where one is. @default none */
  readonly confirmed?: ReadonlyMap<EntryRecord, number> | undefined
}

export type ShipResult =
  /**
   * `superseded`: rows for which cold already held the same or a newer version. `rejected`: rows now in the dead-letter
   * table.
   */
  | {
      readonly status: 'moved'
      readonly superseded: number
      readonly rejected: number
      /** Number of the hot generation that is current; undefined where none ever was, or where the answer was lost. */
      readonly generationNumber: number | undefined
      /** Keys of which hot may hold something older now: rows of `hot_misses`. */
      readonly missed: readonly EntryKey[]
    }
  /** The log stands under another epoch. Nothing was written. */
  | { readonly status: 'fenced'; readonly epoch: number; readonly sequence: number }
  /**
   * The log is not known: whoever took it over has retired it, or the database was set back to before it began. Nothing
   * was written.
   */
  | { readonly status: 'unknown' }
  /** The checkpoint stands elsewhere than `from` although the epoch is ours. Nothing was written. */
  | { readonly status: 'elsewhere'; readonly sequence: number }

/** A version that is to take the place of exactly the one that cold has (rule K3 of flow/README.md). */
export interface Replacing {
  readonly record: EntryRecord
  /** What cold MUST have of the key: this version, tombstones and expired rows included; undefined: no row at all. */
  readonly base: Version | undefined
}

/** A name that a caller gives a write, so that asking again is answered as it was the first time. */
export interface IdempotencyKey {
  readonly namespace: string
  readonly key: string
  /** Of what is asked for. */
  readonly digest: Uint8Array
}

/** What was written under an idempotency key. */
export interface KeyedAnswer {
  readonly digest: Uint8Array
  /** In the order of the changes. */
  readonly receipts: readonly { readonly id: string; readonly version: Version }[]
}

/** An entry as it was found to be. */
export interface NamedEntry extends EntryKey {
  /** @default whichever */
  readonly version?: Version | undefined
}

/** Versions that take the place of what cold has together, or none of them does. */
export interface Replacement {
  /** At least one; no key twice. */
  readonly changes: readonly Replacing[]
  /** Number of the hot generation in which the keys were reserved; undefined: cold knows none. */
  readonly generationNumber: number | undefined
  /** The time, by cold's clock, after which the reservation may be gone. */
  readonly until: number
  /** The log of whoever asks, and a sequence that cold has of it unless it was set back. */
  readonly log: LogCheckpoint
  /** Taken with the changes, for a day: where somebody has it, nothing is written. @default none */
  readonly idempotency?: IdempotencyKey | undefined
}

export type Replaced =
  | 'replaced'
  /** Cold has something else of a key than its `base`, or somebody has the idempotency key. Nothing was written. */
  | 'other'
  /**
   * Another generation is current, the time is over, or cold does not have of the log what it had. Nothing was
   * written.
   */
  | 'closed'

/**
 * What became of one of several replacements. `apart`: nothing of it was written, and together nothing could be
 * decided; alone it may be. An error is what `replace` rejects with.
 */
export type ReplacedOfMany = Exclude<Replaced, 'closed'> | 'apart' | ThermoclineError

export interface ColdQuery {
  readonly scope: Scope
  readonly filter: Filter
  /** Time that decides what has expired. */
  readonly now: number
  /** Versions that the caller answers for: rows that are no newer are left out. */
  readonly exclude: readonly VersionedKey[]
}

export interface ColdFind extends ColdQuery {
  /** @default by namespace and id */
  readonly order?: Order | undefined
  /** Only what comes after this place in the order. */
  readonly after?: OrderKeys | undefined
  /** Fields that are answered; others may be null. MUST have those of a key, the version and what is ordered by. */
  readonly fields?: ReadonlySet<keyof EntryRecord> | undefined
  /** Whether counted reads are answered as well; otherwise they may be undefined. @default true */
  readonly withReads?: boolean | undefined
  /** Keys of which the versions are answered as well, as of the same moment. @default none */
  readonly versionsOf?: readonly EntryKey[] | undefined
}

/** What was answered of {@link ColdFind.versionsOf}. */
export interface WithVersions {
  /** In the order of the keys, tombstones included; undefined where there is no row. */
  readonly versions: readonly (Version | undefined)[]
}

export interface ColdFound extends WithVersions {
  readonly rows: readonly ColdRow[]
}

/** Nodes, the highest level first, that no live node of cold has for a child, less what is excluded. */
export interface ColdRoots extends ColdQuery, Pick<ColdFind, 'after' | 'fields'> {
  /** The children of the caller's own nodes: no roots either. */
  readonly except: readonly string[]
}

/** What cold had at one moment, whatever is written while it is read. MUST be closed. */
export interface ColdSnapshot {
  /** How many rows the query selects. */
  readonly count: number
  /**
   * The rows, in the order of namespace and id where nobody writes meanwhile. The next page is read when it is asked
   * for, and has few megabytes of content. Counted reads are those of when the row is read, unless the query selects by
   * them. Rejects with `ERR_TIER_UNAVAILABLE` where the moment could not be kept.
   */
  pages(): AsyncGenerator<readonly ColdRow[], void, undefined>
  close(): Promise<void>
}

export interface VersionedKey extends EntryKey {
  readonly version: Version
}

/** A version that the caller has, of a key that cold may have as well. */
export interface OwnVersion extends VersionedKey {
  /** Whether it is live and matches the query. */
  readonly matches: boolean
}

export interface ColdDocuments extends ColdQuery {
  /** Only documents whose ids come after this one. */
  readonly after?: string | undefined
  /** What the caller has, no key twice: counted in place of rows that are no newer. `exclude` is not looked at. */
  readonly own: readonly OwnDocument[]
}

/** A version that the caller has, of a key that cold may have as well. */
export interface OwnDocument extends VersionedKey {
  /** The document that it counts for; null: it is not live, or does not match the query. */
  readonly documentId: string | null
  readonly updatedAt: number
}

export interface ColdDocument {
  readonly documentId: string
  readonly chunks: number
  /** The latest of its chunks. */
  readonly updatedAt: number
}

export interface ColdNamespaces {
  /** Segments that a namespace begins with, escaped as in its path; null: any segment. */
  readonly prefix: readonly (string | null)[]
  /** Segments that it ends with, likewise. */
  readonly suffix: readonly (string | null)[]
  /** Namespaces of more segments are counted as the one of their first so many. @default each by itself */
  readonly depth?: number | undefined
  /** Only what comes after the namespace of these segments, which the same query answered. */
  readonly after?: readonly string[] | undefined
  /** Time that decides what has expired. */
  readonly now: number
  /** What the caller has, no key twice: counted in place of rows that are no newer. */
  readonly own: readonly OwnVersion[]
}

/** A namespace that has entries. */
export interface ColdNamespace {
  readonly namespace: string
  /** At least one. */
  readonly entries: number
}

/** Rows of a scope, from a place on. */
export interface ColdMeasuring {
  readonly scope: Scope
  /** Only what comes after this key. */
  readonly after?: EntryKey | undefined
}

/** What cold has of a key, without the content. */
export interface ColdMeasure
  extends Pick<
    EntryRecord,
    'namespace' | 'id' | 'version' | 'kind' | 'createdAt' | 'updatedAt' | 'expiresAt' | 'deletedAt'
  > {
  /**
   * What the columns take as the database keeps them, which compresses texts and metadata that are large; without the
   * overhead of a row, and without indexes.
   */
  readonly bytes: number
  /** How many numbers its embedding has; undefined where it has none. */
  readonly dimension: number | undefined
}

/** What stands above or below an entry of one namespace, level by level; the filter says what of it is an answer. */
export interface ColdWalk extends ColdQuery {
  /** Id of the entry, which is no answer itself. */
  readonly from: string
  /** Down to the children of nodes, or up to the nodes that have it for a child. */
  readonly direction: 'down' | 'up'
  /** Levels at most. */
  readonly depth: number
  /** Only what comes after this place. */
  readonly after?: TreePlace | undefined
  /** As of {@link ColdFind}. */
  readonly fields?: ColdFind['fields']
}

export interface TreePlace {
  /** Levels from where the walk began, by the shortest way. */
  readonly depth: number
  readonly id: string
}

export interface ColdTreeRow extends ColdRow {
  readonly depth: number
}

export interface ColdSearch extends ColdQuery {
  readonly embedding: Float32Array
  readonly metric: Metric
  readonly k: number
  /** As of {@link ColdFind}. */
  readonly versionsOf?: ColdFind['versionsOf']
}

export interface ColdHit extends ColdRow {
  /** Higher is nearer: cosine similarity, inner product or negative L2 distance. */
  readonly score: number
}

export interface ColdSearchResult extends WithVersions {
  /** Nearest first. */
  readonly hits: readonly ColdHit[]
  /** Whether every row was compared, for want of a vector index for these dimensions and this metric. */
  readonly exact: boolean
}

export interface ColdTextSearch extends ColdQuery {
  /** What people type: words, "phrases", `or`, `-`. */
  readonly text: string
  readonly k: number
  /** Texts that the caller answers for: live and matching the query, of no key twice. */
  readonly own: readonly OwnText[]
  /** As of {@link ColdFind}. */
  readonly fields?: ColdFind['fields']
}

export interface OwnText extends VersionedKey {
  readonly text: string
}

export interface ColdTextResult {
  /** At most `k` rows, best first; scores are from 0 to 1, higher is better. */
  readonly hits: readonly ColdHit[]
  /** Scores, at least of the best `k`, of own texts that have the words and of which cold has no newer version. */
  readonly own: ReadonlyMap<OwnText, number>
}

export interface ColdStats {
  readonly live: number
  readonly tombstones: number
  /** Rows with an embedding that the vector index does not cover yet. */
  readonly unindexed: number
  readonly deadLetters: number
  /** Entries that stay in hot. */
  readonly pinned: number
  /** Entries that wait for a vector, of whichever model. */
  readonly unembedded: number
  /** What entries and their indexes take on the disk of the database. */
  readonly bytes: number
  /** The latest sync of any process. */
  readonly lastSync: SyncRun | undefined
  /** Who holds each lease, by its name. */
  readonly leases: Readonly<Record<string, string>>
}

/** A model that makes vectors of texts. */
export interface EmbeddingModel {
  readonly model: string
  readonly dimensions: number
}

/** Entries that wait for a vector of a model, the oldest version first. */
export interface WaitingTexts {
  readonly model: string
  /** Only newer versions than this. */
  readonly after: Version | undefined
  readonly limit: number
  /** None beyond so many bytes of text, but for the first. */
  readonly bytes: number
}

export interface Unembedded extends VersionedKey {
  readonly text: string
}

/** An acknowledged write that could not be stored. */
export interface StoredLetter {
  /** Names it, in hex. */
  readonly digest: string
  /** Undefined: this version cannot read it. */
  readonly record: EntryRecord | undefined
  /** SQLSTATE, `encoding`, or `below-horizon`. */
  readonly reason: string
  /** The log that it came from; undefined: it came from none, as what leaves hot. */
  readonly walId: string | undefined
  /** Milliseconds since the epoch. */
  readonly recordedAt: number
  /** What it takes as it is kept. */
  readonly bytes: number
}

/** A letter that can be written once more. */
export interface ReadableLetter extends Pick<StoredLetter, 'digest'> {
  readonly record: EntryRecord
}

/** What became of letters that were written once more. Those that were removed meanwhile are in no number. */
export interface RetriedLetters {
  /** Cold has them now. */
  readonly written: number
  /** Cold has the same version, or a newer one: they are letters no more. */
  readonly superseded: number
  /** Those that stay. */
  readonly refused: readonly { readonly digest: string; readonly reason: string }[]
  /** As of {@link ShipResult}. */
  readonly generationNumber: number | undefined
  readonly missed: readonly EntryKey[]
}

/**
 * `plain`: what is dead is no longer in any index, and its room is used again. `full`: tables and indexes are written
 * anew, while nobody else reads or writes them; of an embedded database its own log as well.
 */
export type Vacuuming = 'plain' | 'full'

export interface Vacuumed {
  readonly isDone: boolean
  /** Sessions, prepared transactions and replicas for which dead rows stayed, as they may still read them. */
  readonly heldBy: readonly string[]
}

export interface SweepResult {
  /** Entries that became tombstones because they expired. */
  readonly expired: number
  /** Tombstones removed for good. */
  readonly collected: number
  /** Idempotency keys that nobody is answered any more. */
  readonly forgotten: number
}

/** One row of `sync_runs`. */
export interface SyncRun {
  readonly startedAt: number
  readonly durationMs: number
  readonly synced: number
  readonly skipped: number
  readonly errors: number
  readonly bytes: number
}

/** An entry that is to stay in hot while it lives. */
export interface PinRequest extends EntryKey {
  /** Payload bytes that it has in hot. */
  readonly bytes: number
}

/** What all pins together may have; undefined: as many as there are. */
export interface PinLimits {
  readonly entries: number | undefined
  readonly bytes: number | undefined
}

export type PinnedAll =
  /** Every one is pinned; `added` are those that were not before. */
  | { readonly status: 'pinned'; readonly added: readonly EntryKey[] }
  /** Some do not live; `live` are those that do. Nothing was pinned. */
  | { readonly status: 'absent'; readonly live: readonly EntryKey[] }
  /** There would be too many; these there are already. Nothing was pinned. */
  | { readonly status: 'full'; readonly entries: number; readonly bytes: number }

/** A counted read of an entry that may slide. */
export interface SlidingRead extends EntryKey {
  /** The version that was read; undefined: whichever is there. */
  readonly version: Version | undefined
  /** Milliseconds since the epoch. */
  readonly readAt: number
}

/** Until when cold has a version that slides. */
export interface Slid {
  readonly key: EntryKey
  readonly version: Version
  readonly expiresAt: number
}

/** What a search asks of cold. */
export type SearchedCold = Pick<ColdTier, 'read' | 'versions' | 'search' | 'searchTexts'>

export interface ColdTier {
  /** UUID drawn by the first migration; hot keys start with it. */
  readonly storeId: string

  /**
   * Returns results in order; undefined where there is no row. Tombstones are answered.
   * @param fields as of {@link ColdFind}. @default all
   */
  read(keys: readonly EntryKey[], options?: Patience, fields?: ColdFind['fields']): Promise<(ColdRow | undefined)[]>

  /** Returns the version of each row in order, tombstones included. */
  versions(keys: readonly EntryKey[], options?: Patience): Promise<(Version | undefined)[]>

  /** Highest version in cold, also of tombstones already collected; undefined in an empty store. */
  highestVersion(): Promise<Version | undefined>

  /** The first live rows that match, at most `limit`. */
  find(query: ColdFind, limit: number, options?: Patience): Promise<ColdFound>
  /** How many keys match in their newest version, of those that cold and the caller have; no key twice in `own`. */
  count(query: ColdQuery, own: readonly OwnVersion[], options?: Patience): Promise<number>
  /**
   * The first documents in the order of their ids, at most `limit`, of chunks that match in their newest version. The
   * scope MUST be one namespace, and the filter MUST ask for a document.
   */
  documents(query: ColdDocuments, limit: number, options?: Patience): Promise<ColdDocument[]>
  /** The first namespaces that have entries, at most `limit`, in the order of their segments. */
  namespaces(query: ColdNamespaces, limit: number, options?: Patience): Promise<ColdNamespace[]>
  /**
   * The first rows in the order of namespace and id, at most `limit`: tombstones and what has expired are among them,
   * so that it costs what it answers.
   */
  measure(query: ColdMeasuring, limit: number, options?: Patience): Promise<ColdMeasure[]>
  /**
   * The first answers of a walk, at most `limit`, nearest first, then by id. The scope MUST be one namespace, and
   * nothing may be excluded.
   */
  walk(query: ColdWalk, limit: number, options?: Patience): Promise<ColdTreeRow[]>
  /** The first roots, at most `limit`, in the order {@link HIGHEST_FIRST}. The scope MUST be one namespace. */
  roots(query: ColdRoots, limit: number, options?: Patience): Promise<ColdRow[]>
  /** Which of these ids live nodes have for children, of those that the query selects whatever its filter. */
  haveParents(query: ColdQuery, ids: readonly string[], options?: Patience): Promise<ReadonlySet<string>>
  /** What live rows match now, to be read without haste. `exclude` MUST be empty. */
  snapshot(query: ColdQuery): Promise<ColdSnapshot>
  search(query: ColdSearch, options?: Patience): Promise<ColdSearchResult>
  /**
   * Answers as `ask` does, whose calls of one turn of the event loop go to the database together.
   * @param ask what only reads.
   */
  together<T>(ask: (cold: SearchedCold) => Promise<T>, options?: Patience): Promise<T>
  /** The rows whose text has the words, and what the caller's own texts score beside them. */
  searchTexts(query: ColdTextSearch, options?: Patience): Promise<ColdTextResult>

  /**
   * Inserts or replaces each row that is newer than cold's, and answers how many were. No key twice. Rows that Postgres
   * refuses go to the dead-letter table and are logged as errors.
   */
  upsert(records: readonly EntryRecord[]): Promise<{ readonly written: number; readonly rejected: number }>

  /**
   * Moves the checkpoint and upserts the records in one transaction. After a lost connection the outcome is read back:
   * a resolved promise is always the truth, a rejected one means nobody knows yet, and the same call may be repeated.
   */
  ship(batch: ShipBatch): Promise<ShipResult>

  /**
   * Decides between all who ask for the same at the same time: one of them replaces each `base`, all in one
   * transaction. Hot may hold older versions then, so rows of `hot_misses` come with it where cold knows a generation.
   * Where the answer was lost and cold does not have the versions, it rejects with the outcome `unknown`: they may
   * still come. Any other rejection wrote nothing, and has the outcome `none`.
   */
  replace(replacement: Replacement): Promise<Replaced>

  /**
   * As {@link replace} of each, in one transaction: what one of them finds there keeps no other from its place. For
   * those of one log that agree in `generationNumber`, name no key twice and have no idempotency key. It waits for no
   * lock of a row for long. A rejection wrote nothing.
   */
  replaceEach(replacements: readonly Replacement[]): Promise<readonly ReplacedOfMany[]>

  /** What was written under this idempotency key within a day. */
  answerTo(key: Pick<IdempotencyKey, 'namespace' | 'key'>): Promise<KeyedAnswer | undefined>

  /**
   * Pins all of them or none: entries that live in cold, whatever version of them. A pin is no part of a version; it
   * goes with the tombstone of its entry. No key twice. Pins that are there already count against no limit anew. Of
   * calls at the same time, some may see the limit before the others count.
   */
  pin(pins: readonly PinRequest[], limits: PinLimits): Promise<PinnedAll>
  /** Returns those that were pinned. @param kind of the entry, as cold has it. @default any */
  unpin(keys: readonly EntryKey[], kind?: EntryKind): Promise<readonly EntryKey[]>
  /** Returns results in order whether each is pinned. */
  arePinned(keys: readonly EntryKey[], options?: Patience): Promise<boolean[]>
  /** The first pins in the order of namespace and id, at most `limit`. @param after where the page before ended. */
  pins(after: EntryKey | undefined, limit: number): Promise<EntryKey[]>

  /**
   * Registers a log, or takes it over: raises its epoch to `epoch` and answers where it stands. `ERR_LOCKED` when cold
   * already has this or a higher epoch.
   * @param place host and folder of its files, for people.
   */
  takeOver(walId: string, epoch: number, place?: string): Promise<LogCheckpoint>
  checkpointOf(walId: string): Promise<LogCheckpoint | undefined>
  /** Forgets a log that was shipped to its end and closed. */
  retire(walId: string, epoch: number): Promise<void>

  /** Every registered log, the one not heard of for longest first. */
  logs(): Promise<RegisteredLog[]>
  /**
   * Asks the owner of every other log to let go of each file that it has by now. Each call asks anew, by a token (a
   * UUID) of its own: a count would be taken back with a database that is set back.
   */
  askCuts(token: string, exceptWalId: string): Promise<void>
  /** The token by which this log was asked for that, where its owner has not done it yet. */
  askedCut(walId: string): Promise<string | undefined>
  /** Notes that this has been done. Without effect where another has taken the log over. */
  noteCut(walId: string, epoch: number, token: string): Promise<void>
  /** Records for good that these records were given up, or lost; doing it twice is doing it once. */
  recordLoss(loss: AcceptedLoss): Promise<void>

  /**
   * Makes a generation of a hot tier that processes share the current one, if it is not already. Undefined where it has
   * ended: another was current after it, so what it holds may be old.
   */
  enterHotGeneration(generationId: string): Promise<EnteredGeneration | undefined>
  /**
   * Makes the generation of a hot tier that this process has for itself the current one, which ends all others for
   * good. Answers its number, or undefined where another became current at the same time.
   */
  enterPrivateGeneration(generationId: string): Promise<number | undefined>
  /** Which generation of hot is current, and at most `limit` of the keys of which it may hold an older version. */
  hotMisses(limit: number): Promise<HotMisses>
  /**
   * Removes rows that hot was repaired for, unless they changed since or another generation than this one is current;
   * answers how many.
   */
  clearHotMisses(generationNumber: number, misses: readonly HotMiss[]): Promise<number>

  /**
   * Takes the lease or extends it, and answers whether `holder` (a UUID) has it now. It expires by the database's
   * clock.
   */
  holdLease(name: string, holder: string, durationMs: number): Promise<boolean>
  /** Gives it back, if `holder` has it. */
  releaseLease(name: string, holder: string): Promise<void>
  /** Who has the lease now; undefined where nobody does. */
  leaseHolder(name: string): Promise<string | undefined>

  /** The database's own time, in milliseconds since the epoch. */
  time(): Promise<number>

  /**
   * Extends what slides, lives and has less than three quarters of its ttl left at the read to a whole one from then
   * on; no key twice. In order: until when cold has the version now, whether it was extended or not, and also where it
   * has expired; undefined where cold does not have the version, or it does not slide.
   */
  slide(reads: readonly SlidingRead[]): Promise<(Slid | undefined)[]>

  /** Adds reads and raises the time of the last one. */
  recordAccess(touches: readonly (EntryKey & { lastAccessedAt: number; accesses: number })[]): Promise<void>
  /** Raises reads, and the time of the last one, to these where they are fewer: doing it twice is doing it once. */
  raiseAccess(touches: readonly (EntryKey & { lastAccessedAt: number; accesses: number })[]): Promise<void>

  /** Live entries that name the model of a vector which they do not have yet. */
  unembedded(query: WaitingTexts): Promise<Unembedded[]>
  /** Notes that a store makes vectors by this model; answers all models of which that is known, each as it came. */
  registerModel(model: EmbeddingModel): Promise<EmbeddingModel[]>
  /**
   * Whether a chunk or a node names the model. One that none does is registered no more a day after it was. It may
   * read every row, as long as that takes.
   */
  isModelUsed(model: string): Promise<boolean>

  /**
   * Puts rows of which more wait than are in the vector index into it at once, and makes an index that is missing;
   * returns how many rows. What is under way when the signal fires is not waited for.
   */
  indexInBulk(signal: AbortSignal): Promise<number>
  /**
   * Puts up to `limit` rows into the vector index, the oldest first; returns how many.
   * @param upTo no newer rows than this. @default all
   */
  indexVectors(limit: number, upTo?: Version): Promise<number>

  /**
   * One batch: expired rows become tombstones; tombstones older than `graceMs` that every log has shipped past are
   * collected. A log that keeps some from it is logged once.
   */
  sweep(options: { readonly graceMs: number; readonly limit: number }): Promise<SweepResult>

  /** Keys of what a sweep would make tombstones of, at most `limit`, the first to expire first. */
  expired(limit: number): Promise<EntryKey[]>

  /**
   * Removes what failed attempts left staged of these keys; returns how many rows. A batch that is under way is staged
   * once more.
   */
  eraseStaged(keys: readonly EntryKey[]): Promise<number>
  /** Likewise, of what a query selects. */
  eraseStagedWhere(query: ColdQuery): Promise<number>
  /**
   * Removes idempotency keys of writes that wrote one of these entries, up to its version where it has one; answers how
   * many. A key of several entries goes as a whole.
   */
  eraseIdempotencyKeys(entries: readonly NamedEntry[]): Promise<number>
  /**
   * Dead letters in the order of their digests, at most `limit`.
   * @param after a digest, or nothing.
   * @param among digests, of which alone it answers. @default all
   */
  deadLetters(after: string, limit: number, among?: readonly string[]): Promise<StoredLetter[]>
  /**
   * Writes these letters once more, each as the version that it is: what cold has newer stays, and nothing deleted
   * comes back (rule T4). A letter goes together with that. Nothing is written of one that is not there any more.
   */
  retryDeadLetters(letters: readonly ReadableLetter[]): Promise<RetriedLetters>
  /** Removes dead letters for good; returns how many there were. */
  removeDeadLetters(digests: readonly string[]): Promise<number>
  /**
   * Vacuums what entries were in, however long it takes. Not done where the role of this connection owns not all of it.
   */
  vacuum(mode: Vacuuming): Promise<Vacuumed>

  /**
   * Has rows that were there before a migration checked against the constraints that it added, once, however long it
   * takes; others read and write meanwhile, but for an embedded database. Rows that do not meet them are logged as an
   * error, and stay.
   */
  validate(): Promise<void>
  recordSyncRun(run: SyncRun): Promise<void>
  stats(): Promise<ColdStats>
  close(): Promise<void>
}
