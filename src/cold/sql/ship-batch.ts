/**
 * Writes rows: batches of a log together with its checkpoint, and rows by themselves. Which version wins is decided in
 * upsert-newer.ts, and what becomes of a row that Postgres refuses in dead-letters.ts.
 */
import { type SQL, sql } from 'drizzle-orm'
import type { EntryRecord } from '../../entry/record.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { ColdDriver } from '../cold-driver.ts'
import type { ShipBatch, ShipResult } from '../cold-tier.ts'
import { type DeadLetter, findRefused, isRowFault } from './dead-letters.ts'
import { type Batch, isComplete, lostStaging, STAGING_ATTEMPTS, type Staging } from './entry-staging.ts'
import { checkRows, upsertNewer } from './upsert-newer.ts'
import { checkpointOf } from './wal-checkpoints.ts'

export async function ship(staging: Staging, logger: Logger, batch: ShipBatch): Promise<ShipResult> {
  try {
    return await writeAllButRefused(staging, batch.records, (accepted, refused) =>
      moveCheckpoint(staging, logger, batch, accepted, refused),
    )
  } catch (error) {
    if (await hasArrived(staging.driver, batch)) return arrivedBefore(batch)
    throw error
  }
}

/** Returns how many rows were newer than cold's; refused rows become dead letters. */
export async function upsert(
  staging: Staging,
  logger: Logger,
  records: readonly EntryRecord[],
): Promise<{ written: number; rejected: number }> {
  if (records.length === 0) return { written: 0, rejected: 0 }
  return writeAllButRefused(staging, records, async (accepted, refused) => {
    for (let attempt = 1; attempt <= STAGING_ATTEMPTS; attempt++) {
      const { moved, written, belowHorizon } = await staging.through(accepted, undefined, (batch) =>
        upsertNewer(staging.driver, batch, sql`SELECT WHERE ${isComplete(batch)}`, refused, null),
      )
      if (!moved) continue
      reportRejected(logger, null, refused, belowHorizon)
      return { written, rejected: refused.length + belowHorizon }
    }
    throw lostStaging()
  })
}

/** Writes everything; only where Postgres refuses that for a row, finds out which, and writes the others. */
async function writeAllButRefused<T>(
  staging: Staging,
  records: readonly EntryRecord[],
  write: (accepted: readonly EntryRecord[], refused: readonly DeadLetter[]) => Promise<T>,
): Promise<T> {
  try {
    return await write(records, [])
  } catch (error) {
    if (!isRowFault(error)) throw error
  }
  const { accepted, refused } = await findRefused(records, (some) => checkRows(staging, some))
  return write(accepted, refused)
}

async function moveCheckpoint(
  staging: Staging,
  logger: Logger,
  batch: ShipBatch,
  accepted: readonly EntryRecord[],
  refused: readonly DeadLetter[],
): Promise<ShipResult> {
  for (let attempt = 1; attempt <= STAGING_ATTEMPTS; attempt++) {
    const taken = await staging.through(accepted, batch.confirmed, (staged) =>
      upsertNewer(staging.driver, staged, gateOf(batch, staged), refused, batch.walId),
    )
    if (taken.moved) {
      const { written, belowHorizon, generationNumber, missed } = taken
      reportRejected(logger, batch.walId, refused, belowHorizon)
      const superseded = accepted.length - written - belowHorizon
      return { status: 'moved', superseded, rejected: refused.length + belowHorizon, generationNumber, missed }
    }
    const standing = await checkpointOf(staging.driver, batch.walId)
    if (standing === undefined) return { status: 'unknown' }
    const { epoch, sequence } = standing
    if (epoch !== batch.epoch) return { status: 'fenced', epoch, sequence }
    if (sequence === batch.from) continue
    // An earlier attempt whose answer was lost.
    if (sequence === batch.to) return arrivedBefore(batch)
    return { status: 'elsewhere', sequence }
  }
  throw lostStaging()
}

/** Moves the checkpoint, if it stood where the batch begins. */
function gateOf({ walId, epoch, from, to, shippedVersion }: ShipBatch, staged: Batch): SQL {
  return sql`
    UPDATE thermocline.wal_checkpoints SET sequence = ${to}::int8, heartbeat_at = now(),
      shipped_version = greatest(shipped_version, ${shippedVersion})
    WHERE wal_id = ${walId}::uuid AND epoch = ${epoch}::int8 AND sequence = ${from}::int8 AND ${isComplete(staged)}
    RETURNING 1`
}

/** Tells after a failed call whether it had committed all the same: only this log's writer moves it to `to`. */
async function hasArrived(driver: ColdDriver, { walId, epoch, from, to }: ShipBatch): Promise<boolean> {
  if (from === to) return false
  try {
    const standing = await checkpointOf(driver, walId)
    return standing?.epoch === epoch && standing.sequence === to
  } catch {
    // Nobody can say; the caller gets the first error, which says why.
    return false
  }
}

/** Only the answer, which was lost, said which keys hot may hold older: so any of them may be. */
function arrivedBefore({ records }: ShipBatch): ShipResult {
  const missed = records.map(({ namespace, id }) => ({ namespace, id }))
  return { status: 'moved', superseded: 0, rejected: 0, generationNumber: undefined, missed }
}

function reportRejected(
  logger: Logger,
  walId: string | null,
  refused: readonly DeadLetter[],
  belowHorizon: number,
): void {
  if (refused.length + belowHorizon === 0) return
  const reasons = [...new Set(refused.map(({ reason }) => reason)), ...(belowHorizon > 0 ? ['below-horizon'] : [])]
  logger.error(
    { walId, rejected: refused.length + belowHorizon, reasons },
    'cold could not store some acknowledged entries: they are kept in thermocline.dead_letters, and listed by ' +
      '`npx thermocline dead-letters`',
  )
}
