/** Defines what a scan of a log found, and collects it while the scan runs. */
import type { SequenceRange } from '../errors.ts'
import type { DurableMark } from './durable-mark.ts'
import { isControl, RECORD_TYPES, SEGMENT_HEADER_BYTES, segmentName } from './format.ts'
import type { SegmentRecord } from './segment-reader.ts'
import type { SegmentStart } from './segment-start.ts'

export interface SegmentExtent {
  readonly number: number
  readonly bytes: number
  readonly lastSequence: number
}

/** Where a log ends and what it consists of: all that going on with it needs. */
export interface LogEnd {
  /** Number of the last segment; undefined where there is none. */
  readonly segment: number | undefined
  readonly validLength: number
  readonly chain: number
  readonly lastSequence: number
  readonly epoch: number
  readonly segments: readonly SegmentExtent[]
  /** Number of a segment after it that a crash left without a whole header, and whose name the next one takes. */
  readonly discarded?: number | undefined
}

/** Of a log that has no segment yet. */
export const NO_SEGMENTS: LogEnd = {
  segment: undefined,
  validLength: 0,
  chain: 0,
  lastSequence: 0,
  epoch: 0,
  segments: [],
}

export interface ScannedSegment {
  readonly number: number
  readonly file: string
  readonly epoch: number
  readonly firstSequence: number
  readonly lastSequence: number
  readonly bytes: number
  /** Bytes that verified, header included. */
  readonly validBytes: number
  readonly records: number
  readonly sealed: boolean
}

export interface TornTail {
  readonly segment: number
  readonly offset: number
  readonly bytes: number
  /** Whole records among the dropped bytes. */
  readonly records: number
  /**
   * It may have been acknowledged: the bytes are all there and do not verify, as after rot in the last group, or the
   * mark is gone, which would tell.
   */
  readonly ambiguous: boolean
}

export interface Damage {
  readonly segment: number
  readonly offset: number
  /** Ends one before it begins where the damage took no record. */
  readonly missing: SequenceRange
  readonly reason: string
}

export interface ScanReport {
  readonly walId: string
  readonly segments: readonly ScannedSegment[]
  readonly damage: readonly Damage[]
  readonly mark: DurableMark | undefined
  /** Puts and deletes. */
  readonly records: number
  readonly puts: number
  readonly deletes: number
  /** Records that hold several puts and deletes each. */
  readonly bundles: number
  /** Records that hold no entry, such as the seal of a segment. */
  readonly controls: number
  readonly bytes: number
  readonly firstSequence: number
  readonly lastSequence: number
  readonly epoch: number
  readonly highestVersion: { readonly millis: number; readonly counter: number }
  readonly tornTail: TornTail | undefined
  /** Number of a last segment that a crash left without a whole header. */
  readonly discarded: number | undefined
  /** The log was shipped to its end and closed. */
  readonly closed: boolean
  readonly end: LogEnd
}

/** What a record is that holds entries: a put or a delete of one, or several of which all count or none. */
export type EntryType = 'put' | 'delete' | 'bundle'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

export type SegmentDraft = Mutable<ScannedSegment>

/** A report while the log is being read. */
export interface ReportDraft extends Mutable<ScanReport> {
  segments: SegmentDraft[]
  damage: Damage[]
}

export function emptyReport(walId: string): ReportDraft {
  return {
    walId,
    segments: [],
    damage: [],
    mark: undefined,
    records: 0,
    puts: 0,
    deletes: 0,
    bundles: 0,
    controls: 0,
    bytes: 0,
    firstSequence: 1,
    lastSequence: 0,
    epoch: 0,
    highestVersion: { millis: 0, counter: 0 },
    tornTail: undefined,
    discarded: undefined,
    closed: false,
    end: NO_SEGMENTS,
  }
}

/** @param sequence The last one before it. */
export function addSegment(report: ReportDraft, start: SegmentStart, bytes: number, sequence: number): SegmentDraft {
  const segment: SegmentDraft = {
    number: start.number,
    file: segmentName(start.number),
    epoch: start.header?.epoch ?? 0,
    firstSequence: start.firstSequence ?? sequence + 1,
    lastSequence: sequence,
    bytes,
    validBytes: SEGMENT_HEADER_BYTES,
    records: 0,
    sealed: false,
  }
  report.segments.push(segment)
  report.bytes += bytes
  report.epoch = Math.max(report.epoch, segment.epoch)
  // Closed is what ends with a CLOSE record; a later segment goes on.
  report.closed = false
  const clock = start.header?.highestVersion
  if (clock !== undefined && isLater(clock, report.highestVersion)) report.highestVersion = clock
  return segment
}

export function countRecord(report: ReportDraft, segment: SegmentDraft, record: SegmentRecord): void {
  const { type, sequence, offset, bytes } = record
  segment.validBytes = offset + bytes
  segment.lastSequence = sequence
  segment.sealed = isControl(type)
  report.closed = type === RECORD_TYPES.close
  const entry = entryType(type)
  if (entry === undefined) {
    report.controls++
    return
  }
  segment.records++
  report.records++
  if (entry === 'put') report.puts++
  else if (entry === 'delete') report.deletes++
  else report.bundles++
}

/** Returns undefined for records that hold no entry. */
export function entryType(type: number): EntryType | undefined {
  if (type === RECORD_TYPES.put || type === RECORD_TYPES.blob) return 'put'
  if (type === RECORD_TYPES.bundle) return 'bundle'
  return type === RECORD_TYPES.delete ? 'delete' : undefined
}

function isLater(a: ScanReport['highestVersion'], b: ScanReport['highestVersion']): boolean {
  return a.millis > b.millis || (a.millis === b.millis && a.counter > b.counter)
}
