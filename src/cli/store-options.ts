/**
 * Which store a command works on: `--dir`, else the `dir` of `--config`, else THERMOCLINE_DIR, else an existing
 * `./.thermocline`. A command never makes a store by mistake: where there is none, it says what to set.
 */
import { stat } from 'node:fs/promises'
import type { Command } from 'commander'
import { dataFolder, readFormat } from '../data-folder.ts'
import { DEFAULTS, type MemoryStoreOptions, optionsFromEnv, resolveOptions } from '../options.ts'
import { loadConfig } from './config-file.ts'
import { UsageError } from './exit-code.ts'

/** Flags that every command has. */
export interface CommonFlags {
  readonly dir?: string
  readonly config?: string
  readonly verbose?: true
}

export type StoreOptions = MemoryStoreOptions & { readonly dir: string }

export function addCommonOptions(command: Command): Command {
  return command
    .option('--dir <folder>', 'data folder (else THERMOCLINE_DIR, else an existing ./.thermocline)')
    .option('--config <file>', 'options of the store: an ES module with a default export, or JSON')
    .option('--verbose', 'log every detail, and show where in the code a failure came from')
}

/** @param create the folder need not be there yet where `--dir` names it. */
export async function readStoreOptions(flags: CommonFlags, { create = false } = {}): Promise<StoreOptions> {
  const config = flags.config === undefined ? {} : await loadConfig(flags.config)
  const given = {
    ...optionsFromEnv(),
    ...withoutUndefined(config),
    ...(flags.dir === undefined ? {} : { dir: flags.dir }),
  }
  const { dir, inMemory } = resolveOptions(given)
  if (inMemory) throw new UsageError('the configuration says inMemory: there is nothing that a command could see')
  if (!(create && flags.dir !== undefined)) await refuseWithoutStore(dir, given.dir !== undefined)
  return { ...given, dir }
}

/** An explicit `undefined` keeps what the environment says. */
function withoutUndefined(options: MemoryStoreOptions): MemoryStoreOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

async function refuseWithoutStore(dir: string, isNamed: boolean): Promise<void> {
  if (await holdsStore(dir)) return
  if (!isNamed)
    throw new UsageError(`no data folder: pass --dir FOLDER, set THERMOCLINE_DIR, or run it beside ${DEFAULTS.dir}`)
  if (await isFolder(dir))
    throw new UsageError(`${dir} is no data folder, for it holds no thermocline.json: pass another --dir`)
  throw new UsageError(`the data folder ${dir} is not there: pass another --dir or set THERMOCLINE_DIR`)
}

/** A folder whose marker is gone, but not its logs, is one all the same. */
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
