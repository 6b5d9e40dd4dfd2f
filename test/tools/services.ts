/**
 * Real servers for tests. A test that needs one asks here; where there is none it is skipped and says how to get it,
 * and `REQUIRE_SERVICES=1` turns that skip into a failure. Servers are private: in a temporary folder of their own, and
 * gone with the process that started them, however that ends.
 */
import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import postgres from 'postgres'
import { describe, vi } from 'vitest'
import { makeAuthority } from './certificates.ts'

const REDIS_HELP = 'set REDIS_URL, or put redis-server on the PATH (Debian: apt-get install redis-server)'

/** A Redis that may be used beside others, and that no test kills, fills or flushes. */
export const redisUrl = process.env.REDIS_URL

const hasRedisServer = canRun('redis-server', '--version')

/** Declares tests that need a Redis of their own: `redis-server` on the PATH. */
export function describeWithRedis(name: string, body: () => void): void {
  describeWhere(hasRedisServer, REDIS_HELP, name, body)
}

/** Declares tests that are content with any Redis. */
export function describeWithAnyRedis(name: string, body: () => void): void {
  describeWhere(hasRedisServer || redisUrl !== undefined, REDIS_HELP, name, body)
}

const POSTGRES_HELP = 'set DATABASE_URL, or install PostgreSQL 14 or later with pgvector (Debian: .ci/install-services)'
const PGBOUNCER_HELP = 'put pgbouncer on the PATH (Debian: .ci/install-services)'

/** A Postgres in which databases may be made beside others, and that no test stops or kills. */
const databaseUrl = process.env.DATABASE_URL

/** Folder of `postgres` and `initdb`: on the PATH, else the newest that Debian keeps apart. */
const postgresBin = findPostgres()
const pgbouncer = ['/usr/sbin/pgbouncer', 'pgbouncer'].find((command) => canRun(command, '--version'))

/** Declares tests that need a Postgres of their own, with pgvector installed. */
export function describeWithPostgres(name: string, body: () => void): void {
  describeWhere(postgresBin !== undefined && hasPgvector(postgresBin), POSTGRES_HELP, name, body)
}

/** Declares tests that are content with databases of their own on any Postgres. */
export function describeWithAnyPostgres(name: string, body: () => void): void {
  describeWhere(databaseUrl !== undefined || postgresBin !== undefined, POSTGRES_HELP, name, body)
}

/** Declares tests that need a Postgres of their own that takes TLS. */
export function describeWithTlsPostgres(name: string, body: () => void): void {
  const help = `${POSTGRES_HELP}; and put openssl on the PATH`
  describeWhere(postgresBin !== undefined && canRun('openssl', 'version'), help, name, body)
}

/** Declares tests that need a Postgres of their own and pgbouncer before it. */
export function describeWithPgbouncer(name: string, body: () => void): void {
  describeWhere(postgresBin !== undefined && pgbouncer !== undefined, PGBOUNCER_HELP, name, body)
}

/** Declares tests that see or disturb the system calls of a process of their own. */
export function describeWithStrace(name: string, body: () => void): void {
  if (canRun('strace', '--version')) describeWherePermitted(['strace', '-f', '-o', '/dev/null', 'true'], name, body)
  else describeWhere(false, 'put strace on the PATH (Debian: .ci/install-services)', name, body)
}

/** Declares tests that need what a sandbox may refuse, and this command tries: no installation can make up for it. */
export function describeWherePermitted(
  [command, ...args]: [string, ...string[]],
  name: string,
  body: () => void,
): void {
  if (canRun(command, ...args)) describe(name, body)
  else describe.skip(`${name} (skipped: this machine does not permit \`${[command, ...args].join(' ')}\`)`, body)
}

function describeWhere(isThere: boolean, help: string, name: string, body: () => void): void {
  if (isThere) describe(name, body)
  else if (process.env.REQUIRE_SERVICES === '1') throw new Error(`REQUIRE_SERVICES=1, and no server: ${help}`)
  else describe.skip(`${name} (skipped: ${help})`, body)
}

function findPostgres(): string | undefined {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
  const folders = [...(process.env.PATH ?? '').split(':'), ...versions.map((version) => join(debian, version, 'bin'))]
  const found = folders.find((folder) => existsSync(join(folder, 'postgres')) && existsSync(join(folder, 'initdb')))
  // A link on the PATH leads to where the other programs are.
  return found && dirname(realpathSync(join(found, 'postgres')))
}

