/**
 * Records up to which sequence cold has each log, and which epoch owns it: every change is guarded by the epoch in SQL.
 */
import { sql } from 'drizzle-orm'
import { ZERO_VERSION } from '../../entry/version.ts'
import { ThermoclineError } from '../../errors.ts'
import type { ColdDriver } from '../cold-driver.ts'
import type { AcceptedLoss, LogCheckpoint, RegisteredLog } from '../cold-tier.ts'
import { DURABLY } from './durable-commit.ts'

export async function takeOver(
  driver: ColdDriver,
  walId: string,
  epoch: number,
  place: string | undefined,
): Promise<LogCheckpoint> {
  const [row] = await driver.query(sql`
    INSERT INTO thermocline.wal_checkpoints (wal_id, epoch, sequence, shipped_version, place)
    VALUES (${walId}::uuid, ${epoch}::int8, 0, ${ZERO_VERSION}, ${place ?? null}::text)
    ON CONFLICT (wal_id) DO UPDATE SET epoch = excluded.epoch, heartbeat_at = now(),
      place = coalesce(excluded.place, wal_checkpoints.place)
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

export async function logs(driver: ColdDriver): Promise<RegisteredLog[]> {
  const rows = await driver.query(sql`
    SELECT wal_id::text AS wal_id, epoch::float8 AS epoch, sequence::float8 AS sequence, place,
      cut_asked::text AS cut_asked, cut_done::text AS cut_done,
      extract(epoch FROM heartbeat_at)::float8 * 1000 AS heartbeat_at,
      extract(epoch FROM clock_timestamp() - heartbeat_at)::float8 * 1000 AS age
    FROM thermocline.wal_checkpoints ORDER BY heartbeat_at, wal_id`)
  return rows.map((row) => ({
    walId: row.wal_id as string,
    epoch: row.epoch as number,
    sequence: row.sequence as number,
    place: (row.place as string | null) ?? undefined,
    heartbeatAt: Math.round(row.heartbeat_at as number),
    heartbeatAgeMs: Math.max(0, Math.round(row.age as number)),
    cutAsked: (row.cut_asked as string | null) ?? undefined,
    cutDone: (row.cut_done as string | null) ?? undefined,
  }))
}

/**
 * One row a statement: whoever ships has the lock of its log's row meanwhile, and who waits for one log must hold up no
 * other.
 */
export async function askCuts(driver: ColdDriver, token: string, exceptWalId: string): Promise<void> {
  const others = await driver.query(sql`
    SELECT wal_id::text AS wal_id FROM thermocline.wal_checkpoints WHERE wal_id <> ${exceptWalId}::uuid`)
  for (const { wal_id: walId } of others)
    await driver.query(sql`
      WITH asked AS (
        UPDATE thermocline.wal_checkpoints SET cut_asked = ${token}::uuid WHERE wal_id = ${walId as string}::uuid
      )
      SELECT ${DURABLY}`)
}

export async function askedCut(driver: ColdDriver, walId: string): Promise<string | undefined> {
  const [row] = await driver.query(sql`
    SELECT cut_asked::text AS token FROM thermocline.wal_checkpoints
    WHERE wal_id = ${walId}::uuid AND cut_asked IS DISTINCT FROM cut_done`)
  return (row?.token as string | null | undefined) ?? undefined
}

export async function noteCut(driver: ColdDriver, walId: string, epoch: number, token: string): Promise<void> {
  await driver.query(sql`
    UPDATE thermocline.wal_checkpoints SET cut_done = ${token}::uuid
    WHERE wal_id = ${walId}::uuid AND epoch = ${epoch}::int8`)
}

/** A range that is empty says that a set-back lost nothing: what happens later in its place counts more. */
export async function recordLoss(driver: ColdDriver, { walId, epoch, lost, reason }: AcceptedLoss): Promise<void> {
  const first = lost.map(({ from }) => from)
  const last = lost.map(({ to }) => to ?? null)
  await driver.query(sql`
    WITH recorded AS (
      INSERT INTO thermocline.accepted_losses (wal_id, epoch, first_sequence, last_sequence, reason)
      SELECT ${walId}::uuid, ${epoch}::int8, first, last, ${reason}::text
      FROM unnest(${sql.param(first)}::int8[], ${sql.param(last)}::int8[]) AS lost (first, last)
      ON CONFLICT (wal_id, first_sequence) DO UPDATE
        SET epoch = excluded.epoch, last_sequence = excluded.last_sequence, reason = excluded.reason,
          accepted_at = now()
        WHERE accepted_losses.last_sequence < accepted_losses.first_sequence
    )
    SELECT ${DURABLY}`)
}
