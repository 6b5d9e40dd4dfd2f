/**
 * Implements the cold tier over any database: this class joins the queries, one file per topic, with the driver that
 * runs them. Its state is what was read when it opened (which indexes there are, and in which language; read again
 * every 30 s), what was logged, and what failed attempts left in staging. So nothing depends on a session.
 */
import { type SQL, sql } from 'drizzle-orm'
import type { EntryKey } from '../entry/entry-key.ts'
import type { EntryKind } from '../entry/memory-entry.ts'
import type { EntryRecord } from '../entry/record.ts'
import type { Version } from '../entry/version.ts'
import { isThermoclineError, withoutContent } from '../errors.ts'
import type { Clock } from '../kernel/clock.ts'
import { Coalescer } from '../kernel/coalescer.ts'
import { type Patience, throwIfAborted, withDeadline } from '../kernel/deadline.ts'
import type { Logger } from '../kernel/logger.ts'
import { letGo } from '../kernel/release-stack.ts'
import type { ColdDriver } from './cold-driver.ts'
import { INSUFFICIENT_PRIVILEGE, sqlStateOf } from './cold-errors.ts'
import type {
  AcceptedLoss,
  ColdDocument,
  ColdDocuments,
  ColdFind,
  ColdFound,
  ColdMeasure,
  ColdMeasuring,
  ColdNamespace,
  ColdNamespaces,
  ColdQuery,
  ColdRoots,
  ColdRow,
  ColdSearch,
  ColdSearchResult,
  ColdSnapshot,
  ColdStats,
  ColdTextResult,
  ColdTextSearch,
  ColdTier,
  ColdTreeRow,
  ColdWalk,
  EmbeddingModel,
  EnteredGeneration,
  HotMiss,
  HotMisses,
  IdempotencyKey,
  KeyedAnswer,
  LogCheckpoint,
  NamedEntry,
  OwnVersion,
  PinLimits,
  PinnedAll,
  PinRequest,
  ReadableLetter,
  RegisteredLog,
  Replaced,
  ReplacedOfMany,
  Replacement,
  RetriedLetters,
  SearchedCold,
  ShipBatch,
  ShipResult,
  Slid,
  SlidingRead,
  StoredLetter,
  SweepResult,
  SyncRun,
  Unembedded,
  Vacuumed,
  Vacuuming,
  WaitingTexts,
} from './cold-tier.ts'
import { FrozenSnapshot } from './frozen-snapshot.ts'
import { KeptSnapshots } from './kept-snapshots.ts'
import {
  buildVectorIndexes,
  declaredVectorIndexes,
  type MigrateOptions,
  migrate,
  missingVectorIndexes,
  type SearchSupport,
} from './migrate-schema.ts'
import { indexInBulk } from './sql/bulk-index.ts'
import { stats } from './sql/cold-stats.ts'
import { timeParameter } from './sql/column-types.ts'
import { findUnembedded, isModelUsed, registerModel } from './sql/embedding-models.ts'
import { raiseAccess, recordAccess, type Touch } from './sql/entry-access.ts'
import { Staging } from './sql/entry-staging.ts'
import { eraseStaged, eraseStagedWhere, readLetters, removeLetters, vacuum } from './sql/erase-entries.ts'
import { findExpired, type Holder, type SweepOptions, type Swept, sweep } from './sql/expire-and-collect.ts'
import { countEntries, findEntries } from './sql/find-entries.ts'
import * as generations from './sql/hot-generations.ts'
import { answerTo, eraseKeys } from './sql/idempotency-keys.ts'
import * as leases from './sql/leases.ts'
import { listDocuments } from './sql/list-documents.ts'
import { listNamespaces } from './sql/list-namespaces.ts'
import { measureEntries } from './sql/measure-entries.ts'
import { arePinned, listPins, pinEntries, unpinEntries } from './sql/pin-entries.ts'
import { highestVersion, readEntries, readVersions } from './sql/read-entries.ts'
import { recordsOf, replace, replaceEach } from './sql/replace-version.ts'
import { retryLetters } from './sql/retry-letters.ts'
import { searchTexts } from './sql/search-texts.ts'
import { canUseIndex, search } from './sql/search-vectors.ts'
import { ship, upsert } from './sql/ship-batch.ts'
import { slide } from './sql/slide-expiry.ts'
import { databaseTime, storeId } from './sql/store-identity.ts'
import { recordSyncRun } from './sql/sync-runs.ts'
import { languageOf } from './sql/text-index.ts'
import type { QualifiedLanguage } from './sql/text-vector.ts'
import { validateConstraints } from './sql/validate-constraints.ts'
import { existingIndexes, type VectorSupport, WaitingRows } from './sql/vector-index.ts'
import * as checkpoints from './sql/wal-checkpoints.ts'
import { findRoots, haveParents, walkTree } from './sql/walk-tree.ts'

