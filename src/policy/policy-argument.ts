/**
 * Checks what the policies of this folder are told when they are made. Options of a store: store/resolve-options.ts.
 */
import { parseDuration } from '../entry/duration.ts'
import { ThermoclineError } from '../errors.ts'

/** Returns the milliseconds of a duration. Throws `ERR_INVALID_OPTIONS`. */
export function positive(option: string, given: unknown): number {
  const millis = parseDuration(given)
  if (millis !== undefined && millis > 0) return millis
  throw refused(option, "a duration above 0: milliseconds or a text like '5m'")
}

/** Returns a finite number that is not below `least`. Throws `ERR_INVALID_OPTIONS`. */
export function atLeast(option: string, given: unknown, least: number): number {
  if (typeof given === 'number' && Number.isFinite(given) && given >= least) return given
  throw refused(option, `a number, ${least} or more`)
}

function refused(option: string, must: string): ThermoclineError<'ERR_INVALID_OPTIONS'> {
  return new ThermoclineError('ERR_INVALID_OPTIONS', `\`${option}\` of the policy must be ${must}`, { option })
}
