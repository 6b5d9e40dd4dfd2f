/**
 * `npm run soak -- [--servers] [--minutes N] [--rate N]`: one store under a steady load for a long time, on servers
 * with a fault each half minute. At five points the load pauses, everything is shipped, each acknowledged key is read
 * back, and what a leak would show is counted. Exits 1 where a key is lost or something grew.
 */
import { mkdtemp, readdir, readlink, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Command } from 'commander'
import { Redis } from 'ioredis'
import type postgres from 'postgres'
import { isThermoclineError, type MemoryStore, type MemoryStoreOptions, openMemoryStore } from '../../src/index.ts'
import { textTable } from '../demo/text-table.ts'
import type { PrivatePostgres, PrivateRedis } from '../tools/services.ts'
import { queryDatabase } from './edit-database.ts'
import { pick, type Random, randomFrom } from './seeded-random.ts'

const POINTS = 5
const KEYS = 5_000
const FAULT_EVERY_MS = 30_000
const DIMENSIONS = 64
/** The one part of the heap that may differ from point to point: caches, and what the collector has left. */
const HEAP_SLACK_BYTES = 12 * 1024 * 1024

interface Settings {
  readonly servers: boolean
  readonly minutes: number
  readonly rate: number
  readonly seed: number
}

interface Servers {
  readonly redis: PrivateRedis
  readonly postgres: PrivatePostgres
}

/**
 * What is known of a key: the newest acknowledged text, null where it was deleted, and texts that may have been
 * written.
 */
interface Known {
  acknowledged: string | null
  unsure: (string | null)[]
}

type Figures = Record<string, number>

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

class Soak {
  readonly #store: MemoryStore
  readonly #random: Random
  readonly #known = new Map<string, Known>()
  readonly #busy = new Set<string>()
  acknowledged = 0
  refused = 0

  constructor(store: MemoryStore, random: Random) {
    this.#store = store
    this.#random = random
  }

  /** Calls at about `rate` a second until `until`; half of them write. */
  async load(until: number, rate: number): Promise<void> {
    const running = new Set<Promise<void>>()
    const callsPerTick = Math.max(1, Math.round(rate / 20))
    while (Date.now() < until) {
      for (let call = 0; call < callsPerTick && running.size < 500; call++) {
        const one: Promise<void> = this.#call().finally(() => running.delete(one))
        running.add(one)
      }
      await delay(50)
    }
    await Promise.all(running)
  }

  async #call(): Promise<void> {
    try {
      const dice = this.#random()
      if (dice < 0.5) await this.#write()
      else if (dice < 0.9) await this.#store.chunks.getByKey(this.#anyKey())
      else if (dice < 0.95) await this.#store.chunks.find({ where: { documentId: this.#anyDocument() }, limit: 20 })
      else await this.#store.chunks.search({ embedding: this.#vector(), k: 5 })
    } catch (error) {
      // A tier that is away is what the faults are for; anything else is a fault of ours.
      if (!isThermoclineError(error)) throw error
      this.refused++
    }
  }

  async #write(): Promise<void> {
    const key = this.#anyKey()
    if (this.#busy.has(key)) return
    this.#busy.add(key)
    const known = this.#known.get(key) ?? { acknowledged: null, unsure: [] }
    this.#known.set(key, known)
    const isDelete = this.#random() < 0.1
    const text = isDelete ? null : `${key} ${this.#random()} ${'lorem ipsum '.repeat(40)}`
    try {
      if (text === null) await this.#store.chunks.deleteByKey(key)
      else await this.#store.chunks.put({ key, text, documentId: this.#anyDocument(), embedding: this.#vector() })
      this.acknowledged++
      known.acknowledged = text
      known.unsure = []
    } catch (error) {
      known.unsure.push(text)
      throw error
    } finally {
      this.#busy.delete(key)
    }
  }

  /** Keys that do not read as what was acknowledged. */
  async lost(): Promise<number> {
    const keys = [...this.#known.keys()]
    let lost = 0
    for (let from = 0; from < keys.length; from += 500) {
      const slice = keys.slice(from, from + 500)
      const entries = await this.#store.chunks.getManyByKey(slice)
      slice.forEach((key, nth) => {
        const { acknowledged, unsure } = this.#known.get(key)!
        const text = entries[nth]?.text ?? null
        if (text !== acknowledged && !unsure.includes(text)) lost++
      })
    }
    return lost
  }

  #anyKey(): string {
    return `key-${Math.floor(this.#random() * KEYS)}`
  }

  #anyDocument(): string {
    return `document-${Math.floor(this.#random() * 100)}`
  }

  #vector(): Float32Array {
    return Float32Array.from({ length: DIMENSIONS }, () => this.#random() - 0.5)
  }
}

