/** Records what each sync did, for people and dashboards: rows of sync_runs, of which the newest are kept. */
import { sql } from 'drizzle-orm'
import type { ColdDriver } from '../cold-driver.ts'
import type { SyncRun } from '../cold-tier.ts'
import { timeParameter } from './column-types.ts'

/** So many runs are kept: about a week of one a minute. */
const KEPT_RUNS = 10_000

export async function recordSyncRun(driver: ColdDriver, run: SyncRun): Promise<void> {
  await driver.query(sql`
    WITH added AS (
      INSERT INTO thermocline.sync_runs (started_at, duration_ms, synced, skipped, errors, bytes)
      VALUES (${timeParameter(run.startedAt)}, ${run.durationMs}::float8, ${run.synced}::int8, ${run.skipped}::int8,
        ${run.errors}::int8, ${run.bytes}::int8)
      RETURNING id
    )
    DELETE FROM thermocline.sync_runs WHERE id <= (SELECT id FROM added) - ${KEPT_RUNS}::int8`)
}
