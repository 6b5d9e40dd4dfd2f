/** Where each log stands, and who owns it: every change is guarded by its epoch in SQL. */
import { sql } from 'drizzle-orm'
import { ZERO_VERSION } from '../entry/version.ts'
import { ThermoclineError } from '../errors.ts'
import type { LogCheckpoint } from './cold-tier.ts'
import type { ColdDriver } from './driver.ts'
import { DURABLY } from './durably.ts'

export async function takeOver(driver: ColdDriver, walId: string, epoch: number): Promise<LogCheckpoint> {
  const [row] = await driver.query(sql`
    INSERT INTO thermocline.wal_checkpoints (wal_id, epoch, sequence, shipped_version)
    VALUES (${walId}::uuid, ${epoch}::int8, 0, ${ZERO_VERSION})
    ON CONFLICT (wal_id) DO UPDATE SET epoch = excluded.epoch, heartbeat_at = now()
    WHERE wal_checkpoints.epoch < excluded.epoch
    RETURNING sequence::float8 AS sequence, ${DURABLY}`)
  if (row === undefined)
    throw new ThermoclineError(
      'ERR_LOCKED',
      'another process took this log over: close it, and open the store again to go on',
      {},
    )
  return { walId, epoch, sequence: row.sequence as number }
}

export async function checkpointOf(driver: ColdDriver, walId: string): Promise<LogCheckpoint | undefined> {
  const [row] = await driver.query(sql`
    SELECT epoch::float8 AS epoch, sequence::float8 AS sequence
    FROM thermocline.wal_checkpoints WHERE wal_id = ${walId}::uuid`)
  return row && { walId, epoch: row.epoch as number, sequence: row.sequence as number }
}

/** Retiring twice is retiring once. */
export async function retire(driver: ColdDriver, walId: string, epoch: number): Promise<void> {
  const [row] = await driver.query(sql`
    WITH gone AS (
      DELETE FROM thermocline.wal_checkpoints WHERE wal_id = ${walId}::uuid AND epoch = ${epoch}::int8 RETURNING 1
    )
    SELECT EXISTS (SELECT FROM thermocline.wal_checkpoints WHERE wal_id = ${walId}::uuid)
      AND NOT EXISTS (SELECT FROM gone) AS is_taken, ${DURABLY}`)
  if (row?.is_taken === true)
    throw new ThermoclineError('ERR_LOCKED', 'another process took this log over: leave it to that process', {})
}
