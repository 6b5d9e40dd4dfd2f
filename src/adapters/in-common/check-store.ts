/** Checks the argument that adapters have in common. */
import { type NamespaceView, ThermoclineError } from '../../index.ts'

/** @param name of the class or function that is given it. */
export function checkStore(name: string, store: unknown): void {
  if ((store as Partial<NamespaceView> | null | undefined)?.chunks !== undefined) return
  const message = `${name} needs a store, as \`await openMemoryStore()\` answers it, or a view of one`
  throw new ThermoclineError('ERR_INVALID_OPTIONS', message, { option: 'store' })
}
