import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import type { Row } from '../../src/cold/cold-driver.ts'
import { PgliteClient } from '../../src/cold/pglite/pglite-client.ts'
import { PostgresDriver } from '../../src/cold/postgres/postgres-driver.ts'
import { silentLogger } from '../../src/kernel/logger.ts'

/** Runs statements in the embedded database of a data folder that nobody has open. */
export async function editDatabase(dir: string, ...statements: string[]): Promise<void> {
  await withDatabase(dir, async (database) => {
    for (const statement of statements) await database.exec(statement)
  })
}

/** Rows of a query, likewise. */
export function queryDatabase(dir: string, query: string): Promise<unknown[]> {
  return withDatabase(dir, async (database) => (await database.query(query)).rows)
}

/** Runs a statement on a server, beside whoever uses it, and answers its rows. */
export async function queryServer(url: string, statement: string): Promise<Row[]> {
  const options = { dimensions: [], metrics: [], migrate: 'check', timeout: 10_000, logger: silentLogger } as const
  const driver = await PostgresDriver.connect({ url, max: 2, ...options })
  try {
    return await driver.query(sql.raw(statement))
  } finally {
    await driver.close()
  }
}

async function withDatabase<T>(dir: string, work: (database: PgliteClient) => Promise<T>): Promise<T> {
  const database = await PgliteClient.start(join(dir, 'cold', 'data'))
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}

/** What a later version of thermocline would have left. */
export const NEWER_MIGRATION = `INSERT INTO thermocline.migrations (hash, created_at) VALUES ('later', 99999999999999)`
export const WITHOUT_NEWER_MIGRATION = `DELETE FROM thermocline.migrations WHERE hash = 'later'`
