/**
 * Reads a log front to back, verifying every byte that was acknowledged, in constant memory. It takes no lock and
 * changes nothing.
 *
 * Where a record does not verify at offset P, D says how far the segment is known to have been durable: what its
 * successor recorded, else the `durable` mark and the synced offsets of later records.
 * - P < D, or the disk cannot read it: damage. Acknowledged records are gone, and the scan says which.
 * - P >= D: a torn tail, dropped and counted. By D it was never acknowledged; where D itself may be missing or old, the
 *   tail is told of as ambiguous (scan-report.ts).
 * Zeros to the end are a clean end. A segment that is missing, foreign or out of sequence is damage; a header that
 * never became whole, on a last segment that holds nothing and was never marked, is what a crash leaves while it makes
 * one.
 *
 * A scan is in one of two states. Sound: the last record or header continued what came before it. At fault: something
 * did not, and what is missing is known only once something whole is found behind it. `#openFault` leads from the first
 * state into the second; `#closeFaultBefore` leads back, and reports as missing what lies between the last record
 * before the fault and the first sequence behind it. Where the log ends at fault, everything from there on may be
 * missing.
 */
import { isEmptyRange, recordsIn, type SequenceRange, ThermoclineError } from '../errors.ts'
import { isControl, SEGMENT_HEADER_BYTES, segmentName } from './format.ts'
import { filesIn, type LogFiles } from './log-files.ts'
import { LogOutline } from './log-outline.ts'
import {
  addSegment,
  countRecord,
  type EntryType,
  emptyReport,
  entryType,
  type ReportDraft,
  type ScanReport,
} from './scan-report.ts'
import { firstSequenceOf, type ReadPosition, SegmentReader, type SegmentRecord } from './segment-reader.ts'
import type { SegmentStart } from './segment-start.ts'

export type { Damage, LogEnd, ScannedSegment, ScanReport, SegmentExtent, TornTail } from './scan-report.ts'

export interface ScannedRecord {
  readonly type: EntryType
  readonly sequence: number
  readonly payload: Uint8Array
  readonly segment: number
  readonly offset: number
  /** Bytes it takes in its segment. */
  readonly bytes: number
}

export interface ScanOptions {
  /** Go on past damage with every record that verifies by itself, and report it. */
  readonly salvage?: boolean
  /**
   * Cold has every record up to here: they are verified but not answered, damage among them alone is no loss, and the
   * log must reach back to them. Undefined: nobody knows what was shipped.
   */
  readonly afterSequence?: number
}

export interface ScanSource {
  readonly path: string
  readonly walId: string
  /** @default the files in the folder `path` */
  readonly files?: LogFiles
  /** What whoever owns the log has read of it already. @default it is read */
  outline?(): Promise<LogOutline>
}

/** Where something did not continue what came before it. */
interface Fault {
  readonly segment: number
  readonly offset: number
  readonly reason: string
}

export class LogScan implements AsyncIterable<ScannedRecord> {
  readonly #files: LogFiles
  readonly #readOutline: () => Promise<LogOutline>
  readonly #salvage: boolean
  readonly #afterSequence: number | undefined
  /** Behind the last record that was read. */
  #position: ReadPosition = { offset: 0, chain: 0, sequence: 0 }
  /** Set while the scan is at fault. */
  #fault: Fault | undefined
  readonly #report: ReportDraft

  constructor(source: ScanSource, options: ScanOptions = {}) {
    this.#files = source.files ?? filesIn(source.path)
    this.#salvage = options.salvage ?? false
    this.#afterSequence = options.afterSequence
    this.#report = emptyReport(source.walId)
    this.#readOutline = () => source.outline?.() ?? LogOutline.read(this.#files, source.walId)
  }

