/**
 * Runs the work for every item, a bounded number at a time, and resolves once all of it is done. After a failure it
 * begins no more, waits for what is running, and then rejects: nothing is still running when the caller learns of it.
 */
export async function inParallel<T>(
  items: Iterable<T>,
  atOnce: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const remaining = items[Symbol.iterator]()
  let failed = false
  const takeAll = async (): Promise<void> => {
    for (let next = remaining.next(); !failed && next.done !== true; next = remaining.next()) {
      try {
        await work(next.value)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  const results = await Promise.allSettled(Array.from({ length: atOnce }, takeAll))
  const failure = results.find((result) => result.status === 'rejected')
  if (failure !== undefined) throw failure.reason
}
