/**
 * Defines the options of each public call, with their defaults. A call without its table here cannot pass the gate
 * (call-gate.ts).
 */
import type { Writable } from 'node:stream'
import {
  type CallOptions,
  type CallSchema,
  defineCall,
  flag,
  nonEmptyText,
  type OptionRule,
  oneOf,
  optionRule,
  type RulesOf,
  signal,
  timeout,
} from '../call-options.ts'
import type { Vacuuming } from '../cold/cold-tier.ts'
import { name } from '../entry/field-checks.ts'
import type { EntryKind, EntryOf, TreeEntry } from '../entry/memory-entry.ts'
import { nameFault } from '../entry/text.ts'
import { validateEmbedding, validateId } from '../entry/validate.ts'
import { isVersion } from '../entry/version.ts'
import { isThermoclineError, retold, ThermoclineError } from '../errors.ts'
import type { ArchiveSource } from '../flow/archive-source.ts'
import type { ArchiveTarget } from '../flow/archive-target.ts'
import type { EraseDoneOptions, EraseProgress } from '../flow/eraser.ts'
import type { ExportProgress } from '../flow/exporter.ts'
import type { ImportProgress, OnConflict } from '../flow/importer.ts'
import type { Reembedded } from '../flow/reembedder.ts'
import { MAX_DEPTH } from '../flow/tree-reader.ts'
import type { TreeQuery } from '../flow/tree-searcher.ts'
import type { DeletedWhere, UpdatedWhere } from '../flow/where-changer.ts'
import type { Durability } from '../flow/writer.ts'
import type { Patience } from '../kernel/deadline.ts'
import { type Filter, selectsAll } from '../query/filter.ts'
import type { Metric } from '../query/metric.ts'
import { parseSegments, type SegmentPattern } from '../query/namespace-pattern.ts'
import { type Order, type OrderBy, parseOrder } from '../query/order.ts'
import {
  checkFusion,
  checkMinScore,
  checkMmr,
  checkText,
  type Fusion,
  MAX_HITS,
  type Meaning,
  type Mmr,
  SEARCH_DEFAULTS,
  SEARCHED_BY,
  type SearchQuery,
  toSearchQuery,
} from '../query/search-query.ts'
import { type FieldOf, parseSelect, type Select } from '../query/select.ts'
import { parseWhere, type Where } from '../query/where.ts'

export interface WriteOptions extends CallOptions {
  /** What the write waits for. @default as the store was opened */
  readonly durability?: Durability | undefined
}

export interface IdempotentOptions extends WriteOptions {
  /**
   * A name for this very write, of 1 to 512 bytes: asked for again in the same namespace within 24 hours, by anybody,
   * it gets the first receipt and is not done twice. With another input it is refused with `ERR_IDEMPOTENCY`. Cold
   * decides that, so it takes round trips to cold and needs both tiers. @default none
   */
  readonly idempotencyKey?: string | undefined
}

export interface PutOptions extends IdempotentOptions {
  /**
   * The version that the put must replace, or null: there must be no such entry. Else the put is refused with
   * `ERR_CONFLICT`. Cold decides that, so it takes round trips to cold and needs both tiers. @default whatever is there
   */
  readonly expectedVersion?: string | null | undefined
}

export interface UpdateOptions extends IdempotentOptions {
  /** The version that the update must replace; else it is refused with `ERR_CONFLICT`. @default the newest */
  readonly expectedVersion?: string | undefined
}

export interface ExpireOptions extends UpdateOptions {
  /** Whether reads extend it from now on, as of `ttl` with `sliding` in a put. @default false */
  readonly sliding?: boolean | undefined
}

export interface AtomicOptions extends IdempotentOptions {
  /** All or none, which is what `write` is for. */
  readonly atomic: true
}

export interface PrefetchOptions extends CallOptions {
  /** At most this many, 1 to 10 000. @default 1 000 */
  readonly limit?: number | undefined
  /** Which come first, where there is no room for all. @default by namespace and id */
  readonly orderBy?: OrderBy | undefined
  /** Whether child namespaces are asked as well. @default false */
  readonly recursive?: boolean | undefined
}

export interface PreviewSyncOptions extends CallOptions {
  /** How many idle entries of hot are looked at, and how many that have expired, 1 to 10 000. @default 100 */
  readonly limit?: number | undefined
}

