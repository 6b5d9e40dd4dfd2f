/** Reads the first bytes of each segment file, before any record is read. */
import { ThermoclineError } from '../errors.ts'
import {
  decodeSegmentHeader,
  FORMAT_VERSION,
  possibleSalts,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  segmentName,
  segmentNumber,
} from './format.ts'
import type { LogFiles } from './log-files.ts'
import { firstSequenceOf, SegmentReader } from './segment-reader.ts'

export interface SegmentStart {
  /** The number in the name of the file. */
  readonly number: number
  /** Set only where it verifies and is the header of this segment of this log: what it says can be relied on. */
  readonly header: SegmentHeader | undefined
  /** What is wrong with the header. */
  readonly fault: string | undefined
  /** It is whole, and a segment of another log or under another's number: its records belong elsewhere. */
  readonly isForeign: boolean
  /** Seeds the checksums of the records. Where the header is damaged, whichever of its two copies makes one verify. */
  readonly salt: number
  /** Sequence of the first record that the segment holds or will hold, as far as it can be known. */
  readonly firstSequence: number | undefined
  /** Bytes of the file. */
  readonly size: number
  /** Nothing but zeros follows the header. */
  readonly isBlank: boolean
}

/** A later format may have a longer header; its CRC tells it from damage. */
const HEADER_SEARCH_BYTES = 4_096

/**
 * Reads the head of every segment of a log, oldest first. Rejects with `ERR_UNSUPPORTED` where one is of a newer
 * format.
 */
export async function readSegmentStarts(files: LogFiles, walId: string): Promise<SegmentStart[]> {
  const numbers = (await files.names()).map(segmentNumber).filter((number) => number !== undefined)
  const starts: SegmentStart[] = []
  for (const number of numbers.sort((a, b) => a - b)) starts.push(await readStart(files, number, walId))
  return starts
}

async function readStart(files: LogFiles, number: number, walId: string): Promise<SegmentStart> {
  const reader = await SegmentReader.open(files, segmentName(number))
  try {
    const { size } = reader
    const bytes = await reader.read(0, HEADER_SEARCH_BYTES).catch(() => Buffer.alloc(0))
    const decoded = decodeSegmentHeader(bytes)
    if (decoded.status === 'newer') throw newerFormat(number, decoded.version)
    if (decoded.status === 'bad') return await damagedStart(number, reader, bytes)
    const { header, salt } = decoded
    const fault = faultOf(header, number, walId)
    if (fault === undefined) {
      const { firstSequence } = header
      return { number, header, fault, isForeign: false, salt, firstSequence, size, isBlank: false }
    }
    return { number, header: undefined, fault, isForeign: true, salt, firstSequence: undefined, size, isBlank: false }
  } finally {
    await reader.close()
  }
}

function faultOf(header: SegmentHeader, number: number, walId: string): string | undefined {
  if (header.walId !== walId) return 'the segment belongs to another log'
  if (header.segment !== number) return 'the segment has another number than its file'
  return undefined
}

/** The records may be whole all the same, and the first one tells where the segment begins. */
async function damagedStart(number: number, reader: SegmentReader, bytes: Buffer): Promise<SegmentStart> {
  const { size } = reader
  const common = { number, header: undefined, fault: 'the segment header does not verify', isForeign: false, size }
  for (const salt of possibleSalts(bytes)) {
    const record = await reader.findVerified(SEGMENT_HEADER_BYTES, salt, size)
    if (record === undefined) continue
    const firstSequence = record.offset === SEGMENT_HEADER_BYTES ? firstSequenceOf(record) : undefined
    return { ...common, salt, firstSequence, isBlank: false }
  }
  const isBlank = await reader.isBlankFrom(SEGMENT_HEADER_BYTES).catch(() => false)
  return { ...common, salt: 0, firstSequence: undefined, isBlank }
}

function newerFormat(segment: number, version: number): ThermoclineError<'ERR_UNSUPPORTED'> {
  return new ThermoclineError(
    'ERR_UNSUPPORTED',
    `segment ${segment} of the log has format ${version}, and this version reads up to ${FORMAT_VERSION}: upgrade thermocline`,
    {},
  )
}
