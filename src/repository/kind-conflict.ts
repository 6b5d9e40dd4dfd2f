/**
 * Decides when a write is refused with `ERR_CONFLICT` because its id is that of an entry of another kind: where this
 * process has that entry at hand; cold is not asked. One id is one entry, whatever its kind, and a chunk must not
 * vanish because facts were put under its key.
 */
import { refuseExpired } from '../entry/expiry.ts'
import type { EntryInput, EntryKind } from '../entry/memory-entry.ts'
import type { EntryRecord } from '../entry/record.ts'
import type { UnversionedRecord } from '../entry/validate.ts'
import { ThermoclineError } from '../errors.ts'

/** @param held The kind of the entry that has the id, if one is known. */
export function refuseOtherKind({ id, kind }: UnversionedRecord, held: EntryKind | undefined): void {
  if (held === undefined || held === kind) return
  const message = `a ${held} entry has this key or id: delete it first, or choose another for the ${kind} entry`
  throw new ThermoclineError('ERR_CONFLICT', message, { id, kind: held, outcome: 'none' })
}

/** The record, which may take the place of what is there if that is of its kind, and it has not expired by now. */
export function inPlaceOf(current: EntryRecord | undefined, record: UnversionedRecord, now: number): UnversionedRecord {
  refuseOtherKind(record, current?.kind ?? undefined)
  refuseExpired(record.expiresAt, now)
  return record
}

/** Whether the caller named the entry, so that there may be one already. The input MUST have been checked. */
export function hasChosenId(input: unknown): boolean {
  const { id, key } = input as EntryInput
  return id !== undefined || key !== undefined
}
