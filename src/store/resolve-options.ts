/** Checks the options of a store and fills in the defaults: {@link resolveOptions}. */
import { z } from 'zod'
import { DEFAULTS, POSTGRES_CONNECTIONS } from '../default-options.ts'
import { parseDuration } from '../entry/duration.ts'
import { MAX_DIMENSIONS } from '../entry/limits.ts'
import { isNamespacePattern, type NamespaceRules } from '../entry/namespace-rules.ts'
import { PRECISIONS, type Precision } from '../entry/rounded-vector.ts'
import { nameFault } from '../entry/text.ts'
import { ThermoclineError } from '../errors.ts'
import type { EmbedMany } from '../flow/embedder.ts'
import type { EmbedTime } from '../flow/vectors.ts'
import type { Durability } from '../flow/writer.ts'
import type { RedisLocation } from '../hot/redis/redis-location.ts'
import { parseRedisUrl } from '../hot/redis/redis-url.ts'
import type { Clock } from '../kernel/clock.ts'
import { MAX_TIMER_MS } from '../kernel/deadline.ts'
import { absoluteFolder } from '../kernel/folder-error.ts'
import { type Logger, neverFailing, silentLogger } from '../kernel/logger.ts'
import type {
  AlertOptions,
  CheckpointOptions,
  ColdOptions,
  EmbedOptions,
  FormerModel,
  HotOptions,
  MemoryStoreOptions,
  OwnHotOptions,
  PostgresClientLike,
  PromoteOptions,
  RedisClientLike,
  SyncOptions,
  TimeoutOptions,
  WalOptions,
} from '../options.ts'
import type { PolicyRule } from '../policy/policy-table.ts'
import { type MetadataPath, namesMetadata, parseMetadataPath } from '../query/metadata-path.ts'
import type { Metric } from '../query/metric.ts'
import { isCronPattern } from '../sync/sync-schedule.ts'
import type { AlertLimits } from '../telemetry/alerts.ts'
import { policiesCheck } from './resolve-policies.ts'

/** Checked, complete and frozen; durations in milliseconds. */
export interface ResolvedOptions {
  readonly dir: string
  readonly inMemory: boolean
  readonly hot: ResolvedHot
  readonly cold: ResolvedCold
  readonly durability: Durability
  readonly wal: Complete<typeof DEFAULTS.wal>
  readonly checkpoint: Complete<typeof DEFAULTS.checkpoint>
  readonly sync: Complete<typeof DEFAULTS.sync> | false
  readonly promote: Complete<typeof DEFAULTS.promote> | false
  /** In the order in which they are asked. */
  readonly policies: readonly PolicyRule[]
  readonly timeouts: Complete<typeof DEFAULTS.timeouts>
  /** Undefined: the store makes no vectors. */
  readonly embed: ResolvedEmbed | undefined
  readonly alerts: AlertLimits | false
  readonly requireCold: boolean
  /** It is only read ({@link toLook}). */
  readonly looks?: true
  readonly logger: Logger
  readonly clock: Clock
}

/** A group of options, each with a value. */
type Complete<T> = { readonly [K in keyof T]: T[K] extends number ? number : string }

export interface ResolvedEmbed {
  readonly model: string
  readonly dimensions: number
  readonly embedMany: EmbedMany
  readonly when: EmbedTime
  readonly former: readonly FormerModel[]
  readonly batchSize: number
  readonly maxConcurrency: number
  readonly timeout: number
}

export type ResolvedHot =
  | { readonly kind: 'memory'; readonly maxEntries: number; readonly maxBytes: number }
  | { readonly kind: 'redis'; readonly server: RedisLocation }
  | { readonly kind: 'own'; readonly name: string; readonly open: OwnHotOptions['open'] }

/**
 * `isShared`: other processes may use the database as well, for it is a server. `isInDataFolder`: it is on one disk
 * with the logs, which are all that it knows of.
 */