function hasPgvector(bin: string): boolean {
  const program = join(bin, 'pg_config')
  if (!existsSync(program)) return false
  const shared = execFileSync(program, ['--sharedir'], { encoding: 'utf8' }).trim()
  return existsSync(join(shared, 'extension', 'vector.control'))
}

function canRun(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

export interface RedisServerOptions {
  /** On a free port of 127.0.0.1 instead of a unix socket. */
  readonly onPort?: boolean
  /** Further arguments, such as `['--maxmemory', '5mb']`. */
  readonly args?: readonly string[]
}

/** No files; and no waiting for more replicas (five seconds) before the first is sent what there is. */
const REDIS_ARGS = '--bind 127.0.0.1 --save  --appendonly no --repl-diskless-sync-delay 0'.split(' ')

/** A Redis of one's own, to be killed, stopped, filled and restarted at will. It keeps no file unless told to. */
export class PrivateRedis {
  readonly dir: string
  /** What ioredis needs to connect. */
  readonly connection: { readonly path: string } | { readonly host: string; readonly port: number }
  readonly #args: readonly string[]
  readonly #folderWatcher: ChildProcess
  #server: ChildProcess | undefined
  #serverWatcher: ChildProcess | undefined

  private constructor(dir: string, port: number | undefined, args: readonly string[]) {
    this.dir = dir
    this.#folderWatcher = whenWeEnd('rm -rf "$1"', dir)
    this.connection = port === undefined ? { path: join(dir, 'redis.sock') } : { host: '127.0.0.1', port }
    const listen = port === undefined ? ['--port', '0', '--unixsocket', join(dir, 'redis.sock')] : ['--port', `${port}`]
    this.#args = [...listen, '--dir', dir, ...REDIS_ARGS, ...args]
  }

  static async start({ onPort = false, args = [] }: RedisServerOptions = {}): Promise<PrivateRedis> {
    const dir = await mkdtemp(join(tmpdir(), 'thermocline-redis-'))
    const redis = new PrivateRedis(dir, onPort ? await freePort() : undefined, args)
    await redis.restart()
    return redis
  }

  /** Starts it (again) at the same address, with what its folder holds and, this time, further arguments. */
  async restart(args: readonly string[] = []): Promise<void> {
    await this.kill()
    const server = spawn('redis-server', [...this.#args, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#server = server
    this.#serverWatcher = whenWeEnd('kill -9 "$1"', `${server.pid}`)
    await sees(server, /ready to accept connections/i)
    // Tests wait for what they use; the server alone keeps nobody from ending.
    for (const stream of [server, server.stdout, server.stderr]) (stream as unknown as { unref(): void }).unref()
  }

  /** Sends a signal, such as SIGSTOP. */
  signal(signal: NodeJS.Signals): void {
    this.#server?.kill(signal)
  }

  /** Ends it at once, and waits until it is gone. */
  async kill(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (server === undefined) return
    server.ref()
    const gone = server.exitCode === null && server.signalCode === null ? once(server, 'exit') : undefined
    server.kill('SIGKILL')
    await gone
    this.#serverWatcher?.kill('SIGKILL')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    await rm(this.dir, { recursive: true, force: true })
    this.#folderWatcher.kill('SIGKILL')
  }
}

/** A Sentinel that fails over at once: it alone decides, and waits half a second. The watched Redis is called `hot`. */
export class PrivateSentinel {
  readonly port: number
  readonly #dir: string
  readonly #server: ChildProcess
  readonly #watcher: ChildProcess

  private constructor(dir: string, port: number, server: ChildProcess) {
    this.port = port
    this.#dir = dir
    this.#server = server
    this.#watcher = whenWeEnd('kill -9 "$1"; rm -rf "$2"', `${server.pid}`, dir)
  }

  /** @param watched port of the master. */
  static async start(watched: number): Promise<PrivateSentinel> {
    const dir = await mkdtemp(join(tmpdir(), 'thermocline-sentinel-'))
    const port = await freePort()
    const file = join(dir, 'sentinel.conf')
    await writeFile(
      file,
      [
        `port ${port}`,
        'bind 127.0.0.1',
        `dir ${dir}`,
        `sentinel monitor hot 127.0.0.1 ${watched} 1`,
        'sentinel down-after-milliseconds hot 500',
        'sentinel failover-timeout hot 5000',
        '',
      ].join('\n'),
    )
    const server = spawn('redis-server', [file, '--sentinel'], { stdio: ['ignore', 'pipe', 'pipe'] })
    const sentinel = new PrivateSentinel(dir, port, server)
    await sees(server, /\+slave slave/)
    return sentinel
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = once(this.#server, 'exit')
    this.#server.kill('SIGKILL')
    await gone
    await rm(this.#dir, { recursive: true, force: true })
    this.#watcher.kill('SIGKILL')
  }
}

/** Joins empty servers, started with `--cluster-enabled yes`, into a cluster of as many masters. */
export async function createCluster(servers: readonly PrivateRedis[]): Promise<void> {
  const ports = servers.map(({ connection }) => ('port' in connection ? connection.port : 0))
  const ask = (...args: string[]): string => execFileSync('redis-cli', args, { encoding: 'utf8' })
  ask('--cluster', 'create', ...ports.map((port) => `127.0.0.1:${port}`), '--cluster-yes')
  const isReady = (port: number): boolean => /cluster_state:ok/.test(ask('-p', `${port}`, 'cluster', 'info'))
  await vi.waitUntil(() => ports.every(isReady), { timeout: 30_000, interval: 100 })
}

export interface PostgresServerOptions {
  /** On a free port of 127.0.0.1 as well as on the unix socket. */
  readonly onPort?: boolean
  /** Settings, such as `{ max_connections: '10' }`. */
  readonly settings?: Readonly<Record<string, string>>
  /** Takes TLS, with a certificate of its own authority, `ca.pem` in its folder. Implies a port. */
  readonly tls?: boolean
}

/** Names the folder of a cluster that nobody starts, to copy from: `initdb` takes seconds, a copy a tenth of one. */
const POSTGRES_TEMPLATE = 'THERMOCLINE_TEST_POSTGRES_TEMPLATE'

/** Makes the template for every process that this one starts, and answers how to remove it. */
export async function makePostgresTemplate(): Promise<() => void> {
  if (postgresBin === undefined) return () => {}
  const dir = await mkdtemp(join(tmpdir(), 'thermocline-postgres-template-'))
  const { uid, gid } = unprivileged()
  if (uid !== undefined && gid !== undefined) await chown(dir, uid, gid)
  makeCluster(join(dir, 'data'), asServer(dir))
  process.env[POSTGRES_TEMPLATE] = join(dir, 'data')
  return () => rmSync(dir, { recursive: true, force: true })
}

function makeCluster(data: string, as: SpawnOptions): void {
  const args = ['-D', data, '-U', 'test', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync']
  execFileSync(join(postgresBin!, 'initdb'), args, { ...as, stdio: 'ignore' })
}

/** A Postgres of one's own, to be stopped, killed and restarted at will. The operating system's cache is its disk. */
export class PrivatePostgres {
  readonly dir: string
  readonly port: number
  readonly #settings: readonly string[]
  readonly #folderWatcher: ChildProcess
  #server: ChildProcess | undefined
  #serverWatcher: ChildProcess | undefined

  private constructor(dir: string, port: number, settings: readonly string[]) {
    this.dir = dir
    this.port = port
    this.#settings = settings
    this.#folderWatcher = whenWeEnd('rm -rf "$1"', dir)
  }

  static async start(options: PostgresServerOptions = {}): Promise<PrivatePostgres> {
    const { tls = false, onPort = tls, settings = {} } = options
    const dir = await mkdtemp(join(tmpdir(), 'thermocline-postgres-'))
    const { uid, gid } = unprivileged()
    if (uid !== undefined && gid !== undefined) await chown(dir, uid, gid)
    const listen = { listen_addresses: onPort ? '127.0.0.1' : '', unix_socket_directories: dir, fsync: 'off' }
    const secure = tls ? await certified(dir) : {}
    const all = Object.entries({ ...listen, ...secure, ...settings }).flatMap(([name, value]) => [
      '-c',
      `${name}=${value}`,
    ])
    const server = new PrivatePostgres(dir, onPort ? await freePort() : 5432, all)
    const template = process.env[POSTGRES_TEMPLATE]
    if (template === undefined) makeCluster(join(dir, 'data'), asServer(dir))
    else execFileSync('cp', ['-a', template, join(dir, 'data')], { stdio: 'ignore' })
    await server.restart()
    return server
  }

  /** By the unix socket. */
  url(database = 'postgres', user = 'test'): string {
    return `postgres://${user}@localhost:${this.port}/${database}?host=${encodeURIComponent(this.dir)}`
  }

  /** By 127.0.0.1, where the server listens there. */
  tcpUrl(database = 'postgres', login = 'test'): string {
    return `postgres://${login}@127.0.0.1:${this.port}/${database}`
  }

  /** Over TLS, for a server that takes it; the query says how its certificate is looked at. */
  tlsUrl(database = 'postgres', login = 'test', query = ''): string {
    const mode = query || `sslmode=verify-full&sslrootcert=${encodeURIComponent(join(this.dir, 'ca.pem'))}`
    return `postgres://${login}@localhost:${this.port}/${database}?${mode}`
  }

  /** Puts rules of login before those that are there; the server reads them when it starts. */
  async prependRules(...rules: string[]): Promise<void> {
    const file = join(this.dir, 'data', 'pg_hba.conf')
    await writeFile(file, [...rules, await readFile(file, 'utf8')].join('\n'))
  }

  /** A client like any other, for looking and meddling. Whoever asks for it ends it. */
  client(database = 'postgres'): postgres.Sql {
    return postgres({ host: this.dir, port: this.port, username: 'test', database, max: 1, onnotice: () => {} })
  }

  /** Starts it (again) at the same address, with what its folder holds. */
  async restart(): Promise<void> {
    await this.stop()
    const args = ['-D', join(this.dir, 'data'), '-p', `${this.port}`, ...this.#settings]
    const server = spawn(join(postgresBin!, 'postgres'), args, {
      ...asServer(this.dir),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#server = server
    this.#serverWatcher = whenWeEnd('kill -QUIT "$1"', `${server.pid}`)
    await sees(server, /database system is ready to accept connections/)
    for (const stream of [server, server.stdout, server.stderr]) (stream as unknown as { unref(): void }).unref()
  }

  /** Ends it, and waits until it is gone: `immediate` is a crash, `fast` ends the connections and shuts down. */
  async stop(mode: 'immediate' | 'fast' = 'immediate'): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (server === undefined) return
    server.ref()
    const gone = server.exitCode === null && server.signalCode === null ? once(server, 'exit') : undefined
    server.kill(mode === 'immediate' ? 'SIGQUIT' : 'SIGINT')
    await gone
    this.#serverWatcher?.kill('SIGKILL')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    await rm(this.dir, { recursive: true, force: true })
    this.#folderWatcher.kill('SIGKILL')
  }
}

/** Ways to have a Postgres by which `POSTGRES_VARIANT` runs every suite that is content with any. */
const VARIANTS: Readonly<Record<string, PostgresServerOptions>> = {
  tls: { tls: true },
  pgbouncer: {},
  serializable: { settings: { default_transaction_isolation: 'serializable' } },
  /** Plans made without statistics, compiled where they look dear. */
  jit: { settings: { jit: 'on', autovacuum: 'off' } },
}
const variant = process.env.POSTGRES_VARIANT || undefined
const POOL_OF_VARIANT = 2

/** Databases on the Postgres of DATABASE_URL or on one of our own; all are dropped at the end. */
export class PostgresDatabases {
  readonly #server: PrivatePostgres | undefined
  readonly #bouncer: PrivatePgbouncer | undefined
  readonly #admin: postgres.Sql
  readonly #names: string[] = []

  private constructor(server: PrivatePostgres | undefined, bouncer: PrivatePgbouncer | undefined) {
    this.#server = server
    this.#bouncer = bouncer
    this.#admin = server?.client() ?? postgres(databaseUrl!, { max: 1, onnotice: () => {} })
  }

  static async start(): Promise<PostgresDatabases> {
    if (variant === undefined && databaseUrl !== undefined) return new PostgresDatabases(undefined, undefined)
    if (variant !== undefined && !(variant in VARIANTS)) throw new Error(`there is no POSTGRES_VARIANT ${variant}`)
    const server = await PrivatePostgres.start(VARIANTS[variant ?? ''])
    const bouncer = variant === 'pgbouncer' ? await PrivatePgbouncer.start(server, POOL_OF_VARIANT) : undefined
    return new PostgresDatabases(server, bouncer)
  }

  /** A client that may make and drop databases. */
  get admin(): postgres.Sql {
    return this.#admin
  }

  /** Dropped at the end as well, whoever made it. */
  adopt(name: string): void {
    if (!this.#names.includes(name)) this.#names.push(name)
  }

  /** Url of a new, empty one. */
  async create(): Promise<string> {
    const name = `thermocline_test_${randomUUID().replaceAll('-', '')}`
    await this.#admin.unsafe(`CREATE DATABASE ${name} ENCODING 'UTF8' TEMPLATE template0`)
    this.#names.push(name)
    if (this.#bouncer !== undefined) return this.#bouncer.url(name)
    if (this.#server !== undefined) return variant === 'tls' ? this.#server.tlsUrl(name) : this.#server.url(name)
    const url = new URL(databaseUrl!)
    url.pathname = `/${name}`
    return url.href
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server === undefined)
      for (const name of this.#names) await this.#admin.unsafe(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    await this.#admin.end()
    await this.#bouncer?.[Symbol.asyncDispose]()
    await this.#server?.[Symbol.asyncDispose]()
  }
}

/** pgbouncer in transaction mode before a Postgres: each statement may meet another session. */
export class PrivatePgbouncer {
  readonly #dir: string
  readonly #server: ChildProcess
  readonly #watcher: ChildProcess

  private constructor(dir: string, server: ChildProcess) {
    this.#dir = dir
    this.#server = server
    this.#watcher = whenWeEnd('kill -9 "$1"; rm -rf "$2"', `${server.pid}`, dir)
  }

  /** @param poolSize connections to the server, for each database and user. */
  static async start(before: PrivatePostgres, poolSize = 3): Promise<PrivatePgbouncer> {
    const dir = await mkdtemp(join(tmpdir(), 'thermocline-pgbouncer-'))
    const { uid, gid } = unprivileged()
    if (uid !== undefined && gid !== undefined) await chown(dir, uid, gid)
    const file = join(dir, 'pgbouncer.ini')
    await writeFile(join(dir, 'users'), '"test" ""\n')
    await writeFile(
      file,
      [
        '[databases]',
        `* = host=${before.dir} port=${before.port}`,
        '[pgbouncer]',
        'pool_mode = transaction',
        `default_pool_size = ${poolSize}`,
        'admin_users = test',
        `unix_socket_dir = ${dir}`,
        'listen_addr =',
        'auth_type = trust',
        `auth_file = ${join(dir, 'users')}`,
      ].join('\n'),
    )
    const bouncer = new PrivatePgbouncer(
      dir,
      spawn(pgbouncer!, [file], { ...asServer(dir), stdio: ['ignore', 'pipe', 'pipe'] }),
    )
    await sees(bouncer.#server, /process up/)
    return bouncer
  }

  url(database: string): string {
    return `postgres://test@localhost:6432/${database}?host=${encodeURIComponent(this.#dir)}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = once(this.#server, 'exit')
    this.#server.kill('SIGKILL')
    await gone
    await rm(this.#dir, { recursive: true, force: true })
    this.#watcher.kill('SIGKILL')
  }
}

/** Settings of a server that takes TLS; it reads a key only where the key is its own, and nobody else's to read. */
async function certified(dir: string): Promise<Record<string, string>> {
  makeAuthority(dir)
  const { uid, gid } = unprivileged()
  if (uid !== undefined && gid !== undefined) await chown(join(dir, 'server.key'), uid, gid)
  return { ssl: 'on', ssl_cert_file: join(dir, 'server.pem'), ssl_key_file: join(dir, 'server.key') }
}

/** Postgres and pgbouncer refuse to run as root. */
function unprivileged(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const users = readFileSync('/etc/passwd', 'utf8').split('\n')
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = users.find((line) => line.startsWith(`${name}:`))?.split(':') ?? []
    if (uid !== undefined) return { uid: Number(uid), gid: Number(gid) }
  }
  throw new Error('the tests run as root, and there is no user `postgres` or `nobody` to run a server as')
}

function asServer(dir: string): SpawnOptions {
  return { ...unprivileged(), cwd: dir, env: { PATH: process.env.PATH, LC_ALL: 'C' } }
}

/**
 * A process that outlives us by a moment: its input ends when we do, however that comes, and then it runs the command.
 */
export function whenWeEnd(command: string, ...args: string[]): ChildProcess {
  const watcher = spawn('/bin/sh', ['-c', `cat >/dev/null; ${command}`, 'sh', ...args], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  watcher.unref()
  ;(watcher.stdin as unknown as { unref(): void }).unref()
  return watcher
}

/** Resolves once the server has printed it, rejects if it ends before. */
async function sees(server: ChildProcess, text: RegExp): Promise<void> {
  let printed = ''
  await new Promise<void>((resolve, reject) => {
    const look = (chunk: Buffer): void => {
      printed = (printed + chunk.toString()).slice(-8_000)
      if (text.test(printed)) resolve()
    }
    server.stdout!.on('data', look)
    server.stderr!.on('data', look)
    server.once('error', reject)
    server.once('exit', (code, signal) => reject(new Error(`the server ended (${code ?? signal}):\n${printed}`)))
  })
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
