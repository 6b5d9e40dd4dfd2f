/** Figures for people. */
import { type SQL, sql } from 'drizzle-orm'
import type { ColdDriver } from '../cold-driver.ts'
import type { ColdStats } from '../cold-tier.ts'

export async function stats(driver: ColdDriver, now: SQL): Promise<ColdStats> {
  const [row] = await driver.query(sql`
    SELECT coalesce(sum(entries), 0)::float8 AS entries, coalesce(sum(tombstones), 0)::float8 AS tombstones,
      coalesce(sum(unindexed), 0)::float8 AS unindexed,
      (SELECT count(*) FROM thermocline.memory_entries
        WHERE expires_at IS NOT NULL AND expires_at <= ${now})::float8 AS expired,
      (SELECT count(*) FROM thermocline.dead_letters)::float8 AS dead_letters,
      (SELECT count(*) FROM thermocline.pins)::float8 AS pinned
    FROM thermocline.entry_counts`)
  return {
    live: (row?.entries as number) - (row?.expired as number),
    tombstones: row?.tombstones as number,
    unindexed: row?.unindexed as number,
    deadLetters: row?.dead_letters as number,
    pinned: row?.pinned as number,
  }
}
