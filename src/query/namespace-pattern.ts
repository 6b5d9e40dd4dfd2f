/**
 * Checks how a list of namespaces is asked for: by the segments that they begin and end with, some of which may be any.
 */
import { namespacePath } from '../entry/namespace.ts'
import { ThermoclineError } from '../errors.ts'

/** Segments escaped as in a path; null is any segment. */
export type SegmentPattern = readonly (string | null)[]

export function parseSegments(field: string, given: unknown, wildcard: string | undefined): SegmentPattern {
  const example = `an array of segments, as in \`{ ${field}: ['tenants', 'acme'] }\``
  if (!Array.isArray(given)) throw invalid(`\`${field}\` must be ${example}`, field)
  return Array.from(given, (segment: unknown) => {
    if (segment === wildcard && wildcard !== undefined) return null
    try {
      return namespacePath([segment as string])
    } catch (error) {
      throw invalid(`\`${field}\` must be ${example}: ${(error as Error).message}`, field)
    }
  })
}

function invalid(message: string, field: string): ThermoclineError<'ERR_INVALID_QUERY'> {
  return new ThermoclineError('ERR_INVALID_QUERY', message, { field })
}
