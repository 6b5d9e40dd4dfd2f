/** Each resource pushes its release as it opens; releases run last in, first out, all of them, and the first error is kept. */
export class ReleaseStack {
  readonly #releases: (() => Promise<void>)[] = []

  /** Runs `work` and releases what it opened; where both fail, the error of `work` is kept. */
  static async within<T>(work: (releases: ReleaseStack) => Promise<T>): Promise<T> {
    const releases = new ReleaseStack()
    let result: T
    try {
      result = await work(releases)
    } catch (error) {
      await releases.release().catch(() => {})
      throw error
    }
    await releases.release()
    return result
  }

  push(release: () => Promise<void>): void {
    this.#releases.push(release)
  }

  /** Idempotent. */
  async release(): Promise<void> {
    let failed = false
    let first: unknown
    for (let release = this.#releases.pop(); release !== undefined; release = this.#releases.pop()) {
      try {
        await release()
      } catch (error) {
        if (!failed) first = error
        failed = true
      }
    }
    if (failed) throw first
  }
}
