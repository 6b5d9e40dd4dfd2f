/** What a store can be told, with its defaults, and the one place that reads the environment. */
import { Cron } from 'croner'
import { z } from 'zod'
import { type Duration, parseDuration } from './entry/duration.ts'
import { ThermoclineError } from './errors.ts'
import type { Durability } from './flow/writer.ts'
import { parseRedisUrl } from './hot/redis/redis-url.ts'
import { type Clock, systemClock } from './kernel/clock.ts'
import { absoluteFolder } from './kernel/folder-error.ts'
import { type Logger, neverFailing, silentLogger, warningLogger } from './kernel/logger.ts'
import type { Metric } from './query/metric.ts'

export { silentLogger }

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
  readonly timeouts?: TimeoutOptions | undefined
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

export type HotOptions = MemoryHotOptions | RedisHotOptions

/** In this process, for this process alone. */
export interface MemoryHotOptions {
  readonly kind?: 'memory' | undefined
  /** Entries before the least recently used are demoted early. @default 10 000 */
  readonly maxEntries?: number | undefined
  /** Payload bytes before the same happens. @default 256 MiB */
  readonly maxBytes?: number | undefined
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
}

/** A client of ioredis, by what is read of it. */
export interface RedisClientLike {
  readonly options: object
  readonly isCluster: boolean
}

/** A client of postgres.js, by what is read of it. */
export interface PostgresClientLike {
  readonly options: { readonly host: readonly string[]; readonly port: readonly number[] }
}

export type ColdOptions = EmbeddedColdOptions | PostgresColdOptions

interface AnyColdOptions {
  /** Embedding dimensions to keep a vector index for; others are searched exactly. @default none */
  readonly dimensions?: readonly number[] | undefined
  /** Metrics to keep a vector index for. @default ['cosine'] */
  readonly metrics?: readonly Metric[] | undefined
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
  /** Entries demoted together. @default 100 */
  readonly batchSize?: number | undefined
}

