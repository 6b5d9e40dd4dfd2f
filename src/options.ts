/** What a store can be told, with its defaults, and the one place that reads the environment. */
import { Cron } from 'croner'
import { z } from 'zod'
import { type Clock, systemClock } from './clock.ts'
import type { Metric } from './cold/cold-tier.ts'
import { type Duration, parseDuration } from './entry/duration.ts'
import { ThermoclineError } from './errors.ts'
import type { Durability } from './flow/write.ts'
import { type Logger, silentLogger } from './log.ts'

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
  /** Anything with pino's methods. @default silent */
  readonly logger?: Logger | undefined
  /** @default the system's */
  readonly clock?: Clock | undefined
}

export interface HotOptions {
  /** In this process. */
  readonly kind?: 'memory' | undefined
  /** Entries before the least recently used are demoted early. @default 10 000 */
  readonly maxEntries?: number | undefined
  /** Payload bytes before the same happens. @default 256 MiB */
  readonly maxBytes?: number | undefined
}

export interface ColdOptions {
  /** Folder of the embedded Postgres. @default `cold` in `dir` */
  readonly dir?: string | undefined
  /** Embedding dimensions to keep a vector index for; others are searched exactly. @default none */
  readonly dimensions?: readonly number[] | undefined
  /** Metrics to keep a vector index for. @default ['cosine'] */
  readonly metrics?: readonly Metric[] | undefined
  /** Apply missing migrations at open, or only check that none is missing. @default 'auto' */
  readonly migrate?: 'auto' | 'check' | undefined
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
  /** One statement of cold. @default '10s' */
  readonly cold?: Duration | undefined
  /** A `search`, `find` or `count`. @default '10s' */
  readonly search?: Duration | undefined
}

/** Every default, in the form that {@link resolveOptions} answers. */
export const DEFAULTS = {
  dir: '.thermocline',
  inMemory: false,
  hot: { kind: 'memory', maxEntries: 10_000, maxBytes: 256 * 1024 * 1024 },
  cold: { dir: undefined, dimensions: [], metrics: ['cosine'], migrate: 'auto' },
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
  timeouts: { cold: 10_000, search: 10_000 },
  logger: silentLogger,
  clock: systemClock,
} as const satisfies ResolvedOptions

/** Checked, complete and frozen; durations in milliseconds. */
export interface ResolvedOptions {
  readonly dir: string
  readonly inMemory: boolean
  readonly hot: { readonly kind: 'memory'; readonly maxEntries: number; readonly maxBytes: number }
  readonly cold: {
    readonly dir: string | undefined
    readonly dimensions: readonly number[]
    readonly metrics: readonly Metric[]
    readonly migrate: 'auto' | 'check'
  }
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
  readonly timeouts: { readonly cold: number; readonly search: number }
  readonly logger: Logger
  readonly clock: Clock
}

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

const schema = z.strictObject({
  dir: z.string().min(1).optional(),
  inMemory: z.boolean().optional(),
  hot: z
    .strictObject({
      kind: z.literal('memory').optional(),
      maxEntries: whole(1).optional(),
      maxBytes: whole(1).optional(),
    })
    .optional(),
  cold: z
    .strictObject({
      dir: z.string().min(1).optional(),
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
  timeouts: z.strictObject({ cold: duration.optional(), search: duration.optional() }).optional(),
  logger: methods<Logger>(['debug', 'info', 'warn', 'error'], 'a logger with debug, info, warn and error').optional(),
  clock: methods<Clock>(['now'], 'a clock with now()').optional(),
})

/** Checks the options and fills in the defaults; the caller's object is left alone. Throws `ERR_INVALID_OPTIONS`. */
export function resolveOptions(options: MemoryStoreOptions = {}): ResolvedOptions {
  refuseServers(options)
  const parsed = schema.safeParse(options)
  if (!parsed.success) throw invalid(parsed.error.issues[0]!)
  const given = parsed.data
  return deepFreeze({
    dir: given.dir ?? DEFAULTS.dir,
    inMemory: given.inMemory ?? DEFAULTS.inMemory,
    hot: complete(DEFAULTS.hot, given.hot),
    cold: complete(DEFAULTS.cold, given.cold),
    durability: given.durability ?? DEFAULTS.durability,
    wal: complete(DEFAULTS.wal, given.wal),
    checkpoint: complete(DEFAULTS.checkpoint, given.checkpoint),
    sync: given.sync === false ? false : complete(DEFAULTS.sync, given.sync),
    promote: given.promote === false ? false : complete(DEFAULTS.promote, given.promote),
    timeouts: complete(DEFAULTS.timeouts, given.timeouts),
    logger: given.logger ?? DEFAULTS.logger,
    clock: given.clock === undefined ? DEFAULTS.clock : wholeMillis(given.clock),
  })
}

/** Options that the environment names: `THERMOCLINE_DIR`. Nothing else in thermocline reads `process.env`. */
export function optionsFromEnv(env: NodeJS.ProcessEnv = process.env): MemoryStoreOptions {
  for (const name of ['REDIS_URL', 'DATABASE_URL']) if (env[name]) throw unsupported(name)
  return env.THERMOCLINE_DIR ? { dir: env.THERMOCLINE_DIR } : {}
}

/** The Redis and Postgres drivers are not there yet, and must not be mistaken for a misspelt option. */
function refuseServers(options: MemoryStoreOptions): void {
  for (const tier of ['hot', 'cold'] as const) {
    const given: unknown = options?.[tier]
    if (typeof given !== 'object' || given === null) continue
    if ('url' in given || 'client' in given) throw unsupported(`\`${tier}.${'url' in given ? 'url' : 'client'}\``)
  }
}

function unsupported(name: string): ThermoclineError {
  return new ThermoclineError(
    'ERR_UNSUPPORTED',
    `${name} asks for a server, and this version runs on the embedded tiers only: leave it out`,
    {},
  )
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