export interface PutManyOptions extends WriteOptions {
  /** Whether each input gets an outcome of its own, instead of one rejection for all. @default false */
  readonly settle?: boolean | undefined
}

export interface CountOptions<K extends EntryKind | undefined = undefined> extends CallOptions {
  readonly where?: Where<K> | undefined
  /** Whether child namespaces are asked as well. @default false */
  readonly recursive?: boolean | undefined
}

/** The fields that an entry of kind `K` may have. */
export type SelectField<K extends EntryKind | undefined = undefined> = FieldOf<EntryOf<K>>

export interface FindOptions<K extends EntryKind | undefined = undefined, S extends SelectField<K> = SelectField<K>>
  extends CountOptions<K> {
  /** At most this many, 1 to 10 000. @default 100 */
  readonly limit?: number | undefined
  /** What an entry lacks puts it last. @default by namespace and id */
  readonly orderBy?: OrderBy | undefined
  /** The `nextCursor` of the page before, of the same `where`, `orderBy` and `recursive`. */
  readonly cursor?: string | undefined
  /** Fields to answer, besides `kind`. What is not named is not read: an embedding is most of an entry. @default all */
  readonly select?: readonly S[] | undefined
}

/** Of the chunks of one document, in the order of their positions. */
export type DocumentChunksOptions = CallOptions & Pick<FindOptions, 'limit' | 'cursor'>

export interface DocumentsOptions extends CallOptions, Pick<FindOptions, 'limit' | 'cursor'> {
  /** Which chunks count; documents without any are left out. @default all */
  readonly where?: Where<'chunk'> | undefined
}

export interface DeadLettersOptions extends CallOptions, Pick<FindOptions, 'limit' | 'cursor'> {
  /** Whether to answer what the writes said as well. @default false */
  readonly content?: boolean | undefined
}

/** Whether namespaces below count as well. */
export interface NamespaceCountOptions extends CallOptions {
  /** Whether child namespaces are asked as well. @default false */
  readonly recursive?: boolean | undefined
}

/** Of `stats` of a namespace. */
export type NamespaceStatsOptions = NamespaceCountOptions

export interface NamespacesOptions extends CallOptions, Pick<FindOptions, 'limit' | 'cursor'> {
  /** Segments that a namespace begins with, after those of the view that is asked. @default any */
  readonly prefix?: readonly string[] | undefined
  /** Segments that it ends with. @default any */
  readonly suffix?: readonly string[] | undefined
  /**
   * Segments that are told apart, from the view that is asked on, 1 to 256: a longer path counts with what begins as it
   * does. @default all of them
   */
  readonly depth?: number | undefined
  /** What stands for any one segment in `prefix` and `suffix`. @default nothing does */
  readonly wildcard?: string | undefined
}

/** The fields that a part of a tree may have: a node, or a chunk. */
export type TreeField = FieldOf<TreeEntry>

/** A page of a tree. */
export interface TreeOptions<S extends TreeField = TreeField>
  extends CallOptions,
    Pick<FindOptions, 'limit' | 'cursor'> {
  /** Fields to answer, besides `kind`. @default all */
  readonly select?: readonly S[] | undefined
}

export type SearchTreeOptions<S extends TreeField = TreeField> = (TreeByVector | TreeByMeaning) &
  CommonSearchTreeOptions<S>

export interface TreeByVector extends Pick<ByVector, 'embedding'> {
  readonly text?: undefined
  readonly by?: undefined
}

/** Of a store that was opened with `embed`: its model makes the vector to go down by of `text`. */
export interface TreeByMeaning extends Pick<ByText, 'text'> {
  /** A tree is gone down by vectors alone: words that only leaves have would end at the root. */
  readonly by: 'vector'
  readonly embedding?: undefined
}

export interface CommonSearchTreeOptions<S extends TreeField = TreeField> extends CallOptions {
  /** How many hits at most, 1 to 1 000. @default 10 */
  readonly k?: number | undefined
  /** Where the search begins: at the nodes that nothing has for a child, or at these, by their ids. @default 'roots' */
  readonly from?: 'roots' | readonly string[] | undefined
  /** How many of each level are chosen, and gone down from, 1 to 100. @default 5 */
  readonly beam?: number | undefined
  /** @default 'cosine' */
  readonly metric?: Metric | undefined
  /** Fields of the entries of hits, besides `kind`. @default all */
  readonly select?: readonly S[] | undefined
  /** Whether hits count as read. @default true */
  readonly countAccess?: boolean | undefined
}

