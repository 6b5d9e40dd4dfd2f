/**
 * Decides how a wait ends early: with `ERR_ABORTED` when the caller's signal fires, with `ERR_TIMEOUT` when its timeout
 * has passed.
 */
import { type ErrorDetails, ThermoclineError } from '../errors.ts'

/** How long a call may wait, as it was checked. */
export interface Patience {
  readonly signal?: AbortSignal | undefined
  /** Milliseconds to wait before `ERR_TIMEOUT`. */
  readonly timeout?: number | undefined
  /** What the caller had said, where `timeout` is what is left of that. */
  readonly wholeTimeout?: number | undefined
}

/**
 * Returns a patience that runs from now on: several waits in a row under it last as long as one.
 * @param byDefault the timeout, in milliseconds, where none was given.
 */
export function runningOut(given: Patience, byDefault?: number): Patience {
  // Each is read once: the timeout of one that runs out shrinks.
  const { signal, timeout = byDefault, wholeTimeout = timeout } = given
  if (timeout === undefined) return { signal }
  const end = performance.now() + timeout
  return {
    signal,
    wholeTimeout,
    get timeout() {
      return Math.max(0, Math.ceil(end - performance.now()))
    },
  }
}

/** The longest wait that a timer can hold; Node fires a longer one after a millisecond. */
export const MAX_TIMER_MS = 2_147_483_647

/** Refuses with `ERR_ABORTED` when the caller has already given up. */
export function throwIfAborted(signal: AbortSignal | undefined, details: ErrorDetails['ERR_ABORTED'] = {}): void {
  if (signal?.aborted) throw new ThermoclineError('ERR_ABORTED', 'the call was aborted by its signal', details)
}

/** As {@link throwIfAborted}, and with `ERR_TIMEOUT` where a patience that runs out has done so. */
export function throwIfOver(
  { signal, timeout, wholeTimeout = timeout }: Patience,
  details: ErrorDetails['ERR_ABORTED'] = {},
): void {
  throwIfAborted(signal, details)
  if (timeout === 0) throw new ThermoclineError('ERR_TIMEOUT', tooLate(wholeTimeout), details)
}

function tooLate(wholeTimeout: number | undefined): string {
  return `the call did not finish within ${wholeTimeout} ms`
}

/**
 * Settles as `work` does, or rejects with `ERR_ABORTED` or `ERR_TIMEOUT` when the caller's patience ends first. The
 * work itself goes on: `details.outcome` tells the caller what that means for a write.
 */
export function withDeadline<T>(
  work: Promise<T>,
  { signal, timeout, wholeTimeout = timeout }: Patience,
  details: ErrorDetails['ERR_TIMEOUT'] = {},
): Promise<T> {
  if (signal === undefined && timeout === undefined) return work
  return new Promise<T>((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined
    let unsubscribe: (() => void) | undefined
    const release = (): void => {
      clearTimeout(timer)
      unsubscribe?.()
    }
    const giveUp = (error: ThermoclineError): void => {
      release()
      reject(error)
    }
    work.then(
      (value) => {
        release()
        resolve(value)
      },
      (error: unknown) => {
        release()
        reject(error)
      },
    )
    const onAbort = (): void =>
      giveUp(new ThermoclineError('ERR_ABORTED', 'the call was aborted by its signal', details))
    if (signal?.aborted) return onAbort()
    unsubscribe = signal && subscribe(signal, onAbort)
    if (timeout === undefined) return
    const onTimeout = (): void => giveUp(new ThermoclineError('ERR_TIMEOUT', tooLate(wholeTimeout), details))
    timer = setTimeout(onTimeout, Math.min(timeout, MAX_TIMER_MS))
  })
}

/** Settles as `work` does, or resolves with undefined after so many milliseconds; the work itself goes on. */
export async function unlessLate<T>(work: Promise<T>, milliseconds: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), Math.min(milliseconds, MAX_TIMER_MS))
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Does the work until it is done or patience ends; what it has begun is undone by then. */
export async function stoppable<T>(patience: Patience, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController()
  const working = work(stop.signal)
  try {
    return await withDeadline(working, patience)
  } catch (error) {
    stop.abort()
    await working.catch(() => {})
    throw error
  }
}

/** The calls that wait under one signal. They share one listener: Node warns of a leak at the eleventh. */
interface Waits {
  readonly callbacks: Set<() => void>
  readonly listener: () => void
}

const waiting = new WeakMap<AbortSignal, Waits>()

/** Calls `onAbort` when the signal fires. Answers how to end that; the last one that ends it removes the listener. */
function subscribe(signal: AbortSignal, onAbort: () => void): () => void {
  const waits = waiting.get(signal) ?? listenTo(signal)
  waits.callbacks.add(onAbort)
  return () => {
    if (!waits.callbacks.delete(onAbort) || waits.callbacks.size > 0) return
    waiting.delete(signal)
    signal.removeEventListener('abort', waits.listener)
  }
}

function listenTo(signal: AbortSignal): Waits {
  const callbacks = new Set<() => void>()
  const listener = (): void => {
    for (const onAbort of [...callbacks]) onAbort()
  }
  signal.addEventListener('abort', listener)
  const waits = { callbacks, listener }
  waiting.set(signal, waits)
  return waits
}