async function breakSomething({ redis, postgres: server }: Servers, random: Random): Promise<string> {
  const faults: Record<string, () => Promise<unknown>> = {
    'Redis restarts empty': () => redis.restart(),
    'Redis stands still': async () => {
      redis.signal('SIGSTOP')
      await delay(3_000)
      redis.signal('SIGCONT')
    },
    'Redis is flushed': async () => {
      const client = quietClient(redis)
      await client.flushall()
      client.disconnect()
    },
    'Postgres is killed': async () => {
      await server.stop('immediate')
      await delay(3_000)
      await server.restart()
    },
    'Postgres ends its connections': () =>
      withClient(
        server,
        (sql) => sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
      ),
  }
  const names = Object.keys(faults)
  const name = names[pick(random, 0, names.length - 1)]!
  await faults[name]!()
  return name
}

/** Its server goes and comes back. */
function quietClient(redis: PrivateRedis): Redis {
  return new Redis(redis.connection).on('error', () => {})
}

async function withClient<T>(server: PrivatePostgres, ask: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = server.client()
  try {
    return await ask(sql)
  } finally {
    await sql.end()
  }
}

async function figuresOf(store: MemoryStore, dir: string, servers: Servers | undefined): Promise<Figures> {
  collectGarbage()
  // What finalizers let go of is collected by a second pass.
  await delay(200)
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  const local: Figures = {
    'heap bytes': heapUsed,
    'external bytes': external,
    ...(await descriptorsOf(dir)),
    'pending entries': (await store.stats()).pending.entries,
    'log bytes': await sizeOf(join(dir, 'wal')),
  }
  if (servers === undefined) return { ...local, 'database bytes': await sizeOf(join(dir, 'cold')) }
  const client = quietClient(servers.redis)
  const keys = await client.dbsize()
  client.disconnect()
  const [row] = await withClient(
    servers.postgres,
    (sql) => sql`SELECT
      (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()) AS connections,
      (SELECT count(*)::int FROM thermocline.entry_staging) AS staged,
      (SELECT count(*)::int FROM thermocline.hot_misses) AS missed,
      (SELECT count(*)::int FROM thermocline.memory_entries) AS rows`,
  )
  return {
    ...local,
    'Redis keys': keys,
    connections: row!.connections as number,
    'staged rows': row!.staged as number,
    'keys to repair': row!.missed as number,
    'rows in Postgres': row!.rows as number,
  }
}

/** The embedded database keeps open what it has touched of its tables: as many as its folder has files, at most. */
async function descriptorsOf(dir: string): Promise<Figures> {
  const links = (await readdir('/proc/self/fd')).map((fd) => readlink(join('/proc/self/fd', fd)).catch(() => ''))
  const targets = (await Promise.all(links)).filter((target) => target !== '')
  const ofDatabase = targets.filter((target) => target.startsWith(join(dir, 'cold')))
  return { descriptors: targets.length - ofDatabase.length, 'descriptors of the database': ofDatabase.length }
}

async function sizeOf(dir: string): Promise<number> {
  const files = await readdir(dir, { recursive: true, withFileTypes: true })
  const sizes = files
    .filter((file) => file.isFile())
    .map((file) =>
      stat(join(file.parentPath, file.name)).then(
        ({ size }) => size,
        // A segment that a checkpoint has let go of meanwhile.
        () => 0,
      ),
    )
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

/** Ships everything, also where a server has only just come back. */
async function settle(store: MemoryStore): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await store.sync({ timeout: '60s' })
      if (!store.health().degraded) return
    } catch (error) {
      if (attempt === 60 || !isThermoclineError(error)) throw error
    }
    if (attempt === 60) throw new Error('the store did not come back within a minute')
    await delay(1_000)
  }
}

