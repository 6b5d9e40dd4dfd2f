/**
 * Defines {@link ThermoclineError}, the only kind of error that leaves thermocline, and its stable codes; the README
 * has a heading for each code. No message, detail or cause holds entry content, query parameters or credentials: RAG
 * text is private, and errors are logged.
 */

/** What each code carries besides the common fields. */
export interface ErrorDetails {
  /** `index` is that of the query, in a call with many. */
  ERR_INVALID_OPTIONS: { option?: string; index?: number }
  /**
   * `path` names the member of `metadata`; `issues` is what its schema said, not enumerable (see
   * entry/standard-schema.ts); `index` is the input's, in a call with many, `line` that of an archive.
   */
  ERR_INVALID_ENTRY: {
    field: string
    path?: string
    index?: number
    line?: number
    counts?: ChangeCounts
    imported?: Imported
    issues?: readonly object[]
  }
  ERR_INVALID_QUERY: { field?: string; index?: number }
  ERR_LOCKED: { pid?: number }
  /** {@link WHOLE_LOG} where no one segment is at fault. */
  ERR_WAL_CORRUPT: { walId: string; segment: number; offset: number; missing: SequenceRange }
  /** Lines are counted from 1. */
  ERR_ARCHIVE_CORRUPT: { line: number; imported?: Imported }
  ERR_WAL_FAILED: WriteFailure
  /** The fields of a failed write where it decided on a version: see {@link WriteFailure}. */
  ERR_TIER_UNAVAILABLE: WriteFailure & { tier: TierName }
  ERR_BACKPRESSURE: WriteFailure
  ERR_NOT_FOUND: WriteFailure
  /** `packages` are those that are not installed, as `npm install` takes them. */
  ERR_UNSUPPORTED: { packages?: readonly string[] }
  ERR_TIMEOUT: WriteFailure & { tier?: TierName }
  ERR_ABORTED: WriteFailure
  ERR_CLOSED: WriteFailure
  ERR_SCHEMA: object
  /**
   * Where the kinds differ, `kind` is that of the entry that is there. Where another version was expected, `actual` is
   * the one that is there, null where there is no entry.
   */
  ERR_CONFLICT: WriteFailure & { kind?: string; actual?: string | null; index?: number; line?: number }
  /** The key of the call has another write. */
  ERR_IDEMPOTENCY: WriteFailure
  /**
   * `retryAfterMs` is what `embedMany` asked for by its error, as a provider does with `retry-after`. `refused`: it was
   * asked for this one text, and refused what it is, so that asking again changes nothing. `original` is what it
   * rejected with, not enumerable: it may quote the text, and errors are logged.
   */
  ERR_EMBEDDING_FAILED: WriteFailure & {
    model: string
    index?: number
    retryAfterMs?: number
    refused?: boolean
    readonly original?: unknown
  }
  /**
   * `actual` is what `embedMany` answered in place of `expected`: a number of vectors, or of dimensions. Neither: it
   * answered no vector to this one text.
   */
  ERR_EMBEDDING_INVALID: WriteFailure & { model: string; index?: number; expected?: number; actual?: number }
  ERR_INTERNAL: WriteFailure
}

export type ErrorCode = keyof ErrorDetails
export type TierName = 'hot' | 'cold'

/**
 * Sequence numbers `from`..`to`, both included; none where `to` is `from - 1`. `to` is undefined where the log cannot
 * tell how far it went.
 */
export interface SequenceRange {
  readonly from: number
  readonly to: number | undefined
}

/** The place in a log that is named where the log as a whole is at fault; segments are counted from 1. */
export const WHOLE_LOG = { segment: 0, offset: 0 } as const

/** Names the records of a range that holds some: `record 7`, `records 7 to 9`, `records from 7 on`. */
export function recordsIn({ from, to }: SequenceRange): string {
  if (to === undefined) return `records from ${from} on`
  return from === to ? `record ${from}` : `records ${from} to ${to}`
}

