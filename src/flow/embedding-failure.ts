/**
 * Reads what a model says by rejecting: whether it is about one of the texts, and when to ask again. Errors of the SDKs
 * of providers are known by what they have in common, a status of HTTP and headers.
 */
import { isThermoclineError, type SafeCause, ThermoclineError, withoutContent } from '../errors.ts'

/** Statuses of HTTP by which a request is refused for what it holds. */
const OF_THE_TEXT: ReadonlySet<number> = new Set([400, 413, 422])
/** Codes by which Node says that a server is not to be had, and names of a wait that has ended. */
const OF_THE_NETWORK = /^(E[A-Z]{3,}|UND_ERR_|ABORT_ERR)/
const OF_A_WAIT: ReadonlySet<string> = new Set(['AbortError', 'TimeoutError'])

export function embeddingFailed(model: string, cause: unknown): ThermoclineError<'ERR_EMBEDDING_FAILED'> {
  const retryAfterMs = saidRetryAfter(cause)
  const known = retryAfterMs === undefined ? {} : { retryAfterMs }
  const message = `\`embedMany\` of ${model} failed${said(cause)}`
  return new ThermoclineError('ERR_EMBEDDING_FAILED', message, { model, outcome: 'none', ...known }, { cause })
}

/** By name, code and status alone: a message may quote the text. */
function said(cause: unknown): string {
  const safe = withoutContent(cause)
  if (safe instanceof ThermoclineError) return `: ${safe.code}`
  const { name, code } = safe
  const status = statusOf(cause)
  const more = [code, status === undefined ? undefined : `status ${status}`].filter((part) => part !== undefined)
  return more.length === 0 ? ` (${name})` : ` (${name}: ${more.join(', ')})`
}

/** Whether the model may have refused a text, so that it may take the others. Of an error that says nothing: maybe. */
export function isAboutText(error: unknown): boolean {
  // An answer of the wrong length is of no one text.
  if (isThermoclineError(error)) return error.code === 'ERR_EMBEDDING_INVALID' && error.details.actual === undefined
  if (saidRetryAfter(error) !== undefined) return false
  const status = statusOf(error)
  if (status !== undefined) return OF_THE_TEXT.has(status)
  const { name, code } = withoutContent(error) as SafeCause
  return !OF_A_WAIT.has(name) && (code === undefined || !OF_THE_NETWORK.test(code))
}

/** Whether it is certain that the model has refused the text. */
export function isRefusedText(error: ThermoclineError): boolean {
  if (isThermoclineError(error, 'ERR_EMBEDDING_INVALID')) return error.details.actual === undefined
  const status = statusOf(error.cause)
  return status !== undefined && OF_THE_TEXT.has(status)
}

function statusOf(error: unknown): number | undefined {
  const { status, statusCode = status } = (error ?? {}) as { readonly status?: unknown; readonly statusCode?: unknown }
  return typeof statusCode === 'number' ? statusCode : undefined
}

/** Milliseconds until a model that has failed may be asked again; undefined where it does not say. */
export function retryAfterOf(error: ThermoclineError): number | undefined {
  return isThermoclineError(error, 'ERR_EMBEDDING_FAILED') ? error.details.retryAfterMs : undefined
}

/** The same, of what the model rejected with. */
function saidRetryAfter(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { retryAfterMs, headers, responseHeaders = headers } = error as Record<string, unknown>
  const millis = Number(retryAfterMs ?? headerOf(responseHeaders, 'retry-after-ms') ?? Number.NaN)
  if (Number.isFinite(millis) && millis >= 0) return millis
  const after = headerOf(responseHeaders, 'retry-after')
  if (after === undefined) return undefined
  const until = /^\d+(\.\d+)?$/.test(after) ? Number(after) * 1_000 : Date.parse(after) - Date.now()
  return Number.isFinite(until) ? Math.max(0, until) : undefined
}

function headerOf(headers: unknown, name: string): string | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined
  const { get } = headers as { readonly get?: unknown }
  const value: unknown =
    typeof get === 'function' ? get.call(headers, name) : (headers as Record<string, unknown>)[name]
  return typeof value === 'string' ? value : undefined
}
