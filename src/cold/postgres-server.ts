/**
 * Where the server is and how to log in, taken from a url or from a client of the user's, and clients of our own for
 * it. A user's client itself is never used: its parsers, its pool and its fate are the user's.
 */
import { Socket } from 'node:net'
import type postgres from 'postgres'
import { ThermoclineError } from '../errors.ts'
import type { Logger } from '../log.ts'

/** A client of postgres.js, by what is read of it. */
export interface PostgresClientLike {
  readonly options: postgres.ParsedOptions<Record<string, never>>
}

export interface PostgresLocation {
  /** `postgres://user:password@host:port/database`; `?host=/folder` names the folder of a unix socket. */
  readonly url?: string | undefined
  readonly client?: PostgresClientLike | undefined
}

export type Sql = postgres.Sql
type Login = PostgresClientLike['options']

/** Seconds. A statement past its deadline gives up earlier. */
const CONNECT_TIMEOUT = 10
/** Seconds between two attempts to connect on one connection. */
const BACKOFF = 0.1

/** Read by clients whose connection comes and goes. */
export interface SocketSource {
  /** Called before each attempt to connect. MUST NOT throw: postgres.js would lose the connection for ever. */
  socket(): Socket
}

/** postgres.js removes every listener of a socket that it wraps in TLS, so an event would not do. */
class WatchedSocket extends Socket {
  readonly #onGone: (error: Error | null) => void

  constructor(onGone: (error: Error | null) => void) {
    super()
    this.#onGone = onGone
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#onGone(error)
    super._destroy(error, callback)
  }
}

export class PostgresServer {
  /** Host and port, or path of the socket. */
  readonly name: string
  readonly #postgres: typeof postgres
  readonly #login: Login
  readonly #logger: Logger

  private constructor(library: typeof postgres, login: Login, logger: Logger) {
    this.#postgres = library
    this.#login = login
    this.#logger = logger
    this.name = login.path || `${login.host[0]}:${login.port[0]}`
  }

  static async locate({ url, client }: PostgresLocation, logger: Logger): Promise<PostgresServer> {
    const library = await load()
    const login = client === undefined ? parse(library, url) : client.options
    if (login.host.length > 1 || login.target_session_attrs)
      throw new ThermoclineError(
        'ERR_UNSUPPORTED',
        'the cold tier takes one host, without target_session_attrs: give a name or a proxy that follows the primary',
        {},
      )
    return new PostgresServer(library, login, logger)
  }

  /** A client with a connection of its own, opened by the first statement. */
  createClient({ socket }: SocketSource): Sql {
    const { user, pass, database, host, port, path, ssl, sslnegotiation, connection } = this.#login as Login & {
      sslnegotiation: unknown
    }
    const options = {
      host: String(host[0]),
      port: port[0],
      path: path || undefined,
      user,
      database,
      pass: typeof pass === 'function' ? () => this.#askPassword(pass) : pass,
      ssl,
      sslnegotiation,
      connection: { ...connection, application_name: applicationName(connection?.application_name) },
      max: 1,
      socket,
      connect_timeout: CONNECT_TIMEOUT,
      backoff: () => BACKOFF,
      idle_timeout: null,
      max_lifetime: null,
      // What it asks the server on each new connection crashes the process when the backend is killed meanwhile.
      fetch_types: false,
      // A named statement belongs to a session, which pgbouncer changes; and a plan for all parameters ignores them.
      prepare: false,
      onnotice: ({ code }: postgres.Notice) => this.#logger.debug({ code }, 'notice of the cold tier'),
    }
    return this.#postgres(options as unknown as postgres.Options<Record<string, never>>) as Sql
  }

  /**
   * A socket that connects in the next turn of the event loop, when its user listens to it.
   * @param onGone called as soon as it is of no use any more, before any listener.
   */
  openSocket(onGone: (error: Error | null) => void): Socket {
    const { path, host, port } = this.#login
    const socket = new WatchedSocket(onGone)
    // A small COPY waits 40 ms for its own acknowledgement otherwise.
    socket.setNoDelay(true)
    // Read by postgres.js for the name that a certificate must have.
    Object.assign(socket, { host: host[0], port: port[0] })
    setImmediate(() => {
      if (socket.destroyed) return
      if (path) socket.connect(path)
      else socket.connect(Number(port[0]), String(host[0]))
    })
    return socket
  }

  /** postgres.js does not catch what such a function throws. Without a password the server refuses the login. */
  async #askPassword(password: () => unknown): Promise<string> {
    try {
      return String(await password())
    } catch (error) {
      const { name } = (error ?? {}) as { name?: string }
      this.#logger.error({ name }, 'the function that gives the password of the cold tier failed')
      return ''
    }
  }
}

/** The name that the user gave; what postgres.js puts in its place says nothing to whoever looks at the server. */
function applicationName(given: string | undefined): string {
  return given === undefined || given === 'postgres.js' ? 'thermocline' : given
}

async function load(): Promise<typeof postgres> {
  try {
    return (await import('postgres')).default
  } catch (error) {
    throw new ThermoclineError(
      'ERR_UNSUPPORTED',
      'a cold tier on Postgres needs the package `postgres`: run `npm install postgres`',
      {},
      { cause: error },
    )
  }
}

function parse(library: typeof postgres, url: string | undefined): Login {
  try {
    const parsed = new URL(url ?? '')
    if (!/^postgres(ql)?:$/.test(parsed.protocol)) throw new TypeError('protocol')
    const folder = parsed.searchParams.get('host')
    parsed.searchParams.delete('host')
    const options = { max: 1, ...(folder === null ? {} : { host: folder }) }
    return library(parsed.href, options).options as Login
  } catch {
    // The error of the parser holds the url, and that the password.
    const form = 'postgres://user:password@host:port/database'
    throw new ThermoclineError('ERR_INVALID_OPTIONS', `the url of the cold tier is not of the form ${form}`, {
      option: 'cold.url',
    })
  }
}
