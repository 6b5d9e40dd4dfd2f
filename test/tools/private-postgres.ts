/** Postgres servers of a test's own, and pgbouncer before one. */
import { chown, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import postgres from 'postgres'
import { openPostgresCold } from '../../src/cold/postgres/postgres-driver.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { makeAuthority } from './certificates.ts'
import { databaseUrl, hasPgvector, pgbouncer, postgresBin } from './found-services.ts'
import { asServer, freePort, makeFolder, PrivateServer, unprivileged } from './private-server.ts'
import { runSupervised } from './supervisor.ts'
import { spreadFolders } from './temporary-root.ts'

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

/** A database in it that no store has been in, with the schema as the migrations leave it: they take half a second. */
const MIGRATED = 'thermocline_migrated'

/** Url of a server that is made of the template, for suites that are content with databases of their own. */
const SHARED_POSTGRES = 'THERMOCLINE_TEST_POSTGRES'

/** The one that this run started for all of its suites. */
export const sharedPostgres = process.env[SHARED_POSTGRES]

/** Makes the template for every process that this one starts, and the shared server; answers how to remove both. */
export async function makePostgresTemplate(): Promise<() => Promise<void>> {
  if (postgresBin === undefined) return async () => {}
  const template = await PrivatePostgres.start()
  await makeMigrated(template)
  await template.stop('fast')
  process.env[POSTGRES_TEMPLATE] = join(template.dir, 'data')
  if (databaseUrl !== undefined || process.env.POSTGRES_VARIANT) return () => template[Symbol.asyncDispose]()
  const server = await PrivatePostgres.start({ settings: { max_connections: '300' } })
  process.env[SHARED_POSTGRES] = server.url()
  return async () => {
    await server[Symbol.asyncDispose]()
    await template[Symbol.asyncDispose]()
  }
}

/** Not where pgvector is missing: then each store shows what becomes of that. */
async function makeMigrated(server: PrivatePostgres): Promise<void> {
  if (!hasPgvector(postgresBin!)) return
  const admin = server.client()
  await admin.unsafe(`CREATE DATABASE ${MIGRATED}`)
  await admin.end()
  const common = { dimensions: [], metrics: [], migrate: 'auto', timeout: 60_000, logger: silentLogger } as const
  await (await openPostgresCold({ ...common, max: 1, url: server.url(MIGRATED) })).close()
  const client = server.client(MIGRATED)
  // Each draws its own.
  await client.unsafe('DELETE FROM thermocline.store_identity')
  await client.end()
}

/** What to make a database of: with the schema and nothing in it where there is such on that server, else empty. */
export async function migratedTemplate(admin: postgres.Sql): Promise<string> {
  const version = admin`current_setting('server_version_num')::int4`
  const [found] = await admin`SELECT ${version} AS version FROM pg_database WHERE datname = ${MIGRATED}`
  if (found === undefined) return 'template0'
  // Since 15 a server writes every page to its log by default; copied as files, it takes half the time.
  return found.version < 150_000 ? MIGRATED : `${MIGRATED} STRATEGY FILE_COPY`
}

function makeCluster(dir: string): Promise<void> {
  const settings = ['-U', 'test', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync']
  return runSupervised([join(postgresBin!, 'initdb'), '-D', join(dir, 'data'), ...settings], asServer(dir))
}

/** A Postgres of one's own, to be stopped, killed and restarted at will. The operating system's cache is its disk. */
export class PrivatePostgres extends PrivateServer {
  readonly port: number
  readonly #settings: readonly string[]

  private constructor(dir: string, port: number, settings: readonly string[]) {
    super(dir)
    this.port = port
    this.#settings = settings
  }

  static async start(options: PostgresServerOptions = {}): Promise<PrivatePostgres> {
    const { tls = false, onPort = tls, settings = {} } = options
    const dir = await makeFolder('postgres', unprivileged())
    const listen = { listen_addresses: onPort ? '127.0.0.1' : '', unix_socket_directories: dir, fsync: 'off' }
    const secure = tls ? await certified(dir) : {}
    const all = Object.entries({ ...listen, ...secure, ...settings }).flatMap(([name, value]) => [
      '-c',
      `${name}=${value}`,
    ])
    const server = new PrivatePostgres(dir, onPort ? await freePort() : 5432, all)
    const template = process.env[POSTGRES_TEMPLATE]
    await (template === undefined ? makeCluster(dir) : runSupervised(['cp', '-a', template, join(dir, 'data')]))
    await spreadFolders(join(dir, 'data/base'))
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

  /** Makes a database that has the schema and nothing in it, where there is a template of such; answers its url. */
  async createMigrated(name: string): Promise<string> {
    const admin = this.client()
    try {
      await admin.unsafe(`CREATE DATABASE ${name} TEMPLATE ${await migratedTemplate(admin)}`)
      return this.url(name)
    } finally {
      await admin.end()
    }
  }

  /** Starts it (again) at the same address, with what its folder holds. */
  async restart(): Promise<void> {
    await this.stop()
    const program = join(postgresBin!, 'postgres')
    const command = [program, '-D', join(this.dir, 'data'), '-p', `${this.port}`, ...this.#settings]
    await this.run(command, 'database system is ready to accept connections', asServer(this.dir))
  }

  /** Ends it, and waits until it is gone: `immediate` is a crash, `fast` ends the connections and shuts down. */
  stop(mode: 'immediate' | 'fast' = 'immediate'): Promise<void> {
    return mode === 'immediate' ? this.crash() : this.end('SIGINT')
  }

  /** Its processes do not survive it, as they would one that is killed. */
  protected override crash(): Promise<void> {
    return this.end('SIGQUIT')
  }
}

/** pgbouncer in transaction mode before a Postgres: each statement may meet another session. */
export class PrivatePgbouncer extends PrivateServer {
  /** @param poolSize connections to the server, for each database and user. */
  static async start(before: PrivatePostgres, poolSize = 3): Promise<PrivatePgbouncer> {
    const bouncer = new PrivatePgbouncer(await makeFolder('pgbouncer', unprivileged()))
    const { dir } = bouncer
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
    await bouncer.run([pgbouncer!, file], 'process up', asServer(dir))
    return bouncer
  }

  url(database: string): string {
    return `postgres://test@localhost:6432/${database}?host=${encodeURIComponent(this.dir)}`
  }
}

/** Settings of a server that takes TLS; it reads a key only where the key is its own, and nobody else's to read. */
async function certified(dir: string): Promise<Record<string, string>> {
  makeAuthority(dir)
  const { uid, gid } = unprivileged()
  if (uid !== undefined && gid !== undefined) await chown(join(dir, 'server.key'), uid, gid)
  return { ssl: 'on', ssl_cert_file: join(dir, 'server.pem'), ssl_key_file: join(dir, 'server.key') }
}
