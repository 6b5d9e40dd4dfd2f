/** `thermocline sync` as a process of its own, beside backends, on a real Redis and a real Postgres. */
import { readdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type MemoryEntry, type MemoryStore, openMemoryStore } from '../../src/index.ts'
import { queryServer } from '../fault/edit-database.ts'
import { describeWithServers, QUIET, type Servers } from '../flow/stores.ts'
import { longTest } from '../tools/budget.ts'
import { asJson } from './entry-json.ts'
import { type RunningCli, runCli, startCli, startNode } from './run-cli.ts'

const BACKEND = join(import.meta.dirname, 'backend-child.ts')
const NAMESPACE = ['tenant', 'a:{b}%'] as const
const PATIENCE = { timeout: 60_000, interval: 50 }

/** Every second, and whatever is in hot is old enough to leave. */
const EAGER = { sync: { schedule: '* * * * * *', hotToColdAge: 0, batchSize: 10 } }

type Entry = Omit<MemoryEntry, 'embedding'>

/** One store on the servers, and the processes that use it. */
class Deployment {
  readonly env: { readonly REDIS_URL: string; readonly DATABASE_URL: string }
  readonly #servers: Servers

  private constructor(servers: Servers, databaseUrl: string) {
    this.#servers = servers
    this.env = { REDIS_URL: servers.redisUrl, DATABASE_URL: databaseUrl }
  }

  static async create(servers: Servers): Promise<Deployment> {
    const deployment = new Deployment(servers, await servers.databases.create())
    // It needs neither Redis nor a data folder, and makes none.
    const [cwd, { DATABASE_URL }] = [await servers.folder(), deployment.env]
    expect(await runCli(['migrate'], { env: { DATABASE_URL }, cwd })).toMatchObject({ code: 0, stderr: '' })
    expect(await readdir(cwd)).toEqual([])
    return deployment
  }

  /** A backend that has written and is killed with -9; answers its entries as it read them back. */
  async killedBackend(dir: string, count: number): Promise<string[]> {
    const backend = startNode(BACKEND, [dir, String(count)], { env: this.env })
    await backend.printed(/^done$/m)
    backend.child.kill('SIGKILL')
    const { stdout, stderr } = await backend.result
    expect(stderr).toBe('')
    const lines = stdout.trim().split('\n').slice(0, -1)
    expect(lines.length).toBe(4 * count)
    return lines
  }

