/** Collects how long calls take. */
export class Latencies {
  readonly #millis: number[] = []

  async time<T>(call: () => Promise<T>): Promise<T> {
    const began = performance.now()
    const result = await call()
    this.#millis.push(performance.now() - began)
    return result
  }

  get count(): number {
    return this.#millis.length
  }

  /** Milliseconds that the share `p` (0 to 1) of the calls did not exceed; undefined without calls. */
  percentile(p: number): number | undefined {
    const sorted = this.#millis.toSorted((a, b) => a - b)
    return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)]
  }
}
