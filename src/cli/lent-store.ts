/**
 * A store that is open while somebody uses it. An embedded database has one process at a time: whoever uses it only now
 * and then, as the client of a conversation does, leaves it to others in between, and holds no memory for it.
 */
import type { MemoryStore } from '../store/memory-store.ts'

export class LentStore implements AsyncDisposable {
  readonly #open: () => Promise<MemoryStore>
  readonly #restMs: number | undefined
  #store: Promise<MemoryStore> | undefined
  #users = 0
  #timer: NodeJS.Timeout | undefined
  /** Settles once the store that was there before is closed. */
  #closing: Promise<unknown> = Promise.resolve()

  /** @param restMs when it is closed after its last use; undefined: it stays open. */
  constructor(open: () => Promise<MemoryStore>, restMs?: number) {
    this.#open = open
    this.#restMs = restMs
  }

  /** Opens the store where it is closed, and keeps it open until the work is done. */
  async use<T>(work: (store: MemoryStore) => Promise<T>): Promise<T> {
    clearTimeout(this.#timer)
    this.#users++
    try {
      return await work(await this.#opened())
    } finally {
      this.#users--
      if (this.#users === 0 && this.#restMs !== undefined) this.#timer = setTimeout(() => this.#rest(), this.#restMs)
    }
  }

  /** Closes the store; what it rejects with, this does. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer)
    this.#rest()
    await this.#closing
  }

  #opened(): Promise<MemoryStore> {
    if (this.#store !== undefined) return this.#store
    const opening = this.#closing.then(this.#open)
    this.#closing = Promise.resolve()
    // What failed to open is opened anew by whoever comes next; those who wait for it are told.
    opening.catch(() => {
      if (this.#store === opening) this.#store = undefined
    })
    this.#store = opening
    return opening
  }

  #rest(): void {
    const store = this.#store
    if (store === undefined) return
    this.#store = undefined
    this.#closing = store.then((open) => open.close())
    // Whoever comes next is told; until then nobody waits for it.
    this.#closing.catch(() => {})
  }
}
