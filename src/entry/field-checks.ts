/**
 * Checks single fields, whichever entry they are of. A value that passes is returned in the form that a record has; any
 * other is refused with `ERR_INVALID_ENTRY`, which names the field and never shows its value. How large a field may be
 * is decided in limits.ts.
 */
import { types } from 'node:util'
import { ThermoclineError } from '../errors.ts'
import { MAX_DIMENSIONS, MAX_INT4, MAX_TIME, MAX_VECTOR_LENGTH, MIN_VECTOR_LENGTH } from './limits.ts'
import { MetadataFault, metadataJson } from './metadata.ts'
import { nameFault, textFault } from './text.ts'

export function optional<T>(field: string, value: unknown, check: (value: unknown) => T): T | null {
  if (value === null) throw invalid(field, 'must not be null: leave it out where there is none')
  return value === undefined ? null : check(value)
}

export function text(field: string, value: unknown): string {
  if (typeof value !== 'string') throw invalid(field, 'must be a text')
  const fault = textFault(value)
  if (fault !== undefined) throw invalid(field, fault)
  return value
}

export function name(field: string, value: unknown): string {
  if (typeof value !== 'string' || value === '') throw invalid(field, 'must be a non-empty text')
  const fault = nameFault(value)
  if (fault !== undefined) throw invalid(field, fault)
  return value
}

export function wholeNumber(field: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > MAX_INT4)
    throw invalid(field, `must be a whole number from 0 to ${MAX_INT4}`)
  return value + 0 // -0 becomes 0, as it would in Postgres
}

export function time(field: string, value: unknown): number {
  const millis = types.isDate(value) ? value.getTime() : value
  if (typeof millis !== 'number' || !Number.isInteger(millis) || millis < 0 || millis > MAX_TIME)
    throw invalid(field, 'must be a Date or whole milliseconds since 1970, before the year 10000')
  return millis
}

/** Returns its JSON text. */
export function metadataText(value: unknown): string {
  const json = metadataJson(value)
  if (!(json instanceof MetadataFault)) return json
  const { path, message } = json
  throw new ThermoclineError('ERR_INVALID_ENTRY', `\`${path}\` ${message}`, { field: 'metadata', path })
}

export function invalid(field: string, fault: string): ThermoclineError<'ERR_INVALID_ENTRY'> {
  return new ThermoclineError('ERR_INVALID_ENTRY', `\`${field}\` ${fault}`, { field })
}

/** Returns a copy in the form in which embeddings are kept. */
export function vector(value: unknown): Float32Array {
  if (!isNumberArray(value)) throw invalid('embedding', 'must be an array of numbers, a Float32Array or a Float64Array')
  if (value.length === 0) throw invalid('embedding', 'must not be empty')
  if (value.length > MAX_DIMENSIONS) throw invalid('embedding', `must have at most ${MAX_DIMENSIONS} dimensions`)
  const floats = floatsOf(value)
  let squares = 0
  for (let i = 0; i < floats.length; i++) squares += floats[i]! ** 2
  // Checked after rounding to float32: 1e39 is a number but no float32. The squares of all others add up to a number.
  if (!Number.isFinite(squares)) throw invalid('embedding', 'must hold finite float32 numbers only')
  if (squares === 0) throw invalid('embedding', 'must not be all zero: it has no direction to compare')
  const length = Math.sqrt(squares)
  if (length < MIN_VECTOR_LENGTH || length > MAX_VECTOR_LENGTH)
    throw invalid(
      'embedding',
      `must have a length from ${MIN_VECTOR_LENGTH} to ${MAX_VECTOR_LENGTH}: scale it, at best to 1`,
    )
  return floats
}

function floatsOf(value: ArrayLike<unknown>): Float32Array {
  // These hold nothing but numbers, and are copied at once.
  if (!Array.isArray(value)) return new Float32Array(value as Float32Array | Float64Array)
  const floats = new Float32Array(value.length)
  for (let i = 0; i < floats.length; i++) {
    const number: unknown = value[i]
    if (typeof number !== 'number') throw invalid('embedding', 'must hold numbers only')
    floats[i] = number
  }
  return floats
}

/**
 * Whether these are numbers, judged by kind and not by class: what Node and native addons make is of another realm than
 * a test under Jest. Integer arrays are refused: bytes may be floats that somebody forgot to convert.
 */
function isNumberArray(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || types.isFloat32Array(value) || types.isFloat64Array(value)
}
