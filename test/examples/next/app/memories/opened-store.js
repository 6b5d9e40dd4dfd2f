import { openMemoryStore } from 'thermocline'

/**
 * The one store of this process, opened by the first request: a build loads routes too, and must not open it. It is
 * kept where every route finds it, since Next bundles each with a copy of this module.
 */
export function openedStore() {
  globalThis.openedStore ??= openMemoryStore().catch((error) => {
    globalThis.openedStore = undefined
    throw error
  })
  return globalThis.openedStore
}
