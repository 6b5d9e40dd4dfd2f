/**
 * Reads connection strings as people have them: written for libpq, for postgres.js, or for another client that adds
 * parameters of its own. Parameters that say where the server is, who logs in and over which TLS are used. Those that
 * tune a client which is not used here are dropped. Any other is a setting for the server, which refuses by name what
 * it does not know.
 */
import type postgres from 'postgres'
import { ThermoclineError } from '../../errors.ts'
import { invalidLocation, invalidParameter, takingFrom } from './postgres-parameters.ts'
import type { Encryption } from './postgres-socket.ts'
import { encryptionOfClient, encryptionOfUrl } from './postgres-tls.ts'

/** What a client of postgres.js knows after it has read its options. */
export type ClientOptions = postgres.ParsedOptions<Record<string, never>> & { readonly sslnegotiation?: unknown }

export interface PostgresLogin {
  readonly host: string
  /** Where the host is, where the url says that as well: its name is for the certificate then. */
  readonly hostaddr?: string | undefined
  readonly port: number
  readonly path: string | undefined
  readonly user: string
  readonly database: string
  readonly password: ClientOptions['pass']
  readonly encryption: Encryption | undefined
  /** Milliseconds for a new connection; undefined where nothing is said. */
  readonly connectTimeout: number | undefined
  /** Settings of each session, `application_name` among them. */
  readonly settings: Readonly<Record<string, unknown>>
}

/** Tune a client, or say what is so in any case. */
const DROPPED: readonly string[] = Object.values({
  libpq: `channel_binding client_encoding fallback_application_name gssdelegation gsslib keepalives keepalives_count
    keepalives_idle keepalives_interval krbsrvname load_balance_hosts sslcertmode sslcompression sslsni tcp_user_timeout`,
  postgresJs: `backoff debug fetch_types idle_timeout keep_alive max max_lifetime max_pipeline no_prepare prepare
    publications`,
  prismaAndSupabase: `connection_limit max_connection_lifetime max_idle_connection_lifetime pgbouncer pool_timeout
    schema single_use_connections socket_timeout statement_cache_size supa workaround`,
  pgOfNode: 'query_timeout uselibpqcompat',
  pythonGoAndRails: `checkout_timeout command_timeout default_query_exec_mode description_cache_capacity encoding pool
    pool_health_check_period pool_max_conn_idle_time pool_max_conn_lifetime pool_max_conn_lifetime_jitter
    pool_max_conns pool_min_conns pool_recycle pool_size prepared_statement_cache_size prepared_statements
    reaping_frequency statement_cache_capacity`,
}).flatMap((names) => names.split(/\s+/))

/** Throws `ERR_INVALID_OPTIONS`, which names a parameter and never its value. */
export function loginOfUrl(library: typeof postgres, url: string | undefined): PostgresLogin {
  const { options, hostaddr, parameters } = parseUrl(library, url)
  const take = takingFrom(parameters)
  const encryption = encryptionOfUrl(take) ?? encryptionOfClient(options.ssl, options.sslnegotiation === 'direct')
  const seconds = Number(take('connect_timeout') || 0)
  if (!Number.isFinite(seconds)) throw invalidParameter('connect_timeout', 'a number of seconds')
  if (take('gssencmode') === 'require') throw invalidParameter('gssencmode', '`disable` or `prefer`')
  for (const name of DROPPED) parameters.delete(name)
  return {
    ...placeOf(options, parameters.get('target_session_attrs'), hostaddr),
    hostaddr,
    encryption: encryption ?? undefined,
    connectTimeout: seconds > 0 ? seconds * 1_000 : undefined,
    settings: { ...options.connection, ...without(parameters, 'target_session_attrs') },
  }
}

/** Returns where a client of the user's logs in: its parsers, its pool and its fate stay the user's. */
export function loginOfClient(options: ClientOptions): PostgresLogin {
  return {
    ...placeOf(options, options.target_session_attrs),
    encryption: encryptionOfClient(options.ssl, options.sslnegotiation === 'direct') ?? undefined,
    connectTimeout: undefined,
    settings: options.connection ?? {},
  }
}

function placeOf(options: ClientOptions, target: unknown, hostaddr?: string) {
  const { host, port, path, user, database, pass } = options
  if (host.length > 1 || host[0]?.includes(',') || hostaddr?.includes(',') || (target && target !== 'any'))
    throw new ThermoclineError(
      'ERR_UNSUPPORTED',
      'the cold tier takes one host, without target_session_attrs: give a name or a proxy that follows the primary',
      {},
    )
  return { host: String(host[0]), port: Number(port[0]), path: path || undefined, user, database, password: pass }
}

/** What the url leaves open postgres.js takes from the environment, as it does for its own clients. */
function parseUrl(library: typeof postgres, url: string | undefined) {
  try {
    const parsed = new URL(url ?? '')
    if (!/^postgres(ql)?:$/.test(parsed.protocol)) throw new TypeError('protocol')
    const parameters = new Map(parsed.searchParams)
    const first = (...values: (string | undefined)[]): string | undefined => values.find((value) => value)
    const take = takingFrom(parameters)
    const hostaddr = first(take('hostaddr'))
    const named = first(take('host'), decodeURIComponent(parsed.hostname).replace(/^\[|\]$/g, ''))
    const host = hostaddr !== undefined && named?.startsWith('/') ? hostaddr : (named ?? hostaddr)
    const port = first(take('port'), parsed.port)
    // postgres.js takes an address of IPv6 apart, unless it stands in an array.
    const isV6 = host?.includes(':') && !host.includes('/')
    const given = {
      max: 1,
      host: isV6 ? [host] : host,
      port: isV6 ? [Number(port ?? 5432)] : port && Number(port),
      user: first(take('user'), decodeURIComponent(parsed.username)),
      pass: first(take('password'), decodeURIComponent(parsed.password)),
      database: first(take('dbname'), decodeURIComponent(parsed.pathname.slice(1))),
    }
    const options = library(given as unknown as postgres.Options<Record<string, never>>)
      .options as unknown as ClientOptions
    return { options, hostaddr, parameters }
  } catch {
    // The error of the parser holds the url, and that the password.
    throw invalidLocation('is not of the form postgres://user:password@host:port/database')
  }
}

function without(parameters: ReadonlyMap<string, string>, name: string): Record<string, string> {
  return Object.fromEntries([...parameters].filter(([other]) => other !== name))
}
