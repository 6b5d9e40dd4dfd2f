/**
 * Records how far the log had been synced: two 64-byte slots in the file `durable`, written in turn after each
 * fdatasync and before the acknowledgement, itself not synced. It is exact after a killed process, at worst stale after
 * a power cut, and never ahead. A torn write damages one slot and leaves the older one.
 *
 *   0 u64 mark number · 8 wal id, 16 bytes · 24 u64 epoch · 32 u64 segment · 40 u64 offset · 48 u64 sequence ·
 *   56 u32 CRC of bytes 0..55 · 60 zero
 *
 */
import { crcOf, readU64, uuidOf, writeU64 } from './format.ts'
import type { LogFiles } from './log-files.ts'

export const MARK_FILE = 'durable'
const SLOT_BYTES = 64

export interface DurableMark {
  /** Rises by one with each mark, and says which of two slots is the newer. */
  readonly markNumber: number
  readonly walId: string
  /** Of whoever wrote it; a recovery that takes a newer one changes nothing else (see locked-log.ts). */
  readonly epoch: number
  readonly segment: number
  /** Bytes of the segment known durable. */
  readonly offset: number
  /** Last durable sequence. */
  readonly sequence: number
}

export function encodeMark(mark: DurableMark): { readonly bytes: Buffer; readonly position: number } {
  const bytes = Buffer.alloc(SLOT_BYTES)
  writeU64(bytes, mark.markNumber, 0)
  bytes.write(mark.walId.replaceAll('-', ''), 8, 'hex')
  writeU64(bytes, mark.epoch, 24)
  writeU64(bytes, mark.segment, 32)
  writeU64(bytes, mark.offset, 40)
  writeU64(bytes, mark.sequence, 48)
  bytes.writeUInt32LE(crcOf(bytes.subarray(0, 56)), 56)
  return { bytes, position: (mark.markNumber % 2) * SLOT_BYTES }
}

/** The newest slot of this log that verifies; undefined where there is none. */
export async function readMark(files: LogFiles, walId: string): Promise<DurableMark | undefined> {
  const bytes = await readSlots(files)
  const marks = [0, SLOT_BYTES].map((at) => decodeMark(bytes.subarray(at, at + SLOT_BYTES)))
  return marks
    .filter((mark) => mark?.walId === walId)
    .reduce((newest, mark) => (newest === undefined || mark!.markNumber > newest.markNumber ? mark : newest), undefined)
}

async function readSlots(files: LogFiles): Promise<Buffer> {
  const slots = Buffer.alloc(2 * SLOT_BYTES)
  try {
    const file = await files.open(MARK_FILE)
    try {
      return slots.subarray(0, await file.read(slots, 0))
    } finally {
      await file.close()
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return slots.subarray(0, 0)
    throw error
  }
}

function decodeMark(bytes: Buffer): DurableMark | undefined {
  if (bytes.length < SLOT_BYTES || crcOf(bytes.subarray(0, 56)) !== bytes.readUInt32LE(56)) return undefined
  return {
    markNumber: readU64(bytes, 0),
    walId: uuidOf(bytes.subarray(8, 24)),
    epoch: readU64(bytes, 24),
    segment: readU64(bytes, 32),
    offset: readU64(bytes, 40),
    sequence: readU64(bytes, 48),
  }
}
