/** Reads one segment front to back in constant memory, and reports where and why it stops. */
import { ThermoclineError } from '../errors.ts'
import {
  ALIGNMENT,
  align,
  crcOf,
  decodeRecordHeader,
  FLAG_SKIPPABLE,
  isControl,
  RECORD_HEADER_BYTES,
  RECORD_MARKER,
  RECORD_TYPES,
  type RecordHeader,
  recordBytes,
} from './format.ts'
import type { LogFile, LogFiles } from './log-files.ts'

export interface SegmentRecord extends RecordHeader {
  readonly offset: number
  /** Bytes it takes in the file. */
  readonly bytes: number
  /** Own memory: it stays valid however far the reader goes. */
  readonly payload: Buffer
}

/** Why no record follows at `offset`. `zeros`: nothing but zeros to the end. `unreadable`: the disk failed. */
export interface SegmentStop {
  readonly stop: 'end' | 'zeros' | 'invalid' | 'unreadable'
  readonly offset: number
}

/** What the next record has to continue. */
export interface ReadPosition {
  readonly offset: number
  readonly chain: number
  readonly sequence: number
}

const WINDOW_BYTES = 1024 * 1024
/** Step by which a search passes over what the disk cannot read. */
const SECTOR_BYTES = 4_096
const MARKER = Buffer.alloc(4)
MARKER.writeUInt32LE(RECORD_MARKER)

export class SegmentReader {
  readonly size: number
  readonly #file: LogFile
  #window: Buffer = Buffer.alloc(0)
  #windowStart = 0

  static async open(files: LogFiles, name: string): Promise<SegmentReader> {
    return new SegmentReader(await files.open(name))
  }

