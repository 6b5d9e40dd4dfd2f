/**
 * Reads a log front to back, verifying every byte that was acknowledged, in constant memory. It takes no lock and changes
 * nothing.
 *
 * Where a record does not verify at offset P, D says how far the segment is known to have been durable: what its successor
 * recorded, else the `durable` mark and the synced offsets of later records.
 * - P < D: damage. Acknowledged records are gone, and the scan says which.
 * - P >= D: a torn tail. It was never acknowledged; it is dropped and counted.
 * Zeros to the end are a clean end. A segment that is missing, foreign or out of sequence is damage; a header that never
 * became whole, on a last segment that was never marked, is what a crash leaves while it makes one.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type SequenceRange, ThermoclineError } from '../errors.ts'
import { type DurableMark, readMark } from './durable-mark.ts'
import {
  decodeSegmentHeader,
  FORMAT_VERSION,
  RECORD_TYPES,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  saltOf,
  segmentName,
  segmentNumber,
} from './format.ts'
import { type ReadPosition, SegmentReader, type SegmentRecord } from './segment-reader.ts'

export interface ScannedRecord {
  readonly type: 'put' | 'delete'
  readonly sequence: number
  readonly payload: Uint8Array
  readonly segment: number
  readonly offset: number
  /** Bytes it takes in its segment. */
  readonly bytes: number
}

export interface SegmentExtent {
  readonly number: number
  readonly bytes: number
  readonly lastSequence: number
}

/** Where a log ends and what it consists of: all that going on with it needs. */
export interface LogEnd {
  /** Number of the last segment, 0 where there is none. */
  readonly segment: number
  readonly validLength: number
  readonly chain: number
  readonly lastSequence: number
  readonly epoch: number
  readonly segments: readonly SegmentExtent[]
}

export interface ScannedSegment {
  readonly number: number
  readonly file: string
  readonly epoch: number
  readonly firstSequence: number
  lastSequence: number
  readonly bytes: number
  /** Bytes that verified, header included. */
  validBytes: number
  records: number
  sealed: boolean
}

export interface TornTail {
  readonly segment: number
  readonly offset: number
  readonly bytes: number
  /** Whole records among the dropped bytes. */
  readonly records: number
  /** After a power cut, rot in the last group that was synced would look the same. */
  readonly ambiguous: boolean
}

export interface Damage {
  readonly segment: number
  readonly offset: number
  readonly missing: SequenceRange
  readonly reason: string
}

export interface ScanReport {
  readonly walId: string
  readonly segments: ScannedSegment[]
  readonly damage: Damage[]
  mark: DurableMark | undefined
  /** Puts and deletes. */
  records: number
  puts: number
  deletes: number
  /** Records that hold no entry, such as the seal of a segment. */
  controls: number
  bytes: number
  firstSequence: number
  lastSequence: number
  epoch: number
  highestVersion: { millis: number; counter: number }
  tornTail: TornTail | undefined
  /** Number of a last segment that a crash left without a whole header. */
  discarded: number | undefined
  /** The log was shipped to its end and closed. */
  closed: boolean
  end: LogEnd
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

/** A segment file as its first bytes show it. */
interface Head {
  readonly number: number
  readonly header: SegmentHeader | undefined
  readonly salt: number
}

export class LogScan implements AsyncIterable<ScannedRecord> {
  readonly #path: string
  readonly #salvage: boolean
  readonly #afterSequence: number | undefined
  /** Complete once the iteration has ended. */
  readonly report: ScanReport

