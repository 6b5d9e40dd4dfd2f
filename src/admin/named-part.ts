/** The part of a store that an operator names by its path. */
import { namespaceSegments } from '../entry/namespace.ts'
import type { MemoryStore } from '../store/memory-store.ts'

/** A store, or a namespace of it. */
export type Part = Pick<MemoryStore, 'export' | 'import'>

/** @param path as entries have it in `namespace`; undefined: all of the store. */
export function namedPart(store: MemoryStore, path: string | undefined): Part {
  return path === undefined ? store : store.namespace(...namespaceSegments(path))
}
