/**
 * Calls its subscribers with each event, in the order in which they subscribed. An event without a subscriber is lost.
 */
export class Emitter<T = void> {
  readonly #listeners: ((value: T) => void)[] = []

  /** For as long as both exist. A listener MUST NOT throw. */
  subscribe(listener: (value: T) => void): void {
    this.#listeners.push(listener)
  }

  emit(value: T): void {
    for (const listener of this.#listeners) listener(value)
  }
}
