/**
 * Merges the calls of one turn of the event loop into one. Callers that waited for the same thing so go on together,
 * and what they ask next can be merged as well.
 */

/** Returns one result per item, in order. @param calls that the items are of. */
export type CoalescedWork<T, R> = (items: readonly T[], calls: number) => Promise<readonly R[]>

/** Of one batch: a turn that brings more has several. One call is never split, however large. */
const MAX_ITEMS = 1_000

class Batch<T, R> {
  readonly items: T[] = []
  calls = 0
  readonly results: Promise<readonly R[]>

  /** @param begin called behind everything that this turn still has to do. */
  constructor(begin: () => Promise<readonly R[]>) {
    this.results = new Promise((resolve) => process.nextTick(() => resolve(begin())))
  }
}

export class Coalescer<T, R> {
  readonly #work: CoalescedWork<T, R>
  #open: Batch<T, R> | undefined

  constructor(work: CoalescedWork<T, R>) {
    this.#work = work
  }

  /** Settles as the work does; items of an earlier call come first. */
  async call(items: readonly T[]): Promise<readonly R[]> {
    const batch = this.#batchFor(items.length)
    const from = batch.items.length
    batch.calls++
    for (const item of items) batch.items.push(item)
    const results = await batch.results
    return results.length === items.length ? results : results.slice(from, from + items.length)
  }

  #batchFor(items: number): Batch<T, R> {
    const open = this.#open
    if (open !== undefined && open.items.length + items <= MAX_ITEMS) return open
    const batch: Batch<T, R> = new Batch<T, R>(async () => {
      if (this.#open === batch) this.#open = undefined
      return this.#work(batch.items, batch.calls)
    })
    this.#open = batch
    return batch
  }
}
