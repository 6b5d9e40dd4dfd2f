/** Tells those who subscribed, in the order they came. What is told before anybody listens is told to nobody. */
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
