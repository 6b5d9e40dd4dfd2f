/**
 * Reads a log front to back, verifying every byte that was acknowledged, in constant memory. It takes no lock and changes
 * nothing.
 *
 * Where a record does not verify at offset P, D says how far the segment is known to have been durable: what its successor
 * recorded, else the `durable` mark and the synced offsets of later records.
 * - P < D, or the disk cannot read it: damage. Acknowledged records are gone, and the scan says which.
 * - P >= D: a torn tail. It was never acknowledged; it is dropped and counted.
 * Zeros to the end are a clean end. A segment that is missing, foreign or out of sequence is damage; a header that never
 * became whole, on a last segment that holds nothing and was never marked, is what a crash leaves while it makes one.
 *
 * What is missing is known only once something whole is found behind the damage, so a fault stays open until then.
 */
import { isEmptyRange, recordsIn, type SequenceRange, ThermoclineError } from '../errors.ts'
import { readMark } from './durable-mark.ts'
import { isControl, SEGMENT_HEADER_BYTES, segmentName } from './format.ts'
import { filesIn, type LogFiles } from './log-files.ts'
import { addSegment, countRecord, emptyReport, entryType, type ScannedSegment, type ScanReport } from './scan-report.ts'
import { firstSequenceOf, type ReadPosition, SegmentReader, type SegmentRecord } from './segment-reader.ts'
import { readHeads, type SegmentHead } from './segment-start.ts'

export type { Damage, LogEnd, ScannedSegment, ScanReport, SegmentExtent, TornTail } from './scan-report.ts'

export interface ScannedRecord {
  readonly type: 'put' | 'delete'
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
   * Cold has every record up to here: they are verified but not answered, damage among them alone is no loss, and the log
   * must reach back to them. Undefined: nobody knows what was shipped.
   */
  readonly afterSequence?: number
}

export interface ScanSource {
  readonly path: string
  readonly walId: string
  /** @default the files in the folder `path` */
  readonly files?: LogFiles
}

interface Fault {
  readonly segment: number
  readonly offset: number
  readonly reason: string
}

export class LogScan implements AsyncIterable<ScannedRecord> {
  readonly #files: LogFiles
  readonly #salvage: boolean
  readonly #afterSequence: number | undefined
  /** Behind the last record that was read. */
  #position: ReadPosition = { offset: 0, chain: 0, sequence: 0 }
  /** Damage of which the end was not found yet. */
  #fault: Fault | undefined
  /** Complete once the iteration has ended. */
  readonly report: ScanReport

  constructor(source: ScanSource, options: ScanOptions = {}) {
    this.#files = source.files ?? filesIn(source.path)
    this.#salvage = options.salvage ?? false
    this.#afterSequence = options.afterSequence
    this.report = emptyReport(source.walId)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ScannedRecord> {
    const { report } = this
    // The mark first: a living owner moves it on, and what it says now is durable now.
    // One that the disk cannot read is as good as none: it never knows more than the log.
    report.mark = await readMark(this.#files, report.walId).catch(() => undefined)
    const heads = this.#withoutUnfinished(await readHeads(this.#files, report.walId))
    this.#begin(heads[0])
    for (const [i, head] of heads.entries()) {
      this.#enter(head, heads[i - 1])
      if (!head.isForeign) yield* this.#segment(head, heads[i + 1])
    }
    this.#finish(heads.at(-1))
  }

  /** Reads on for the sake of the report alone. */
  async toEnd(): Promise<ScanReport> {
    for await (const _ of this);
    return this.report
  }

  /** Headers are whole before they get their name, so one that is not holds nothing, or it is damage. */
  #withoutUnfinished(heads: SegmentHead[]): SegmentHead[] {
    const last = heads.at(-1)
    if (!last?.isBlank || (this.report.mark?.segment ?? 0) >= last.number) return heads
    this.report.discarded = last.number
    return heads.slice(0, -1)
  }

  #begin(first: SegmentHead | undefined): void {
    // Older segments go once they were shipped; only who knows how far that was can tell whether one is missing.
    const { number = 1, firstSequence } = first ?? {}
    const before = firstSequence === undefined ? undefined : firstSequence - 1
    const shipped = number === 1 ? 0 : (this.#afterSequence ?? before ?? 0)
    const sequence = Math.min(shipped, before ?? shipped)
    this.#position = { offset: 0, chain: 0, sequence }
    this.report.firstSequence = sequence + 1
    if (before !== undefined && before > sequence) this.#suspect(number - 1, 0, 'the oldest segments are missing')
  }

  /** Whether the segment continues what came before it. */
  #enter(head: SegmentHead, previous: SegmentHead | undefined): void {
    if (previous !== undefined && head.number !== previous.number + 1)
      this.#suspect(previous.number + 1, 0, 'a segment is missing')
    // What was missing before ends where this segment begins.
    const wasBroken = this.#settle(head.firstSequence)
    const fault = head.fault ?? (wasBroken || previous === undefined ? undefined : this.#discontinuity(head))
    if (fault === undefined) return
    this.#suspect(head.number, 0, fault)
    this.#settle(head.firstSequence)
  }

  #discontinuity({ header }: SegmentHead): string | undefined {
    const { sequence, chain } = this.#position
    if (header?.firstSequence !== sequence + 1) return 'the segment does not continue the sequence'
    if (header.previousChain !== chain) return 'the segment does not continue the chain'
    return undefined
  }

