import { type ErrorDetails, ThermoclineError } from './errors.ts'

/** Every call that may wait takes these. */
export interface CallOptions {
  /** Ends the wait with `ERR_ABORTED`. */
  readonly signal?: AbortSignal | undefined
  /** Milliseconds to wait before `ERR_TIMEOUT`. */
  readonly timeout?: number | undefined
}

/** Longest wait that a timer can hold; beyond it Node fires after one millisecond. */
export const MAX_TIMER_MS = 2_147_483_647

/** Refuses with `ERR_ABORTED` when the caller has already given up. */
export function throwIfAborted(signal: AbortSignal | undefined, details: ErrorDetails['ERR_ABORTED'] = {}): void {
  if (signal?.aborted) throw new ThermoclineError('ERR_ABORTED', 'the call was aborted by its signal', details)
}

/**
 * Settles as `work` does, or rejects with `ERR_ABORTED` or `ERR_TIMEOUT` when the caller's patience ends first. The
 * work itself goes on: `details.outcome` tells the caller what that means for a write.
 */
export function withDeadline<T>(
  work: Promise<T>,
  { signal, timeout }: CallOptions,
  details: ErrorDetails['ERR_TIMEOUT'] = {},
): Promise<T> {
  if (signal === undefined && timeout === undefined) return work
  return new Promise<T>((resolve, reject) => {
    const giveUp = (error: ThermoclineError): void => {
      release()
      reject(error)
    }
    const onAbort = (): void =>
      giveUp(new ThermoclineError('ERR_ABORTED', 'the call was aborted by its signal', details))
    const timer =
      timeout === undefined
        ? undefined
        : setTimeout(
            () => {
              const waited = `the call did not finish within ${timeout} ms`
              giveUp(new ThermoclineError('ERR_TIMEOUT', waited, details))
            },
            Math.min(timeout, MAX_TIMER_MS),
          )
    const release = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
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
    if (signal?.aborted) onAbort()
    else signal?.addEventListener('abort', onAbort, { once: true })
  })
}