/**
 * Milliseconds after which a search that finds no index for its vector asks whether there is one by now, and one of
 * texts in which language they are.
 */
const LOOK_AGAIN_MS = 30_000

const NOT_OURS =
  'rows of before a migration are checked by the owner of the tables alone: run `npx thermocline migrate` as that role'

const NOT_BUILT =
  'vector indexes could not be built: the next sync builds what is missing, and searches compare all rows meanwhile'

export interface ColdStoreOptions extends MigrateOptions {
  /** Time of the store, where the database belongs to this process alone. @default the database's */
  readonly clock?: Clock | undefined
}

export class ColdStore implements ColdTier {
  readonly storeId: string
  readonly #driver: ColdDriver
  readonly #staging: Staging
  /** Undefined: the database keeps what snapshots have to read. */
  readonly #kept: KeptSnapshots | undefined
  readonly #logger: Logger
  /** undefined: the database's. */
  readonly #clock: Clock | undefined
  /** Logs that were said to hold up the collection of tombstones. */
  readonly #toldOf = new Set<string>()
  /** Another process may build an index at any time; whoever indexes or misses one looks again. */
  #vectors: VectorSupport
  #vectorsSeenAt = performance.now()
  /** Another process may declare one at any time. */
  #language: QualifiedLanguage
  #languageSeenAt = performance.now()

  readonly #waiting: WaitingRows
  readonly #declared: Pick<ColdStoreOptions, 'dimensions' | 'metrics' | 'precision'>
  /** Whether this process builds indexes that are missing: the role may own no table. */
  #mayBuild: boolean
  /** What failed once would most likely fail again: rows are inserted from then on. */
  #hasFailedInBulk = false
  /** Whether constraints were validated, or cannot be. */
  #isValidated = false

  private constructor(driver: ColdDriver, storeId: string, support: SearchSupport, options: ColdStoreOptions) {
    this.#driver = driver
    this.#staging = new Staging(driver, options.precision, () => this.#now())
    this.#kept = driver.freeze === undefined ? new KeptSnapshots(driver) : undefined
    this.storeId = storeId
    this.#vectors = support.vectors
    this.#language = support.language
    this.#waiting = new WaitingRows(driver)
    this.#declared = options
    this.#mayBuild = options.mode !== 'check'
    this.#logger = options.logger
    this.#clock = options.clock
  }

  /** Migrates or checks the schema; the driver belongs to the store from now on, and is closed when this fails. */
  static async open(driver: ColdDriver, options: ColdStoreOptions): Promise<ColdStore> {
    try {
      const support = await migrate(driver, options)
      return new ColdStore(driver, await storeId(driver), support, options)
    } catch (error) {
      await letGo('the database', () => driver.close(), options.logger)
      throw error
    }
  }

  read(keys: readonly EntryKey[], options?: Patience, fields?: ColdFind['fields']): Promise<(ColdRow | undefined)[]> {
    return this.#over(this.#driver).read(keys, options, fields)
  }

  versions(keys: readonly EntryKey[], options?: Patience): Promise<(Version | undefined)[]> {
    return this.#over(this.#driver).versions(keys, options)
  }