export interface PromoteOptions {
  /** Reads of an entry before it is promoted. @default 1 */
  readonly minAccesses?: number | undefined
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

/** Every default, in the form that {@link resolveOptions} answers. */
export const DEFAULTS = {
  dir: '.thermocline',
  inMemory: false,
  hot: { kind: 'memory', maxEntries: 10_000, maxBytes: 256 * 1024 * 1024 },
  cold: { kind: 'embedded', dir: undefined, dimensions: [], metrics: ['cosine'], migrate: 'auto' },
  durability: 'wal',
  wal: {
    segmentBytes: 64 * 1024 * 1024,
    checkpointBytes: 64 * 1024 * 1024,
    maxPendingBytes: 128 * 1024 * 1024,
    lockTimeout: 5_000,
  },
  checkpoint: { every: 1_000 },
  sync: { schedule: '0 * * * * *', hotToColdAge: 300_000, batchSize: 100 },
  promote: { minAccesses: 1 },
  timeouts: { hot: 2_000, cold: 10_000, search: 10_000, open: 30_000 },
  requireCold: true,
  logger: warningLogger,
  clock: systemClock,
} as const satisfies ResolvedOptions

/** Checked, complete and frozen; durations in milliseconds. */
export interface ResolvedOptions {
  readonly dir: string
  readonly inMemory: boolean
  readonly hot: ResolvedHot
  readonly cold: ResolvedCold
  readonly durability: Durability
  readonly wal: {
    readonly segmentBytes: number
    readonly checkpointBytes: number
    readonly maxPendingBytes: number
    readonly lockTimeout: number
  }
  readonly checkpoint: { readonly every: number }
  readonly sync: { readonly schedule: string; readonly hotToColdAge: number; readonly batchSize: number } | false
  readonly promote: { readonly minAccesses: number } | false
  readonly timeouts: { readonly hot: number; readonly cold: number; readonly search: number; readonly open: number }
  readonly requireCold: boolean
  readonly logger: Logger
  readonly clock: Clock
}

export type ResolvedHot =
  | { readonly kind: 'memory'; readonly maxEntries: number; readonly maxBytes: number }
  | { readonly kind: 'redis'; readonly server: RedisLocation }

/** What the Redis driver takes; here without the types of ioredis, which is an optional package. */
export type RedisLocation =
  | { readonly url: string }
  | { readonly options: object }
  | { readonly nodes: readonly unknown[]; readonly options: object }

export type ResolvedCold = {
  readonly dimensions: readonly number[]
  readonly metrics: readonly Metric[]
  readonly migrate: 'auto' | 'check'
} & (
  | { readonly kind: 'embedded'; readonly dir: string | undefined }
  | {
      readonly kind: 'postgres'
      readonly url: string | undefined
      readonly client: PostgresClientLike | undefined
      readonly max: number
    }
)

/** Connections of a Postgres where nothing else is said. */
const POSTGRES_CONNECTIONS = 4

const DURATION = "a duration: milliseconds or a text like '5m'"

const duration = z.union([z.number(), z.string()], DURATION).transform((value, context) => {
  const millis = parseDuration(value)
  if (millis !== undefined && millis <= MAX_TIMER) return millis
  context.addIssue({ code: 'custom', message: DURATION })
  return z.NEVER
})
/** setTimeout takes no more. */
const MAX_TIMER = 2_147_483_647

const whole = (least: number) => z.int().min(least)
const methods = <T>(names: readonly string[], message: string) =>
  z.custom<T>(
    (value) => names.every((name) => typeof (value as Record<string, unknown> | null)?.[name] === 'function'),
    message,
  )

function isCronPattern(pattern: string): boolean {
  try {
    new Cron(pattern, { paused: true }).stop()
    return true
  } catch {
    return false
  }
}

const REDIS_URL = 'a url like redis://user:password@host:port/database'
const POSTGRES_URL = 'a url like postgres://user:password@host:port/database'
const url = (pattern: RegExp, message: string) =>
  z.string(message).refine((value) => pattern.test(value) && URL.canParse(value), message)
const hasOptions = (value: unknown): boolean => {
  const options = (value as { options?: unknown } | null | undefined)?.options
  return typeof options === 'object' && options !== null
}

/** It is a function, and has read its options; a pool of pg, of Knex or of another library keeps them as they were given. */
const isPostgresJs = (value: unknown): boolean => {
  if (typeof value !== 'function' || !hasOptions(value)) return false
  const { host, port, parsers } = (value as unknown as { options: Record<string, unknown> }).options
  return Array.isArray(host) && Array.isArray(port) && typeof parsers === 'object'
}

/** Of any major version, and not a look-alike of another library: nothing else can be made anew from its options. */
const isIoredisClient = (value: unknown): boolean => {
  if (!hasOptions(value)) return false
  const { isCluster, startupNodes, status, duplicate, defineCommand } = value as Record<string, unknown>
  const isOne = isCluster === true ? Array.isArray(startupNodes) : isCluster === false
  const methods = [duplicate, defineCommand]
  return isOne && typeof status === 'string' && methods.every((method) => typeof method === 'function')
}

const schema = z.strictObject({
  dir: z.string().min(1).optional(),
  inMemory: z.boolean().optional(),
  hot: z
    .strictObject({
      kind: z.literal('memory').optional(),
      maxEntries: whole(1).optional(),
      maxBytes: whole(1).optional(),
      url: url(/^rediss?:\/\//, REDIS_URL).optional(),
      client: z.custom<RedisClientLike>(isIoredisClient, 'a client of ioredis').optional(),
    })
    .optional(),
  cold: z
    .strictObject({
      dir: z.string().min(1).optional(),
      url: url(/^postgres(ql)?:\/\//, POSTGRES_URL).optional(),
      client: z
        .custom<PostgresClientLike>(isPostgresJs, 'a client of postgres.js, as `postgres(url)` makes it')
        .optional(),
      max: whole(1).max(1_000).optional(),
      dimensions: z.array(z.int().min(1).max(16_000)).max(16).optional(),
      metrics: z.array(z.enum(['cosine', 'l2', 'inner-product'])).optional(),
      migrate: z.enum(['auto', 'check']).optional(),
    })
    .optional(),
  durability: z.enum(['wal', 'cold']).optional(),
  wal: z
    .strictObject({
      // Smaller than a few records, every write would rotate; larger, offsets no longer fit the format.
      segmentBytes: z.int().min(4_096).max(1_073_741_824).optional(),
      checkpointBytes: whole(1).optional(),
      maxPendingBytes: whole(1).optional(),
      lockTimeout: duration.optional(),
    })
    .optional(),
  checkpoint: z.strictObject({ every: duration.optional() }).optional(),
  sync: z
    .union([
      z.literal(false),
      z.strictObject({
        schedule: z.string().refine(isCronPattern, "a cron pattern like '0 * * * * *'").optional(),
        hotToColdAge: duration.optional(),
        batchSize: whole(1).max(10_000).optional(),
      }),
    ])
    .optional(),
  promote: z.union([z.literal(false), z.strictObject({ minAccesses: whole(1).optional() })]).optional(),
  timeouts: z
    .strictObject({
      hot: duration.optional(),
      cold: duration.optional(),
      search: duration.optional(),
      open: duration.optional(),
    })
    .optional(),
  requireCold: z.boolean().optional(),
  logger: z
    .union(
      [
        z.literal(false),
        methods<Logger>(['debug', 'info', 'warn', 'error'], 'a logger with debug, info, warn and error'),
      ],
      'a logger with debug, info, warn and error, or false',
    )
    .optional(),
  clock: methods<Clock>(['now'], 'a clock with now()').optional(),
})

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
    cold: resolveCold(given.cold),
    durability: given.durability ?? DEFAULTS.durability,
    wal: complete(DEFAULTS.wal, given.wal),
    checkpoint: complete(DEFAULTS.checkpoint, given.checkpoint),
    sync: given.sync === false ? false : complete(DEFAULTS.sync, given.sync),
    promote: given.promote === false ? false : complete(DEFAULTS.promote, given.promote),
    timeouts: complete(DEFAULTS.timeouts, given.timeouts),
    requireCold: given.requireCold ?? DEFAULTS.requireCold,
    logger: resolveLogger(given.logger),
    clock: given.clock === undefined ? DEFAULTS.clock : wholeMillis(given.clock),
  })
}