export function isEmptyRange({ from, to }: SequenceRange): boolean {
  return to !== undefined && to < from
}

/** A failed write names the id it chose and what became of it, so that a retry makes no duplicate. */
export interface WriteFailure {
  id?: string
  /**
   * `none`: not written. `applied`: durable. `unknown`: only reopening tells. `partial`: some inputs of a call with
   * many.
   */
  outcome?: 'none' | 'unknown' | 'applied' | 'partial'
  /** Of a version that was to replace another: where the outcome is `unknown` and a read answers it, it was applied. */
  version?: string
  /** Of a call with many inputs, one for each, in order. Not enumerable: a logged error stays short. */
  readonly outcomes?: readonly InputOutcome[]
  /**
   * Of `deleteWhere`, `updateWhere`, `erase`, `deleteDocument` and `reembed`: what was done before this happened, as
   * far as it is known.
   */
  readonly counts?: ChangeCounts
  /** Of an import that had begun to write: what it had done before this happened, as far as it is known. */
  readonly imported?: Imported
}

/** How many entries of an archive an import has looked at, and what became of them. */
export interface Imported {
  readonly entries: number
  /** In a dry run: would have been. */
  readonly written: number
  /** Were there already, with the same content. */
  readonly unchanged: number
  /** Were there with other content, and were left. */
  readonly skipped: number
  /** Had expired. */
  readonly expired: number
}

/** How far a call came that changes many entries. */
export interface ChangeCounts {
  readonly matched: number
  readonly deleted?: number
  readonly updated?: number
  readonly skipped?: number
  readonly erased?: number
  readonly moved?: number
  readonly refused?: number
}

/** What became of one input. */
export interface InputOutcome {
  readonly id: string
  readonly outcome: 'none' | 'unknown' | 'applied'
}

const RETRYABLE: ReadonlySet<ErrorCode> = new Set([
  'ERR_TIER_UNAVAILABLE',
  'ERR_BACKPRESSURE',
  'ERR_TIMEOUT',
  'ERR_EMBEDDING_FAILED',
])

export class ThermoclineError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'ThermoclineError'
  readonly code: C
  /** Whether the same call may succeed later without anything being changed by the caller. */
  readonly retryable: boolean
  readonly details: Readonly<ErrorDetails[C]>

  /** @param options.retryable where it is another than that of most errors with the code. */
  constructor(
    code: C,
    message: string,
    details: ErrorDetails[C],
    { cause, retryable = RETRYABLE.has(code) }: { cause?: unknown; retryable?: boolean } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause: withoutContent(cause) })
    this.code = code
    this.retryable = retryable
    this.details = details
  }

  toJSON(): object {
    const { name, code, message, retryable, details, cause } = this
    return { name, code, message, retryable, details, ...(cause === undefined ? {} : { cause }) }
  }
}

/** Any error of ours: a `switch` over its `code` knows the `details` of each. */
export type AnyThermoclineError = { [C in ErrorCode]: ThermoclineError<C> }[ErrorCode]

/** What a call is refused with that finds no entry. */
export function notFound({ id }: { readonly id: string }): ThermoclineError<'ERR_NOT_FOUND'> {
  const message = 'there is no such entry: put it, or look whether it was deleted or has expired'
  return new ThermoclineError('ERR_NOT_FOUND', message, { id, outcome: 'none' })
}

/**
 * What is thrown where an optional package is needed that is not installed: it names the command that installs it.
 * @param packages as npm takes them, with a version where only that one will do.
 * @param more follows the command.
 */
export function missingPackages(
  what: string,
  packages: readonly string[],
  { more = '', cause }: { readonly more?: string; readonly cause?: unknown } = {},
): ThermoclineError<'ERR_UNSUPPORTED'> {
  const names = packages.map((name) => `\`${name.replace(/(?<=.)@[^@/]*$/, '')}\``)
  const named = names.length === 1 ? `the package ${names[0]}` : `the packages ${names.join(' and ')}`
  const message = `${what} needs ${named}: run \`npm install ${packages.join(' ')}\`${more}`
  return new ThermoclineError('ERR_UNSUPPORTED', message, { packages }, { cause })
}