  /** Complete once the iteration has ended. */
  get report(): ScanReport {
    return this.#report
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ScannedRecord> {
    const { mark, segments } = await this.#readOutline()
    this.#report.mark = mark
    const starts = this.#withoutUnfinished(segments)
    this.#begin(starts[0])
    for (const [i, start] of starts.entries()) {
      this.#enter(start, starts[i - 1])
      if (!start.isForeign) yield* this.#segment(start, starts[i + 1])
    }
    this.#finish(starts.at(-1))
  }

  /** Reads on for the sake of the report alone. */
  async toEnd(): Promise<ScanReport> {
    for await (const _ of this);
    return this.report
  }

  /** Headers are whole before they get their name, so one that is not holds nothing, or it is damage. */
  #withoutUnfinished(starts: readonly SegmentStart[]): readonly SegmentStart[] {
    const last = starts.at(-1)
    if (!last?.isBlank || (this.#report.mark?.segment ?? 0) >= last.number) return starts
    this.#report.discarded = last.number
    return starts.slice(0, -1)
  }

  #begin(first: SegmentStart | undefined): void {
    // Older segments go once they were shipped; only who knows how far that was can tell whether one is missing.
    const { number = 1, firstSequence } = first ?? {}
    const before = firstSequence === undefined ? undefined : firstSequence - 1
    const shipped = number === 1 ? 0 : (this.#afterSequence ?? before ?? 0)
    const sequence = Math.min(shipped, before ?? shipped)
    this.#position = { offset: 0, chain: 0, sequence }
    this.#report.firstSequence = sequence + 1
    if (before !== undefined && before > sequence) this.#openFault(number - 1, 0, 'the oldest segments are missing')
  }

  /** Whether the segment continues what came before it. */
  #enter(start: SegmentStart, previous: SegmentStart | undefined): void {
    if (previous !== undefined && start.number !== previous.number + 1)
      this.#openFault(previous.number + 1, 0, 'a segment is missing')
    // What was missing before ends where this segment begins.
    const wasBroken = this.#closeFaultBefore(start.firstSequence)
    const fault = start.fault ?? (wasBroken || previous === undefined ? undefined : this.#discontinuity(start))
    if (fault === undefined) return
    this.#openFault(start.number, 0, fault)
    this.#closeFaultBefore(start.firstSequence)
  }

  #discontinuity({ header }: SegmentStart): string | undefined {
    const { sequence, chain } = this.#position
    if (header?.firstSequence !== sequence + 1) return 'the segment does not continue the sequence'
    if (header.previousChain !== chain) return 'the segment does not continue the chain'
    return undefined
  }

  async *#segment(start: SegmentStart, next: SegmentStart | undefined): AsyncGenerator<ScannedRecord> {
    const reader = await SegmentReader.open(this.#files, segmentName(start.number))
    try {
      const scanned = addSegment(this.#report, start, reader.size, this.#position.sequence)
      const recorded = next?.number === start.number + 1 ? next.header?.previousLength : undefined
      const limit = Math.min(recorded ?? reader.size, reader.size)
      this.#position = { ...this.#position, offset: SEGMENT_HEADER_BYTES, chain: start.salt }
      for (;;) {
        const found = await reader.next(this.#position, start.salt, limit)
        let record: SegmentRecord | undefined
        if ('stop' in found) {
          const { offset, stop } = found
          const isClean = stop === 'end' || stop === 'zeros'
          const durable = recorded ?? (await this.#durableLength(start, next, reader, offset))
          if (offset >= durable && stop !== 'unreadable') {
            if (!isClean) await this.#torn(reader, start, offset)
            return
          }
          this.#openFault(start.number, offset, REASONS[stop])
          record = await this.#resume(reader, start, next, offset)
          if (record === undefined) return
        } else record = found
        this.#closeFaultBefore(firstSequenceOf(record))
        this.#position = { offset: record.offset + record.bytes, chain: record.crc, sequence: record.sequence }
        countRecord(this.#report, scanned, record)
        const answer = this.#answer(start.number, record)
        if (answer !== undefined) yield answer
      }
    } finally {
      await reader.close()
    }
  }

  /**
   * Bytes of the segment that are known to have been durable. Costs a look at the rest only where a record does not
   * verify.
   */
  async #durableLength(
    start: SegmentStart,
    next: SegmentStart | undefined,
    reader: SegmentReader,
    stoppedAt: number,
  ): Promise<number> {
    const { mark } = this.#report
    // A later segment exists, or existed: this one had been sealed and synced whole.
    if (next !== undefined || (mark !== undefined && mark.segment > start.number))
      return stoppedAt < reader.size ? reader.size : 0
    const marked = mark?.segment === start.number ? mark.offset : 0
    return Math.max(marked, await reader.syncedOffsetAfter(stoppedAt, start.salt))
  }

  /**
   * The next record that verifies and is newer than what was read. Not one that the next segment has as well: that was
   * written anew after this one was dropped.
   */
  async #resume(
    reader: SegmentReader,
    start: SegmentStart,
    next: SegmentStart | undefined,
    from: number,
  ): Promise<SegmentRecord | undefined> {
    const end = next?.firstSequence ?? Infinity
    for (let at = from + 1; ; ) {
      const record = await reader.findVerified(at, start.salt, reader.size)
      if (record === undefined) return undefined
      const { sequence } = this.#position
      const isNewer = isControl(record.type) ? record.sequence >= sequence : record.sequence > sequence
      if (isNewer && record.sequence < end) return record
      at = record.offset + 1
    }
  }

  async #torn(reader: SegmentReader, start: SegmentStart, offset: number): Promise<void> {
    let records = 0
    for (let at = offset; ; ) {
      const record = await reader.findVerified(at, start.salt, reader.size)
      if (record === undefined) break
      records++
      at = record.offset + record.bytes
    }
    // Without a mark nothing says that what is cut off had not been synced.
    const ambiguous = this.#report.mark === undefined || !(await reader.isCutOff(offset, start.salt))
    this.#report.tornTail = { segment: start.number, offset, bytes: reader.size - offset, records, ambiguous }
  }

  /** Opens a fault, unless one is open already: they count as one then. */
  #openFault(segment: number, offset: number, reason: string): void {
    this.#fault ??= { segment, offset, reason }
  }

  /**
   * Ends the fault that is open, where there is one, at the first sequence that is known not to be missing; undefined:
   * it is not known yet. Answers whether there was one.
   */
  #closeFaultBefore(firstSequence: number | undefined): boolean {
    if (this.#fault === undefined || firstSequence === undefined) return false
    const { sequence } = this.#position
    const last = Math.max(sequence, firstSequence - 1)
    const shipped = this.#afterSequence ?? 0
    this.#damaged(this.#fault, { from: sequence + 1, to: last }, shipped > 0 && last <= shipped)
    this.#fault = undefined
    this.#position = { ...this.#position, sequence: last }
    return true
  }

  /** Records the damage, or throws where that is not to be passed over. */
  #damaged({ segment, offset, reason }: Fault, missing: SequenceRange, isShipped: boolean): void {
    const { walId } = this.#report
    if (!this.#salvage && !isShipped) {
      throw new ThermoclineError(
        'ERR_WAL_CORRUPT',
        `log ${walId} is damaged in segment ${segment} at offset ${offset} (${reason}): ${describeMissing(missing)}; keep a copy of the folder, then run \`npx thermocline recover\``,
        { walId, segment, offset, missing },
      )
    }
    this.#report.damage.push({ segment, offset, missing, reason })
  }

