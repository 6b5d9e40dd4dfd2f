import type { MemoryStore } from '../../../src/index.ts'
import type { Bench } from '../harness/bench.ts'
import { type BenchCase, type Row, ratioAtLeast, type Sample } from '../harness/bench-case.ts'
import { chunk } from '../harness/entries.ts'
import { load } from '../harness/load.ts'
import { timed } from '../harness/timed.ts'

const SMALL = 10_000
const LARGE = 100_000
const LARGEST = 1_000_000
const BATCH = 500
const SHIPPED = 1_000
/** Entries that are older than all others, and as many leave hot in each round. */
const GROUP = 500
const GROUP_APART_MS = 2_000

const WORKS = {
  put: 'put',
  get: 'get',
  checkpoint: 'checkpoint, rows',
  demotion: 'demotion, entries',
  stats: 'stats()',
  open: 'opening',
  close: 'closing',
}

function rowsOf(size: number): Row[] {
  return Object.entries(WORKS).map(([figure, work]) => ({
    title: `${work}, with ${size.toLocaleString('en-US')} hot entries on Redis`,
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
  title: 'growth on servers',
  servers: ['redis', 'postgres'],
  limit: 400,
  mostRounds: 5,
  rows: rowsOf(LARGE),
  fullRows: rowsOf(LARGEST),
  async setUp(bench) {
    const sizes = bench.isFull ? [SMALL, LARGE, LARGEST] : [SMALL, LARGE]
    const subjects: Record<string, () => Promise<Sample>> = {}
    for (const [nth, size] of sizes.entries()) {
      const grown = await GrownStore.fill(bench, size, nth)
      subjects[nameOf(size)] = () => grown.measure()
    }
    return subjects
  },
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
  readonly #ids: string[] = []

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
    let filled = GROUP * grown.#groups.length
    for (; filled < size - SHIPPED; filled += BATCH)
      await store.chunks.putMany(Array.from({ length: BATCH }, (_, nth) => ({ text: `one of many, ${filled + nth}` })))
    grown.#ids.push(
      ...(await store.chunks.putMany(Array.from({ length: SHIPPED }, (_, nth) => chunk(nth)))).map(({ id }) => id),
    )
    await store.checkpoint({ timeout: '5m' })
    return grown
  }

  async #addGroup(): Promise<void> {
    await this.#store.chunks.putMany(Array.from({ length: GROUP }, (_, nth) => chunk(nth)))
    this.#groups.push(Date.now())
    await new Promise((resolve) => setTimeout(resolve, GROUP_APART_MS))
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
        ...(await this.#demote()),
      },
    }
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