export type ResolvedCold = {
  readonly dimensions: readonly number[]
  readonly metrics: readonly Metric[]
  readonly language: string | undefined
  readonly indexes: readonly MetadataPath[]
  readonly precision: NamespaceRules<Precision>
  readonly migrate: 'auto' | 'check' | 'change'
} & (
  | {
      readonly kind: 'embedded'
      readonly isShared: false
      readonly isInDataFolder: boolean
      readonly dir: string | undefined
    }
  | {
      readonly kind: 'postgres'
      readonly isShared: true
      readonly isInDataFolder: false
      readonly url: string | undefined
      readonly client: PostgresClientLike | undefined
      readonly max: number
    }
)

const DURATION = "a duration: milliseconds or a text like '5m'"

const duration = z.union([z.number(), z.string()], DURATION).transform((value, context) => {
  const millis = parseDuration(value)
  if (millis !== undefined && millis <= MAX_TIMER_MS) return millis
  context.addIssue({ code: 'custom', message: DURATION })
  return z.NEVER
})

const positiveDuration = duration.refine((millis) => millis > 0, `${DURATION}, above 0`)

const whole = (least: number) => z.int().min(least)
const methods = <T>(names: readonly string[], message: string) =>
  z.custom<T>(
    (value) => names.every((name) => typeof (value as Record<string, unknown> | null)?.[name] === 'function'),
    message,
  )

const REDIS_URL = 'a url like redis://user:password@host:port/database'
const POSTGRES_URL = 'a url like postgres://user:password@host:port/database'
const url = (pattern: RegExp, message: string) =>
  z.string(message).refine((value) => pattern.test(value) && URL.canParse(value), message)
const hasOptions = (value: unknown): boolean => {
  const options = (value as { options?: unknown } | null | undefined)?.options
  return typeof options === 'object' && options !== null
}

/**
 * It is a function, and has read its options; a pool of pg, of Knex or of another library keeps them as they were
 * given.
 */
const isPostgresJs = (value: unknown): boolean => {
  if (typeof value !== 'function' || !hasOptions(value)) return false
  const { host, port, parsers } = (value as unknown as { options: Record<string, unknown> }).options
  return Array.isArray(host) && Array.isArray(port) && typeof parsers === 'object'
}

const IOREDIS =
  'a client of ioredis, as `new Redis(url)` makes it: one of another package, such as `redis`, cannot be used'

/**
 * Whether it is a client of ioredis, of any major version: one of another library cannot be made anew from its options.
 */
const isIoredisClient = (value: unknown): boolean => {
  if (!hasOptions(value)) return false
  const { isCluster, startupNodes, status, duplicate, defineCommand } = value as Record<string, unknown>
  const isOne = isCluster === true ? Array.isArray(startupNodes) : isCluster === false
  const methods = [duplicate, defineCommand]
  return isOne && typeof status === 'string' && methods.every((method) => typeof method === 'function')
}

/** A check for each option of a group, so that none can be declared and not be checked. */
type Checks<G> = { readonly [O in keyof G]-?: z.ZodType }

