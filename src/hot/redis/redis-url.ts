/**
 * Reads the URL of a Redis. ioredis takes every parameter of a URL for an option of its own, which counts before the
 * options that it is given. So the URL is parsed here, and only the result is passed on.
 */
import { ThermoclineError } from '../../errors.ts'

/** What a URL can say, by the names of ioredis. */
export interface RedisUrlOptions {
  host: string
  port: number
  db?: number
  username?: string
  password?: string
  family?: 0 | 4 | 6
  tls?: object
}

const DEFAULT_HOST = 'localhost'
const DEFAULT_PORT = 6379

/** Throws `ERR_INVALID_OPTIONS`, which shows nothing of the URL but the name of a parameter. */
export function parseRedisUrl(text: string, option = 'hot.url'): RedisUrlOptions {
  const refuse: Refuse = refuseOf(option)
  const url = URL.canParse(text) ? new URL(text) : refuse('is no URL like redis://user:password@host:port/database')
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') refuse('begins with neither redis:// nor rediss://')
  if (url.hash !== '') refuse('has a part after `#`: write a `#` in the password as %23')
  const [username, password] = [unescaped(url.username, refuse), unescaped(url.password, refuse)]
  const { db, family, tls } = parametersOf(url.searchParams, refuse)
  const fromPath = databaseOf(url.pathname.slice(1), refuse)
  if (fromPath !== undefined && db !== undefined && fromPath !== db) refuse('names two databases')
  const database = fromPath ?? db
  return {
    // An address of IPv6 stands in brackets there.
    host: url.hostname.replace(/^\[(.*)\]$/, '$1') || DEFAULT_HOST,
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    ...(database === undefined ? {} : { db: database }),
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
    ...(family === undefined ? {} : { family }),
    ...(url.protocol === 'rediss:' || tls ? { tls: {} } : {}),
  }
}

function unescaped(text: string, refuse: Refuse): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return refuse('has a `%` in user or password that begins no escape: write it as %25')
  }
}

interface UrlParameters {
  db: number | undefined
  family: RedisUrlOptions['family'] | undefined
  tls: boolean
}

function parametersOf(parameters: URLSearchParams, refuse: Refuse): UrlParameters {
  const known: UrlParameters = { db: undefined, family: undefined, tls: false }
  for (const [name, value] of parameters) {
    if (name === 'db') known.db = databaseOf(value, refuse)
    else if (name === 'family') known.family = familyOf(value, refuse)
    else if (name === 'tls') known.tls = isTrue(value, refuse)
    else refuse(`has a parameter \`${name}\`, which is not known: give a client of ioredis by \`hot.client\``)
  }
  return known
}

/** Which databases there are, only the server knows. */
function databaseOf(text: string, refuse: Refuse): number | undefined {
  if (text === '') return undefined
  return /^\d{1,9}$/.test(text) ? Number(text) : refuse('names a database that is no number')
}

function familyOf(text: string, refuse: Refuse): RedisUrlOptions['family'] {
  const family = ([0, 4, 6] as const).find((known) => text === `${known}`)
  return family ?? refuse('has a `family` other than 0, 4 and 6')
}

function isTrue(text: string, refuse: Refuse): boolean {
  if (text === 'true' || text === '1') return true
  return text === 'false' || text === '0' ? false : refuse('has a `tls` other than true and false')
}

type Refuse = (what: string) => never

function refuseOf(option: string): Refuse {
  return (what) => {
    throw new ThermoclineError('ERR_INVALID_OPTIONS', `option \`${option}\`: ${what}`, { option })
  }
}
