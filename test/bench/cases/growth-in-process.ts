import type { MemoryStore } from '../../../src/index.ts'
import type { Bench } from '../harness/bench.ts'
import { type BenchCase, type Row, ratioAtLeast, type Sample } from '../harness/bench-case.ts'
import { chunk } from '../harness/entries.ts'
import { load } from '../harness/load.ts'
import { timed } from '../harness/timed.ts'

const SMALL = 10_000
const LARGE = 50_000
const LARGEST = 200_000
const BATCH = 500
const SHIPPED = 1_000
/** Entries that are older than all others, and as many leave hot in each round. */
const GROUP = 500
const HOUR = 3_600_000
const GIGABYTE = 1024 ** 3

const WORKS = {
  put: 'put',
  get: 'get',
  checkpoint: 'checkpoint, rows',
  demotion: 'demotion, entries',
  stats: 'stats()',
}

function rowsOf(size: number): Row[] {
  return Object.entries(WORKS).map(([figure, work]) => ({
    title: `${work}, with ${size.toLocaleString('en-US')} hot entries in the process`,
    figure,
    unit: '/s',
    subject: nameOf(size),
    reference: { subject: nameOf(SMALL) },
    goals: [ratioAtLeast(0.85)],
  }))
}

function nameOf(size: number): string {
  return `${size.toLocaleString('en-US')} entries`
}

export default {
  title: 'growth in the process',
  limit: 400,
  mostRounds: 5,
  rows: rowsOf(LARGE),
  fullRows: rowsOf(LARGEST),
  async setUp(bench) {
    const sizes = bench.isFull ? [SMALL, LARGE, LARGEST] : [SMALL, LARGE]
    const subjects: Record<string, () => Promise<Sample>> = {}
    for (const size of sizes) {
      const grown = await GrownStore.fill(bench, size)
      subjects[nameOf(size)] = () => grown.measure()
    }
    return subjects
  },
} satisfies BenchCase

/** An embedded store with as many hot entries, and a clock that makes the oldest group of them idle. */
class GrownStore {
  readonly #store: MemoryStore
  readonly #clock: MovedClock
  readonly #ids: string[] = []

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
      await store.chunks.putMany(Array.from({ length: GROUP }, (_, nth) => chunk(nth)))
      clock.advance(HOUR)
    }
    for (let filled = GROUP * groups; filled < size - SHIPPED; filled += BATCH)
      await store.chunks.putMany(Array.from({ length: BATCH }, (_, nth) => ({ text: `one of many, ${filled + nth}` })))
    const shipped = await store.chunks.putMany(Array.from({ length: SHIPPED }, (_, nth) => chunk(nth)))
    grown.#ids.push(...shipped.map(({ id }) => id))
    await store.checkpoint({ timeout: '5m' })
    return grown
  }

  async measure(): Promise<Sample> {
    const ids = this.#ids
    const { chunks } = this.#store
    const idOf = (nth: number): string => ids[nth % ids.length]!
    const get = await load((nth) => chunks.get(idOf(nth)), { callers: 64, ms: 500 })
    // Over what is there, so that the number of entries stays.
    const put = await load((nth) => chunks.put({ ...chunk(nth), id: idOf(nth) }), { callers: 64, ms: 500 })
    await this.#store.checkpoint()
    await chunks.putMany(ids.map((id, nth) => ({ ...chunk(nth), id })))
    const shipped = await timed(ids.length, () => this.#store.checkpoint())
    return {
      figures: {
        get: get.figures.perSecond!,
        put: put.figures.perSecond!,
        checkpoint: shipped.figures.perSecond!,
        stats: (await timed(1, () => this.#store.stats())).figures.perSecond!,
        demotion: await this.#demote(),
      },
    }
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
