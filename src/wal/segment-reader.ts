/** Reads one segment front to back in constant memory, and says where and why it stops. */
import { type FileHandle, open } from 'node:fs/promises'
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
const MARKER = Buffer.alloc(4)
MARKER.writeUInt32LE(RECORD_MARKER)

export class SegmentReader {
  readonly size: number
  readonly #file: FileHandle
  #window: Buffer = Buffer.alloc(0)
  #windowStart = 0

  static async open(path: string): Promise<SegmentReader> {
    const file = await open(path, 'r')
    try {
      return new SegmentReader(file, (await file.stat()).size)
    } catch (error) {
      await file.close()
      throw error
    }
  }

  private constructor(file: FileHandle, size: number) {
    this.#file = file
    this.size = size
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  /** Up to `length` bytes from `offset`; fewer only at the end of the file. */
  async read(offset: number, length: number): Promise<Buffer> {
    const start = offset - this.#windowStart
    if (start >= 0 && start + length <= this.#window.length) return this.#window.subarray(start, start + length)
    const wanted = Math.min(Math.max(length, WINDOW_BYTES), Math.max(0, this.size - offset))
    // A new buffer each time: records handed out point into the old one.
    const window = Buffer.allocUnsafeSlow(wanted)
    let filled = 0
    while (filled < wanted) {
      const { bytesRead } = await this.#file.read(window, filled, wanted - filled, offset + filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    this.#window = window.subarray(0, filled)
    this.#windowStart = offset
    return this.#window.subarray(0, length)
  }

  /** The record at `position`, which must continue chain and sequence, or why there is none. `limit`: where the segment ends. */
  async next(position: ReadPosition, salt: number, limit: number): Promise<SegmentRecord | SegmentStop> {
    const { offset, chain, sequence } = position
    if (offset >= limit) return { stop: 'end', offset }
    try {
      const record = await this.#recordAt(offset, salt, limit)
      if (record === undefined) return { stop: (await this.#isZeroFrom(offset, limit)) ? 'zeros' : 'invalid', offset }
      const expected = isControl(record.type) ? sequence : sequence + 1
      if (record.previousCrc !== chain || record.sequence !== expected) return { stop: 'invalid', offset }
      refuseUnknown(record)
      return record
    } catch (error) {
      if (error instanceof ThermoclineError) throw error
      return { stop: 'unreadable', offset }
    }
  }

  /** The first record at or after `from` whose checksums hold, whatever stands before it. */
  async findVerified(from: number, salt: number, limit: number): Promise<SegmentRecord | undefined> {
    for await (const offset of this.#markers(from, limit)) {
      const record = await this.#recordAt(offset, salt, limit)
      if (record !== undefined) return record
    }
    return undefined
  }

  /** The furthest that records after `from` say the segment was synced. Headers alone count: they have a checksum of their own. */
  async syncedOffsetAfter(from: number, salt: number): Promise<number> {
    let furthest = 0
    for await (const offset of this.#markers(from, this.size)) {
      const header = decodeRecordHeader(await this.read(offset, RECORD_HEADER_BYTES), salt)
      if (header !== undefined) furthest = Math.max(furthest, header.syncedOffset)
    }
    return furthest
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

  /** What the window still has from `offset` on, or a new window where that is too little to find anything in. */
  async #ahead(offset: number): Promise<Buffer> {
    const start = offset - this.#windowStart
    const rest = start >= 0 ? this.#window.length - start : 0
    return this.read(offset, rest > RECORD_HEADER_BYTES ? rest : WINDOW_BYTES)
  }

  async #isZeroFrom(from: number, limit: number): Promise<boolean> {
    for (let offset = from; offset < limit; ) {
      const window = await this.read(offset, Math.min(WINDOW_BYTES, limit - offset))
      if (window.length === 0) return true
      if (window.some((byte) => byte !== 0)) return false
      offset += window.length
    }
    return true
  }
}

const KNOWN: ReadonlySet<number> = new Set([
  RECORD_TYPES.put,
  RECORD_TYPES.delete,
  RECORD_TYPES.seal,
  RECORD_TYPES.close,
])

function refuseUnknown({ type, flags }: RecordHeader): void {
  if (KNOWN.has(type) || (flags & FLAG_SKIPPABLE) !== 0) return
  throw new ThermoclineError(
    'ERR_UNSUPPORTED',
    `the log holds records of type ${type}, which this version does not know: upgrade thermocline`,
    {},
  )
}
