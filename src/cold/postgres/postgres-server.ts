/**
 * Decides which server is used and how to log in, by a url or by the options of a client of the user's, and opens our
 * own connections to it. The user's client itself is never used: its parsers and its pool are the user's, and the user
 * may end it.
 */
import { Socket } from 'node:net'
import type postgres from 'postgres'
import { missingPackages, ThermoclineError } from '../../errors.ts'
import type { Logger } from '../../kernel/logger.ts'
import { deniedObject } from './denied-object.ts'
import { DeadlinePassed, postgresError, refusedSetting } from './postgres-errors.ts'
import type { PostgresLocation } from './postgres-location.ts'
import { openSocket } from './postgres-socket.ts'
import { type ClientOptions, loginOfClient, loginOfUrl, type PostgresLogin } from './postgres-url.ts'

export type Sql = postgres.Sql
/** The option that says where the server is. */
type Source = 'cold.url' | 'cold.client'

/** Milliseconds to connect, and again to log in. A statement past its deadline gives up earlier. */
const CONNECT_TIMEOUT = 10_000
const READ_COMMITTED = { default_transaction_isolation: 'read committed' }
const NO_PASSWORD = 'cannot be asked: the function that gives its password did not answer in time'

export class PostgresServer {
  /** Host and port, or path of the socket. */
  readonly name: string
  readonly #postgres: typeof postgres
  readonly #login: PostgresLogin
  readonly #source: Source
  readonly #logger: Logger
  #isolation: Readonly<Record<string, string>> = {}

  private constructor(library: typeof postgres, login: PostgresLogin, source: Source, logger: Logger) {
    this.#postgres = library
    this.#login = login
    this.#source = source
    this.#logger = logger
    this.name = login.path ?? `${login.host}:${login.port}`
  }

  static async locate({ url, client }: PostgresLocation, logger: Logger): Promise<PostgresServer> {
    const library = await load()
    if (client === undefined) return new PostgresServer(library, loginOfUrl(library, url), 'cold.url', logger)
    return new PostgresServer(library, loginOfClient(client.options as ClientOptions), 'cold.client', logger)
  }

  /** What to tell the caller of an error that came from here. */
  explain(error: unknown): ThermoclineError {
    const setting = refusedSetting(error, Object.keys(this.#login.settings))
    if (setting === undefined) return postgresError(error, this.name, deniedObject(error))
    const message = `Postgres at ${this.name} refuses the setting \`${setting}\`, or its value: take it out of \`${this.#source}\``
    return new ThermoclineError('ERR_INVALID_OPTIONS', message, { option: this.#source })
  }

  /** Has new sessions run at read committed, whatever the role or the database is set to; or no longer asks for it. */
  askForReadCommitted(isAsked: boolean): void {
    this.#isolation = isAsked ? READ_COMMITTED : {}
  }

  /** A socket that is connected, and secure where the login asks for it. */
  openSocket(timeout: number): Promise<Socket> {
    return openSocket(this.#login, this.#login.encryption, Math.min(timeout, this.#connectTimeout))
  }

  /**
   * A client for that one socket, by which it logs in with its first statement. What postgres.js would wait for while
   * the connection may break ends the process, so it waits for nothing: neither for a socket nor for a password.
   */
  createClient(socket: Socket, password: string): Sql {
    const { host, port, path, user, database, settings } = this.#login
    const sockets = [socket]
    const options = {
      host,
      port,
      path,
      user,
      database,
      pass: password,
      ssl: false,
      connection: { ...settings, ...this.#isolation, application_name: applicationName(settings.application_name) },
      max: 1,
      socket: () => sockets.pop() ?? lostSocket(),
      connect_timeout: Math.ceil(this.#connectTimeout / 1_000),
      backoff: () => 1,
      idle_timeout: null,
      max_lifetime: null,
      // What it asks the server on each new connection crashes the process when the backend is killed meanwhile.
      fetch_types: false,
      // A named statement belongs to a session, which pgbouncer changes. A plan for all parameters ignores them, and
      // one that was made while a table was empty reads all of it when it is large.
      prepare: false,
      onnotice: ({ code }: postgres.Notice) => this.#logger.debug({ code }, 'notice of the cold tier'),
    }
    return this.#postgres(options as unknown as postgres.Options<Record<string, never>>) as Sql
  }

  get #connectTimeout(): number {
    return this.#login.connectTimeout ?? CONNECT_TIMEOUT
  }

  /** The server refuses the login where the user's function does not give one. */
  async askPassword(timeout: number): Promise<string> {
    const { password } = this.#login
    if (typeof password !== 'function') return password ?? ''
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new DeadlinePassed(NO_PASSWORD)), Math.min(timeout, this.#connectTimeout))
    })
    try {
      return String(await Promise.race([(password as () => unknown)(), late]))
    } catch (error) {
      if (error instanceof DeadlinePassed) throw error
      const { name } = (error ?? {}) as { name?: string }
      this.#logger.error({ name }, 'the function that gives the password of the cold tier failed')
      return ''
    } finally {
      clearTimeout(timer)
    }
  }
}

/**
 * For a client that has lost its socket: it asks for another as long as a statement waits, and listens to it a moment
 * later.
 */
function lostSocket(): Socket {
  const socket = new Socket()
  setImmediate(() => socket.destroy())
  return socket
}

/** The name that the user gave; what postgres.js puts in its place says nothing to whoever looks at the server. */
function applicationName(given: unknown): unknown {
  return given === undefined || given === 'postgres.js' ? 'thermocline' : given
}

async function load(): Promise<typeof postgres> {
  try {
    return (await import('postgres')).default
  } catch (cause) {
    throw missingPackages('a cold tier on Postgres', ['postgres'], { cause })
  }
}
