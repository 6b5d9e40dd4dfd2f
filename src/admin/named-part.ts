/** Finds the namespace that an operator names by its path. */
import { namespacePath, namespaceSegments } from '../entry/namespace.ts'
import type { MemoryStore } from '../store/memory-store.ts'

/** @param path as entries have it in `namespace`. */
export function namedPart(store: MemoryStore, path: string): ReturnType<MemoryStore['namespace']> {
  return store.namespace(...namespaceSegments(path))
}

/** Throws `ERR_INVALID_ENTRY` where {@link namedPart} would. */
export function checkNamedPart(path: string): void {
  namespacePath(namespaceSegments(path))
}
