/**
 * Reads what a model says by rejecting: whether it is about one of the texts, and when to ask again. Errors of the SDKs
 * of providers are known by what they have in common, a status of HTTP and headers. They are foreign objects: reading
 * one never throws.
 */
import { isThermoclineError, type SafeCause, ThermoclineError, withFramesOf, withoutContent } from '../errors.ts'

/** Statuses of HTTP by which a request is refused for what it holds. */
const OF_THE_TEXT: ReadonlySet<number> = new Set([400, 413, 422])
/** Statuses of HTTP that the same request has again: what it holds, who asks, or where. */
const FOR_GOOD: ReadonlySet<number> = new Set([400, 401, 403, 404])
/** Names of what JavaScript throws where a program is wrong. */
const OF_THE_PROGRAM: ReadonlySet<unknown> = new Set(['TypeError', 'ReferenceError', 'SyntaxError'])
/** Codes by which Node says that a server is not to be had, and names of a wait that has ended. */
const OF_THE_NETWORK = /^(E[A-Z]{3,}|EAI_|UND_ERR_|ABORT_ERR)/
const OF_A_WAIT: ReadonlySet<string> = new Set(['AbortError', 'TimeoutError'])

/** What an error says. */
interface Said {
  readonly cause: ThermoclineError | SafeCause
  /** Milliseconds until the model may be asked again; undefined where it does not say. */
  readonly retryAfterMs?: number
}

interface Read {
  readonly said: Said
  /** Whether the same call fails again, as far as the error says it. */
  readonly isForGood: boolean
}

/**
 * The failure of one call. Whatever it rejects with, errors of other stores included, says nothing of the write that
 * waits for its vector.
 * @param texts How many it was asked for. One that was asked for alone is `refused` by a status that is of what it is.
 */
export function embeddingFailed(
  model: string,
  error: unknown,
  texts: number,
): ThermoclineError<'ERR_EMBEDDING_FAILED'> {
  const { said, isForGood } = read(error)
  const { cause, ...told } = said
  const refused = texts === 1 && isOfTheText(cause) ? { refused: true } : {}
  const message = `\`embedMany\` of ${model} failed${described(cause)}`
  const details = { model, outcome: 'none', ...told, ...refused } as const
  // It may quote the text, and errors are logged: nothing that prints an error calls what it does not enumerate.
  Object.defineProperty(details, 'original', { get: () => error })
  const retryable = !isForGood && !('refused' in refused)
  const failure = new ThermoclineError('ERR_EMBEDDING_FAILED', message, details, { cause, retryable })
  return cause instanceof ThermoclineError ? failure : withFrames(error, failure)
}

/**
 * Of what a failure is: of what one of the texts is, so that the model may take the others; of the model, whatever it
 * is asked; or that is not said.
 */
export function faultOf({ cause, details }: ThermoclineError<'ERR_EMBEDDING_FAILED'>): 'text' | 'model' | 'unsaid' {
  if (details.retryAfterMs !== undefined) return 'model'
  if (isThermoclineError(cause)) return cause.code === 'ERR_INVALID_ENTRY' ? 'unsaid' : 'model'
  const { name, code, status } = cause as SafeCause
  if (status !== undefined) return OF_THE_TEXT.has(status) ? 'text' : 'model'
  return OF_A_WAIT.has(name) || (code !== undefined && OF_THE_NETWORK.test(code)) ? 'model' : 'unsaid'
}

/** Whether it is certain that the model has refused the text. */
export function isRefusedText(error: ThermoclineError): boolean {
  // Where a number of vectors or of dimensions was expected, it is of no one text.
  if (isThermoclineError(error, 'ERR_EMBEDDING_INVALID')) return error.details.expected === undefined
  return isThermoclineError(error, 'ERR_EMBEDDING_FAILED') && error.details.refused === true
}

/** Whether a failure says neither that it is of the text nor that it is of the model. */
export function saysNothing(error: ThermoclineError): boolean {
  return isThermoclineError(error, 'ERR_EMBEDDING_FAILED') && faultOf(error) === 'unsaid'
}

/** Milliseconds until a model that has failed may be asked again; undefined where it does not say. */
export function retryAfterOf(error: ThermoclineError): number | undefined {
  return isThermoclineError(error, 'ERR_EMBEDDING_FAILED') ? error.details.retryAfterMs : undefined
}

function isOfTheText(cause: Said['cause']): boolean {
  return 'status' in cause && OF_THE_TEXT.has(cause.status!)
}

/** By name, code and status alone: a message may quote the text. */
function described(cause: Said['cause']): string {
  if (cause instanceof ThermoclineError) return `: ${cause.code}`
  const { name, code, status } = cause
  const more = [code, status === undefined ? undefined : `status ${status}`].filter((part) => part !== undefined)
  return more.length === 0 ? ` (${name})` : ` (${name}: ${more.join(', ')})`
}

function read(error: unknown): Read {
  try {
    const said = saidBy(error)
    return { said, isForGood: said.retryAfterMs === undefined && (isRefusal(said.cause) || isOfTheProgram(error)) }
  } catch {
    return { said: { cause: { name: 'an error that cannot be read' } }, isForGood: false }
  }
}

function saidBy(error: unknown): Said {
  const safe = withoutContent(error)
  if (safe instanceof ThermoclineError) return { cause: safe }
  const status = statusOf(error)
  const retryAfterMs = saidRetryAfter(error)
  return {
    cause: status === undefined ? safe : { ...safe, status },
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  }
}

function isRefusal(cause: Said['cause']): boolean {
  return 'status' in cause && FOR_GOOD.has(cause.status!)
}

/** Not so `fetch failed`, a TypeError whose `cause` is of the network. */
function isOfTheProgram(error: unknown): boolean {
  const { name, cause } = (error ?? {}) as { readonly name?: unknown; readonly cause?: unknown }
  return OF_THE_PROGRAM.has(name) && cause === undefined
}

/** Of the function that has failed. */
function withFrames(
  error: unknown,
  failure: ThermoclineError<'ERR_EMBEDDING_FAILED'>,
): ThermoclineError<'ERR_EMBEDDING_FAILED'> {
  try {
    return withFramesOf(error, failure)
  } catch {
    return failure
  }
}

function statusOf(error: unknown): number | undefined {
  const { status, statusCode = status } = (error ?? {}) as { readonly status?: unknown; readonly statusCode?: unknown }
  return typeof statusCode === 'number' ? statusCode : undefined
}

/** Likewise of what it rejected with. */
function saidRetryAfter(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { retryAfterMs, headers, responseHeaders = headers } = error as Record<string, unknown>
  const after = headerOf(responseHeaders, 'retry-after')
  return (
    later(retryAfterMs) ??
    later(numberIn(headerOf(responseHeaders, 'retry-after-ms'))) ??
    later((numberIn(after) ?? Number.NaN) * 1_000) ??
    later(Date.parse(String(after)) - Date.now())
  )
}

/** "At once" is no time to wait: then as where nothing is said. */
function later(milliseconds: unknown): number | undefined {
  return typeof milliseconds === 'number' && Number.isFinite(milliseconds) && milliseconds > 0
    ? milliseconds
    : undefined
}

function numberIn(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined
}

function headerOf(headers: unknown, name: string): string | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined
  const { get } = headers as { readonly get?: unknown }
  const value: unknown =
    typeof get === 'function' ? get.call(headers, name) : (headers as Record<string, unknown>)[name]
  return typeof value === 'string' ? value : undefined
}
