/** What `export` and `import` have in common: the part of the store that is meant, and progress. */
import type { ThermoclineError } from '../errors.ts'
import type { MemoryStore } from '../store/memory-store.ts'
import { createProgress, type Progress } from './progress.ts'
import type { CommonFlags } from './store-options.ts'
import { namespaceNamed, workOnStore } from './work-on-store.ts'

/** A store, or a namespace of it. */
type Part = Pick<MemoryStore, 'export' | 'import'>

export interface ArchiveFlags extends CommonFlags {
  readonly namespace?: string
  readonly json?: true
}

/** Stands for stdin or stdout. */
export const STREAM = '-'

/** As {@link workOnStore}, on the part of the store that the flags name. */
export async function workOnPart(
  flags: ArchiveFlags,
  work: (part: Part, signal: AbortSignal) => Promise<void>,
  describeInterruption: (error: ThermoclineError<'ERR_ABORTED'>) => string,
): Promise<void> {
  const { namespace } = flags
  const partOf = (store: MemoryStore): Part => (namespace === undefined ? store : namespaceNamed(store, namespace))
  await workOnStore(flags, (store, signal) => work(partOf(store), signal), describeInterruption)
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
