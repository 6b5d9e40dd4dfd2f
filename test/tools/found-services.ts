/**
 * Which servers and programs there are for tests. A test that needs one declares itself here; where there is none it is
 * skipped and says how to get it, and `REQUIRE_SERVICES=1` turns that skip into a failure.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe } from 'vitest'

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
export const databaseUrl = process.env.DATABASE_URL

/** Folder of `postgres` and `initdb`: on the PATH, else the newest that Debian keeps apart. */
export const postgresBin = findPostgres()
export const pgbouncer = ['/usr/sbin/pgbouncer', 'pgbouncer'].find((command) => canRun(command, '--version'))

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

export function hasPgvector(bin: string): boolean {
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
