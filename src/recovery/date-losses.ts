/** Finds out when the lost records of a log were written, as far as the records before and after them tell. */
import { decodeRecord } from '../entry/codec.ts'
import { parseVersion } from '../entry/version.ts'
import type { SequenceRange } from '../errors.ts'
import { LogScan, type ScannedRecord, type ScanSource } from '../wal/log-scan.ts'

export interface DatedRange extends SequenceRange {
  /** ISO times by the clocks of the writers; absent where nothing intact stands before or behind. */
  readonly writtenAfter?: string
  readonly writtenBefore?: string
}

/** Reads the log once more: a recovery leaves out what cold has already. */
export async function dateLosses(log: ScanSource, lost: readonly SequenceRange[]): Promise<DatedRange[]> {
  if (lost.length === 0) return []
  const waiting = [...lost].sort((a, b) => a.from - b.from)
  const dated: DatedRange[] = []
  let previous: ScannedRecord | undefined
  for await (const record of new LogScan(log, { salvage: true })) {
    while (waiting[0]?.to !== undefined && waiting[0].to < record.sequence)
      dated.push(dateRange(waiting.shift()!, previous, record))
    const next = waiting[0]
    if (next === undefined) break
    if (record.sequence < next.from) previous = record
  }
  return [...dated, ...waiting.map((range) => dateRange(range, previous, undefined))]
}

function dateRange(
  range: SequenceRange,
  before: ScannedRecord | undefined,
  behind: ScannedRecord | undefined,
): DatedRange {
  const writtenAfter = timeOf(before)
  const writtenBefore = timeOf(behind)
  return { ...range, ...(writtenAfter && { writtenAfter }), ...(writtenBefore && { writtenBefore }) }
}

function timeOf(record: ScannedRecord | undefined): string | undefined {
  if (record === undefined) return undefined
  try {
    return new Date(parseVersion(decodeRecord(record.payload).version).millis).toISOString()
  } catch {
    // It verifies and is no entry: it is lost itself.
    return undefined
  }
}