export interface StaleNodesOptions<S extends SelectField<'raptor'> = SelectField<'raptor'>>
  extends CallOptions,
    Pick<FindOptions, 'limit'> {
  /** Fields of the nodes to answer, besides `kind`. @default all */
  readonly select?: readonly S[] | undefined
}

export interface DescendantsOptions<S extends TreeField = TreeField> extends TreeOptions<S> {
  /** How many levels down, 1 to 100. @default all of them */
  readonly depth?: number | undefined
}

export interface DeleteDocumentOptions extends WriteOptions {
  /** Called after each batch with how many chunks were deleted so far. */
  readonly onProgress?: ((progress: { readonly deleted: number }) => void) | undefined
}

/** Returns an embedding for each text, in order. @param options.signal of the call, if it has one. */
export type EmbedTexts = (
  texts: string[],
  options: { readonly signal: AbortSignal | undefined },
) => Promise<readonly (readonly number[] | Float32Array | Float64Array)[]>

export interface ReplaceDocumentOptions extends WriteOptions {
  /** Called once, with the texts that need an embedding, each once; not at all where none does. @default none */
  readonly embed?: EmbedTexts | undefined
  /** Model of chunks that name none. A chunk whose embedding is of another model needs a new one. */
  readonly embeddingModel?: string | undefined
  /** Whether to answer what would be done, and do nothing. @default false */
  readonly dryRun?: boolean | undefined
}

/** For every kind at once. */
export type DeleteAllOptions = Omit<DeleteWhereOptions, 'all'>

/** @typeParam C what the call counts. */
interface ChangeWhereOptions<C> extends WriteOptions {
  /** Whether to count what is selected, and change nothing. @default false */
  readonly dryRun?: boolean | undefined
  /** Whether an empty `where` is meant: every entry. @default false */
  readonly all?: boolean | undefined
  /** Whether child namespaces are changed as well. @default false */
  readonly recursive?: boolean | undefined
  /** Entries of a batch, 1 to 1 000. @default 500 */
  readonly batchSize?: number | undefined
  /** Called after each batch with the counts so far. */
  readonly onProgress?: ((counts: C) => void) | undefined
}

export type DeleteWhereOptions = ChangeWhereOptions<DeletedWhere>
export type UpdateWhereOptions = ChangeWhereOptions<UpdatedWhere>

export interface EraseOptions extends CallOptions {
  /**
   * Whether the database is vacuumed at the end, so that no index has it: `'full'` writes its tables anew, while nobody
   * else reads or writes them, so that no file of them has it either. It takes as long as it takes. @default false
   */
  readonly vacuum?: boolean | 'full' | undefined
  /** Whether to count what is selected, and change nothing. @default false */
  readonly dryRun?: boolean | undefined
  /** Whether an empty `where` is meant: every entry. @default false */
  readonly all?: boolean | undefined
  /** Whether what `where` selects in child namespaces is erased as well. @default false */
  readonly recursive?: boolean | undefined
  /** Entries of a batch, 1 to 1 000. @default 500 */
  readonly batchSize?: number | undefined
  /** Called after each batch with the counts so far. */
  readonly onProgress?: ((progress: EraseProgress) => void) | undefined
}

export interface ExportOptions extends CallOptions {
  /**
   * A path, which has the archive only when it is whole, compressed by gzip where it ends in `.gz`; or a `Writable`,
   * which is ended.
   */
  readonly to: ArchiveTarget
  /** Which entries. @default all */
  readonly where?: Where | undefined
  /** Called every few hundred entries. */
  readonly onProgress?: ((progress: ExportProgress) => void) | undefined
}

export interface ImportOptions extends WriteOptions {
  /** A path, or what it holds, as bytes or texts one after the other: a `Readable` is such. */
  readonly from: ArchiveSource
  /**
   * What becomes of an entry that is there with other content: it is left (`'skip'`), replaced where its `updatedAt` is
   * older (`'newer'`), replaced (`'overwrite'`), or the import is refused (`'fail'`): before anything is written,
   * unless the entry came after all were looked at. @default 'fail'
   */
  readonly onConflict?: OnConflict | undefined
  /** Whether to verify the archive and count what would be done, and do nothing. @default false */
  readonly dryRun?: boolean | undefined
  /** Called every few hundred entries, while they are verified and then while they are written. */
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined
}

