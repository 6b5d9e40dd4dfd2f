/** Databases for suites that are content with any Postgres. */
import { randomUUID } from 'node:crypto'
import postgres from 'postgres'
import { databaseUrl } from './found-services.ts'
import {
  migratedTemplate,
  type PostgresServerOptions,
  PrivatePgbouncer,
  PrivatePostgres,
  sharedPostgres,
} from './private-postgres.ts'

/** Ways to have a Postgres by which `POSTGRES_VARIANT` runs every suite that is content with any. */
const VARIANTS: Readonly<Record<string, PostgresServerOptions>> = {
  tls: { tls: true },
  pgbouncer: {},
  serializable: { settings: { default_transaction_isolation: 'serializable' } },
  /** Plans made without statistics, compiled where they look dear. */
  jit: { settings: { jit: 'on', autovacuum: 'off' } },
  /** Databases of a role that may not create extensions. */
  'without-pgvector': {},
}
const VARIANT = process.env.POSTGRES_VARIANT || undefined
const PLAIN_ROLE = 'plain'
const POOL_OF_VARIANT = 2
const ADMIN = { max: 1, onnotice: () => {} }

/** A server that others use as well. */
const sharedUrl = databaseUrl ?? sharedPostgres

/** Databases on the Postgres of DATABASE_URL, on the one that a run shares, or on one of our own; all are dropped. */
export class PostgresDatabases {
  readonly #server: PrivatePostgres | undefined
  readonly #bouncer: PrivatePgbouncer | undefined
  readonly #admin: postgres.Sql
  readonly #variant: string | undefined
  readonly #names: string[] = []

  private constructor(variant?: string, server?: PrivatePostgres, bouncer?: PrivatePgbouncer) {
    this.#variant = variant
    this.#server = server
    this.#bouncer = bouncer
    this.#admin = server?.client() ?? (databaseUrl === undefined ? clientOf(sharedUrl!) : postgres(databaseUrl, ADMIN))
  }

  /** @param variant of a suite that is about one. @default that of the run */
  static async start(variant = VARIANT): Promise<PostgresDatabases> {
    if (variant === undefined && sharedUrl !== undefined) return new PostgresDatabases()
    if (variant !== undefined && !(variant in VARIANTS)) throw new Error(`there is no POSTGRES_VARIANT ${variant}`)
    const server = await PrivatePostgres.start(VARIANTS[variant ?? ''])
    const bouncer = variant === 'pgbouncer' ? await PrivatePgbouncer.start(server, POOL_OF_VARIANT) : undefined
    const databases = new PostgresDatabases(variant, server, bouncer)
    if (variant === 'without-pgvector') await databases.admin.unsafe(`CREATE ROLE ${PLAIN_ROLE} LOGIN`)
    return databases
  }

  /** A client that may make and drop databases. */
  get admin(): postgres.Sql {
    return this.#admin
  }

  /** Dropped at the end as well, whoever made it. */
  adopt(name: string): void {
    if (!this.#names.includes(name)) this.#names.push(name)
  }

  /** Url of a new one: with the schema and nothing in it where the server is of the tests' template, else empty. */
  async create(): Promise<string> {
    // The schema there has pgvector.
    if (this.#variant === 'without-pgvector') return this.createEmpty()
    return this.#create(await migratedTemplate(this.#admin))
  }

  /** Url of a new one that no store has been in. */
  createEmpty(): Promise<string> {
    return this.#create('template0')
  }

  async #create(template: string): Promise<string> {
    const name = `thermocline_test_${randomUUID().replaceAll('-', '')}`
    const owner = this.#variant === 'without-pgvector' ? `OWNER ${PLAIN_ROLE}` : ''
    await this.#admin.unsafe(`CREATE DATABASE ${name} ${owner} ENCODING 'UTF8' TEMPLATE ${template}`)
    this.#names.push(name)
    if (this.#bouncer !== undefined) return this.#bouncer.url(name)
    if (this.#server !== undefined) return this.#urlOn(this.#server, name)
    const url = new URL(sharedUrl!)
    url.pathname = `/${name}`
    return url.href
  }

  #urlOn(server: PrivatePostgres, name: string): string {
    if (this.#variant === 'tls') return server.tlsUrl(name)
    return this.#variant === 'without-pgvector' ? server.url(name, PLAIN_ROLE) : server.url(name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server === undefined)
      for (const name of this.#names) await this.#admin.unsafe(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    await this.#admin.end()
    await this.#bouncer?.[Symbol.asyncDispose]()
    await this.#server?.[Symbol.asyncDispose]()
  }
}

/** A client for a url as this package takes it, with the folder of a socket as `host`. */
export function clientOf(url: string): postgres.Sql {
  const { searchParams, hostname, port, username, password, pathname } = new URL(url)
  const host = searchParams.get('host') ?? hostname
  const address = { host, port: Number(port), username, password, database: pathname.slice(1) }
  return postgres({ ...address, ...ADMIN })
}
