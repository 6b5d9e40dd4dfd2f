/** Checks what the classes for LangGraph have in common; call-options.ts decides how options are checked. */
import { type MemoryStore, type NamespaceView, ThermoclineError } from '../../index.ts'

/** @param name of the class that is made. */
export function checkStore(name: string, store: unknown): void {
  if (typeof (store as Partial<MemoryStore | NamespaceView> | undefined)?.namespace === 'function') return
  const message = `${name} needs a store, as \`await openMemoryStore()\` answers it, or a view of one`
  throw new ThermoclineError('ERR_INVALID_OPTIONS', message, { option: 'store' })
}
