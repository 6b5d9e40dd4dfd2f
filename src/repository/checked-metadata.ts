/**
 * Checks the inputs of a repository whose metadata has a schema. Where the schema answers synchronously, so does every
 * function here.
 */
import { types } from 'node:util'
import type { CheckedPatch } from '../entry/patch.ts'
import { patched, patchedInput, toPatched } from '../entry/patch.ts'
import type { EntryRecord } from '../entry/record.ts'
import { type CheckMetadata, isPromise } from '../entry/standard-schema.ts'
import type { UnversionedRecord } from '../entry/validate.ts'
import { ThermoclineError } from '../errors.ts'
import { isPlainObject } from '../kernel/plain-object.ts'

/** A copy of the input with its metadata as the schema answers it. What is no object is refused later on. */
export function checkedInput(input: unknown, check: CheckMetadata | undefined): unknown {
  if (check === undefined || !isPlainObject(input)) return input
  const metadata = check(input.metadata)
  if (!isPromise(metadata)) return { ...input, metadata }
  const copy = copyOf(input)
  return metadata.then((checked) => ({ ...copy, metadata: checked }))
}

/** What the caller changes after the call does not count. */
function copyOf(input: object): object {
  return Object.fromEntries(Object.entries(input).map(([field, value]) => [field, copyOfValue(value)]))
}

function copyOfValue(value: unknown): unknown {
  // A `slice` of a Buffer is another view of the same bytes.
  if (types.isUint8Array(value)) return new Uint8Array(value)
  return Array.isArray(value) || types.isTypedArray(value) ? value.slice() : value
}

/** Inputs in order; in place of what the schema refused, why. */
export function checkedInputs(
  inputs: readonly unknown[],
  check: CheckMetadata | undefined,
): readonly unknown[] | Promise<readonly unknown[]> {
  if (check === undefined) return inputs
  const checked = inputs.map((input) => {
    try {
      const answer = checkedInput(input, check)
      return isPromise(answer) ? answer.catch(refusal) : answer
    } catch (error) {
      // What is thrown here would leave the promises of others without anybody who waits for them.
      return error instanceof ThermoclineError ? error : Promise.reject(error)
    }
  })
  if (!checked.some(isPromise)) return checked
  return Promise.all(checked.map((one) => (isPlainObject(one) && !isPromise(one) ? copyOf(one) : one)))
}

function refusal(error: unknown): ThermoclineError {
  if (error instanceof ThermoclineError) return error
  throw error
}

/** What an update makes of an entry; metadata is checked as it will be, where the patch is about it. */
export function checkedPatched(
  current: EntryRecord,
  patch: CheckedPatch,
  now: number,
  check: CheckMetadata | undefined,
): UnversionedRecord | Promise<UnversionedRecord> {
  const isAboutMetadata = patch.metadata !== undefined || patch.fields.has('metadata')
  if (check === undefined || !isAboutMetadata) return patched(current, patch, now)
  const input = patchedInput(current, patch)
  const metadata = check(input.metadata)
  const made = (answer: unknown) => toPatched(current, { ...input, metadata: answer }, now)
  return isPromise(metadata) ? metadata.then(made) : made(metadata)
}
