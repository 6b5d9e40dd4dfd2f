/**
 * Runs `work` one at a time. A call that comes while a run is under way waits for one further run, which all such
 * callers share: the run under way may have missed what they want done.
 */
export class SingleFlight<T> {
  readonly #work: () => Promise<T>
  #running: Promise<T> | undefined
  #next: Promise<T> | undefined

  constructor(work: () => Promise<T>) {
    this.#work = work
  }

  get isRunning(): boolean {
    return this.#running !== undefined
  }

  /** Whether a run will begin that has not begun yet. */
  get isQueued(): boolean {
    return this.#next !== undefined
  }

  run(): Promise<T> {
    // A run that ended an instant ago, with its successor about to begin, is no gap to slip into.
    if (this.#next !== undefined) return this.#next
    if (this.#running === undefined) return this.#start()
    this.#next = this.#running.then(ignore, ignore).then(() => {
      this.#next = undefined
      return this.#start()
    })
    return this.#next
  }

  /** The run that is under way, else a new one: for those to whom it does not matter when it began. */
  join(): Promise<T> {
    return this.#running ?? this.run()
  }

  /** Resolves once nothing runs and nothing waits to. */
  async idle(): Promise<void> {
    for (let last = this.#last; last !== undefined; last = this.#last) await last.then(ignore, ignore)
  }

  get #last(): Promise<T> | undefined {
    return this.#next ?? this.#running
  }

  #start(): Promise<T> {
    const run = this.#work().finally(() => {
      this.#running = undefined
    })
    this.#running = run
    return run
  }
}

const ignore = (): void => {}
