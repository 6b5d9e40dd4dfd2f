/**
 * Checks the options of calls. Each call declares its options in one table (repository/calls.ts), which is also their
 * type. The gate in front of every call (repository/call-gate.ts) asks for that table, so no call can leave its options
 * unchecked.
 *
 * An option that is unknown, mistyped or malformed is refused by name before the call does anything. The call gets a
 * copy of the options: later changes to the caller's object have no effect.
 */
import { type Duration, parseDuration } from './entry/duration.ts'
import { ThermoclineError } from './errors.ts'
import { isPlainObject } from './kernel/plain-object.ts'

/** Every call that may wait takes these. */
export interface CallOptions {
  /** Ends the wait with `ERR_ABORTED`. */
  readonly signal?: AbortSignal | undefined
  /** Time to wait before `ERR_TIMEOUT`: milliseconds or text like `'5s'`. */
  readonly timeout?: Duration | undefined
}

/** Returns the value in the form the call works with, or throws an error that names the option. */
export type OptionRule<T> = (value: unknown, option: string) => T

/** A rule for each option that callers of type `G` may give. */
export type RulesOf<G extends object> = { readonly [O in keyof G]-?: OptionRule<unknown> }

/** What a call receives: undefined where nothing was given. */
export type Checked<R> = { readonly [O in keyof R]?: R[O] extends OptionRule<infer T> ? T : never }

/** Checks what a caller gave. Throws `ERR_INVALID_OPTIONS`, or what a rule throws. */
export type CallSchema<O> = (given: unknown) => O

const NOTHING_GIVEN = Object.freeze({})

export function defineCall<R extends Readonly<Record<string, OptionRule<unknown>>>>(
  call: string,
  rules: R,
): CallSchema<Checked<R>> {
  const known: ReadonlyMap<string, OptionRule<unknown>> = new Map(Object.entries(rules))
  const names = [...known.keys()].map((name) => `\`${name}\``).join(', ')
  return (given) => {
    if (given === undefined) return NOTHING_GIVEN
    if (!isPlainObject(given))
      throw new ThermoclineError('ERR_INVALID_OPTIONS', `the options of ${call} must be an object, or left out`, {})
    const checked: Record<string, unknown> = {}
    for (const option of Object.keys(given)) {
      const check = known.get(option)
      if (check === undefined) {
        const message = `${call} has no option \`${option}\`; it takes ${names}`
        throw new ThermoclineError('ERR_INVALID_OPTIONS', message, { option })
      }
      const value = given[option]
      if (value !== undefined) checked[option] = check(value, option)
    }
    return checked as Checked<R>
  }
}

/**
 * Makes a rule of a reader that answers undefined for a wrong value. `must` tells the caller what the value must be.
 */
export function optionRule<T>(read: (value: unknown) => T | undefined, must: string): OptionRule<T> {
  return (value, option) => {
    const checked = read(value)
    if (checked !== undefined) return checked
    throw new ThermoclineError('ERR_INVALID_OPTIONS', `option \`${option}\` must be ${must}`, { option })
  }
}

export const oneOf = <T extends string>(values: readonly T[]): OptionRule<T> =>
  optionRule((value) => values.find((known) => known === value), `one of ${values.join(', ')}`)

export const flag: OptionRule<boolean> = optionRule(
  (value) => (typeof value === 'boolean' ? value : undefined),
  'true or false',
)

export const nonEmptyText: OptionRule<string> = optionRule(
  (value) => (typeof value === 'string' && value !== '' ? value : undefined),
  'a text that is not empty',
)

/** Milliseconds. */
export const timeout: OptionRule<number> = optionRule(
  (value) => (value === Number.POSITIVE_INFINITY ? value : parseDuration(value)),
  "a duration: milliseconds or a text like '5s'",
)

/** As {@link timeout}, of what is kept and then goes. */
export const lifetime: OptionRule<number> = (value, option) => {
  const millis = timeout(value, option)
  const read = () => (millis > 0 && Number.isFinite(millis) ? millis : undefined)
  return optionRule(read, 'a duration that is longer than nothing, and has an end')(value, option)
}

/** Judges by shape: a signal may be of another realm, or a polyfill's. */
export const signal: OptionRule<AbortSignal> = optionRule(
  (value) => (isAbortSignal(value) ? value : undefined),
  'an AbortSignal, as `controller.signal` is',
)

function isAbortSignal(value: unknown): value is AbortSignal {
  if (typeof value !== 'object' || value === null) return false
  const { aborted, addEventListener, removeEventListener } = value as Partial<AbortSignal>
  return (
    typeof aborted === 'boolean' && typeof addEventListener === 'function' && typeof removeEventListener === 'function'
  )
}