  constructor(source: { readonly path: string; readonly walId: string }, options: ScanOptions = {}) {
    this.#path = source.path
    this.#salvage = options.salvage ?? false
    this.#afterSequence = options.afterSequence
    this.report = emptyReport(source.walId)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ScannedRecord> {
    const { report } = this
    // The mark first: a living owner moves it on, and what it says now is durable now.
    report.mark = await readMark(this.#path, report.walId)
    const heads = this.#withoutUnfinished(await readHeads(this.#path))
    let position: ReadPosition = { offset: 0, chain: 0, sequence: (heads[0]?.header?.firstSequence ?? 1) - 1 }
    report.firstSequence = position.sequence + 1
    const shipped = this.#afterSequence ?? position.sequence
    if (position.sequence > shipped)
      this.#damaged(heads[0]!.number - 1, 0, shipped, position.sequence + 1, 'the oldest segments are missing')
    for (const [i, head] of heads.entries()) {
      const previous = heads[i - 1]
      if (previous !== undefined && head.number !== previous.number + 1)
        this.#damaged(previous.number + 1, 0, position.sequence, before(head), 'a segment is missing')
      const fault = this.#headFault(head, previous, position)
      if (fault !== undefined) this.#damaged(head.number, 0, position.sequence, before(heads[i + 1]), fault)
      if (head.header?.walId !== undefined && head.header.walId !== report.walId) continue
      position = yield* this.#segment(head, heads[i + 1], position)
    }
    this.#checkMarkedSegment(heads, position.sequence)
    this.#finish(heads, position)
  }

  /** A header that never became whole, on a last segment that was never marked: a crash while it was made. */
  #withoutUnfinished(heads: Head[]): Head[] {
    const last = heads.at(-1)
    if (last === undefined || last.header !== undefined) return heads
    if ((this.report.mark?.segment ?? 0) >= last.number) return heads
    this.report.discarded = last.number
    return heads.slice(0, -1)
  }

  #headFault(head: Head, previous: Head | undefined, { sequence, chain }: ReadPosition): string | undefined {
    const { header, number } = head
    if (header === undefined) return 'the segment header does not verify'
    if (header.walId !== this.report.walId) return 'the segment belongs to another log'
    if (header.segment !== number) return 'the segment has another number than its file'
    if (header.firstSequence !== sequence + 1) return 'the segment does not continue the sequence'
    const isNext = previous?.header !== undefined && previous.number === number - 1
    if (isNext && header.previousChain !== chain) return 'the segment does not continue the chain'
    return undefined
  }

  async *#segment(head: Head, next: Head | undefined, from: ReadPosition): AsyncGenerator<ScannedRecord, ReadPosition> {
    const reader = await SegmentReader.open(join(this.#path, segmentName(head.number)))
    try {
      const scanned = this.#register(head, reader.size, from.sequence)
      const end = next?.header !== undefined && next.number === head.number + 1 ? next.header.previousLength : undefined
      const limit = Math.min(end ?? reader.size, reader.size)
      let position: ReadPosition = {
        offset: SEGMENT_HEADER_BYTES,
        chain: head.salt,
        sequence: this.#sequenceAt(head, from),
      }
      for (;;) {
        const found = await reader.next(position, head.salt, limit)
        let record: SegmentRecord
        if ('stop' in found) {
          const durable = await this.#durableLength(head, next, end, reader, found.offset)
          const isClean = found.stop === 'end' || found.stop === 'zeros'
          if (found.offset >= durable) {
            if (!isClean) await this.#torn(reader, head, found.offset, limit)
            return position
          }
          const resumed = await this.#resume(reader, head, found.offset, position.sequence)
          const missing = resumed?.sequence ?? before(next)
          const reason = found.stop === 'unreadable' ? 'the disk could not read it' : 'a record does not verify'
          this.#damaged(
            head.number,
            found.offset,
            position.sequence,
            missing,
            isClean ? 'the segment is cut short' : reason,
          )
          if (resumed === undefined) return position
          record = resumed
        } else record = found
        position = { offset: record.offset + record.bytes, chain: record.crc, sequence: record.sequence }
        const answer = this.#count(scanned, record, position)
        if (answer !== undefined) yield answer
      }
    } finally {
      await reader.close()
    }
  }

