/** What the processes of writer-child.ts wrote, and what a store must have of it. */
import { expect } from 'vitest'
import type { MemoryStore } from '../../src/index.ts'

/** Writes to one key: the n of the last one that was begun, and of the last one that was acknowledged. */
export interface Progress {
  begun: number
  acknowledged: number
}

export class Written {
  readonly #progress: Map<string, Progress>

  constructor(keys: Iterable<string>) {
    this.#progress = new Map(Array.from(keys, (key) => [key, { begun: 0, acknowledged: 0 }]))
  }

  /** @param line That a writer printed. Answers whether it acknowledges a write. */
  see(line: string): boolean {
    const [what, key, n] = line.split(' ')
    const progress = this.#progress.get(key!)!
    if (what === 'begin') progress.begun = Number(n)
    else progress.acknowledged = Number(n)
    return what === 'ack'
  }

  /**
   * Looks by key, from wherever it is found first, and by a query, from cold and pending.
   * @param replay How to see it again, for a message.
   */
  async verify(store: MemoryStore, replay: string): Promise<void> {
    const found = await store.chunks.find({ limit: 1_000 })
    for (const [key, { begun, acknowledged }] of this.#progress) {
      // The first write of a key, before the child begins to count, is an entry with text 0.
      if (acknowledged === 0) continue
      const possible: (number | undefined)[] = [acknowledged, begun].map((n) => (n % 5 === 0 ? undefined : n))
      const ways = { get: await store.chunks.getByKey(key), find: found.items.find((entry) => entry.key === key) }
      for (const [way, entry] of Object.entries(ways)) {
        const seen = entry === undefined ? undefined : Number(entry.text)
        const about = `${way} ${key} after ${acknowledged} acknowledged, ${begun} begun: ${replay}`
        expect(possible, about).toContain(seen)
        if (entry !== undefined)
          expect(entry, about).toMatchObject({ position: seen, metadata: { padding: 'x'.repeat(seen! % 700) } })
      }
    }
  }
}
