/** Finds the part of a store that `export` and `import` work on: the whole of it, or one namespace. */
import type { ThermoclineError } from '../errors.ts'
import type { MemoryStore } from '../store/memory-store.ts'
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
