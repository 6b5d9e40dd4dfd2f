/**
 * How one field is checked, whichever it is. What passes is answered in the form that a record keeps; what does not is
 * refused with `ERR_INVALID_ENTRY`, which names the field and never shows its value. How much fits is in limits.ts.
 */
import { types } from 'node:util'
import { ThermoclineError } from '../errors.ts'
import { MAX_INT4, MAX_TIME } from './limits.ts'
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

/** Answers its JSON text. */
export function metadataText(value: unknown): string {
  const json = metadataJson(value)
  if (!(json instanceof MetadataFault)) return json
  const { path, message } = json
  throw new ThermoclineError('ERR_INVALID_ENTRY', `\`${path}\` ${message}`, { field: 'metadata', path })
}

export function invalid(field: string, fault: string): ThermoclineError<'ERR_INVALID_ENTRY'> {
  return new ThermoclineError('ERR_INVALID_ENTRY', `\`${field}\` ${fault}`, { field })
}
