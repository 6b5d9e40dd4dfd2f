/**
 * Decides which changes are waited for by whoever needs all that was read before to be written, as a cut of the log
 * does (rule E5 of README.md): those under way, but not while one asks the schema of its caller, which may never
 * answer. Such a change reads anew afterwards. What a change reads and writes is in compare-and-set.ts.
 */
export class ChangesUnderWay {
  readonly #busy = new Set<Promise<void>>()
  /** How often somebody has waited. */
  #waits = 0

  get waits(): number {
    return this.#waits
  }

  /** Resolves once no change goes on with what it has read by now, also behind a call that was given up. */
  async settled(): Promise<void> {
    this.#waits++
    await Promise.all(this.#busy)
  }

  /** Counts one that is busy; returns how to end that. */
  add(): () => void {
    let end = (): void => {}
    const busy = new Promise<void>((resolve) => {
      end = resolve
    })
    this.#busy.add(busy)
    return () => {
      this.#busy.delete(busy)
      end()
    }
  }
}

/** One of them, from its beginning to its end. */
export class ChangeUnderWay {
  readonly #all: ChangesUnderWay
  #end = (): void => {}
  #waitsBefore = 0
  #isOutdated = false

  constructor(all: ChangesUnderWay) {
    this.#all = all
  }

  /** Whether what it read last is to be read anew: somebody did not wait for it. */
  get isOutdated(): boolean {
    return this.#isOutdated
  }

  begin(): void {
    this.#end = this.#all.add()
  }

  end(): void {
    this.#end()
  }

  /** What it read before counts no more. */
  beginToRead(): void {
    this.#waitsBefore = this.#all.waits
    this.#isOutdated = false
  }

  /** Nobody waits for this change until there is an answer. */
  async ask<T>(answer: Promise<T>): Promise<T> {
    this.end()
    try {
      return await answer
    } finally {
      this.begin()
      if (this.#all.waits !== this.#waitsBefore) this.#isOutdated = true
    }
  }
}