/** Whether npm, npx, yarn or pnpm runs this process for somebody. Beside {@link optionsFromEnv} nothing in thermocline reads `process.env`. */
export function isRunByWrapper(env: NodeJS.ProcessEnv = process.env): boolean {
  return [env.npm_lifecycle_event, env.npm_execpath, env.npm_command].some((set) => set !== undefined)
}

/** Options that the environment names: `THERMOCLINE_DIR`, `REDIS_URL`, `DATABASE_URL`. */
export function optionsFromEnv(env: NodeJS.ProcessEnv = process.env): MemoryStoreOptions {
  return {
    ...(env.THERMOCLINE_DIR ? { dir: env.THERMOCLINE_DIR } : {}),
    ...(env.REDIS_URL ? { hot: { url: env.REDIS_URL } } : {}),
    ...(env.DATABASE_URL ? { cold: { url: env.DATABASE_URL } } : {}),
  }
}

/** What says where the data of a tier is, and what it is said instead of where that is meant. */
const TIER_NAMES = {
  hot: { url: 'a hot tier in this process', client: 'a hot tier in this process' },
  cold: { url: 'an embedded database', client: 'an embedded database', dir: 'the one in the data folder' },
} as const

/**
 * Elsewhere `undefined` keeps the default. Here the default is another place for the data, and what was meant to name a
 * server is mostly a variable of the environment that is not set.
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
function refuseContradictions({ hot, cold, inMemory }: GivenOptions): void {
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
  if (hasPostgres && cold?.dir !== undefined) refuse('cold.dir', 'is for an embedded database, and a server was named')
  if (!hasPostgres && cold?.max !== undefined) refuse('cold.max', 'is for a Postgres server: name it by `cold.url`')
  if (inMemory && (hasRedis || hasPostgres))
    refuse('inMemory', 'keeps everything in this process, and a server was named: leave out one of the two')
  // Two in-process hot tiers over one database would serve each other's old entries.
  if (hasPostgres && !hasRedis && hot?.kind !== 'memory')
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
  const { maxEntries, maxBytes } = given ?? {}
  return complete(DEFAULTS.hot, { maxEntries, maxBytes })
}

/** ioredis keeps the first nodes of a cluster where its types do not show them. */
function serverOf(client: RedisClientLike): RedisLocation {
  if (!client.isCluster) return { options: client.options }
  const { startupNodes } = client as RedisClientLike & { readonly startupNodes: readonly unknown[] }
  return { nodes: startupNodes, options: client.options }
}

function resolveCold(given: GivenOptions['cold']): ResolvedCold {
  const { dimensions, metrics, migrate } = complete(DEFAULTS.cold, given)
  const common = { dimensions, metrics, migrate }
  if (given?.url === undefined && given?.client === undefined)
    return {
      ...common,
      kind: 'embedded',
      dir: given?.dir === undefined ? DEFAULTS.cold.dir : absoluteFolder('cold.dir', given.dir),
    }
  return { ...common, kind: 'postgres', url: given.url, client: given.client, max: given.max ?? POSTGRES_CONNECTIONS }
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
  const { hot, cold, wal, checkpoint, sync, promote, timeouts } = options
  for (const group of [hot, cold, wal, checkpoint, sync, promote, timeouts]) Object.freeze(group)
  return Object.freeze(options)
}

/** Whether every log that the database knows belongs into this data folder: the database is in it. */
export function ownsEveryLog({ cold }: ResolvedOptions): boolean {
  return cold.kind === 'embedded' && cold.dir === undefined
}
