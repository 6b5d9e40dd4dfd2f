/** Runs work on the same key one after the other, in the order in which it came. */
export class KeyedLock {
  /** Per key what came last; it never rejects. */
  readonly #last = new Map<string, Promise<void>>()

  /** Settles as the work does, which begins once all that came before under this key has settled. */
  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    return this.runAll([key], work)
  }

  /**
   * As {@link run}, under several keys. It takes its place under all of them in one step, so two of these never wait
   * for each other.
   */
  async runAll<T>(keys: readonly string[], work: () => Promise<T>): Promise<T> {
    const before = keys.map((key) => this.#last.get(key)).filter((last) => last !== undefined)
    const running = before.length === 0 ? work() : Promise.all(before).then(work)
    const settled = running.then(
      () => {},
      () => {},
    )
    for (const key of keys) this.#last.set(key, settled)
    try {
      return await running
    } finally {
      for (const key of keys) if (this.#last.get(key) === settled) this.#last.delete(key)
    }
  }
}
