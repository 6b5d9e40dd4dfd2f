/** Runs the work of a command on a store: opens the store, closes it afterwards, and ends the work on a signal. */
import { namedPart } from '../admin/named-part.ts'
import { isThermoclineError, type ThermoclineError } from '../errors.ts'
import type { MemoryStore } from '../store/memory-store.ts'
import { openMemoryStore } from '../store/open-memory-store.ts'
import { EXIT, UsageError } from './exit-code.ts'
import { listenForInterrupt } from './signals.ts'
import { type CommonFlags, readStoreOptions } from './store-options.ts'
import { commandLogger } from './terminal-logger.ts'

/**
 * Opens the store, and closes it when the work is done. SIGTERM and SIGINT end the work: then one line on stderr says
 * what became of it, and the exit code is 1.
 */
export async function workOnStore(
  flags: CommonFlags,
  work: (store: MemoryStore, signal: AbortSignal) => Promise<void>,
  describeInterruption: (error: ThermoclineError<'ERR_ABORTED'>) => string,
): Promise<void> {
  const options = await readStoreOptions(flags, { hot: true, folder: 'if-embedded' })
  const signal = listenForInterrupt()
  // Backends that leave the sync to another process say `sync: false`; here it keeps hot from filling up.
  const logger = commandLogger(flags)
  await using store = await openMemoryStore({ ...options, sync: options.sync || undefined, logger })
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