/** By `embedding`, by `text`, or by both, whose ranks are then fused. */
export type SearchOptions<K extends EntryKind | undefined = undefined, S extends SelectField<K> = SelectField<K>> = (
  | ByVector
  | ByText
  | ByMeaning
  | ByBoth
) &
  CommonSearchOptions<K, S>

export interface CommonSearchOptions<
  K extends EntryKind | undefined = undefined,
  S extends SelectField<K> = SelectField<K>,
> extends CountOptions<K> {
  /** How many hits at most, 1 to 1 000. @default 10 */
  readonly k?: number | undefined
  /** No hit whose `score` is less. @default all */
  readonly minScore?: number | undefined
  /** Fields of the entries of hits, besides `kind`. @default all */
  readonly select?: readonly S[] | undefined
  /**
   * Whether hits count as read, as by `get`. `false` is for who looks at many, and counts by `touch` what was of use.
   * @default true
   */
  readonly countAccess?: boolean | undefined
}

export interface ByVector {
  readonly embedding: readonly number[] | Float32Array | Float64Array
  /** @default 'cosine' */
  readonly metric?: Metric | undefined
  /** Chooses the hits among more by maximal marginal relevance, so that they are not all alike. @default the best */
  readonly mmr?: Mmr | undefined
  readonly text?: undefined
  readonly by?: undefined
  readonly fusion?: undefined
}

export interface ByText {
  /**
   * What people type: words that must all be there, "phrases", `or`, `-` before what must not be there. It is looked
   * for in `text` and `summary`, in the language of the store (`cold.language`). At most 4 000 characters.
   */
  readonly text: string
  readonly by?: 'words' | undefined
  readonly embedding?: undefined
  readonly metric?: undefined
  readonly mmr?: undefined
  readonly fusion?: undefined
}

/** Of a store that was opened with `embed`: its model makes the vector to search by of `text`. */
export interface ByMeaning extends Pick<ByText, 'text'>, Pick<ByVector, 'metric' | 'mmr'> {
  /** The nearest vectors of that model alone (`'vector'`), or those and the words of `text`, fused (`'both'`). */
  readonly by: 'vector' | 'both'
  readonly embedding?: undefined
  /** Of `both`. */
  readonly fusion?: Fusion | undefined
}

export interface ByBoth extends Pick<ByVector, 'embedding' | 'metric' | 'mmr'>, Pick<ByText, 'text'> {
  readonly by?: undefined
  readonly fusion?: Fusion | undefined
}

/** One of many searches. A `signal` and a `timeout` are of the call. */
export type ManySearchOptions<
  K extends EntryKind | undefined = undefined,
  S extends SelectField<K> = SelectField<K>,
> = (ByVector | ByText | ByMeaning | ByBoth) & Omit<CommonSearchOptions<K, S>, keyof CallOptions>

/** Of `reembed` of the store. */
export interface ReembedOptions extends CallOptions {
  /** Called every few dozen entries with the counts so far. */
  readonly onProgress?: ((progress: Reembedded) => void) | undefined
}

/** Of `collectInto` of the store. */
export interface CollectOptions extends CallOptions {
  /** Value of the label `store` of each number. @default no label */
  readonly store?: string | undefined
}

/** What holds where a call says nothing; for opening there is `default-options.ts`. */
export const CALL_DEFAULTS = {
  find: { limit: 100 },
  import: { onConflict: 'fail' },
  eraseDone: { within: 30_000 },
  prefetch: { limit: 1_000 },
  previewSync: { limit: 100 },
  search: SEARCH_DEFAULTS,
  searchTree: { k: 10, from: 'roots', beam: 5, metric: 'cosine', countAccess: true },
} as const satisfies {
  searchTree: Partial<SearchTreeOptions>
  find: Partial<FindOptions>
  import: Partial<ImportOptions>
  eraseDone: EraseDoneOptions
  prefetch: PrefetchOptions
  previewSync: PreviewSyncOptions
  search: Partial<ByBoth & CommonSearchOptions>
}

const DURABILITIES: readonly Durability[] = ['wal', 'cold']
const METRICS: readonly Metric[] = ['cosine', 'l2', 'inner-product']
const MAX_FIND = 10_000
const MAX_BATCH = 1_000
const MAX_BEAM = 100