  async *#segment(head: SegmentHead, next: SegmentHead | undefined): AsyncGenerator<ScannedRecord> {
    const reader = await SegmentReader.open(this.#files, segmentName(head.number))
    try {
      const scanned = addSegment(this.report, head, reader.size, this.#position.sequence)
      const recorded = next?.number === head.number + 1 ? next.header?.previousLength : undefined
      const limit = Math.min(recorded ?? reader.size, reader.size)
      this.#position = { ...this.#position, offset: SEGMENT_HEADER_BYTES, chain: head.salt }
      for (;;) {
        const found = await reader.next(this.#position, head.salt, limit)
        let record: SegmentRecord | undefined
        if ('stop' in found) {
          const { offset, stop } = found
          const isClean = stop === 'end' || stop === 'zeros'
          const durable = recorded ?? (await this.#durableLength(head, next, reader, offset))
          if (offset >= durable && stop !== 'unreadable') {
            if (!isClean) await this.#torn(reader, head, offset)
            return
          }
          this.#suspect(head.number, offset, REASONS[stop])
          record = await this.#resume(reader, head, next, offset)
          if (record === undefined) return
        } else record = found
        this.#settle(firstSequenceOf(record))
        this.#position = { offset: record.offset + record.bytes, chain: record.crc, sequence: record.sequence }
        countRecord(this.report, scanned, record)
        const answer = this.#answer(scanned, record)
        if (answer !== undefined) yield answer
      }
    } finally {
      await reader.close()
    }
  }

  /** Bytes of the segment that are known to have been durable. Costs a look at the rest only where a record does not verify. */
  async #durableLength(
    head: SegmentHead,
    next: SegmentHead | undefined,
    reader: SegmentReader,
    stoppedAt: number,
  ): Promise<number> {
    const { mark } = this.report
    // A later segment exists, or existed: this one had been sealed and synced whole.
    if (next !== undefined || (mark !== undefined && mark.segment > head.number))
      return stoppedAt < reader.size ? reader.size : 0
    const marked = mark?.segment === head.number ? mark.offset : 0
    return Math.max(marked, await reader.syncedOffsetAfter(stoppedAt, head.salt))
  }

  /**
   * The next record that verifies and is newer than what was read. Not one that the next segment has as well: that was
   * written anew after this one was dropped.
   */
  async #resume(
    reader: SegmentReader,
    head: SegmentHead,
    next: SegmentHead | undefined,
    from: number,
  ): Promise<SegmentRecord | undefined> {
    const end = next?.firstSequence ?? Infinity
    for (let at = from + 1; ; ) {
      const record = await reader.findVerified(at, head.salt, reader.size)
      if (record === undefined) return undefined
      const { sequence } = this.#position
      const isNewer = isControl(record.type) ? record.sequence >= sequence : record.sequence > sequence
      if (isNewer && record.sequence < end) return record
      at = record.offset + 1
    }
  }

  async #torn(reader: SegmentReader, head: SegmentHead, offset: number): Promise<void> {
    let records = 0
    for (let at = offset; ; ) {
      const record = await reader.findVerified(at, head.salt, reader.size)
      if (record === undefined) break
      records++
      at = record.offset + record.bytes
    }
    // Without a mark nothing says that what is cut off had not been synced.
    const ambiguous = this.report.mark === undefined || !(await reader.isCutOff(offset, head.salt))
    this.report.tornTail = { segment: head.number, offset, bytes: reader.size - offset, records, ambiguous }
  }

