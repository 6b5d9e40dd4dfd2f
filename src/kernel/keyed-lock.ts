/** Lets work on the same key happen one after the other, in the order in which it came. */
export class KeyedLock {
  /** Per key what came last; it never rejects. */
  readonly #last = new Map<string, Promise<void>>()

  /** Settles as the work does, which begins once all that came before under this key has settled. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key)
    const running = before === undefined ? work() : before.then(work)
    const settled = running.then(
      () => {},
      () => {},
    )
    this.#last.set(key, settled)
    try {
      return await running
    } finally {
      if (this.#last.get(key) === settled) this.#last.delete(key)
    }
  }
}
