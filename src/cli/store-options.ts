/**
 * Decides which store a command works on. Its options are those of `--config`; where that leaves one out, those of the
 * environment (REDIS_URL, DATABASE_URL, THERMOCLINE_DIR). `--dir` goes before both; the default folder is
 * `./.thermocline`. A command never creates a store by mistake: where there is none, it says what to set.
 */
import { readdir, stat } from 'node:fs/promises'
import type { Command } from 'commander'
import { DEFAULTS } from '../default-options.ts'
import type { MemoryStoreOptions } from '../options.ts'
import { dataFolder, namingFolder, readFormat } from '../store/data-folder.ts'
import { refuseUnsetNames, resolveOptions } from '../store/resolve-options.ts'
import { loadConfig } from './config-file.ts'
import { optionsFromEnv } from './environment.ts'
import { UsageError } from './exit-code.ts'

/** Flags that every command has. */
export interface CommonFlags {
  readonly dir?: string
  readonly config?: string
  readonly verbose?: true
}

export type StoreOptions = MemoryStoreOptions & { readonly dir: string }

/** What a command needs beside the database. */
export interface StoreNeeds {
  /** Whether it uses the hot tier. Where it does not, Redis need not be named. @default false */
  readonly hot?: boolean
  /**
   * When the data folder has to be there: always, or only where the database is in it, or not even then if `--dir`
   * names it. @default 'always'
   */
  readonly folder?: 'always' | 'if-embedded' | 'if-unnamed'
  /** Whether it goes on with a folder that cannot be read, to say so itself. @default false */
  readonly looksAnyway?: boolean
  /**
   * Whether it waits for a database that is away, also where no `timeouts.open` is given. @default false: a person
   * waits
   */
  readonly waits?: boolean
}

export function addCommonOptions(command: Command): Command {
  return command
    .option('--dir <folder>', 'data folder (else THERMOCLINE_DIR, else ./.thermocline)')
    .option('--config <file>', 'options of the store: an ES module with a default export, or JSON')
    .option('--verbose', 'log every detail, and show where in the code a failure came from')
    .addHelpText(
      'after',
      '\nEnvironment, where --config says nothing else:\n' +
        '  REDIS_URL        the hot tier, like redis://user:password@host:6379\n' +
        '  DATABASE_URL     the database, like postgres://user:password@host:5432/app; else it is in the data folder\n' +
        '  THERMOCLINE_DIR  the data folder',
    )
}

export async function readStoreOptions(flags: CommonFlags, needs: StoreNeeds = {}): Promise<StoreOptions> {
  const config = flags.config === undefined ? {} : await loadConfig(flags.config)
  // Before the environment fills the gap with a server that was not meant.
  refuseUnsetNames(config)
  const given = mergeOptions(optionsFromEnv(), config)
  const named = { ...given, ...(flags.dir === undefined ? {} : { dir: flags.dir }) }
  // Only to satisfy the rule that Postgres goes with Redis: the command opens neither.
  const options = needs.hot || named.hot !== undefined ? named : { ...named, hot: { kind: 'memory' } as const }
  const { dir, inMemory, cold } = resolveOptions(options)
  if (inMemory) throw new UsageError('the configuration says inMemory: there is nothing that a command could see')
  const { folder = 'always' } = needs
  const mayBeMissing = (folder !== 'always' && cold.isShared) || (folder === 'if-unnamed' && flags.dir !== undefined)
  const refuse = () => (mayBeMissing ? refuseOtherFolder(dir) : refuseWithoutStore(dir, named.dir !== undefined))
  await namingFolder('dir', dir, refuse).catch((error: unknown) => {
    if (error instanceof UsageError || !needs.looksAnyway) throw error
  })
  const patience = needs.waits ? {} : { timeouts: { open: 0, ...withoutUndefined(options.timeouts ?? {}) } }
  return { ...options, ...patience, dir }
}

/** Options that name a tier: a configuration that has one of these means that tier, and not the environment's. */
const NAMES_HOT = ['kind', 'url', 'client', 'open'] as const
const NAMES_COLD = ['url', 'client', 'dir'] as const

/** The configuration's options over the environment's; an explicit `undefined` keeps what the environment says. */
function mergeOptions(env: MemoryStoreOptions, config: MemoryStoreOptions): MemoryStoreOptions {
  const options = { ...env, ...withoutUndefined(config) }
  return {
    ...options,
    ...mergeTier('hot', NAMES_HOT, env, config),
    ...mergeTier('cold', NAMES_COLD, env, config),
  }
}

/** Adds the configuration's options of a tier to it where only the environment names the tier. */
function mergeTier(
  tier: 'hot' | 'cold',
  names: readonly string[],
  env: MemoryStoreOptions,
  config: MemoryStoreOptions,
): MemoryStoreOptions {
  const given: unknown = config[tier]
  // What is no object is refused with the other options.
  if (typeof given !== 'object' || given === null || env[tier] === undefined) return {}
  const options = withoutUndefined(given)
  return names.some((name) => name in options) ? {} : { [tier]: { ...env[tier], ...options } }
}

function withoutUndefined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T
}

async function refuseWithoutStore(dir: string, isNamed: boolean): Promise<void> {
  if (await holdsStore(dir)) return
  if (!isNamed)
    throw new UsageError(
      `no data folder: pass --dir FOLDER, set THERMOCLINE_DIR, or run it beside ${DEFAULTS.dir}; where the database is a server, set DATABASE_URL`,
    )
  if (await isFolder(dir)) throw notOurs(dir)
  throw new UsageError(`the data folder ${dir} is not there: pass another --dir or set THERMOCLINE_DIR`)
}

/** Refuses a folder with other files: it would be filled with logs. */
async function refuseOtherFolder(dir: string): Promise<void> {
  if (!(await isFolder(dir)) || (await holdsStore(dir))) return
  // Another process may be making the store at this moment.
  if ((await readdir(dir)).some((name) => name !== 'lock')) throw notOurs(dir)
}

function notOurs(dir: string): UsageError {
  return new UsageError(`${dir} is no data folder, for it holds no thermocline.json: pass another --dir`)
}

/** Whether it is the folder of a store. One without its marker file that has logs is one all the same. */
async function holdsStore(dir: string): Promise<boolean> {
  if (!(await isFolder(dir))) return false
  return (await readFormat(dir)) !== undefined || (await isFolder(dataFolder(dir).wal))
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return false
    throw error
  }
}
