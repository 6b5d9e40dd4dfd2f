import type { MemoryStore } from '../../../src/index.ts'
import type { Bench } from '../harness/bench.ts'
import type { BenchCase, Sample } from '../harness/bench-case.ts'
import { fillUp, GROUP, growthRows, growthSubjects, measureAtSize, putGroup, SMALL } from '../harness/growth.ts'

const LARGE = 50_000
const LARGEST = 200_000
const HOUR = 3_600_000
const GIGABYTE = 1024 ** 3

const rowsOf = (size: number) => growthRows(size, 'in the process')

export default {
  title: 'growth in the process',
  limit: 400,
  mostRounds: 5,
  rows: rowsOf(LARGE),
  fullRows: rowsOf(LARGEST),
  setUp: (bench) =>
    growthSubjects(bench.isFull ? [SMALL, LARGE, LARGEST] : [SMALL, LARGE], (size) => GrownStore.fill(bench, size)),
} satisfies BenchCase

/** An embedded store with as many hot entries, and a clock that makes the oldest group of them idle. */
class GrownStore {
  readonly #store: MemoryStore
  readonly #clock: MovedClock
  #ids: readonly string[] = []

  private constructor(store: MemoryStore, clock: MovedClock) {
    this.#store = store
    this.#clock = clock
  }

  static async fill(bench: Bench, size: number): Promise<GrownStore> {
    const clock = new MovedClock()
    // One for the round that warms up.
    const groups = bench.rounds + 1
    const store = await bench.openStore({
      hot: { maxEntries: 2 * size, maxBytes: 4 * GIGABYTE },
      sync: { schedule: '0 0 0 1 1 *', hotToColdAge: groups * HOUR - HOUR / 2 },
      clock,
    })
    const grown = new GrownStore(store, clock)
    for (let group = 0; group < groups; group++) {
      await putGroup(store)
      clock.advance(HOUR)
    }
    grown.#ids = await fillUp(store, GROUP * groups, size)
    return grown
  }

  async measure(): Promise<Sample> {
    return { figures: { ...(await measureAtSize(this.#store, this.#ids)), demotion: await this.#demote() } }
  }

  /** Entries a second that leave by a sync, to which the oldest group alone is idle. */
  async #demote(): Promise<number> {
    const began = performance.now()
    const { synced } = await this.#store.sync()
    const seconds = (performance.now() - began) / 1_000
    this.#clock.advance(HOUR)
    if (synced !== GROUP) throw new Error(`${synced} entries were demoted, and not ${GROUP}`)
    return synced / seconds
  }
}

/** The system's time, and as far ahead as it was moved. */
class MovedClock {
  #ahead = 0

  now(): number {
    return Date.now() + this.#ahead
  }

  advance(ms: number): void {
    this.#ahead += ms
  }
}
