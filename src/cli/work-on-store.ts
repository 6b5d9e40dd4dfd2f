/** Runs the work of a command on a store: opens the store, closes it afterwards, and ends the work on a signal. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { namedPart } from '../admin/named-part.ts'
import { isThermoclineError, type ThermoclineError } from '../errors.ts'
import type { MemoryStoreOptions } from '../options.ts'
import type { MemoryStore } from '../store/memory-store.ts'
import { openMemoryStore } from '../store/open-memory-store.ts'
import { resolveOptions } from '../store/resolve-options.ts'
import { EXIT, UsageError } from './exit-code.ts'
import { listenForInterrupt } from './signals.ts'
import { type CommonFlags, readStoreOptions, type StoreNeeds } from './store-options.ts'
import { commandLogger } from './terminal-logger.ts'

type Work = (store: MemoryStore, signal: AbortSignal) => Promise<void>
type DescribeInterruption = (error: ThermoclineError<'ERR_ABORTED'>) => string

/**
 * Opens the store, and closes it when the work is done. SIGTERM and SIGINT end the work: then one line on stderr says
 * what became of it, and the exit code is 1.
 */
export async function workOnStore(
  flags: CommonFlags,
  work: Work,
  describeInterruption: DescribeInterruption,
  { folder = 'if-embedded' }: Pick<StoreNeeds, 'folder'> = {},
): Promise<void> {
  const options = await readStoreOptions(flags, { hot: true, folder })
  // Backends that leave the sync to another process say `sync: false`; here it keeps hot from filling up.
  await openAndWork({ ...options, sync: options.sync || undefined }, flags, work, describeInterruption)
}

/**
 * The same for a command that only looks: nothing that it reads enters hot, it begins no sync, and beside a database
 * server its data folder is one that goes when it ends.
 */
export async function lookIntoStore(flags: CommonFlags, look: Work): Promise<void> {
  const options = await readStoreOptions(flags, { hot: true, folder: 'if-embedded' })
  const looking = { ...options, sync: false, promote: false } as const
  if (!resolveOptions(options).cold.isShared) return openAndWork(looking, flags, look, () => 'interrupted')
  const dir = await mkdtemp(join(tmpdir(), 'thermocline-'))
  try {
    await openAndWork({ ...looking, dir }, flags, look, () => 'interrupted')
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

async function openAndWork(
  options: MemoryStoreOptions,
  flags: CommonFlags,
  work: Work,
  describeInterruption: DescribeInterruption,
): Promise<void> {
  const signal = listenForInterrupt()
  await using store = await openMemoryStore({ ...options, logger: commandLogger(flags) })
  try {
    await work(store, signal)
  } catch (error) {
    if (!signal.aborted || !isThermoclineError(error, 'ERR_ABORTED')) throw error
    process.stderr.write(`thermocline: ${describeInterruption(error)}\n`)
    process.exitCode = EXIT.failed
  }
}

/** The namespace that a flag names by its path, as entries have it in `namespace`. */
export function namespaceNamed(store: MemoryStore, path: string): ReturnType<MemoryStore['namespace']> {
  try {
    return namedPart(store, path)
  } catch (cause) {
    const remedy = 'give its segments with / between them, as in tenant/acme'
    throw new UsageError(`--namespace names no namespace: ${remedy}`, { cause })
  }
}
