/** Decides with which status and words the studio answers what it refuses, or what a store rejected. */
import { type ErrorCode, isThermoclineError } from '../errors.ts'
import type { ErrorAnswer } from './answers.ts'

/** The studio itself refuses a request. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

const STATUS: Partial<Record<ErrorCode, number>> = {
  ERR_INVALID_OPTIONS: 400,
  ERR_INVALID_ENTRY: 400,
  ERR_INVALID_QUERY: 400,
  ERR_UNSUPPORTED: 400,
  ERR_NOT_FOUND: 404,
  ERR_CONFLICT: 409,
  ERR_BACKPRESSURE: 503,
  ERR_TIER_UNAVAILABLE: 503,
  ERR_CLOSED: 503,
  ERR_TIMEOUT: 504,
}

/** Answers what was refused. Rethrows what is neither of the studio nor of the store: that is for whoever serves it. */
export function answerFailure(error: unknown): Response {
  if (error instanceof Refusal) return failed(error.status, error)
  if (isThermoclineError(error)) return failed(STATUS[error.code] ?? 500, error)
  throw error
}

function failed(status: number, { code, message }: { readonly code: string; readonly message: string }): Response {
  const answer: ErrorAnswer = { error: { code, message } }
  return Response.json(answer, { status, ...(status === 401 && { headers: { 'www-authenticate': 'Bearer' } }) })
}