const waiting = { signal, timeout } satisfies RulesOf<CallOptions>
const writing = { ...waiting, durability: oneOf(DURABILITIES) } satisfies RulesOf<WriteOptions>

const idempotent = {
  ...writing,
  idempotencyKey: optionRule(
    (value) => (typeof value === 'string' && value !== '' && nameFault(value) === undefined ? value : undefined),
    'a text of 1 to 512 bytes of UTF-8',
  ),
} satisfies RulesOf<IdempotentOptions>

const version = optionRule(
  (value) => (typeof value === 'string' && isVersion(value) ? value : undefined),
  'a version, as receipts and entries have it: 24 hex digits in lower case',
)
const versionOrNull: OptionRule<string | null> = (value, option) => (value === null ? null : version(value, option))

const where: OptionRule<Filter> = (value) => parseWhere(value as Where)
const counting = { where, recursive: asQuery(flag), ...waiting } satisfies RulesOf<CountOptions>

const orderBy: OptionRule<Order> = (value) => parseOrder(value)
const cursor: OptionRule<string> = asQuery(
  optionRule((value) => (typeof value === 'string' ? value : undefined), 'the `nextCursor` of the page before'),
)
const select: OptionRule<Select> = (value) => parseSelect(value)
const finding = { limit: wholeNumber(MAX_FIND), orderBy, cursor, select, ...counting } satisfies RulesOf<FindOptions>

const prefetching = {
  ...{ limit: wholeNumber(MAX_FIND), orderBy, recursive: asQuery(flag) },
  ...waiting,
} satisfies RulesOf<PrefetchOptions>

const embedding: OptionRule<Float32Array> = asQuery(validateEmbedding)
const searching = {
  embedding,
  k: wholeNumber(MAX_HITS),
  metric: asQuery(oneOf(METRICS)),
  text: checkText,
  by: asQuery(oneOf(SEARCHED_BY)),
  fusion: checkFusion,
  minScore: checkMinScore,
  mmr: checkMmr,
  select,
  countAccess: asQuery(flag),
  ...counting,
} satisfies RulesOf<SearchOptions>

const { signal: _, timeout: __, ...oneOfMany } = searching
const checkOne = asSearch(defineCall('a query of searchMany', oneOfMany))
const MAX_QUERIES = 100
/** Hits that are looked at for all of them. */
const MAX_SUM = 10_000

/** Checks the queries of one call. What a refused one broke is told with its index. */
export function checkQueries(given: unknown): ReturnType<typeof checkOne>[] {
  if (!Array.isArray(given) || given.length > MAX_QUERIES)
    throw invalidQuery(
      `\`queries\` must be an array of at most ${MAX_QUERIES} queries: ask for the rest apart`,
      'queries',
    )
  // Unlike map, this sees holes.
  const queries = Array.from(given as unknown[], (one, index) => {
    try {
      return checkOne(one)
    } catch (error) {
      if (!isThermoclineError(error)) throw error
      throw retold(error, { ...error.details, index }, `query ${index}: ${error.message}`)
    }
  })
  const sum = queries.reduce((whole, { query }) => whole + (query.mmr?.fetch ?? query.k), 0)
  if (sum <= MAX_SUM) return queries
  throw invalidQuery(`the \`k\` of all queries, or their \`mmr.fetch\`, must be at most ${MAX_SUM} together`, 'k')
}

const paging = { limit: wholeNumber(MAX_FIND), cursor, ...waiting } satisfies RulesOf<DocumentChunksOptions>
const from: OptionRule<'roots' | readonly string[]> = asQuery((value, option) => {
  if (value === 'roots') return value
  if (Array.isArray(value) && value.length <= MAX_FIND)
    return Array.from(value, (id: unknown) => validateId(id, option))
  throw invalidQuery(`\`${option}\` must be 'roots', or an array of ids, at most ${MAX_FIND}`, option)
})
const walking = { select, ...paging } satisfies RulesOf<TreeOptions>

/** Checks which dead letters a call is about. */
export function checkLetters(given: unknown): readonly string[] | 'all' {
  if (given === 'all') return given
  if (Array.isArray(given) && given.every((letter) => typeof letter === 'string' && /^[0-9a-f]{64}$/.test(letter)))
    return [...given]
  const message = "option `letters` must be an array of what `deadLetters` names by `letter`, or 'all'"
  throw new ThermoclineError('ERR_INVALID_OPTIONS', message, { option: 'letters' })
}