  /** A worker; resolves when it runs. */
  async startWorker(dir?: string, options: object = EAGER): Promise<RunningCli> {
    const config = join(await this.#servers.folder(), 'config.json')
    await writeFile(config, JSON.stringify(options))
    const folder = dir ?? (await this.#servers.folder())
    const worker = startCli(['sync', '--config', config, '--dir', folder], { env: this.env })
    await worker.printed(/the sync worker runs/)
    return worker
  }

  /** A backend in this process, which looks. */
  async openStore(): Promise<MemoryStore> {
    const { REDIS_URL, DATABASE_URL } = this.env
    const dir = await this.#servers.folder()
    const store = await openMemoryStore({ dir, hot: { url: REDIS_URL }, cold: { url: DATABASE_URL }, ...QUIET })
    onTestFinished(async () => void (await store.close()))
    return store
  }

  query(statement: string) {
    return queryServer(this.env.DATABASE_URL, statement)
  }

  async count(table: string): Promise<number> {
    const [row] = await this.query(`SELECT count(*)::int AS count FROM thermocline.${table}`)
    return row!.count as number
  }
}

const idOf = (line: string): string => (JSON.parse(line) as Entry).id

/** Where the entries live, by what the tiers themselves say: `hot`, `cold`, `hot cold` or nothing. */
async function placesOf(store: MemoryStore, lines: readonly string[]): Promise<Set<string>> {
  const { entries } = store.namespace(...NAMESPACE)
  const found = await Promise.all(lines.map((line) => entries.explain(idOf(line))))
  return new Set(found.map(({ hot, cold }) => [hot && 'hot', cold && 'cold'].filter(Boolean).join(' ')))
}

async function readBack(store: MemoryStore, lines: readonly string[]): Promise<string[]> {
  const { entries } = store.namespace(...NAMESPACE)
  return Promise.all(lines.map(async (line) => asJson(await entries.peek(idOf(line)))))
}

const messagesOf = (stdout: string): { msg: string; time: number }[] =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { msg: string; time: number })

/** Ends it in good order. */
async function stop(worker: RunningCli, signal: NodeJS.Signals = 'SIGTERM'): Promise<string> {
  worker.child.kill(signal)
  const { code, stdout, stderr } = await worker.result
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout
}

describeWithServers('the sync worker beside backends', (servers) => {
  test('demotes what a killed backend left in hot alone, its disk out of reach, to the last bit', async () => {
    const deployment = await Deployment.create(servers)
    const dir = await servers.folder()
    const lines = await deployment.killedBackend(dir, 3)
    await rename(join(dir, 'wal'), join(dir, 'out of reach'))
    const store = await deployment.openStore()
    expect(await placesOf(store, lines)).toEqual(new Set(['hot']))

    const worker = await deployment.startWorker()
    await vi.waitFor(async () => expect(await placesOf(store, lines)).toEqual(new Set(['cold'])), PATIENCE)
    expect(await readBack(store, lines)).toEqual(lines)
    const kinds = await deployment.query('SELECT kind::text, count(*)::int FROM thermocline.memory_entries GROUP BY 1')
    expect(new Set(kinds.map(({ kind, count }) => `${kind} ${count}`))).toEqual(
      new Set(['embedding 3', 'chunk 3', 'metadata 3', 'raptor 3']),
    )

    const ran = await deployment.count('sync_runs')
    expect(ran).toBeGreaterThan(0)
    const stdout = await stop(worker)
    const synced = messagesOf(stdout).filter(({ msg }) => msg === 'synced')
    expect(await deployment.count('sync_runs')).toBe(synced.length)
    const [{ moved }] = (await deployment.query('SELECT sum(synced)::int AS moved FROM thermocline.sync_runs')) as [
      { moved: number },
    ]
    expect(moved).toBe(lines.length)
  })

  longTest.each(['SIGTERM', 'SIGINT'] as const)(
    'ends on %s with work in progress, in time, and exits 0',
    async (signal) => {
      const deployment = await Deployment.create(servers)
      const lines = await deployment.killedBackend(await servers.folder(), 100)
      const worker = await deployment.startWorker()
      await vi.waitUntil(async () => (await deployment.count('memory_entries')) > 0, { ...PATIENCE, interval: 5 })
      const began = performance.now()
      const stdout = await stop(worker, signal)
      expect(performance.now() - began).toBeLessThan(10_000)
      expect(messagesOf(stdout).at(-1)!.msg).toBe('the sync worker has stopped')
      const moved = await deployment.count('memory_entries')
      expect(moved).toBeLessThan(lines.length)

      const once = await runCli(
        ['sync', '--once', '--json', '--config', await eagerConfig(servers), '--dir', await servers.folder()],
        {
          env: deployment.env,
        },
      )
      expect(JSON.parse(once.stdout)).toMatchObject({ errors: 0, synced: lines.length - moved })
      const store = await deployment.openStore()
      expect(await readBack(store, lines)).toEqual(lines)
    },
  )

  longTest('ends at once on a second signal, and nothing is lost', async () => {
    const deployment = await Deployment.create(servers)
    const dir = await servers.folder()
    const lines = await deployment.killedBackend(dir, 50)
    const worker = await deployment.startWorker()
    await vi.waitUntil(async () => (await deployment.count('memory_entries')) > 0, { ...PATIENCE, interval: 5 })
    worker.child.kill('SIGTERM')
    worker.child.kill('SIGINT')
    expect(await worker.result).toMatchObject({ code: 130, stderr: '' })
    const store = await deployment.openStore()
    expect(await readBack(store, lines)).toEqual(lines)
  })

  longTest('stands by while another syncs, and takes over when that one is killed', async () => {
    const deployment = await Deployment.create(servers)
    const leader = await deployment.startWorker()
    await leader.printed(/this process syncs from now on/)
    const standby = await deployment.startWorker()
    const runs = await deployment.count('sync_runs')
    await vi.waitUntil(async () => (await deployment.count('sync_runs')) > runs + 2, PATIENCE)
    const killedAt = Date.now()
    leader.child.kill('SIGKILL')

    await standby.printed(/"msg":"synced"/)
    const messages = messagesOf(await stop(standby))
    const began = messages.find(({ msg }) => msg === 'this process syncs from now on')!
    expect(began.time).toBeGreaterThan(killedAt)
    expect(messages.find(({ msg }) => msg === 'synced')!.time).toBeGreaterThanOrEqual(began.time)
  })

  longTest('ships and retires the log of a backend that shared its folder and was killed', async () => {
    const deployment = await Deployment.create(servers)
    const dir = await servers.folder()
    // Nothing leaves hot by age: what comes into cold comes from the log.
    const worker = await deployment.startWorker(dir, { sync: { schedule: '* * * * * *', hotToColdAge: '1h' } })
    const [own] = await readdir(join(dir, 'wal'))
    const lines = await deployment.killedBackend(dir, 3)
    await vi.waitFor(async () => expect(await readdir(join(dir, 'wal'))).toEqual([own]), PATIENCE)
    const rows = await deployment.query('SELECT wal_id::text FROM thermocline.wal_checkpoints')
    expect(rows).toEqual([{ wal_id: own }])
    const store = await deployment.openStore()
    expect(await placesOf(store, lines)).toEqual(new Set(['hot cold']))
    expect(await readBack(store, lines)).toEqual(lines)
    await stop(worker)
    expect(await readdir(join(dir, 'wal'))).toEqual([])
  })
})

async function eagerConfig(servers: Servers): Promise<string> {
  const file = join(await servers.folder(), 'config.json')
  await writeFile(file, JSON.stringify(EAGER))
  return file
}
