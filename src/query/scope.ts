/** Decides which namespaces a query sees: its own, and if it is recursive those below, compared segment by segment. */
import { ROOT } from '../entry/namespace.ts'
import { ThermoclineError } from '../errors.ts'

export interface Scope {
  /** Its path; {@link ROOT}, which is recursive always, is above all. */
  readonly namespace: string
  /** Whether it sees child namespaces as well. */
  readonly recursive: boolean
}

/** Returns what a query of a view sees. */
export function scopeOf(namespace: string, recursive = namespace === ROOT): Scope {
  if (recursive || namespace !== ROOT) return { namespace, recursive }
  const message = 'the root has no entries of its own, and reads those of every namespace: leave `recursive` out'
  throw new ThermoclineError('ERR_INVALID_QUERY', message, { field: 'recursive' })
}

export function isWithin(path: string, namespace: string, recursive: boolean): boolean {
  return path === namespace || (recursive && (namespace === ROOT || path.startsWith(`${namespace}/`)))
}

/** Returns the bounds of the paths below `path`, by bytes: `from` <= child < `to`. (`0` is the character after `/`.) */
export function childRange(path: string): { from: string; to: string } {
  return { from: `${path}/`, to: `${path}0` }
}