/** A path has no more. */
const MAX_SEGMENTS = 256
const segments: OptionRule<readonly string[]> = (value, field) => {
  parseSegments(field, value, undefined)
  return value as readonly string[]
}
const listing = {
  ...{ prefix: segments, suffix: segments, depth: wholeNumber(MAX_SEGMENTS) },
  wildcard: asQuery(optionRule((value) => (typeof value === 'string' ? value : undefined), 'a text, as `*`')),
  ...paging,
} satisfies RulesOf<NamespacesOptions>

const callback = <F extends (...args: never[]) => unknown>(): OptionRule<F> =>
  optionRule((value) => (typeof value === 'function' ? (value as F) : undefined), 'a function')
const changing = {
  ...writing,
  dryRun: flag,
  all: flag,
  recursive: asQuery(flag),
  batchSize: wholeNumber(MAX_BATCH),
} satisfies Omit<RulesOf<DeleteWhereOptions>, 'onProgress'>
const vacuum = optionRule<Vacuuming | false>(
  (value) => (value === 'full' || value === false ? value : value === true ? 'plain' : undefined),
  "true, false or 'full'",
)
const erasing = {
  ...{ ...waiting, vacuum, dryRun: flag, all: flag, recursive: asQuery(flag), batchSize: wholeNumber(MAX_BATCH) },
  onProgress: callback<(progress: EraseProgress) => void>(),
}
const replacing = {
  ...writing,
  embed: callback<EmbedTexts>(),
  embeddingModel: (value) => name('embeddingModel', value),
  dryRun: flag,
} satisfies RulesOf<ReplaceDocumentOptions>

const target: OptionRule<ArchiveTarget> = optionRule(
  (value) => (isPath(value) || isWritable(value) ? value : undefined),
  'the path of a file, or a Writable',
)
const source: OptionRule<ArchiveSource> = optionRule(
  (value) => (isPath(value) || isReadable(value) ? value : undefined),
  'the path of a file, or a Readable or another iterable of bytes',
)
const ON_CONFLICT: readonly OnConflict[] = ['skip', 'newer', 'overwrite', 'fail']
const exporting = {
  ...{ to: target, where, ...waiting },
  onProgress: callback<(progress: ExportProgress) => void>(),
} satisfies RulesOf<ExportOptions>
const importing = {
  ...{ from: source, onConflict: oneOf(ON_CONFLICT), dryRun: flag, ...writing },
  onProgress: callback<(progress: ImportProgress) => void>(),
} satisfies RulesOf<ImportOptions>