  /** Opens a fault, unless one is open already: they count as one then. */
  #suspect(segment: number, offset: number, reason: string): void {
    this.#fault ??= { segment, offset, reason }
  }

  /**
   * Ends the fault that is open, where there is one, at the first sequence that is known not to be missing; undefined: it
   * is not known yet. Answers whether there was one.
   */
  #settle(firstSequence: number | undefined): boolean {
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
    const { walId } = this.report
    if (!this.#salvage && !isShipped) {
      throw new ThermoclineError(
        'ERR_WAL_CORRUPT',
        `log ${walId} is damaged in segment ${segment} at offset ${offset} (${reason}): ${describe(missing)}; keep a copy of the folder, then run \`npx thermocline recover\``,
        { walId, segment, offset, missing },
      )
    }
    this.report.damage.push({ segment, offset, missing, reason })
  }

  #answer({ number }: ScannedSegment, record: SegmentRecord): ScannedRecord | undefined {
    const { type, sequence, payload, offset, bytes } = record
    const name = entryType(type)
    if (name === undefined || sequence <= (this.#afterSequence ?? 0)) return undefined
    return { type: name, sequence, payload, segment: number, offset, bytes }
  }

  #finish(last: SegmentHead | undefined): void {
    const { report } = this
    const { mark } = report
    const isLastMissing = mark !== undefined && mark.segment > (last?.number ?? 0)
    if (isLastMissing) this.#suspect((last?.number ?? 0) + 1, 0, 'the last segment is missing')
    // After a power cut the mark may be stale; it tells how far the log went only where nothing stands behind it.
    const isMarked = mark !== undefined && mark.segment === last?.number && !last.isForeign
    if (isMarked && mark.offset >= last.size) this.#settle(mark.sequence + 1)
    if (this.#fault !== undefined)
      this.#damaged(this.#fault, { from: this.#position.sequence + 1, to: undefined }, false)
    const { offset, chain, sequence } = this.#position
    report.lastSequence = sequence
    report.end = {
      segment: last?.number ?? 0,
      validLength: offset,
      chain,
      lastSequence: sequence,
      epoch: report.epoch,
      segments: report.segments.map(({ number, bytes, lastSequence }) => ({ number, bytes, lastSequence })),
      discarded: report.discarded,
    }
  }
}

/** Epoch of a log's newest segment, from the headers alone; 0 where no header verifies. */
export async function readLastEpoch({ path, walId, files = filesIn(path) }: ScanSource): Promise<number> {
  const heads = await readHeads(files, walId)
  return heads.reduce((highest, { header }) => Math.max(highest, header?.epoch ?? 0), 0)
}

/** Sequence of a log's last record that no epoch newer than this one wrote; Infinity where there is no newer one. */
export async function readLastOfEpoch(
  { path, walId, files = filesIn(path) }: ScanSource,
  epoch: number,
): Promise<number> {
  const heads = await readHeads(files, walId)
  const newer = heads.flatMap(({ header }) =>
    header !== undefined && header.epoch > epoch ? [header.firstSequence] : [],
  )
  return Math.min(...newer) - 1
}

const REASONS = {
  end: 'the segment is cut short',
  zeros: 'the segment is cut short',
  invalid: 'a record does not verify',
  unreadable: 'the disk could not read it',
} as const

function describe(missing: SequenceRange): string {
  if (isEmptyRange(missing)) return 'no acknowledged record is missing'
  if (missing.from === missing.to) return `the acknowledged ${recordsIn(missing)} is missing`
  return `acknowledged ${recordsIn(missing)} are missing`
}
