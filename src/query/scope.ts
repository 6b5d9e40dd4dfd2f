/** Which namespaces a query sees: its own, and where it is recursive those below, segment by segment. */

export interface Scope {
  readonly namespace: string
  /** Whether it sees child namespaces as well. */
  readonly recursive: boolean
}

export function isWithin(path: string, namespace: string, recursive: boolean): boolean {
  return path === namespace || (recursive && path.startsWith(`${namespace}/`))
}

/** Answers the bounds of the paths below `path`, by bytes: `from` <= child < `to`. (`0` is the character after `/`.) */
export function childRange(path: string): { from: string; to: string } {
  return { from: `${path}/`, to: `${path}0` }
}
