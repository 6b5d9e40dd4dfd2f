/**
 * Decides the id of the store that a database belongs to: the first process that opens it draws one. Also reads the
 * database's time.
 */
import { sql } from 'drizzle-orm'
import type { ColdDriver } from '../cold-driver.ts'

/** Drawn by the first who opens a database that has none, as one from an image has none. */
export async function storeId(driver: ColdDriver): Promise<string> {
  for (;;) {
    const [row] = await driver.query(sql`SELECT store_id::text AS store_id FROM thermocline.store_identity`)
    if (row !== undefined) return row.store_id as string
    await driver.query(sql`INSERT INTO thermocline.store_identity DEFAULT VALUES ON CONFLICT DO NOTHING`)
  }
}

export async function databaseTime(driver: ColdDriver): Promise<number> {
  const [row] = await driver.query(sql`SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS now`)
  return row?.now as number
}
