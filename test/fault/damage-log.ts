/**
 * Damage to the logs of a data folder, by the byte layout of durability: 80 bytes of segment header, 40 of record
 * header.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import crc32c from 'crc-32/crc32c.js'

const VERSION_AT = 8
const HEADER_CRC_AT = 76
const FIRST_PAYLOAD_AT = 120

/** Paths of the segments of the only log, oldest first. */
export async function segmentFiles(dir: string): Promise<string[]> {
  const [walId] = (await readdir(join(dir, 'wal'))).filter((name) => name.length === 36)
  const folder = join(dir, 'wal', walId!)
  const names: string[] = []
  for (const name of (await readdir(folder)).sort()) {
    const file = join(folder, name)
    if (await isSegment(file)) names.push(file)
  }
  return names
}

async function isSegment(file: string): Promise<boolean> {
  try {
    return (await readFile(file)).subarray(0, 8).toString('latin1') === 'TWALSEG1'
  } catch (error) {
    // The lock's folder.
    if ((error as NodeJS.ErrnoException).code === 'EISDIR') return false
    throw error
  }
}

/** Flips a bit within the first record of a segment: rot below what was synced. */
export function rotFirstRecord(file: string): Promise<void> {
  return edit(file, (bytes) => bytes.writeUInt8(bytes.readUInt8(FIRST_PAYLOAD_AT) ^ 1, FIRST_PAYLOAD_AT))
}

/** Makes the segment one of a format that this version does not know. */
export function raiseFormat(file: string): Promise<void> {
  return edit(file, (bytes) => {
    bytes.writeUInt16LE(99, VERSION_AT)
    bytes.writeUInt32LE(crc32c.buf(bytes.subarray(0, HEADER_CRC_AT)) >>> 0, HEADER_CRC_AT)
  })
}

async function edit(file: string, change: (bytes: Buffer) => void): Promise<void> {
  const bytes = await readFile(file)
  change(bytes)
  await writeFile(file, bytes)
}
