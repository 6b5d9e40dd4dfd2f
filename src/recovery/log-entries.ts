/** Reads the entries from the records of a log: record by record, or in batches that cold takes. */
import { decodeRecord } from '../entry/codec.ts'
import { keyText } from '../entry/entry-key.ts'
import type { EntryRecord } from '../entry/record.ts'
import { decodeBundle, entriesIn, type LogValue } from '../entry/record-bundle.ts'
import { ThermoclineError } from '../errors.ts'
import type { LogScan, ScannedRecord } from '../wal/log-scan.ts'
import { SHIP_LIMITS } from './batch-limits.ts'

export interface LogEntry extends ScannedRecord {
  readonly value: LogValue
}

/** What goes to cold together: of several writes to a key only the newest, until one transaction is full. */
export interface LogBatch {
  readonly records: readonly EntryRecord[]
  /** Entries that were read for it, those that a newer one replaced included. */
  readonly read: number
  /** Bytes that these take in the log. */
  readonly bytes: number
  /** Sequence of the last of them. */
  readonly to: number
  /** Sequence of the last record up to which none is missing, from the beginning of the scan on. */
  readonly wholeTo: number
}

export type OnUndecodable = (error: ThermoclineError<'ERR_WAL_CORRUPT'>) => void

/**
 * A payload whose checksum holds but which is no entry is damage like any other: it is passed over where somebody is
 * told.
 */
export async function* entriesOf(scan: LogScan, onUndecodable: OnUndecodable = refuse): AsyncGenerator<LogEntry> {
  for await (const record of scan) {
    const value = decode(record, scan.report.walId, onUndecodable)
    if (value !== undefined) yield { ...record, value }
  }
}

export interface BatchOptions {
  /** Sequence that the scan begins behind. */
  readonly after: number
  /** Sequence of the last record wanted: its owner may go on writing behind it. @default all */
  readonly through?: number
  readonly onUndecodable?: OnUndecodable
}

/** Holds no more of the log than one batch, of which no cut parts what was logged together. */
export async function* batchesOf(
  scan: LogScan,
  { after, through = Infinity, onUndecodable }: BatchOptions,
): AsyncGenerator<LogBatch> {
  const newest = new Map<string, EntryRecord>()
  let [to, wholeTo, read, bytes] = [after, after, 0, 0]
  const take = (): LogBatch => {
    const batch = { records: [...newest.values()], read, bytes, to, wholeTo }
    newest.clear()
    read = bytes = 0
    return batch
  }
  for await (const entry of entriesOf(scan, onUndecodable)) {
    if (entry.sequence > through) break
    for (const record of entriesIn(entry.value)) {
      const key = keyText(record)
      const known = newest.get(key)
      if (known === undefined || known.version < record.version) newest.set(key, record)
      read++
    }
    bytes += entry.bytes
    to = Math.max(to, entry.sequence)
    if (entry.sequence === wholeTo + 1) wholeTo = entry.sequence
    if (newest.size >= SHIP_LIMITS.rows || bytes >= SHIP_LIMITS.bytes) yield take()
  }
  if (read > 0) yield take()
}

function decode(record: ScannedRecord, walId: string, onUndecodable: OnUndecodable): LogValue | undefined {
  const { type, payload, segment, offset, sequence } = record
  try {
    return type === 'bundle' ? decodeBundle(payload) : decodeRecord(payload)
  } catch (cause) {
    const message = `record ${sequence} of log ${walId} verifies but cannot be decoded`
    const missing = { from: sequence, to: sequence }
    onUndecodable(new ThermoclineError('ERR_WAL_CORRUPT', message, { walId, segment, offset, missing }, { cause }))
    return undefined
  }
}

function refuse(error: ThermoclineError): never {
  throw error
}
