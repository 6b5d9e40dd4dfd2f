/** An error that a function of the caller threw: it reaches the caller as it is, past all that tells of failures. */
export class CallersError {
  readonly error: unknown

  constructor(error: unknown) {
    this.error = error
  }
}

/** Runs a function of the caller. Rejects with a {@link CallersError} where that throws. */
export async function callersOwn<T>(call: () => T | Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw new CallersError(error)
  }
}
