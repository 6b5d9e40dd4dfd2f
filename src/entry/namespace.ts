/**
 * A namespace is a path of segments. Its text form joins them with `/`, with `%` and `/` inside a segment escaped as
 * `%25` and `%2F`, so that a segment may hold any character and `acme` never matches `acme-corp`: children of `acme`
 * are exactly the paths that start with `acme/`.
 */
import { ThermoclineError } from '../errors.ts'
import { MAX_NAME_BYTES } from './limits.ts'
import { nameFault } from './text.ts'

export const DEFAULT_NAMESPACE = 'default'

export function namespacePath(segments: readonly string[], parent?: string): string {
  if (segments.length === 0)
    throw new ThermoclineError('ERR_INVALID_ENTRY', 'a namespace needs at least one segment', { field: 'namespace' })
  for (const segment of segments) {
    const fault = typeof segment === 'string' && segment !== '' ? nameFault(segment) : 'must be a non-empty text'
    if (fault !== undefined)
      throw new ThermoclineError('ERR_INVALID_ENTRY', `a namespace segment ${fault}`, { field: 'namespace' })
  }
  const path = segments.map(escapeSegment).join('/')
  const full = parent === undefined ? path : `${parent}/${path}`
  if (Buffer.byteLength(full) > MAX_NAME_BYTES)
    throw new ThermoclineError('ERR_INVALID_ENTRY', `a namespace is longer than ${MAX_NAME_BYTES} bytes`, {
      field: 'namespace',
    })
  return full
}

export function namespaceSegments(path: string): string[] {
  if (typeof path !== 'string')
    throw new ThermoclineError('ERR_INVALID_ENTRY', 'the path of a namespace must be a text', { field: 'namespace' })
  return path.split('/').map((segment) => segment.replaceAll('%2F', '/').replaceAll('%25', '%'))
}

function escapeSegment(segment: string): string {
  return segment.replaceAll('%', '%25').replaceAll('/', '%2F')
}
