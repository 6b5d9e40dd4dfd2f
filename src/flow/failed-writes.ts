/**
 * Decides what one error says of several writes, where a call makes many and its caller hears of one failure: `none`
 * and `applied` only where that holds for all of them.
 */
import {
  type ChangeCounts,
  isThermoclineError,
  retold,
  type ThermoclineError,
  unforeseen,
  type WriteFailure,
} from '../errors.ts'
import { CallersError } from './callers-error.ts'
import type { WriteOutcome } from './writer.ts'

type OutcomeOfMany = NonNullable<WriteFailure['outcome']>

/** Whether it is durable, also where its caller waited in vain for more, as that cold has it. */
export function isDurable(outcome: WriteOutcome): boolean {
  return outcomeOf(outcome) === 'applied'
}

/** The first failure, with what became of all of these; undefined where none failed. */
export function failureAmong(outcomes: readonly WriteOutcome[]): ThermoclineError | undefined {
  const failed = outcomes.find(({ ok }) => !ok)
  if (failed === undefined || failed.ok) return undefined
  return retold(failed.error, { ...failed.error.details, outcome: outcomeOfAll(outcomes.map(outcomeOf)) })
}

/** Does what comes before the writes of a call, and says of what fails that nothing was written. */
export async function beforeWriting<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isThermoclineError(error)) throw error
    throw retold(error, { ...error.details, outcome: 'none' })
  }
}

/**
 * Rejects with the counts of what was done by then, unless the caller's own function threw. Nobody knows what was still
 * to come, so that what was done is some of it.
 */
export async function telling<T>(counts: ChangeCounts, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof CallersError) throw error
    const own = unforeseen(error)
    const { outcome = 'none', ...told } = own.details as WriteFailure
    const { deleted = 0, updated = 0, erased = 0, moved = 0 } = counts
    const isSomeDone = deleted + updated + erased + moved > 0 || outcome === 'applied'
    throw retold(own, { ...told, outcome: isSomeDone ? 'partial' : outcome, counts: { ...counts } })
  }
}

/** @param each at least one. */
export function outcomeOfAll(each: readonly OutcomeOfMany[]): OutcomeOfMany {
  const kinds = new Set(each)
  if (kinds.size === 1) return each[0]!
  return kinds.has('applied') || kinds.has('partial') ? 'partial' : 'unknown'
}

function outcomeOf(outcome: WriteOutcome): OutcomeOfMany {
  return outcome.ok ? 'applied' : ((outcome.error.details as WriteFailure).outcome ?? 'unknown')
}
