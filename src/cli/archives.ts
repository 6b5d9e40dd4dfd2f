/** What `export` and `import` have in common: the store, the part of it that is meant, progress, and an early end. */

import { namedPart, type Part } from '../admin/named-part.ts'
import { isThermoclineError, type ThermoclineError } from '../errors.ts'
import type { MemoryStore } from '../store/memory-store.ts'
import { openMemoryStore } from '../store/open-memory-store.ts'
import { EXIT, UsageError } from './exit-code.ts'
import { createProgress, type Progress } from './progress.ts'
import { listenForInterrupt } from './signals.ts'
import { type CommonFlags, readStoreOptions } from './store-options.ts'
import { commandLogger } from './terminal-logger.ts'

export interface ArchiveFlags extends CommonFlags {
  readonly namespace?: string
  readonly json?: true
}

/** Stands for stdin or stdout. */
export const STREAM = '-'

/**
 * Opens the store, and closes it when the work is done. SIGTERM and SIGINT end the work: then one line on stderr says
 * what became of it, and the exit code is 1.
 */
export async function workOnPart(
  flags: ArchiveFlags,
  work: (part: Part, signal: AbortSignal) => Promise<void>,
  describeInterruption: (error: ThermoclineError<'ERR_ABORTED'>) => string,
): Promise<void> {
  const options = await readStoreOptions(flags, { hot: true, folder: 'if-embedded' })
  const signal = listenForInterrupt()
  // Backends that leave the sync to another process say `sync: false`; here it keeps hot from filling up.
  const logger = commandLogger(flags)
  await using store = await openMemoryStore({ ...options, sync: options.sync || undefined, logger })
  try {
    await work(partOf(store, flags.namespace), signal)
  } catch (error) {
    if (!signal.aborted || !isThermoclineError(error, 'ERR_ABORTED')) throw error
    process.stderr.write(`thermocline: ${describeInterruption(error)}\n`)
    process.exitCode = EXIT.failed
  }
}

function partOf(store: MemoryStore, path: string | undefined): Part {
  try {
    return namedPart(store, path)
  } catch (cause) {
    const remedy = 'give its segments with / between them, as in tenant/acme'
    throw new UsageError(`--namespace names no namespace: ${remedy}`, { cause })
  }
}

/** Fewer entries are done before anybody would look at a bar. */
const WORTH_SHOWING = 5_000

/** A bar for each step of the work, in entries. */
export class EntryProgress {
  #label: string | undefined
  #shown = 0
  #bar: Progress | undefined

  show(label: string, { entries, total }: { readonly entries: number; readonly total: number }): void {
    if (total < WORTH_SHOWING) return
    if (label !== this.#label) {
      this.finish()
      this.#bar = createProgress({ total, label })
      this.#label = label
      this.#shown = 0
    }
    this.#bar?.advance(entries - this.#shown)
    this.#shown = entries
  }

  finish(): void {
    this.#bar?.finish()
    this.#bar = undefined
  }
}
