/** Tracks the end of the segment that is being written: where the next record goes, and to which checksum it chains. */
import {
  encodeRecord,
  encodeSegmentHeader,
  FLAG_LAST_OF_GROUP,
  isControl,
  recordBytes,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
} from './format.ts'

export interface PlannedRecord {
  readonly type: number
  readonly payload: Uint8Array
  readonly keyHash: number
}

/** Bytes of a group and where the segment stands once they are durable. */
export interface GroupPlan {
  readonly bytes: Buffer
  readonly next: SegmentCursor
  readonly lastSequence: number
}

export type HighestVersion = SegmentHeader['highestVersion']

interface CursorState {
  readonly walId: string
  readonly epoch: number
  readonly number: number
  readonly header: Buffer
  readonly salt: number
  readonly chain: number
  readonly offset: number
}

/** Where a log ends. */
export interface PreviousEnd {
  /** Number of its last segment; undefined where there is none. */
  readonly segment: number | undefined
  readonly validLength: number
  readonly chain: number
  readonly lastSequence: number
}

export class SegmentCursor {
  readonly #state: CursorState

  private constructor(state: CursorState) {
    this.#state = state
  }

  /** An empty segment after `end`. */
  static after(end: PreviousEnd, walId: string, epoch: number, highestVersion: HighestVersion): SegmentCursor {
    const number = (end.segment ?? 0) + 1
    const { bytes: header, salt } = encodeSegmentHeader({
      walId,
      segment: number,
      epoch,
      firstSequence: end.lastSequence + 1,
      previousLength: end.validLength,
      previousChain: end.chain,
      highestVersion,
    })
    return new SegmentCursor({ walId, epoch, number, header, salt, chain: salt, offset: SEGMENT_HEADER_BYTES })
  }

  get number(): number {
    return this.#state.number
  }

  /** Bytes written and durable. */
  get offset(): number {
    return this.#state.offset
  }

  get isEmpty(): boolean {
    return this.offset === SEGMENT_HEADER_BYTES
  }

  /** Bytes of the segment's header. */
  get header(): Buffer {
    return this.#state.header
  }

  /** Whether a segment that already holds records stays below `segmentBytes`; an empty one takes anything. */
  hasRoom(records: readonly PlannedRecord[], segmentBytes: number): boolean {
    return this.isEmpty || this.offset + sizeOf(records) <= segmentBytes
  }

  /**
   * Encodes a group straight into the buffer that is written.
   *
   * @param bytes as many as {@link sizeOf} says. By default not from Node's pool: posting a view to another thread
   *   copies the whole buffer under it.
   */
  plan(
    records: readonly PlannedRecord[],
    lastSequence: number,
    bytes: Buffer = Buffer.allocUnsafeSlow(sizeOf(records)),
  ): GroupPlan {
    const { salt, offset: syncedOffset } = this.#state
    let { chain } = this.#state
    let sequence = lastSequence
    let at = 0
    for (const [i, { type, payload, keyHash }] of records.entries()) {
      if (!isControl(type)) sequence++
      const flags = i === records.length - 1 ? FLAG_LAST_OF_GROUP : 0
      const header = { type, flags, sequence, syncedOffset, previousCrc: chain, keyHash }
      chain = encodeRecord(bytes, at, header, payload, salt)
      at += recordBytes(payload.byteLength)
    }
    const next = new SegmentCursor({ ...this.#state, chain, offset: syncedOffset + at })
    return { bytes, next, lastSequence: sequence }
  }

  /** The next segment of the same epoch. */
  successor(lastSequence: number, highestVersion: HighestVersion): SegmentCursor {
    const { number: segment, offset: validLength, chain, walId, epoch } = this.#state
    return SegmentCursor.after({ segment, validLength, chain, lastSequence }, walId, epoch, highestVersion)
  }
}

/** Bytes that they take in a segment. */
export function sizeOf(records: readonly PlannedRecord[]): number {
  return records.reduce((sum, { payload }) => sum + recordBytes(payload.byteLength), 0)
}
