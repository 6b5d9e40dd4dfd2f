/**
 * Changes of the schema on a server that many processes share. Nothing here needs a session, so it works through
 * pgbouncer as well:
 *
 * - Migrations and extensions are one message of several statements, which the server runs as one transaction, under an
 *   advisory lock that ends with it. Whoever waited for the lock looks again whether there is anything left to do.
 * - An index is built CONCURRENTLY, which no transaction may contain and no lock may wait for (the build waits for every
 *   older snapshot, also that of a waiting session): a lease decides who builds, and the others look now and then. A build
 *   that ended halfway left an invalid index, which is dropped and built again.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import type { ColdDriver } from './driver.ts'
import { sqlStateOf } from './errors.ts'
import { holdLease, releaseLease } from './lease.ts'
import { JOURNAL, type Migration } from './migrations.ts'
import { SCHEMA_NAME } from './schema.ts'

type Query = ColdDriver['query']
/** Runs a message by itself, without a deadline. */
type Run = (text: string) => Promise<unknown>

/** Drawn at random: everybody who changes this schema takes the same lock. */
const SCHEMA_LOCK = 7_310_894_251_163
const DIVISION_BY_ZERO = '22012'

/**
 * The statements as one transaction, one process at a time. No limit that the role has ends it, and it sees what those
 * before it did: at a higher level of isolation it would see what was there when it began to wait.
 */
export function exclusively(...statements: string[]): string {
  return [
    'SET TRANSACTION ISOLATION LEVEL READ COMMITTED',
    setLimits('0', 'transaction'),
    `SELECT pg_advisory_xact_lock(${SCHEMA_LOCK})`,
    ...statements,
  ].join('\n;\n')
}

const LIMITS = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout']

/** @param value in SQL: a text, or a column of `pg_settings`, which says which of them this version has. */
function setLimits(value: string, scope: 'transaction' | 'session'): string {
  const names = LIMITS.map((name) => `'${name}'`).join(', ')
  const text = value === '0' ? `'0'` : value
  return `SELECT set_config(name, ${text}, ${scope === 'transaction'}) FROM pg_settings WHERE name IN (${names})`
}

export async function applyMigrations(query: Query, run: Run, migrations: readonly Migration[]): Promise<void> {
  await run(
    exclusively(
      `CREATE SCHEMA IF NOT EXISTS ${SCHEMA_NAME}`,
      `CREATE TABLE IF NOT EXISTS ${JOURNAL} (id serial PRIMARY KEY, hash text NOT NULL, created_at bigint)`,
    ),
  )
  for (;;) {
    const applied = await query(sql`SELECT hash FROM ${sql.raw(JOURNAL)}`)
    const missing = migrations.filter(({ hash }) => !applied.some((row) => row.hash === hash))
    if (missing.length === 0) return
    const changes = missing.flatMap(({ statements, hash, createdAt }) => [
      ...statements,
      `INSERT INTO ${JOURNAL} (hash, created_at) VALUES ('${hash}', ${createdAt})`,
    ])
    // Divides by zero where another process was faster.
    const isUnchanged = `SELECT 1 / (SELECT (count(*) = ${applied.length})::int FROM ${JOURNAL})`
    try {
      await run(exclusively(isUnchanged, ...changes))
    } catch (error) {
      if (sqlStateOf(error) !== DIVISION_BY_ZERO) throw error
    }
  }
}

const BUILD_LEASE = 'vector indexes'
/** Milliseconds after which a builder that went silent is taken for dead. */
const BUILD_LEASE_MS = 30_000
const LOOK_AGAIN_MS = 100

/** Resolves when the index is there and valid, whoever built it. */
export async function buildConcurrently(query: Query, run: Run, name: string, definition: string): Promise<void> {
  const holder = randomUUID()
  while (!(await isValid(query, name))) {
    // A builder may be dead and its backend still at work.
    if (!(await isBuilding(query)) && (await holdLease({ query }, BUILD_LEASE, holder, BUILD_LEASE_MS)))
      await buildUnderLease(query, run, name, definition, holder)
    else await sleep(LOOK_AGAIN_MS)
  }
}

async function buildUnderLease(
  query: Query,
  run: Run,
  name: string,
  definition: string,
  holder: string,
): Promise<void> {
  // A missed renewal is made up for by the next, and by the look at what is being built.
  const renew = (): void => void holdLease({ query }, BUILD_LEASE, holder, BUILD_LEASE_MS).catch(() => {})
  const renewal = setInterval(renew, BUILD_LEASE_MS / 3)
  try {
    // Between the first look and the lease somebody else may have finished.
    if (await isValid(query, name)) return
    await run(`DROP INDEX CONCURRENTLY IF EXISTS thermocline.${name}`)
    await run(`CREATE INDEX CONCURRENTLY ${name} ON ${definition}`)
  } finally {
    clearInterval(renewal)
    await releaseLease({ query }, BUILD_LEASE, holder)
  }
}

async function isValid(query: Query, name: string): Promise<boolean> {
  const [row] = await query(sql`
    SELECT EXISTS (SELECT FROM pg_index WHERE indisvalid AND indexrelid = to_regclass(${`thermocline.${name}`})) AS is_valid`)
  return row?.is_valid === true
}

async function isBuilding(query: Query): Promise<boolean> {
  const [row] = await query(sql`
    SELECT EXISTS (
      SELECT FROM pg_stat_progress_create_index
      WHERE datname = current_database() AND relid = to_regclass('thermocline.memory_entries')
    ) AS is_building`)
  return row?.is_building === true
}