  /** Bytes of the segment that are known to have been durable. Costs a look at the rest only where a record does not verify. */
  async #durableLength(
    head: Head,
    next: Head | undefined,
    recorded: number | undefined,
    reader: SegmentReader,
    stoppedAt: number,
  ): Promise<number> {
    if (recorded !== undefined) return recorded
    const { mark } = this.report
    // A later segment exists, or existed: this one had been sealed and synced whole.
    if (next !== undefined || (mark !== undefined && mark.segment > head.number))
      return stoppedAt < reader.size ? reader.size : 0
    const marked = mark?.segment === head.number ? mark.offset : 0
    return Math.max(marked, await reader.syncedOffsetAfter(stoppedAt, head.salt))
  }

  /** The next record that verifies and is newer than what was read. */
  async #resume(reader: SegmentReader, head: Head, from: number, sequence: number): Promise<SegmentRecord | undefined> {
    let at = from + 1
    for (;;) {
      const record = await reader.findVerified(at, head.salt, reader.size).catch(() => undefined)
      if (record === undefined || record.sequence > sequence) return record
      at = record.offset + 1
    }
  }

  async #torn(reader: SegmentReader, head: Head, offset: number, limit: number): Promise<void> {
    if (this.report.tornTail !== undefined) return
    let records = 0
    for (let at = offset; ; ) {
      const record = await reader.findVerified(at, head.salt, limit)
      if (record === undefined) break
      records++
      at = record.offset + record.bytes
    }
    const bytes = limit - offset
    this.report.tornTail = { segment: head.number, offset, bytes, records, ambiguous: records > 0 }
  }

  /** Records the loss, or throws where nothing may be lost. Damage to what cold already has is no loss. */
  #damaged(segment: number, offset: number, after: number, nextSequence: number | undefined, reason: string): void {
    const { mark, walId } = this.report
    const upTo = nextSequence === undefined ? mark?.sequence : nextSequence - 1
    const missing = { from: after + 1, to: upTo !== undefined && upTo > after ? upTo : undefined }
    const isShipped = upTo !== undefined && upTo <= (this.#afterSequence ?? 0)
    if (!this.#salvage && !isShipped) {
      const what = missing.to === undefined ? `from ${missing.from} on` : `${missing.from} to ${missing.to}`
      throw new ThermoclineError(
        'ERR_WAL_CORRUPT',
        `log ${walId} is damaged in segment ${segment} at offset ${offset} (${reason}): acknowledged records ${what} are missing; keep a copy of the folder, then run \`npx thermocline recover\``,
        { walId, segment, offset, missing },
      )
    }
    this.report.damage.push({ segment, offset, missing, reason })
  }

  /** The mark names a segment: if that is gone, so is what was acknowledged from it. */
  #checkMarkedSegment(heads: readonly Head[], sequence: number): void {
    const { mark } = this.report
    const last = heads.at(-1)?.number ?? 0
    if (mark === undefined || mark.segment <= last) return
    this.#damaged(last + 1, 0, sequence, mark.sequence + 1, 'the last segment is missing')
  }

  #register(head: Head, bytes: number, sequence: number): ScannedSegment {
    const { report } = this
    const scanned: ScannedSegment = {
      number: head.number,
      file: segmentName(head.number),
      epoch: head.header?.epoch ?? 0,
      firstSequence: head.header?.firstSequence ?? sequence + 1,
      lastSequence: sequence,
      bytes,
      validBytes: SEGMENT_HEADER_BYTES,
      records: 0,
      sealed: false,
    }
    report.segments.push(scanned)
    report.bytes += bytes
    report.epoch = Math.max(report.epoch, scanned.epoch)
    const clock = head.header?.highestVersion
    if (clock !== undefined && isLater(clock, report.highestVersion)) report.highestVersion = clock
    return scanned
  }

  /** A segment whose header verifies says itself where it begins; damage before it was reported already. */
  #sequenceAt({ header }: Head, from: ReadPosition): number {
    return header === undefined ? from.sequence : Math.max(from.sequence, header.firstSequence - 1)
  }

  #count(scanned: ScannedSegment, record: SegmentRecord, position: ReadPosition): ScannedRecord | undefined {
    const { report } = this
    const { type, sequence, payload, offset, bytes } = record
    scanned.validBytes = position.offset
    scanned.lastSequence = sequence
    scanned.sealed = type === RECORD_TYPES.seal || type === RECORD_TYPES.close
    report.closed = type === RECORD_TYPES.close
    report.lastSequence = sequence
    if (type !== RECORD_TYPES.put && type !== RECORD_TYPES.delete) {
      report.controls++
      return undefined
    }
    scanned.records++
    report.records++
    if (type === RECORD_TYPES.put) report.puts++
    else report.deletes++
    if (sequence <= (this.#afterSequence ?? 0)) return undefined
    return {
      type: type === RECORD_TYPES.put ? 'put' : 'delete',
      sequence,
      payload,
      segment: scanned.number,
      offset,
      bytes,
    }
  }

  #finish(heads: readonly Head[], { offset, chain, sequence }: ReadPosition): void {
    const { report } = this
    report.lastSequence = sequence
    // A discarded segment is overwritten by the next one, which takes its number.
    report.end = {
      segment: heads.at(-1)?.number ?? 0,
      validLength: offset,
      chain,
      lastSequence: sequence,
      epoch: report.epoch,
      segments: report.segments.map(({ number, bytes, lastSequence }) => ({ number, bytes, lastSequence })),
    }
  }
}

