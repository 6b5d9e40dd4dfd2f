/** Decides what a model is told where a tool fails: what happened in a sentence, and what it should do. */
import { type AnyThermoclineError, isThermoclineError } from '../../index.ts'

/** The message is for a model. */
export class ToolFailure extends Error {
  override readonly name = 'ToolFailure'
}

/** What a model is told in terms of the tools that it has, each as sentences. */
export interface Advice {
  readonly missing: string
  readonly conflict: string
  /** How it sees whether what it asked for is done. */
  readonly look: string
}

/** Returns what the tool rejects with. Content of other memories, and texts of drivers, are in no message. */
export function failureOf(error: unknown, isWrite: boolean, advice: Advice): Error {
  if (error instanceof ToolFailure) return error
  if (!isThermoclineError(error))
    return new ToolFailure('The memory failed for a reason of its own. Go on without it, and say so.', { cause: error })
  if (error.code === 'ERR_ABORTED') return error
  return new ToolFailure(adviceOn(error, isWrite, advice), { cause: error })
}

function adviceOn(error: AnyThermoclineError, isWrite: boolean, { missing, conflict, look }: Advice): string {
  const { code, message, retryable } = error
  switch (code) {
    case 'ERR_INVALID_ENTRY':
    case 'ERR_INVALID_QUERY':
    case 'ERR_INVALID_OPTIONS':
      return `${message}. Call again with that changed.`
    case 'ERR_NOT_FOUND':
      return missing
    case 'ERR_CONFLICT':
      return conflict
    case 'ERR_LOCKED':
      return 'Another program has the memory open just now. Go on without it, and try again in a while.'
  }
  const doubt = isWrite && 'outcome' in error.details && error.details.outcome === 'unknown'
  const looked = doubt ? ` It may be done all the same. ${look}` : ''
  if (retryable) return `The memory does not answer just now (${code}). Go on without it, and try again later.${looked}`
  return `The memory is not to be used any more (${code}). Go on without it, and say so.${looked}`
}