/** Narrows an unknown error to ours, and to one code when it is given. */
export function isThermoclineError(error: unknown): error is AnyThermoclineError
export function isThermoclineError<C extends ErrorCode>(error: unknown, code: C): error is ThermoclineError<C>
export function isThermoclineError(error: unknown, code?: ErrorCode): boolean {
  return error instanceof ThermoclineError && (code === undefined || error.code === code)
}

/**
 * Returns the same error with other details, and in other words where these are given. Details that are not enumerable,
 * so that no log shows them, stay with it, and so do the frames of a caller's function that has failed.
 */
export function retold(error: ThermoclineError, details: object, message = error.message): ThermoclineError {
  const known = Object.entries(Object.getOwnPropertyDescriptors(error.details))
  const hidden = Object.fromEntries(known.filter(([, { enumerable }]) => !enumerable))
  const told = Object.defineProperties({}, { ...hidden, ...Object.getOwnPropertyDescriptors(details) })
  const { cause, retryable } = error
  const again = new ThermoclineError(error.code, message, told as never, { cause, retryable })
  return 'original' in hidden ? withFramesOf(error, again) : again
}

/**
 * Makes one of our errors of one that nobody foresaw. Its stack says where it came from; its message is left out, for
 * it may hold content.
 */
export function unforeseen(error: unknown, details: WriteFailure = {}): ThermoclineError {
  if (error instanceof ThermoclineError) return error
  const message = 'something failed that thermocline does not foresee: a fault of its own, or of an object it was given'
  return withFramesOf(error, new ThermoclineError('ERR_INTERNAL', message, details, { cause: error }))
}

/** The error, whose stack says where the other one came from. The message of that is left out. */
export function withFramesOf<C extends ErrorCode>(error: unknown, own: ThermoclineError<C>): ThermoclineError<C> {
  const { stack, message: foreign } = (isErrorLike(error) ? error : {}) as { stack?: unknown; message?: unknown }
  if (typeof stack === 'string' && typeof foreign === 'string' && stack.includes(foreign)) {
    const frames = stack.slice(stack.indexOf(foreign) + foreign.length)
    Object.defineProperty(own, 'stack', {
      value: `${own.name}: ${own.message}${frames}`,
      writable: true,
      configurable: true,
    })
  }
  return own
}

/** What of a foreign error may be kept: driver errors carry the row, the parameters or the command. */
export interface SafeCause {
  readonly name: string
  readonly code?: string
  readonly constraint?: string
  /** Of HTTP. */
  readonly status?: number
}

/** Copies name, code, constraint and status of a foreign error; one of our own passes as it is. */
export function withoutContent(error: unknown): ThermoclineError | SafeCause {
  if (error instanceof ThermoclineError) return error
  // drizzle wraps the driver's error; its own message holds all parameters.
  const wrapped = isErrorLike(error) && 'cause' in error ? error.cause : undefined
  const source = isErrorLike(wrapped) ? wrapped : error
  if (!isErrorLike(source)) return { name: typeof source }
  const { name, code, constraint, constraint_name, status, statusCode = status } = source as Record<string, unknown>
  const named = constraint ?? constraint_name
  return {
    name: typeof name === 'string' ? name : 'Error',
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof named === 'string' ? { constraint: named } : {}),
    ...(typeof statusCode === 'number' ? { status: statusCode } : {}),
  }
}

/** What a message may tell of an error: the words of one of ours, name and code of a foreign one. */
export function saidBy(error: unknown): string {
  const safe = withoutContent(error)
  if (safe instanceof ThermoclineError) return safe.message
  return safe.code === undefined ? safe.name : `${safe.name} ${safe.code}`
}

function isErrorLike(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