  private constructor(file: LogFile) {
    this.#file = file
    this.size = file.size
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  /** Up to `length` bytes from `offset`; fewer only at the end of the file. */
  async read(offset: number, length: number): Promise<Buffer> {
    const start = offset - this.#windowStart
    if (start >= 0 && start + length <= this.#window.length) return this.#window.subarray(start, start + length)
    const rest = Math.max(0, this.size - offset)
    try {
      this.#window = await this.#load(offset, Math.min(Math.max(length, WINDOW_BYTES), rest))
    } catch (error) {
      // A sector that cannot be read, further on, is no fault of what stands before it.
      if (length >= Math.min(WINDOW_BYTES, rest)) throw error
      this.#window = await this.#load(offset, length)
    }
    this.#windowStart = offset
    return this.#window.subarray(0, length)
  }

  /** A new buffer each time: records handed out point into the old one. */
  async #load(offset: number, length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafeSlow(length)
    return bytes.subarray(0, await this.#file.read(bytes, offset))
  }

  /**
   * The record at `position`, which must continue chain and sequence, or why there is none. `limit`: where the segment
   * ends.
   */
  async next(position: ReadPosition, salt: number, limit: number): Promise<SegmentRecord | SegmentStop> {
    const { offset, chain, sequence } = position
    if (offset >= limit) return { stop: 'end', offset }
    try {
      const record = await this.#recordAt(offset, salt, limit)
      if (record === undefined) return { stop: (await this.isBlankFrom(offset, limit)) ? 'zeros' : 'invalid', offset }
      if (record.previousCrc !== chain || !follows(record, sequence)) return { stop: 'invalid', offset }
      refuseUnknown(record)
      return record
    } catch (error) {
      if (error instanceof ThermoclineError) throw error
      return { stop: 'unreadable', offset }
    }
  }

  /** The first record at or after `from` whose checksums hold, whatever stands before it, be it unreadable. */
  async findVerified(from: number, salt: number, limit: number): Promise<SegmentRecord | undefined> {
    for await (const offset of this.#markers(from, limit)) {
      const record = await unlessUnreadable(this.#recordAt(offset, salt, limit))
      if (record === undefined) continue
      refuseUnknown(record)
      return record
    }
    return undefined
  }

  /**
   * The furthest that records after `from` say the segment was synced. Headers alone count: they have a checksum of
   * their own.
   */
  async syncedOffsetAfter(from: number, salt: number): Promise<number> {
    let furthest = 0
    for await (const offset of this.#markers(from, this.size)) {
      const bytes = await unlessUnreadable(this.read(offset, RECORD_HEADER_BYTES))
      const header = bytes === undefined ? undefined : decodeRecordHeader(bytes, salt)
      if (header !== undefined) furthest = Math.max(furthest, header.syncedOffset)
    }
    return furthest
  }

  /** Whether nothing but zeros follows. */
  async isBlankFrom(from: number, limit = this.size): Promise<boolean> {
    for (let offset = from; offset < limit; ) {
      const window = await this.read(offset, Math.min(WINDOW_BYTES, limit - offset))
      if (window.length === 0) return true
      if (window.some((byte) => byte !== 0)) return false
      offset += window.length
    }
    return true
  }

  /**
   * Whether the bytes from `offset` on are what a killed writer leaves: the beginning of a record that the end of the
   * file cuts off.
   */
  async isCutOff(offset: number, salt: number): Promise<boolean> {
    const bytes = await unlessUnreadable(this.read(offset, RECORD_HEADER_BYTES))
    if (bytes === undefined) return false
    if (bytes.length < RECORD_HEADER_BYTES) return true
    const header = decodeRecordHeader(bytes, salt)
    return header !== undefined && offset + recordBytes(header.payloadLength) > this.size
  }

  async #recordAt(offset: number, salt: number, limit: number): Promise<SegmentRecord | undefined> {
    const header = decodeRecordHeader(await this.read(offset, RECORD_HEADER_BYTES), salt)
    if (header === undefined) return undefined
    const bytes = recordBytes(header.payloadLength)
    if (offset + bytes > limit) return undefined
    const record = await this.read(offset, bytes)
    const payload = record.subarray(RECORD_HEADER_BYTES, RECORD_HEADER_BYTES + header.payloadLength)
    if (record.length < bytes || crcOf(payload) !== header.payloadCrc) return undefined
    return { ...header, offset, bytes, payload }
  }

  /** Aligned places at which a record may begin. */
  async *#markers(from: number, limit: number): AsyncGenerator<number> {
    let offset = align(from)
    while (offset + RECORD_HEADER_BYTES <= limit) {
      const bytes = await this.#ahead(offset)
      // A file that shrinks under the reader has no more to find.
      if (bytes.length < RECORD_HEADER_BYTES) return
      const at = bytes.indexOf(MARKER)
      if (at === -1) {
        // The last bytes may hold the beginning of a marker.
        if (offset + bytes.length >= Math.min(limit, this.size)) return
        offset = align(offset + bytes.length - ALIGNMENT)
      } else if ((offset + at) % ALIGNMENT === 0) {
        yield offset + at
        offset += at + ALIGNMENT
      } else offset = align(offset + at)
    }
  }

  /**
   * What the window still has from `offset` on, or a new window where that is too little to find anything in. Zeros
   * where the disk cannot read: no marker is found there, and the search goes on behind it.
   */
  async #ahead(offset: number): Promise<Buffer> {
    const start = offset - this.#windowStart
    const rest = start >= 0 ? this.#window.length - start : 0
    const bytes = await unlessUnreadable(this.read(offset, rest > RECORD_HEADER_BYTES ? rest : WINDOW_BYTES))
    return bytes ?? (await unlessUnreadable(this.read(offset, SECTOR_BYTES))) ?? Buffer.alloc(SECTOR_BYTES)
  }
}

/** Undefined where the disk fails. The caller MUST have reported the damage, or do so. */
function unlessUnreadable<T>(reading: Promise<T>): Promise<T | undefined> {
  return reading.catch(() => undefined)
}

/** A type that this version does not know may count the sequence up or not; the chain holds it in place. */
function follows({ type, sequence }: RecordHeader, last: number): boolean {
  if (isControl(type)) return sequence === last
  return sequence === last + 1 || (sequence === last && !KNOWN.has(type))
}

/** Sequence with which a segment or a stretch begins whose first record this is. */
export function firstSequenceOf({ type, sequence }: RecordHeader): number {
  return isControl(type) ? sequence + 1 : sequence
}

const KNOWN: ReadonlySet<number> = new Set([
  RECORD_TYPES.put,
  RECORD_TYPES.delete,
  RECORD_TYPES.seal,
  RECORD_TYPES.close,
  RECORD_TYPES.blob,
  RECORD_TYPES.bundle,
])

function refuseUnknown({ type, flags }: RecordHeader): void {
  if (KNOWN.has(type) || (flags & FLAG_SKIPPABLE) !== 0) return
  throw new ThermoclineError(
    'ERR_UNSUPPORTED',
    `the log holds records of type ${type}, which this version does not know: upgrade thermocline`,
    {},
  )
}