function isPath(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/** By what is used of it, as is the other: both may be of another realm, or of a package. */
function isWritable(value: unknown): value is Writable {
  const { write, end } = (typeof value === 'object' && value !== null ? value : {}) as Partial<Writable>
  return typeof write === 'function' && typeof end === 'function'
}

function isReadable(value: unknown): value is AsyncIterable<Uint8Array> {
  return typeof value === 'object' && value !== null && (Symbol.asyncIterator in value || Symbol.iterator in value)
}

const recursively = { recursive: asQuery(flag), ...waiting } satisfies RulesOf<NamespaceCountOptions>

export const CALLS = {
  put: defineCall('put', { ...idempotent, expectedVersion: versionOrNull } satisfies RulesOf<PutOptions>),
  update: defineCall('update', { ...idempotent, expectedVersion: version } satisfies RulesOf<UpdateOptions>),
  upsert: defineCall('upsert', idempotent),
  write: asAtomic(defineCall('write', { ...idempotent, atomic: flag })),
  putMany: defineCall('putMany', { ...writing, settle: flag } satisfies RulesOf<PutManyOptions>),
  get: defineCall('get', waiting),
  getMany: defineCall('getMany', waiting),
  getByKey: defineCall('getByKey', waiting),
  getManyByKey: defineCall('getManyByKey', waiting),
  has: defineCall('has', waiting),
  hasMany: defineCall('hasMany', waiting),
  peek: defineCall('peek', waiting),
  touch: defineCall('touch', waiting),
  expire: defineCall('expire', {
    ...idempotent,
    expectedVersion: version,
    sliding: flag,
  } satisfies RulesOf<ExpireOptions>),
  promote: defineCall('promote', waiting),
  demote: defineCall('demote', waiting),
  pin: defineCall('pin', waiting),
  unpin: defineCall('unpin', waiting),
  prefetch: defineCall('prefetch', prefetching),
  delete: defineCall('delete', writing),
  deleteMany: defineCall('deleteMany', writing),
  deleteByKey: defineCall('deleteByKey', writing),
  find: defineCall('find', finding),
  findAll: defineCall('findAll', finding),
  count: defineCall('count', counting),
  ofDocument: defineCall('ofDocument', paging),
  deleteDocument: defineCall('deleteDocument', {
    ...writing,
    onProgress: callback<(progress: { readonly deleted: number }) => void>(),
  } satisfies RulesOf<DeleteDocumentOptions>),
  deleteWhere: defineCall('deleteWhere', {
    ...changing,
    onProgress: callback<(counts: DeletedWhere) => void>(),
  } satisfies RulesOf<DeleteWhereOptions>),
  updateWhere: defineCall('updateWhere', {
    ...changing,
    onProgress: callback<(counts: UpdatedWhere) => void>(),
  } satisfies RulesOf<UpdateWhereOptions>),
  replaceDocument: defineCall('replaceDocument', replacing),
  documents: defineCall('documents', { where, ...paging } satisfies RulesOf<DocumentsOptions>),
  children: defineCall('children', walking),
  parents: defineCall('parents', walking),
  roots: defineCall('roots', walking),
  leaves: defineCall('leaves', walking),
  ancestors: defineCall('ancestors', walking),
  descendants: defineCall('descendants', {
    ...walking,
    depth: wholeNumber(MAX_DEPTH),
  } satisfies RulesOf<DescendantsOptions>),
  searchTree: asTreeSearch(
    defineCall('searchTree', {
      ...{ embedding, text: checkText, by: asQuery(oneOf<'vector'>(['vector'])) },
      ...{ k: wholeNumber(MAX_HITS), from, beam: wholeNumber(MAX_BEAM) },
      ...{ metric: asQuery(oneOf(METRICS)), select, countAccess: asQuery(flag), ...waiting },
    } satisfies RulesOf<SearchTreeOptions>),
  ),
  staleNodes: defineCall('staleNodes', {
    ...{ limit: wholeNumber(MAX_FIND), select },
    ...waiting,
  } satisfies RulesOf<StaleNodesOptions>),
  level: defineCall('level', walking),
  namespaces: asPattern(defineCall('namespaces', listing)),
  countNamespace: defineCall('count', recursively),
  namespaceStats: defineCall('stats', recursively),
  deleteAll: defineCall('deleteAll', {
    ...{ ...writing, dryRun: flag, recursive: asQuery(flag), batchSize: wholeNumber(MAX_BATCH) },
    onProgress: callback<(counts: DeletedWhere) => void>(),
  } satisfies RulesOf<DeleteAllOptions>),
  erase: defineCall('erase', erasing),
  eraseDone: defineCall('done', { within: timeout, signal } satisfies RulesOf<EraseDoneOptions>),
  search: asSearch(defineCall('search', searching)),
  searchMany: defineCall('searchMany', waiting),
  explain: defineCall('explain', waiting),
  export: defineCall('export', exporting),
  import: defineCall('import', importing),
  deadLetters: defineCall('deadLetters', { ...paging, content: flag } satisfies RulesOf<DeadLettersOptions>),
  retryDeadLetters: defineCall('retryDeadLetters', waiting),
  dropDeadLetters: defineCall('dropDeadLetters', waiting),
  sync: defineCall('sync', waiting),
  previewSync: defineCall('previewSync', {
    limit: wholeNumber(MAX_FIND),
    ...waiting,
  } satisfies RulesOf<PreviewSyncOptions>),
  checkpoint: defineCall('checkpoint', waiting),
  reembed: defineCall('reembed', {
    ...waiting,
    onProgress: callback<(progress: Reembedded) => void>(),
  } satisfies RulesOf<ReembedOptions>),
  stats: defineCall('stats', waiting),
  logs: defineCall('logs', waiting),
  alerts: defineCall('alerts', waiting),
  metrics: defineCall('metrics', waiting),
  collectInto: defineCall('collectInto', { store: nonEmptyText, ...waiting } satisfies RulesOf<CollectOptions>),
  close: defineCall('close', { timeout }),
} as const

/** Refuses to change everything by mistake. */
export function changeable(where: unknown, { all = false }: { readonly all?: boolean }): Filter {
  const filter = parseWhere(where as Where)
  if (all || !selectsAll(filter)) return filter
  throw invalidQuery('`where` selects every entry: say `all: true` where that is meant', 'where')
}

interface GivenTreeSearch extends Patience, Partial<TreeQuery> {
  readonly embedding?: Float32Array
  readonly text?: string
  readonly by?: 'vector'
  readonly metric?: Metric
}

interface CheckedTreeSearch extends Patience {
  readonly query: TreeQuery
  /** What the vectors of the query are to be made of. */
  readonly meaning: Meaning | undefined
}

/** Adds what the options ask for together. */
function asTreeSearch(schema: CallSchema<GivenTreeSearch>) {
  return (given: unknown): CheckedTreeSearch => {
    const { metric: usual, ...defaults } = CALL_DEFAULTS.searchTree
    const { signal, timeout, embedding, text, by, metric = usual, ...checked } = schema(given)
    if (embedding === undefined && text === undefined)
      throw invalidQuery("give `embedding`, the vector to search by, or `text` and `by: 'vector'`", 'embedding')
    if (embedding !== undefined && text !== undefined)
      throw invalidQuery('a tree is gone down by one vector: give `embedding`, or `text` for one of it', 'text')
    if ((by === undefined) !== (text === undefined))
      throw invalidQuery("`by: 'vector'` goes with `text`, of which the store makes the vector", 'by')
    const vectors = embedding === undefined ? [] : [{ embedding, metric }]
    const query = { ...defaults, select: undefined, ...checked, vectors }
    return { signal, timeout, query, meaning: text === undefined ? undefined : { text, metric } }
  }
}

/** Adds what the options ask for together. */
function asSearch<O extends Parameters<typeof toSearchQuery>[0]>(schema: CallSchema<O>) {
  return (given: unknown): O & { readonly query: SearchQuery } => {
    const checked = schema(given)
    return { ...checked, query: toSearchQuery(checked) }
  }
}

/** Adds the patterns of `prefix` and `suffix`. */
function asPattern<O extends NamespacesOptions>(schema: CallSchema<O>) {
  return (given: unknown): O & { readonly begins: SegmentPattern; readonly ends: SegmentPattern } => {
    const checked = schema(given)
    const { prefix = [], suffix = [], wildcard } = checked
    return {
      ...checked,
      begins: parseSegments('prefix', prefix, wildcard),
      ends: parseSegments('suffix', suffix, wildcard),
    }
  }
}

/** Refuses to be taken for a write of which some may happen. */
function asAtomic<O extends { readonly atomic?: boolean | undefined }>(schema: CallSchema<O>): CallSchema<O> {
  return (given) => {
    const checked = schema(given)
    if (checked.atomic === true) return checked
    throw new ThermoclineError(
      'ERR_INVALID_OPTIONS',
      '`write` is all or none: say `atomic: true`, or use `putMany`, `deleteMany` and `update`, which write one by one',
      { option: 'atomic' },
    )
  }
}

/** Where a call has not the name of its table; those of a namespace are told from the calls of the same name. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  countNamespace: 'namespace.count',
  namespaceStats: 'namespace.stats',
  eraseDone: 'done',
}

const NAMES: ReadonlyMap<unknown, string> = new Map(
  Object.entries(CALLS).map(([name, schema]) => [schema, OTHER_NAMES[name] ?? name]),
)

/** What callers know the call by. */
export function nameOf(schema: CallSchema<unknown>): string {
  return NAMES.get(schema) ?? 'unknown'
}

function wholeNumber(most: number): OptionRule<number> {
  return (value, field) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= most) return value
    throw invalidQuery(`\`${field}\` must be a whole number from 1 to ${most}`, field)
  }
}

/** Turns the refusal of a rule into `ERR_INVALID_QUERY`, which is what a query is refused with, whoever checks it. */
function asQuery<T>(rule: OptionRule<T>): OptionRule<T> {
  return (value, field) => {
    try {
      return rule(value, field)
    } catch (error) {
      if (!isThermoclineError(error)) throw error
      throw invalidQuery(error.message, field)
    }
  }
}

function invalidQuery(message: string, field: string): ThermoclineError<'ERR_INVALID_QUERY'> {
  return new ThermoclineError('ERR_INVALID_QUERY', message, { field })
}