async function soak(settings: Settings, servers: Servers | undefined): Promise<string[]> {
  const random = randomFrom(settings.seed)
  const dir = await mkdtemp(join(tmpdir(), 'thermocline-soak-'))
  const tiers: MemoryStoreOptions =
    servers === undefined ? {} : { hot: { client: quietClient(servers.redis) }, cold: { url: servers.postgres.url() } }
  const store = await openMemoryStore({
    dir,
    ...tiers,
    logger: false,
    checkpoint: { every: 1_000 },
    sync: { schedule: '*/5 * * * * *', hotToColdAge: '10s' },
  })
  const points: Figures[] = []
  const complaints: string[] = []
  const run = new Soak(store, random)
  try {
    const share = (settings.minutes * 60_000) / POINTS
    for (let point = 1; point <= POINTS; point++) {
      const until = Date.now() + share
      const loading = run.load(until, settings.rate)
      while (servers !== undefined && Date.now() < until - FAULT_EVERY_MS) {
        await delay(FAULT_EVERY_MS)
        console.log(`${new Date().toISOString()}  ${await breakSomething(servers, random)}`)
      }
      await loading
      await settle(store)
      const lost = await run.lost()
      if (lost > 0) complaints.push(`${lost} keys do not read as acknowledged at point ${point}`)
      points.push(await figuresOf(store, dir, servers))
      console.log(
        `${new Date().toISOString()}  point ${point} of ${POINTS}: ${run.acknowledged} writes acknowledged, ` +
          `${run.refused} calls refused, ${lost} keys lost`,
      )
    }
  } finally {
    await store.close()
    if ('hot' in tiers) (tiers.hot as { client: Redis }).client.disconnect()
  }
  if (servers === undefined) points.at(-1)!['staged rows'] = await stagedRows(dir)
  await rm(dir, { recursive: true, force: true })
  printTable(points)
  return [...complaints, ...growth(points)]
}

async function stagedRows(dir: string): Promise<number> {
  const rows = await queryDatabase(dir, 'SELECT count(*)::int AS staged FROM thermocline.entry_staging')
  return (rows[0] as { staged: number }).staged
}

function printTable(points: readonly Figures[]): void {
  const names = Object.keys(points.at(-1)!)
  const rows = names.map((name) => [name, ...points.map((figures) => figures[name] ?? '-')])
  console.log(`\n${textTable([['at point', ...points.map((_, nth) => nth + 1)], ...rows])}`)
}

/** Compares the last point with the first, when every key has been written and every connection made. */
function growth(points: readonly Figures[]): string[] {
  const [first, last] = [points[0]!, points.at(-1)!]
  const grown: string[] = []
  const expect = (isFine: boolean, what: string): void => {
    if (!isFine) grown.push(what)
  }
  expect(last['heap bytes']! < first['heap bytes']! + HEAP_SLACK_BYTES, 'the heap grew')
  expect(last.descriptors! <= first.descriptors! + 4, 'descriptors grew')
  expect(
    last['descriptors of the database']! <= first['descriptors of the database']! + 30,
    'files of the database grew',
  )
  expect((last.connections ?? 0) <= (first.connections ?? 0) + 4, 'connections grew')
  expect((last['staged rows'] ?? 0) === 0, 'staged rows were left')
  expect((last['keys to repair'] ?? 0) === 0, 'keys to repair were left')
  // Entries, and markers of what left; those go after a minute.
  expect((last['Redis keys'] ?? 0) <= 2 * KEYS, 'keys in Redis grew')
  return grown
}

async function main(): Promise<void> {
  const command = new Command('npm run soak --')
    .description('Loads one store for a long time and counts what a leak would show, at five points.')
    .option('--servers', 'on a private Redis and Postgres, with a fault each half minute', false)
    .option('--minutes <n>', 'how long', Number, 15)
    .option('--rate <n>', 'calls a second', Number, 200)
    .option('--seed <n>', 'of the load and the faults', Number, Date.now() % 1_000_000)
    .parse()
  const settings = command.opts<Settings>()
  console.log(`soak of ${settings.minutes} minutes at ${settings.rate} calls a second, seed ${settings.seed}`)
  let complaints: string[]
  if (settings.servers) {
    const services = await import('../tools/services.ts')
    await using redis = await services.PrivateRedis.start({ onPort: true })
    await using server = await services.PrivatePostgres.start()
    complaints = await soak(settings, { redis, postgres: server })
  } else complaints = await soak(settings, undefined)
  for (const complaint of complaints) console.log(`FAILED: ${complaint}`)
  console.log(complaints.length === 0 ? '\nnothing was lost, and nothing grew' : '')
  process.exitCode = complaints.length === 0 ? 0 : 1
}

await main()
