/** A log as a killed process left it, held in memory, to be damaged and laid out again. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MARK_FILE } from '../../src/wal/durable-mark.ts'
import { segmentNumber } from '../../src/wal/format.ts'
import type { LogFile, LogFiles } from '../../src/wal/log-files.ts'
import type { ScanSource } from '../../src/wal/log-scan.ts'

/** A record where it stands in its file. */
export interface Place {
  readonly offset: number
  /** Padding included. */
  readonly bytes: number
  readonly payloadLength: number
  readonly type: number
  readonly sequence: number
}

/** By the byte layout as format.ts draws it, read apart from the code under test. */
export const HEADER_BYTES = 80
const LENGTH_AT = 8
const TYPE_AT = 12
const SEQUENCE_AT = 16
const RECORD_HEADER = 40

export class RecordedLog implements LogFiles {
  readonly walId: string
  readonly files: Map<string, Buffer>

  constructor(walId: string, files: ReadonlyMap<string, Buffer>) {
    this.walId = walId
    this.files = new Map([...files].map(([name, bytes]) => [name, Buffer.from(bytes)]))
  }

  static async of(dir: string, walId: string): Promise<RecordedLog> {
    const files = new Map<string, Buffer>()
    const path = join(dir, walId)
    for (const name of (await readdir(path)).sort())
      if (name === MARK_FILE || segmentNumber(name) !== undefined) files.set(name, await readFile(join(path, name)))
    return new RecordedLog(walId, files)
  }

  copy(): RecordedLog {
    return new RecordedLog(this.walId, this.files)
  }

  get segments(): string[] {
    return [...this.files.keys()].filter((name) => segmentNumber(name) !== undefined).sort()
  }

  /** The n-th segment from the front, from 0, or from the back where n is negative. */
  segment(n: number): Buffer {
    return this.files.get(this.segments.at(n)!)!
  }

  set(n: number, bytes: Buffer): void {
    this.files.set(this.segments.at(n)!, bytes)
  }

  delete(n: number): void {
    this.files.delete(this.segments.at(n)!)
  }

  places(n: number): Place[] {
    return placesIn(this.segment(n))
  }

  names(): Promise<string[]> {
    return Promise.resolve([...this.files.keys()])
  }

  open(name: string): Promise<LogFile> {
    const bytes = this.files.get(name)
    if (bytes === undefined) return Promise.reject(Object.assign(new Error('no such file'), { code: 'ENOENT' }))
    return Promise.resolve({
      size: bytes.length,
      read: (into, position) => Promise.resolve(bytes.copy(into, 0, position)),
      close: () => Promise.resolve(),
    })
  }

  /** To scan it from memory. */
  get source(): ScanSource {
    return { path: 'in memory', walId: this.walId, files: this }
  }

  /** The folder of the log, made anew. */
  async layOut(dir: string): Promise<ScanSource> {
    const path = join(dir, this.walId)
    await rm(path, { recursive: true, force: true })
    await mkdir(path, { recursive: true })
    for (const [name, bytes] of this.files) await writeFile(join(path, name), bytes)
    return { path, walId: this.walId }
  }
}

export function placesIn(bytes: Buffer): Place[] {
  const places: Place[] = []
  for (let offset = HEADER_BYTES; offset + RECORD_HEADER <= bytes.length; ) {
    const payloadLength = bytes.readUInt32LE(offset + LENGTH_AT)
    const length = Math.ceil((RECORD_HEADER + payloadLength) / 8) * 8
    const type = bytes.readUInt8(offset + TYPE_AT)
    const sequence = Number(bytes.readBigUInt64LE(offset + SEQUENCE_AT))
    places.push({ offset, bytes: length, payloadLength, type, sequence })
    offset += length
  }
  return places
}

export function flip(bytes: Buffer, at: number, bit = 0): void {
  bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << bit), at)
}