/** Epoch of a log's newest segment, from the headers alone; 0 where no header verifies. */
export async function readLastEpoch({ path }: { readonly path: string }): Promise<number> {
  const heads = await readHeads(path)
  return heads.reduce((highest, { header }) => Math.max(highest, header?.epoch ?? 0), 0)
}

async function readHeads(path: string): Promise<Head[]> {
  const numbers = (await readdir(path)).map(segmentNumber).filter((number) => number !== undefined)
  const heads: Head[] = []
  for (const number of numbers.sort((a, b) => a - b)) heads.push(await readHead(path, number))
  return heads
}

async function readHead(path: string, number: number): Promise<Head> {
  const reader = await SegmentReader.open(join(path, segmentName(number)))
  try {
    const bytes = await reader.read(0, HEADER_SEARCH_BYTES).catch(() => Buffer.alloc(0))
    const decoded = decodeSegmentHeader(bytes)
    if (decoded.status === 'newer') throw newerFormat(number, decoded.version)
    if (decoded.status === 'ok') return { number, header: decoded.header, salt: decoded.salt }
    return { number, header: undefined, salt: saltOf(bytes) }
  } finally {
    await reader.close()
  }
}

/** A later format may have a longer header; its CRC tells it from damage. */
const HEADER_SEARCH_BYTES = 4_096

function newerFormat(segment: number, version: number): ThermoclineError<'ERR_UNSUPPORTED'> {
  return new ThermoclineError(
    'ERR_UNSUPPORTED',
    `segment ${segment} of the log has format ${version}, and this version reads up to ${FORMAT_VERSION}: upgrade thermocline`,
    {},
  )
}

function before(head: Head | undefined): number | undefined {
  return head?.header?.firstSequence
}

function isLater(a: { millis: number; counter: number }, b: { millis: number; counter: number }): boolean {
  return a.millis > b.millis || (a.millis === b.millis && a.counter > b.counter)
}

function emptyReport(walId: string): ScanReport {
  return {
    walId,
    segments: [],
    damage: [],
    mark: undefined,
    records: 0,
    puts: 0,
    deletes: 0,
    controls: 0,
    bytes: 0,
    firstSequence: 1,
    lastSequence: 0,
    epoch: 0,
    highestVersion: { millis: 0, counter: 0 },
    tornTail: undefined,
    discarded: undefined,
    closed: false,
    end: { segment: 0, validLength: 0, chain: 0, lastSequence: 0, epoch: 0, segments: [] },
  }
}
