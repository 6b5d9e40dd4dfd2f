/**
 * Reads a snapshot from a server, where a transaction on a connection of its own keeps one moment. Snapshots of the
 * embedded database are in kept-snapshots.ts.
 */

import type { FrozenReader } from './cold-driver.ts'
import type { ColdQuery, ColdRow, ColdSnapshot } from './cold-tier.ts'
import { countEntries } from './sql/find-entries.ts'
import { readSnapshotPage } from './sql/snapshot-page.ts'

export class FrozenSnapshot implements ColdSnapshot {
  readonly count: number
  readonly #reader: FrozenReader
  readonly #query: ColdQuery

  private constructor(reader: FrozenReader, query: ColdQuery, count: number) {
    this.#reader = reader
    this.#query = query
    this.count = count
  }

  static async begin(freeze: () => Promise<FrozenReader>, query: ColdQuery): Promise<FrozenSnapshot> {
    const reader = await freeze()
    try {
      return new FrozenSnapshot(reader, query, await countEntries(reader, query, []))
    } catch (error) {
      await reader.close()
      throw error
    }
  }

  async *pages(): AsyncGenerator<readonly ColdRow[], void, undefined> {
    for (let after: ColdRow | undefined; ; ) {
      const rows = await readSnapshotPage(this.#reader, this.#query, after?.record)
      if (rows.length === 0) return
      yield rows
      after = rows.at(-1)
    }
  }

  close(): Promise<void> {
    return this.#reader.close()
  }
}
