import { join } from 'node:path'
import { PgliteClient } from '../../src/cold/pglite-client.ts'

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