  #answer(segment: number, record: SegmentRecord): ScannedRecord | undefined {
    const { type, sequence, payload, offset, bytes } = record
    const name = entryType(type)
    if (name === undefined || sequence <= (this.#afterSequence ?? 0)) return undefined
    return { type: name, sequence, payload, segment, offset, bytes }
  }

  #finish(last: SegmentStart | undefined): void {
    const report = this.#report
    const { mark } = report
    const isLastMissing = mark !== undefined && mark.segment > (last?.number ?? 0)
    if (isLastMissing) this.#openFault((last?.number ?? 0) + 1, 0, 'the last segment is missing')
    // After a power cut the mark may be stale; it tells how far the log went only where nothing stands behind it.
    const isMarked = mark !== undefined && mark.segment === last?.number && !last.isForeign
    if (isMarked && mark.offset >= last.size) this.#closeFaultBefore(mark.sequence + 1)
    if (this.#fault !== undefined)
      this.#damaged(this.#fault, { from: this.#position.sequence + 1, to: undefined }, false)
    const { offset, chain, sequence } = this.#position
    report.lastSequence = sequence
    report.end = {
      segment: last?.number,
      validLength: offset,
      chain,
      lastSequence: sequence,
      epoch: report.epoch,
      segments: report.segments.map(({ number, bytes, lastSequence }) => ({ number, bytes, lastSequence })),
      discarded: report.discarded,
    }
  }
}

const REASONS = {
  end: 'the segment is cut short',
  zeros: 'the segment is cut short',
  invalid: 'a record does not verify',
  unreadable: 'the disk could not read it',
} as const

function describeMissing(missing: SequenceRange): string {
  if (isEmptyRange(missing)) return 'no acknowledged record is missing'
  if (missing.from === missing.to) return `the acknowledged ${recordsIn(missing)} is missing`
  return `acknowledged ${recordsIn(missing)} are missing`
}
