/**
 * Turns a namespace, which is a path of segments, into its text form and back. Segments are joined by `/`; `%` and `/`
 * inside a segment are escaped as `%25` and `%2F`. So a segment may hold any character, and `acme` never matches
 * `acme-corp`: the namespaces below `acme` are exactly the texts that start with `acme/`.
 */
import { ThermoclineError } from '../errors.ts'
import { MAX_NAME_BYTES } from './limits.ts'
import { nameFault } from './text.ts'

export const DEFAULT_NAMESPACE = 'default'
/** The path above all namespaces. It has no entries of its own. */
export const ROOT = ''

export function namespacePath(segments: readonly string[], parent = ROOT): string {
  if (segments.length === 0) {
    const message = 'a namespace needs at least one segment; `store.root` reads what all of them have'
    throw new ThermoclineError('ERR_INVALID_ENTRY', message, { field: 'namespace' })
  }
  for (const segment of segments) {
    const fault = typeof segment === 'string' && segment !== '' ? nameFault(segment) : 'must be a non-empty text'
    if (fault !== undefined)
      throw new ThermoclineError('ERR_INVALID_ENTRY', `a namespace segment ${fault}`, { field: 'namespace' })
  }
  const path = segments.map(escapeSegment).join('/')
  const full = parent === ROOT ? path : `${parent}/${path}`
  if (Buffer.byteLength(full) > MAX_NAME_BYTES)
    throw new ThermoclineError('ERR_INVALID_ENTRY', `a namespace is longer than ${MAX_NAME_BYTES} bytes`, {
      field: 'namespace',
    })
  return full
}

/** Returns the path of a namespace that has entries; a call that is about one of the root is refused. */
export function ownNamespace(path: string): string {
  if (path !== ROOT) return path
  const message =
    'the root has no entries of its own, it reads those of every namespace: name one, as in `store.namespace("a")`'
  throw new ThermoclineError('ERR_INVALID_ENTRY', message, { field: 'namespace' })
}

export function namespaceSegments(path: string): string[] {
  if (typeof path !== 'string')
    throw new ThermoclineError('ERR_INVALID_ENTRY', 'the path of a namespace must be a text', { field: 'namespace' })
  return path.split('/').map((segment) => segment.replaceAll('%2F', '/').replaceAll('%25', '%'))
}

function escapeSegment(segment: string): string {
  return segment.replaceAll('%', '%25').replaceAll('/', '%2F')
}