  highestVersion(): Promise<Version | undefined> {
    return highestVersion(this.#driver)
  }

  find(query: ColdFind, limit: number, options?: Patience): Promise<ColdFound> {
    return withPatience(options, () => findEntries(this.#driver, query, limit))
  }

  count(query: ColdQuery, own: readonly OwnVersion[], options?: Patience): Promise<number> {
    return withPatience(options, () => countEntries(this.#driver, query, own))
  }

  documents(query: ColdDocuments, limit: number, options?: Patience): Promise<ColdDocument[]> {
    return withPatience(options, () => listDocuments(this.#driver, query, limit))
  }

  namespaces(query: ColdNamespaces, limit: number, options?: Patience): Promise<ColdNamespace[]> {
    return withPatience(options, () => listNamespaces(this.#driver, query, limit))
  }

  measure(query: ColdMeasuring, limit: number, options?: Patience): Promise<ColdMeasure[]> {
    return withPatience(options, () => measureEntries(this.#driver, query, limit))
  }

  walk(query: ColdWalk, limit: number, options?: Patience): Promise<ColdTreeRow[]> {
    return withPatience(options, () => walkTree(this.#driver, query, limit))
  }

  roots(query: ColdRoots, limit: number, options?: Patience): Promise<ColdRow[]> {
    return withPatience(options, () => findRoots(this.#driver, query, limit))
  }

  haveParents(query: ColdQuery, ids: readonly string[], options?: Patience): Promise<ReadonlySet<string>> {
    return withPatience(options, () => haveParents(this.#driver, query, ids))
  }

  snapshot(query: ColdQuery): Promise<ColdSnapshot> {
    return this.#kept?.begin(query) ?? FrozenSnapshot.begin(() => this.#driver.freeze!(), query)
  }

  search(query: ColdSearch, options?: Patience): Promise<ColdSearchResult> {
    return this.#over(this.#driver).search(query, options)
  }

  searchTexts(query: ColdTextSearch, options?: Patience): Promise<ColdTextResult> {
    return this.#over(this.#driver).searchTexts(query, options)
  }

  together<T>(ask: (cold: SearchedCold) => Promise<T>, options?: Patience): Promise<T> {
    const statements = new Coalescer((turn: readonly SQL[]) => this.#driver.queryAll(turn))
    const query = async (statement: SQL) => (await statements.call([statement]))[0]!
    return withPatience(options, () => ask(this.#over({ query })))
  }

  #over(driver: Pick<ColdDriver, 'query'>): SearchedCold {
    return {
      read: (keys, options, fields) => withPatience(options, () => readEntries(driver, keys, fields)),
      versions: (keys, options) => withPatience(options, () => readVersions(driver, keys)),
      search: (query, options) =>
        withPatience(options, async () => {
          const isDue = performance.now() - this.#vectorsSeenAt > LOOK_AGAIN_MS
          const vectors = isDue && !canUseIndex(this.#vectors, query) ? await this.#lookAtVectors() : this.#vectors
          return search(driver, vectors, query)
        }),
      searchTexts: (query, options) =>
        withPatience(options, async () => {
          if (performance.now() - this.#languageSeenAt > LOOK_AGAIN_MS) {
            this.#languageSeenAt = performance.now()
            this.#language = (await languageOf(this.#driver)).name
          }
          return searchTexts(driver, this.#language, query)
        }),
    }
  }

  upsert(records: readonly EntryRecord[]): Promise<{ readonly written: number; readonly rejected: number }> {
    return this.#write(records, () => upsert(this.#staging, this.#logger, records))
  }

  ship(batch: ShipBatch): Promise<ShipResult> {
    return this.#write(batch.records, () => ship(this.#staging, this.#logger, batch))
  }

  replace(replacement: Replacement): Promise<Replaced> {
    return this.#write(recordsOf([replacement]), () => replace(this.#staging, replacement, () => this.#clockTime()))
  }

  replaceEach(replacements: readonly Replacement[]): Promise<readonly ReplacedOfMany[]> {
    return this.#write(recordsOf(replacements), () => replaceEach(this.#staging, replacements, () => this.#clockTime()))
  }

  answerTo(key: Pick<IdempotencyKey, 'namespace' | 'key'>): Promise<KeyedAnswer | undefined> {
    return answerTo(this.#driver, key, this.#now())
  }

  pin(pins: readonly PinRequest[], limits: PinLimits): Promise<PinnedAll> {
    return pinEntries(this.#driver, pins, limits, this.#clockTime())
  }

  unpin(keys: readonly EntryKey[], kind?: EntryKind): Promise<readonly EntryKey[]> {
    return unpinEntries(this.#driver, keys, kind)
  }

  arePinned(keys: readonly EntryKey[], options?: Patience): Promise<boolean[]> {
    return withPatience(options, () => arePinned(this.#driver, keys))
  }

  pins(after: EntryKey | undefined, limit: number): Promise<EntryKey[]> {
    return listPins(this.#driver, after, limit)
  }

  takeOver(walId: string, epoch: number, place?: string): Promise<LogCheckpoint> {
    return checkpoints.takeOver(this.#driver, walId, epoch, place)
  }

  checkpointOf(walId: string): Promise<LogCheckpoint | undefined> {
    return checkpoints.checkpointOf(this.#driver, walId)
  }

  retire(walId: string, epoch: number): Promise<void> {
    return checkpoints.retire(this.#driver, walId, epoch)
  }

  logs(): Promise<RegisteredLog[]> {
    return checkpoints.logs(this.#driver)
  }

  askCuts(token: string, exceptWalId: string): Promise<void> {
    return checkpoints.askCuts(this.#driver, token, exceptWalId)
  }

  askedCut(walId: string): Promise<string | undefined> {
    return checkpoints.askedCut(this.#driver, walId)
  }

  noteCut(walId: string, epoch: number, token: string): Promise<void> {
    return checkpoints.noteCut(this.#driver, walId, epoch, token)
  }

  recordLoss(loss: AcceptedLoss): Promise<void> {
    return checkpoints.recordLoss(this.#driver, loss)
  }

  enterHotGeneration(generationId: string): Promise<EnteredGeneration | undefined> {
    return generations.enterHotGeneration(this.#driver, generationId)
  }

  enterPrivateGeneration(generationId: string): Promise<number | undefined> {
    return generations.enterPrivateGeneration(this.#driver, generationId)
  }

  hotMisses(limit: number): Promise<HotMisses> {
    return generations.hotMisses(this.#driver, limit)
  }

  clearHotMisses(generationNumber: number, misses: readonly HotMiss[]): Promise<number> {
    return generations.clearHotMisses(this.#driver, generationNumber, misses)
  }

  holdLease(name: string, holder: string, durationMs: number): Promise<boolean> {
    return leases.holdLease(this.#driver, name, holder, durationMs)
  }

  releaseLease(name: string, holder: string): Promise<void> {
    return leases.releaseLease(this.#driver, name, holder)
  }

  leaseHolder(name: string): Promise<string | undefined> {
    return leases.leaseHolder(this.#driver, name)
  }

  time(): Promise<number> {
    return databaseTime(this.#driver)
  }

  slide(reads: readonly SlidingRead[]): Promise<(Slid | undefined)[]> {
    return this.#write(reads, () => slide(this.#driver, reads, this.#clockTime()))
  }

  recordAccess(touches: readonly Touch[]): Promise<void> {
    return this.#writeReads(touches, () => recordAccess(this.#driver, touches, this.#now()))
  }

  raiseAccess(touches: readonly Touch[]): Promise<void> {
    return this.#writeReads(touches, () => raiseAccess(this.#driver, touches, this.#now()))
  }

  unembedded(query: WaitingTexts): Promise<Unembedded[]> {
    return findUnembedded(this.#driver, query, this.#now())
  }

  registerModel(model: EmbeddingModel): Promise<EmbeddingModel[]> {
    return registerModel(this.#driver, model)
  }

  isModelUsed(model: string): Promise<boolean> {
    return isModelUsed(this.#driver, model)
  }

  async indexInBulk(signal: AbortSignal): Promise<number> {
    const { schema, indexes: found } = await this.#lookAtVectors()
    if (schema === undefined || !this.#mayBuild) return 0
    const logger = this.#logger
    try {
      const missing = missingVectorIndexes(found, this.#declared)
      await buildVectorIndexes(this.#driver, schema, missing, logger, signal)
      if (this.#hasFailedInBulk) return 0
      const { indexes } = missing.length === 0 ? this.#vectors : await this.#lookAtVectors()
      const declared = declaredVectorIndexes(this.#declared)
      return await indexInBulk(this.#driver, { schema, indexes, declared, signal, logger })
    } catch (error) {
      if (signal.aborted) return 0
      this.#hasFailedInBulk = true
      if (sqlStateOf(error) === INSUFFICIENT_PRIVILEGE) this.#mayBuild = false
      logger.warn({ err: withoutContent(error) }, NOT_BUILT)
      return 0
    } finally {
      this.#driver.housekeep('write')
    }
  }

  async indexVectors(limit: number, upTo?: Version): Promise<number> {
    const { schema, indexes } = await this.#lookAtVectors()
    const indexed = schema === undefined ? 0 : await this.#waiting.mark({ schema, indexes, upTo }, limit)
    this.#driver.housekeep('write')
    return indexed
  }

  async sweep(options: { readonly graceMs: number; readonly limit: number }): Promise<SweepResult> {
    const { heldBy, ...result } = await this.#sweep({ ...options, now: this.#now() })
    this.#driver.housekeep('sweep')
    if (heldBy !== undefined) this.#tellHolder(heldBy)
    return result
  }

  expired(limit: number): Promise<EntryKey[]> {
    return findExpired(this.#driver, { limit, now: this.#now() })
  }

  eraseStaged(keys: readonly EntryKey[]): Promise<number> {
    return eraseStaged(this.#driver, keys)
  }

  eraseStagedWhere(query: ColdQuery): Promise<number> {
    return eraseStagedWhere(this.#driver, query)
  }

  eraseIdempotencyKeys(entries: readonly NamedEntry[]): Promise<number> {
    return eraseKeys(this.#driver, entries)
  }

  deadLetters(after: string, limit: number, among?: readonly string[]): Promise<StoredLetter[]> {
    return readLetters(this.#driver, after, limit, among)
  }

  retryDeadLetters(letters: readonly ReadableLetter[]): Promise<RetriedLetters> {
    const records = letters.map(({ record }) => record)
    return this.#write(records, () => retryLetters(this.#staging, letters))
  }

  removeDeadLetters(digests: readonly string[]): Promise<number> {
    return removeLetters(this.#driver, digests)
  }

  vacuum(mode: Vacuuming): Promise<Vacuumed> {
    return vacuum(this.#driver, mode)
  }

  async validate(): Promise<void> {
    if (this.#isValidated) return
    try {
      this.#isValidated = await validateConstraints(this.#driver, { waits: false })
    } catch (error) {
      // Neither of the two is mended by trying again.
      if (sqlStateOf(error) === INSUFFICIENT_PRIVILEGE) this.#logger.info({}, NOT_OURS)
      else if (isThermoclineError(error, 'ERR_SCHEMA')) this.#logger.error({}, error.message)
      else throw error
      this.#isValidated = true
    }
  }

  recordSyncRun(run: SyncRun): Promise<void> {
    return recordSyncRun(this.#driver, run)
  }

  stats(): Promise<ColdStats> {
    return stats(this.#driver, this.#now())
  }

  close(): Promise<void> {
    return this.#driver.close()
  }

  /** Whoever still reads a snapshot has what has expired since it began, and keeps nobody from emptying it here. */
  async #sweep(options: SweepOptions): Promise<Swept> {
    let expiring: readonly EntryKey[] | undefined
    const find = async () => {
      expiring = await findExpired(this.#driver, options)
      return expiring
    }
    return this.#afterKeeping(find, () => sweep(this.#driver, { ...options, expiring }))
  }

  #writeReads<T>(touches: readonly Touch[], work: () => Promise<T>): Promise<T> {
    return this.#kept === undefined ? work() : this.#kept.writeReads(touches, work)
  }

  /** Writes rows of these keys, after which the database may have something to clear up. */
  async #write<T>(keys: Parameters<KeptSnapshots['write']>[0], work: () => Promise<T>): Promise<T> {
    const result = await this.#afterKeeping(keys, work)
    this.#driver.housekeep('write')
    return result
  }

  /** Writes rows of these keys, once what snapshots have yet to read of them is kept. */
  #afterKeeping<T>(keys: Parameters<KeptSnapshots['write']>[0], work: () => Promise<T>): Promise<T> {
    return this.#kept === undefined ? work() : this.#kept.write(keys, work)
  }

  async #lookAtVectors(): Promise<VectorSupport> {
    const { schema } = this.#vectors
    this.#vectorsSeenAt = performance.now()
    if (schema !== undefined) this.#vectors = { schema, indexes: await existingIndexes(this.#driver) }
    return this.#vectors
  }

  #now(): SQL {
    return this.#clock === undefined ? sql`now()` : timeParameter(this.#clock.now())
  }

  /** The time at which a row is written, and not at which its statement began. */
  #clockTime(): SQL {
    return this.#clock === undefined ? sql`clock_timestamp()` : timeParameter(this.#clock.now())
  }

  #tellHolder(holder: Holder): void {
    if (this.#toldOf.has(holder.walId)) return
    this.#toldOf.add(holder.walId)
    this.#logger.warn(
      { ...holder },
      'a log that nobody has shipped for a day keeps tombstones from being collected: open the store over its folder, or run `thermocline recover`',
    )
  }
}

/** The caller's own patience, within the deadline that the driver gives every statement. */
async function withPatience<T>(options: Patience | undefined, work: () => Promise<T>): Promise<T> {
  if (options === undefined) return work()
  throwIfAborted(options.signal)
  return withDeadline(work(), options)
}
