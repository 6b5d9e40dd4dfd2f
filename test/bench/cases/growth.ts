import type { MemoryStore } from '../../../src/index.ts'
import type { Bench } from '../harness/bench.ts'
import type { BenchCase, Sample } from '../harness/bench-case.ts'
import { fillUp, GROUP, growthRows, growthSubjects, measureAtSize, putGroup, SMALL } from '../harness/growth.ts'

const LARGE = 100_000
const LARGEST = 1_000_000
const GROUP_APART_MS = 2_000

const rowsOf = (size: number) => growthRows(size, 'on Redis', { open: 'opening', close: 'closing' })

export default {
  title: 'growth on servers',
  servers: ['redis', 'postgres'],
  limit: 400,
  mostRounds: 5,
  rows: rowsOf(LARGE),
  fullRows: rowsOf(LARGEST),
  setUp: (bench) =>
    growthSubjects(bench.isFull ? [SMALL, LARGE, LARGEST] : [SMALL, LARGE], (size, nth) =>
      GrownStore.fill(bench, size, nth),
    ),
} satisfies BenchCase

interface Servers {
  readonly hot: { readonly url: string }
  readonly cold: { readonly url: string }
}

/** A store with as many hot entries, in a database of Redis and one of Postgres that are its own. */
class GrownStore {
  readonly #bench: Bench
  readonly #store: MemoryStore
  readonly #servers: Servers
  /** When each group was complete, the oldest first. */
  readonly #groups: number[] = []
  #ids: readonly string[] = []

  private constructor(bench: Bench, store: MemoryStore, servers: Servers) {
    this.#bench = bench
    this.#store = store
    this.#servers = servers
  }

  static async fill(bench: Bench, size: number, redisDatabase: number): Promise<GrownStore> {
    const { host, port } = bench.address('redis')
    const servers = { hot: { url: `redis://${host}:${port}/${redisDatabase}` }, cold: { url: await bench.database() } }
    const store = await bench.openStore({ ...servers, sync: false })
    const grown = new GrownStore(bench, store, servers)
    // One for the round that warms up.
    for (let group = 0; group <= bench.rounds; group++) await grown.#addGroup()
    grown.#ids = await fillUp(store, GROUP * grown.#groups.length, size)
    return grown
  }

  async #addGroup(): Promise<void> {
    await putGroup(this.#store)
    this.#groups.push(Date.now())
    await new Promise((resolve) => setTimeout(resolve, GROUP_APART_MS))
  }

  async measure(): Promise<Sample> {
    return { figures: { ...(await measureAtSize(this.#store, this.#ids)), ...(await this.#demote()) } }
  }

  /**
   * Opens a store for which the oldest group alone is idle, syncs, and closes it. Answers how many entries a second
   * leave, and how often a second it could be opened and closed.
   */
  async #demote(): Promise<Record<'demotion' | 'open' | 'close', number>> {
    const hotToColdAge = Date.now() - this.#groups.shift()!
    const options = { ...this.#servers, sync: { schedule: '0 0 0 1 1 *', hotToColdAge } }
    const began = performance.now()
    const store = await this.#bench.openStore(options)
    const opened = performance.now()
    const { synced } = await store.sync()
    const demoted = performance.now()
    await store.close()
    const closed = performance.now()
    if (synced === 0) throw new Error('nothing was demoted')
    return {
      demotion: synced / ((demoted - opened) / 1_000),
      open: 1_000 / (opened - began),
      close: 1_000 / (closed - demoted),
    }
  }
}
