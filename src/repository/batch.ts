/** Checks the inputs of calls that take many, in slices, and makes the error that says what became of each input. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { contentSize } from '../entry/record.ts'
import type { UnversionedRecord } from '../entry/validate.ts'
import { type InputOutcome, retold, ThermoclineError, type WriteFailure } from '../errors.ts'
import { outcomeOfAll } from '../flow/failed-writes.ts'
import type { Receipt, WriteOutcome } from '../flow/writer.ts'
import { throwIfAborted } from '../kernel/deadline.ts'

/**
 * At most so many inputs, of about so many bytes, are checked in one turn of the event loop: a few milliseconds of
 * work.
 */
const SLICE_INPUTS = 500
const SLICE_BYTES = 4 * 1024 * 1024

/** An input that passed. */
export interface Accepted {
  readonly index: number
  readonly record: UnversionedRecord
}

/**
 * Checks all inputs, the first slice within this very step, and lets others run between slices. `refuse` hears of each
 * input that broke a rule, and throws where that ends the call.
 */
export async function acceptInputs(
  inputs: readonly unknown[],
  validate: (input: unknown, index: number) => UnversionedRecord,
  refuse: (error: ThermoclineError, index: number) => void,
  signal: AbortSignal | undefined,
): Promise<Accepted[]> {
  const accepted: Accepted[] = []
  let bytes = 0
  let sliceEnd = SLICE_INPUTS
  for (const [index, input] of inputs.entries()) {
    if (index === sliceEnd || bytes > SLICE_BYTES) {
      await nextTurn()
      throwIfAborted(signal, { outcome: 'none' })
      bytes = 0
      sliceEnd = index + SLICE_INPUTS
    }
    try {
      const record = validate(input, index)
      accepted.push({ index, record })
      bytes += contentSize(record)
    } catch (error) {
      if (!(error instanceof ThermoclineError)) throw error
      refuse(error, index)
    }
  }
  return accepted
}

/** Returns the receipts of a batch, or throws an error that says what became of each input. */
export function receiptsOf(outcomes: readonly WriteOutcome[]): Receipt[] {
  const failed = outcomes.find((outcome) => !outcome.ok)
  if (failed !== undefined) throw batchFailure(failed.error, outcomes.map(outcomeOf))
  return outcomes.flatMap((outcome) => (outcome.ok ? [outcome.value] : []))
}

function outcomeOf(result: WriteOutcome): InputOutcome {
  if (result.ok) return { id: result.value.id, outcome: 'applied' }
  const { id = '', outcome = 'unknown' } = result.error.details as WriteFailure
  return { id, outcome: outcome === 'partial' ? 'unknown' : outcome }
}

function batchFailure(first: ThermoclineError, each: readonly InputOutcome[]): ThermoclineError {
  const applied = each.filter(({ outcome }) => outcome === 'applied').length
  const message = `${applied} of ${each.length} inputs are known to be written: ${first.message}`
  const outcome = outcomeOfAll(each.map((one) => one.outcome))
  const details: WriteFailure = { ...first.details, outcome }
  // Not enumerable: a logged error with 50 000 ids helps nobody.
  Object.defineProperty(details, 'outcomes', { value: each })
  return retold(first, details, message)
}
