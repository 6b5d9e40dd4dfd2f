/**
 * Merges the rows with the counts of a namespace, one per connection that wrote, into one row, and removes that row
 * where its count is 0. It never waits for a writer, and a writer waits for one statement at most: rows that are in use
 * are left to the next sweep, and those in slot -1 are only ever written here.
 */
import { sql } from 'drizzle-orm'
import type { ColdDriver } from '../cold-driver.ts'

/** Rows of one statement. */
const ROWS = 10_000
/** Writers may go on making rows as fast as they are gathered. */
const STATEMENTS = 100

export async function gatherCounts(driver: ColdDriver): Promise<void> {
  for (let i = 0; i < STATEMENTS && (await moveCounts(driver)) === ROWS; i++);
  await removeEmpty(driver)
}

/** Returns how many rows there were to move. What is deleted is what is added, whatever came between. */
async function moveCounts(driver: ColdDriver): Promise<number> {
  const [row] = await driver.query(sql`
    WITH apart AS MATERIALIZED (
      SELECT ctid AS place FROM thermocline.namespace_counts WHERE slot >= 0
      LIMIT ${ROWS}::int8 FOR UPDATE SKIP LOCKED
    ),
    moved AS (
      DELETE FROM thermocline.namespace_counts WHERE ctid = ANY (ARRAY (SELECT place FROM apart))
      RETURNING segments, entries
    ),
    added AS (
      INSERT INTO thermocline.namespace_counts (segments, slot, entries)
      SELECT segments, -1, sum(entries) FROM moved GROUP BY segments HAVING sum(entries) <> 0 ORDER BY segments
      ON CONFLICT (segments, slot) DO UPDATE SET entries = namespace_counts.entries + excluded.entries
    )
    SELECT count(*)::int4 AS rows FROM apart`)
  return row?.rows as number
}

async function removeEmpty(driver: ColdDriver): Promise<void> {
  await driver.query(sql`
    WITH empty AS MATERIALIZED (
      SELECT ctid AS place FROM thermocline.namespace_counts WHERE slot = -1 AND entries = 0 FOR UPDATE SKIP LOCKED
    )
    DELETE FROM thermocline.namespace_counts WHERE ctid = ANY (ARRAY (SELECT place FROM empty))`)
}