const hotChecks = {
  kind: z.literal('memory').optional(),
  maxEntries: whole(1).optional(),
  maxBytes: whole(1).optional(),
  url: url(/^rediss?:\/\//, REDIS_URL).optional(),
  client: z.custom<RedisClientLike>(isIoredisClient, IOREDIS).optional(),
  name: z.string().min(1).max(64).optional(),
  open: z
    .custom<OwnHotOptions['open']>((value) => typeof value === 'function', 'a function that opens a hot tier')
    .optional(),
} satisfies Checks<HotOptions>

const LANGUAGE = "the name of a text search configuration, as 'simple' or 'english'"

const MEMBER = "the path of a member of metadata, as 'metadata.year' or what `metadataPath` answers"

function isMemberPath(value: unknown): boolean {
  return typeof value === 'string' && namesMetadata(value) && (parseMetadataPath(value) ?? []).length > 0
}

const PATTERN = "the path of a namespace, with '/**' behind it for it and all below, or '**'"

const PRECISION = `${PRECISIONS.map((name) => `'${name}'`).join(', ')}, or an object of these by namespace`

const precision = z.enum(PRECISIONS)

const coldChecks = {
  dir: z.string().min(1).optional(),
  url: url(/^postgres(ql)?:\/\//, POSTGRES_URL).optional(),
  client: z.custom<PostgresClientLike>(isPostgresJs, 'a client of postgres.js, as `postgres(url)` makes it').optional(),
  max: whole(1).max(1_000).optional(),
  dimensions: z.array(z.int().min(1).max(MAX_DIMENSIONS)).max(16).optional(),
  metrics: z.array(z.enum(['cosine', 'l2', 'inner-product'])).optional(),
  language: z
    .string()
    .regex(/^[a-z_][a-z0-9_]{0,39}$/, LANGUAGE)
    .optional(),
  indexes: z.array(z.custom<NonNullable<ColdOptions['indexes']>[number]>(isMemberPath, MEMBER)).max(32).optional(),
  precision: z
    .union([precision, z.record(z.string().refine(isNamespacePattern, PATTERN), precision)], PRECISION)
    .optional(),
  migrate: z.enum(['auto', 'check']).optional(),
} satisfies Checks<ColdOptions>

const walChecks = {
  // Smaller than a few records, every write would rotate; larger, offsets no longer fit the format.
  segmentBytes: z.int().min(4_096).max(1_073_741_824).optional(),
  checkpointBytes: whole(1).optional(),
  maxPendingBytes: whole(1).optional(),
  lockTimeout: duration.optional(),
} satisfies Checks<WalOptions>

const checkpointChecks = { every: duration.optional() } satisfies Checks<CheckpointOptions>

const RATE = 'a whole number, 1 or more'

const syncChecks = {
  schedule: z.string().refine(isCronPattern, "a cron pattern like '0 * * * * *'").optional(),
  hotToColdAge: duration.optional(),
  batchSize: whole(1).max(10_000).optional(),
  activationHalfLife: positiveDuration.optional(),
  maxMigrationsPerSecond: z.union([whole(1), z.literal(Number.POSITIVE_INFINITY)], RATE).optional(),
} satisfies Checks<SyncOptions>

const promoteChecks = { minAccesses: whole(1).optional() } satisfies Checks<PromoteOptions>

const timeoutChecks = {
  hot: duration.optional(),
  cold: duration.optional(),
  search: duration.optional(),
  open: duration.optional(),
} satisfies Checks<TimeoutOptions>

const MODEL = 'the name of a model, of 1 to 512 bytes of UTF-8'

const modelChecks = {
  model: z.string(MODEL).refine((value) => value !== '' && nameFault(value) === undefined, MODEL),
  dimensions: z.int().min(1).max(MAX_DIMENSIONS),
  embedMany: z.custom<EmbedMany>((value) => typeof value === 'function', 'a function that answers vectors of texts'),
} satisfies Checks<FormerModel>

const embedChecks = {
  ...modelChecks,
  when: z.enum(['put', 'background']).optional(),
  former: z.array(z.strictObject(modelChecks)).max(4).optional(),
  batchSize: whole(1).max(10_000).optional(),
  maxConcurrency: whole(1).max(100).optional(),
  timeout: positiveDuration.optional(),
} satisfies Checks<EmbedOptions>

const limitIn = (duration: z.ZodType) => z.union([z.literal(false), duration], `${DURATION}, or false`).optional()
const SHARE = 'a share from 0 to 1, or false'
const share = z.union([z.literal(false), z.number().min(0).max(1)], SHARE).optional()

const alertChecks = {
  ...{ checkpointLag: limitIn(duration), syncAge: limitIn(duration), tierAway: limitIn(duration) },
  ...{ hotLatency: limitIn(duration), logGrowth: limitIn(duration), clockDrift: limitIn(duration) },
  ...{ pendingFill: share, hotFill: share, hitRatio: share, diskFree: share },
  deadLetters: z.union([z.literal(false), whole(0)], 'a whole number, or false').optional(),
} satisfies Checks<AlertOptions>

const LOGGER = 'a logger with debug, info, warn and error'

const schema = z.strictObject({
  dir: z.string().min(1).optional(),
  inMemory: z.boolean().optional(),
  hot: z.strictObject(hotChecks).optional(),
  cold: z.strictObject(coldChecks).optional(),
  durability: z.enum(['wal', 'cold']).optional(),
  wal: z.strictObject(walChecks).optional(),
  checkpoint: z.strictObject(checkpointChecks).optional(),
  sync: z.union([z.literal(false), z.strictObject(syncChecks)]).optional(),
  promote: z.union([z.literal(false), z.strictObject(promoteChecks)]).optional(),
  policies: policiesCheck.optional(),
  timeouts: z.strictObject(timeoutChecks).optional(),
  embed: z.strictObject(embedChecks).optional(),
  alerts: z.union([z.literal(false), z.strictObject(alertChecks)]).optional(),
  requireCold: z.boolean().optional(),
  logger: z
    .union([z.literal(false), methods<Logger>(['debug', 'info', 'warn', 'error'], LOGGER)], `${LOGGER}, or false`)
    .optional(),
  clock: methods<Clock>(['now'], 'a clock with now()').optional(),
} satisfies Checks<MemoryStoreOptions>)

/** Checks the options and fills in the defaults; the caller's object is left alone. Throws `ERR_INVALID_OPTIONS`. */
export function resolveOptions(options: MemoryStoreOptions = {}): ResolvedOptions {
  const parsed = schema.safeParse(options)
  if (!parsed.success) throw invalid(parsed.error.issues[0]!)
  refuseUnsetNames(options)
  const given = parsed.data
  refuseContradictions(given)
  return deepFreeze({
    dir: given.inMemory ? (given.dir ?? DEFAULTS.dir) : absoluteFolder('dir', given.dir ?? DEFAULTS.dir),
    inMemory: given.inMemory ?? DEFAULTS.inMemory,
    hot: resolveHot(given.hot),
    cold: resolveCold(given.cold, given.embed),
    durability: given.durability ?? DEFAULTS.durability,
    wal: complete(DEFAULTS.wal, given.wal),
    checkpoint: complete(DEFAULTS.checkpoint, given.checkpoint),
    sync: given.sync === false ? false : complete(DEFAULTS.sync, given.sync),
    promote: given.promote === false ? false : complete(DEFAULTS.promote, given.promote),
    policies: given.policies ?? DEFAULTS.policies,
    timeouts: complete(DEFAULTS.timeouts, given.timeouts),
    embed: given.embed && { ...given.embed, ...complete(DEFAULTS.embed, given.embed) },
    alerts: given.alerts === false ? false : complete<AlertLimits>(DEFAULTS.alerts, given.alerts),
    requireCold: given.requireCold ?? DEFAULTS.requireCold,
    logger: resolveLogger(given.logger),
    clock: given.clock === undefined ? DEFAULTS.clock : wholeMillis(given.clock),
  })
}

/**
 * Of a store that is only read: nothing enters hot by that, no sync begins, and the database is left as it is. Indexes
 * that it lacks are not missed: queries take longer without them.
 */
export function toLook(options: ResolvedOptions): ResolvedOptions {
  const cold = { ...options.cold, migrate: 'check', dimensions: [], indexes: [], language: undefined } as const
  return deepFreeze({ ...options, cold, sync: false, promote: false, looks: true })
}

/** Options that name a data location, and what is used when the option is left out. */
const TIER_NAMES = {
  hot: {
    url: 'a hot tier in this process',
    client: 'a hot tier in this process',
    open: 'a hot tier in this process',
  },
  cold: { url: 'an embedded database', client: 'an embedded database', dir: 'the one in the data folder' },
} as const

/**
 * Refuses `undefined` as the name of a data location. Elsewhere `undefined` means the default. Here the default is
 * another location, and the value is mostly an environment variable that is not set.
 */
export function refuseUnsetNames(options: MemoryStoreOptions): void {
  for (const tier of ['hot', 'cold'] as const) {
    const given: unknown = options[tier]
    if (typeof given !== 'object' || given === null) continue
    for (const [name, instead] of Object.entries(TIER_NAMES[tier])) {
      if (!(name in given) || given[name as keyof typeof given] !== undefined) continue
      const option = `${tier}.${name}`
      const message = `option \`${option}\` is undefined: is the environment variable set that it is read from? Leave the option out for ${instead}`
      throw new ThermoclineError('ERR_INVALID_OPTIONS', message, { option })
    }
  }
}

type GivenOptions = z.infer<typeof schema>

/** What is well-formed by itself and cannot be had together. */
function refuseContradictions({ hot, cold, inMemory, embed }: GivenOptions): void {
  const refuse = (option: string, message: string): never => {
    throw new ThermoclineError('ERR_INVALID_OPTIONS', `option \`${option}\`: ${message}`, { option })
  }
  const hasRedis = hot?.url !== undefined || hot?.client !== undefined
  const hasPostgres = cold?.url !== undefined || cold?.client !== undefined
  if (hot?.url !== undefined && hot.client !== undefined) refuse('hot.client', 'give `url` or `client`, not both')
  if (cold?.url !== undefined && cold.client !== undefined) refuse('cold.client', 'give `url` or `client`, not both')
  if (hasRedis)
    for (const option of ['kind', 'maxEntries', 'maxBytes'] as const)
      if (hot?.[option] !== undefined) refuse(`hot.${option}`, 'is for a hot tier in this process, and Redis was named')
  if ((hot?.name === undefined) !== (hot?.open === undefined))
    refuse('hot', 'a hot tier of your own has both `name` and `open`')
  if (hot?.open !== undefined)
    for (const option of ['kind', 'maxEntries', 'maxBytes', 'url', 'client'] as const)
      if (hot[option] !== undefined) refuse(`hot.${option}`, 'goes with no hot tier of your own, and `open` was given')
  if (hasPostgres && cold?.dir !== undefined) refuse('cold.dir', 'is for an embedded database, and a server was named')
  if (!hasPostgres && cold?.max !== undefined) refuse('cold.max', 'is for a Postgres server: name it by `cold.url`')
  const names = [embed?.model, ...(embed?.former ?? []).map(({ model }) => model)]
  if (new Set(names).size < names.length)
    refuse('embed.former', 'names a model twice: leave it out, or give the one that makes other vectors another name')
  if (inMemory && (hasRedis || hasPostgres))
    refuse('inMemory', 'keeps everything in this process, and a server was named: leave out one of the two')
  // Two in-process hot tiers over one database would serve each other's old entries.
  if (hasPostgres && !hasRedis && hot?.kind !== 'memory' && hot?.open === undefined)
    refuse(
      'hot',
      "with a Postgres server, name Redis as well (`hot.url` or REDIS_URL), or say `hot: { kind: 'memory' }` and let one process alone use the database",
    )
}

function resolveHot(given: GivenOptions['hot']): ResolvedHot {
  if (given?.url !== undefined) {
    // Before anything is opened.
    parseRedisUrl(given.url)
    return { kind: 'redis', server: { url: given.url } }
  }
  if (given?.client !== undefined) return { kind: 'redis', server: serverOf(given.client) }
  if (given?.open !== undefined) return { kind: 'own', name: given.name!, open: given.open }
  const { maxEntries, maxBytes } = given ?? {}
  return complete(DEFAULTS.hot, { maxEntries, maxBytes })
}

/** ioredis keeps the first nodes of a cluster where its types do not show them. */
function serverOf(client: RedisClientLike): RedisLocation {
  if (!client.isCluster) return { options: client.options }
  const { startupNodes } = client as RedisClientLike & { readonly startupNodes: readonly unknown[] }
  return { nodes: startupNodes, options: client.options }
}

/** @param embed makes vectors that are searched by. */
function resolveCold(given: GivenOptions['cold'], embed: GivenOptions['embed']): ResolvedCold {
  const { dimensions: declared, metrics, language, indexes: members, migrate } = complete(DEFAULTS.cold, given)
  const dimensions = [
    ...new Set([...declared, ...[embed, ...(embed?.former ?? [])].flatMap((model) => model?.dimensions ?? [])]),
  ]
  const indexes = members.map((member) => parseMetadataPath(member)!)
  const exact = given?.precision ?? DEFAULTS.cold.precision
  const precision = typeof exact === 'string' ? { '**': exact } : exact
  const common = { dimensions, metrics, language, indexes, precision, migrate }
  if (given?.url === undefined && given?.client === undefined) {
    const dir = given?.dir === undefined ? DEFAULTS.cold.dir : absoluteFolder('cold.dir', given.dir)
    return { ...common, kind: 'embedded', dir, isShared: false, isInDataFolder: dir === undefined }
  }
  const { url, client, max = POSTGRES_CONNECTIONS } = given
  return { ...common, kind: 'postgres', url, client, max, isShared: true, isInDataFolder: false }
}

function resolveLogger(given: GivenOptions['logger']): Logger {
  if (given === false) return silentLogger
  return given === undefined ? DEFAULTS.logger : neverFailing(given)
}

/** Fractions of a millisecond would not survive the database. */
function wholeMillis(clock: Clock): Clock {
  return { now: () => Math.floor(clock.now()) }
}

/** An explicit `undefined` keeps the default. */
function complete<T extends object>(defaults: T, given: object | undefined): T {
  const named = Object.entries(given ?? {}).filter(([, value]) => value !== undefined)
  return { ...defaults, ...Object.fromEntries(named) }
}

type Issue = {
  readonly code: string
  readonly path: readonly PropertyKey[]
  readonly message: string
  readonly keys?: readonly string[]
  readonly errors?: readonly (readonly Issue[])[]
}

/** Names the option, never its value: a value may be a password. */
function invalid(issue: Issue): ThermoclineError<'ERR_INVALID_OPTIONS'> {
  // Of a union, the branch that got furthest says most.
  const nested = issue.errors
    ?.flat()
    .sort(
      (a, b) =>
        b.path.length - a.path.length ||
        Number(b.code === 'unrecognized_keys') - Number(a.code === 'unrecognized_keys'),
    )[0]
  if (nested !== undefined && (nested.path.length > 0 || nested.code === 'unrecognized_keys'))
    return invalid({ ...nested, path: [...issue.path, ...nested.path] })
  const key = issue.code === 'unrecognized_keys' ? issue.keys?.[0] : undefined
  if (key === undefined && issue.path.length === 0)
    return new ThermoclineError('ERR_INVALID_OPTIONS', 'the options must be an object', {})
  const option = [...issue.path, ...(key === undefined ? [] : [key])].join('.')
  const message = key === undefined ? `option \`${option}\`: ${issue.message}` : `there is no option \`${option}\``
  return new ThermoclineError('ERR_INVALID_OPTIONS', message, { option })
}

function deepFreeze(options: ResolvedOptions): ResolvedOptions {
  const { hot, cold, wal, checkpoint, sync, promote, policies, timeouts, embed, alerts } = options
  for (const group of [hot, cold, wal, checkpoint, sync, promote, policies, timeouts, embed, alerts])
    Object.freeze(group)
  return Object.freeze(options)
}
