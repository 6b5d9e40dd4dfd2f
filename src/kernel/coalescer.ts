/**
 * Merges calls into one: those of one turn of the event loop, and, where one batch after the other is done, those that
 * come while one is under way. Callers that waited for the same thing so go on together, and what they ask next can be
 * merged as well.
 */

/** Returns one result per item, in order. @param calls that the items are of. */
export type CoalescedWork<T, R> = (items: readonly T[], calls: number) => Promise<readonly R[]>

/** Whether the items of a batch and those of one more call go together. One call is never split, however large. */
export type Fits<T> = (items: readonly T[], more: readonly T[]) => boolean

export interface CoalescerOptions<T> {
  /**
   * How long a batch keeps the next one waiting, which goes on taking calls; one that takes longer, as for the lock of
   * a row, holds up nobody else. @default not at all
   */
  readonly turnMs?: number
  /** @default a thousand items do */
  readonly fits?: Fits<T>
}

/** Of one batch: a turn that brings more has several. */
const MAX_ITEMS = 1_000

function fewItems(items: readonly unknown[], more: readonly unknown[]): boolean {
  return items.length + more.length <= MAX_ITEMS
}

class Batch<T, R> {
  readonly items: T[] = []
  calls = 0
  readonly results: Promise<readonly R[]>
  begin!: (results: Promise<readonly R[]>) => void

  constructor() {
    this.results = new Promise((resolve) => {
      this.begin = resolve
    })
  }
}

export class Coalescer<T, R> {
  readonly #work: CoalescedWork<T, R>
  readonly #turnMs: number | undefined
  readonly #fits: Fits<T>
  readonly #waiting: Batch<T, R>[] = []
  #open: Batch<T, R> | undefined
  #isBusy = false

  constructor(work: CoalescedWork<T, R>, { turnMs, fits = fewItems }: CoalescerOptions<T> = {}) {
    this.#work = work
    this.#turnMs = turnMs
    this.#fits = fits
  }

  /** Settles as the work does, which begins after this call; items of an earlier call come first. */
  async call(items: readonly T[]): Promise<readonly R[]> {
    const batch = this.#batchFor(items)
    const from = batch.items.length
    batch.calls++
    for (const item of items) batch.items.push(item)
    const results = await batch.results
    return results.length === items.length ? results : results.slice(from, from + items.length)
  }

  #batchFor(items: readonly T[]): Batch<T, R> {
    const open = this.#open
    if (open !== undefined && this.#fits(open.items, items)) return open
    const batch = new Batch<T, R>()
    this.#open = batch
    // Behind everything that this turn still has to do.
    process.nextTick(() => {
      if (this.#isBusy) this.#waiting.push(batch)
      else this.#begin(batch)
    })
    return batch
  }

  #begin(batch: Batch<T, R>): void {
    if (this.#open === batch) this.#open = undefined
    const results = this.#run(batch)
    batch.begin(results)
    if (this.#turnMs !== undefined) this.#holdTurn(results, this.#turnMs)
  }

  async #run({ items, calls }: Batch<T, R>): Promise<readonly R[]> {
    return this.#work(items, calls)
  }

  #holdTurn(results: Promise<unknown>, turnMs: number): void {
    this.#isBusy = true
    let isOver = false
    const end = (): void => {
      clearTimeout(timer)
      if (isOver) return
      isOver = true
      this.#isBusy = false
      const next = this.#waiting.shift()
      if (next !== undefined) this.#begin(next)
    }
    const timer = setTimeout(end, turnMs)
    results.then(end, end)
  }
}
