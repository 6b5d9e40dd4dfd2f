/**
 * Changes the schema of a server that many processes share. A migration or an extension is one message of several
 * statements, which the server runs as one transaction, under an advisory lock that ends with the transaction. So
 * nothing needs a session, and all works through pgbouncer. A process that waited for the lock looks again whether
 * anything is left to do. Which migrations are applied is decided in migrate-schema.ts; indexes are built in
 * postgres/build-concurrently.ts.
 */
import { sql } from 'drizzle-orm'
import type { ColdDriver } from './cold-driver.ts'
import { JOURNAL, type Migration } from './migrations.ts'
import { SCHEMA_NAME } from './schema-name.ts'
import { compileStatement } from './sql/compile-statement.ts'
import { limitsSet } from './sql/role-limits.ts'
import { isRolledBack, rollBackUnless } from './sql/roll-back.ts'

type Query = ColdDriver['query']
/** Runs a message by itself, without a deadline. */
type Run = (text: string) => Promise<unknown>

/** Drawn at random: everybody who changes this schema takes the same lock. */
const SCHEMA_LOCK = 7_310_894_251_163

/**
 * The statements as one transaction, one process at a time. No limit that the role has ends it, and it sees what those
 * before it did: at a higher level of isolation it would see what was there when it began to wait.
 */
export function exclusively(...statements: string[]): string {
  return [
    'SET TRANSACTION ISOLATION LEVEL READ COMMITTED',
    limitsSet('0', 'transaction'),
    `SELECT pg_advisory_xact_lock(${SCHEMA_LOCK})`,
    ...statements,
  ].join('\n;\n')
}

/**
 * Returns those that this process applied: another one may have been faster. Each is a transaction of its own: one that
 * kept the locks of the one before would wait, with a table held, for who waits for that table.
 */
export async function applyMigrations(query: Query, run: Run, migrations: readonly Migration[]): Promise<Migration[]> {
  const ours: Migration[] = []
  await run(
    exclusively(
      `CREATE SCHEMA IF NOT EXISTS ${SCHEMA_NAME}`,
      `CREATE TABLE IF NOT EXISTS ${JOURNAL} (id serial PRIMARY KEY, hash text NOT NULL, created_at bigint)`,
    ),
  )
  for (;;) {
    const applied = await query(sql`SELECT hash FROM ${sql.raw(JOURNAL)}`)
    const next = migrations.find(({ hash }) => !applied.some((row) => row.hash === hash))
    if (next === undefined) return ours
    const { statements, hash, createdAt } = next
    const record = `INSERT INTO ${JOURNAL} (hash, created_at) VALUES ('${hash}', ${createdAt})`
    // Another process may have been faster.
    const isUnchanged = rollBackUnless(sql.raw(`SELECT count(*) = ${applied.length} FROM ${JOURNAL}`))
    try {
      await run(exclusively(compileStatement(sql`SELECT ${isUnchanged}`).sql, ...statements, record))
      ours.push(next)
    } catch (error) {
      if (!isRolledBack(error)) throw error
    }
  }
}
