/**
 * Reads `--config FILE`: the options with which the backend opens its store, as the default export of an ES module or
 * as JSON.
 */
import { readFile, stat } from 'node:fs/promises'
import { extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { MemoryStoreOptions } from '../options.ts'
import { UsageError } from './exit-code.ts'

/** The options are checked where the store is opened. Throws {@link UsageError}; what the file says is never quoted. */
export async function loadConfig(file: string): Promise<MemoryStoreOptions> {
  const path = resolve(file)
  if (!(await isFile(path))) throw new UsageError(`the configuration ${file} is not there: check --config`)
  const config = await evaluate(path, file)
  if (typeof config !== 'object' || config === null || Array.isArray(config))
    throw new UsageError(`the configuration ${file} holds no options object: let the module's default export be one`)
  return config
}

async function evaluate(path: string, file: string): Promise<unknown> {
  try {
    if (extname(path) === '.json') return JSON.parse(await readFile(path, 'utf8')) as unknown
    return ((await import(pathToFileURL(path).href)) as { default?: unknown }).default
  } catch (cause) {
    const remedy = 'it must be an ES module (.js, .mjs) that loads by itself, or JSON'
    throw new UsageError(`the configuration ${file} cannot be read: ${remedy}`, { cause })
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return false
    throw error
  }
}
