/**
 * Decides what becomes of a row that Postgres refuses. Such a row must neither stop a log nor vanish. It is found by
 * halving its batch, and stored as a dead letter in the transaction that would have stored the row; the other rows are
 * written. (The other kind of dead letter is a put below the horizon: upsert-newer.ts.) How letters are written once
 * more is in retry-letters.ts.
 */
import { type SQL, sql } from 'drizzle-orm'
import { encodeRecord } from '../../entry/codec.ts'
import type { EntryRecord } from '../../entry/record.ts'
import { sqlStateOf } from '../cold-errors.ts'
import { ROW_FAULTS } from '../cold-tier.ts'
import { UnencodableRecord } from './column-types.ts'

export interface DeadLetter {
  readonly record: EntryRecord
  /** SQLSTATE, or `encoding` where a field has no form in its column. */
  readonly reason: string
}

export interface Sorted {
  readonly accepted: readonly EntryRecord[]
  readonly refused: readonly DeadLetter[]
}

/** Whether the fault lies in a row, so that trying again changes nothing. */
export function isRowFault(error: unknown): boolean {
  return error instanceof UnencodableRecord || ROW_FAULTS.test(sqlStateOf(error) ?? '')
}

/**
 * Finds the rows at fault; costs about two attempts per row at fault and halving.
 * @param attempt resolves if Postgres would take these rows, or has taken them; where it rejects it MUST have changed
 *   nothing.
 */
export async function findRefused(
  records: readonly EntryRecord[],
  attempt: (records: readonly EntryRecord[]) => Promise<void>,
): Promise<Sorted> {
  try {
    await attempt(records)
    return { accepted: records, refused: [] }
  } catch (error) {
    if (!isRowFault(error)) throw error
    const [only, ...others] = records
    if (only !== undefined && others.length === 0)
      return { accepted: [], refused: [{ record: only, reason: sqlStateOf(error) ?? 'encoding' }] }
  }
  const middle = records.length >>> 1
  const left = await findRefused(records.slice(0, middle), attempt)
  const right = await findRefused(records.slice(middle), attempt)
  return { accepted: [...left.accepted, ...right.accepted], refused: [...left.refused, ...right.refused] }
}

/** The letters as rows (record bytea, reason text). */
export function lettersFrom(letters: readonly DeadLetter[]): SQL {
  // Hex in text: not every driver takes an array of bytes.
  const records = letters.map(({ record }) => Buffer.from(encodeRecord(record)).toString('hex'))
  const reasons = letters.map(({ reason }) => reason)
  return sql`(SELECT decode(hex, 'hex') AS record, reason
    FROM unnest(${sql.param(records)}::text[], ${sql.param(reasons)}::text[]) AS raw (hex, reason))`
}
