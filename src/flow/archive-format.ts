/**
 * Defines the format of an archive, which an export writes and an import reads: lines of JSON, each with a checksum of
 * its content, and a last line with a checksum of all lines before.
 *
 *     {"header":{"format":1,"store":"…","namespace":"…","exportedAt":"…","entries":2},"crc32":"…"}
 *     {"entry":{"kind":"chunk","namespace":"default","id":"…", …},"crc32":"…"}
 *     {"entry":{…},"crc32":"…"}
 *     {"end":{"entries":2,"sha256":"…"},"crc32":"…"}
 *
 * `crc32` is that of the bytes between `{"entry":` and `,"crc32"`, as 8 hex digits; `sha256` is of all lines before,
 * with their ends. A line that another program has reformatted counts as damaged.
 */
import { createHash, type Hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { ThermoclineError } from '../errors.ts'

/** Readers refuse a higher one; a field of an entry that they do not know they refuse without that. */
const ARCHIVE_FORMAT = 1

export interface ArchiveHeader {
  readonly format: number
  /** Id of the store that it is of. */
  readonly store: string
  /** What was exported: this namespace and those below; the empty text: all. */
  readonly namespace: string
  /** The moment that the archive shows, as an ISO text. */
  readonly exportedAt: string
  readonly entries: number
}

interface ArchiveEnd {
  readonly entries: number
  readonly sha256: string
}

type LineKind = 'header' | 'entry' | 'end'

export interface ArchiveLine {
  readonly kind: LineKind
  /** From 1. */
  readonly line: number
  readonly value: unknown
}

const TAIL_BYTES = ',"crc32":"01234567"}'.length
const TAIL = /^,"crc32":"([0-9a-f]{8})"\}$/

/** Makes the lines in order. */
export class ArchiveWriter {
  readonly #hash: Hash = createHash('sha256')
  #entries = 0

  header(header: Omit<ArchiveHeader, 'format'>): Buffer {
    return this.#add([lineOf('header', JSON.stringify({ format: ARCHIVE_FORMAT, ...header }))])
  }

  /** @param texts JSON of each entry. */
  entries(texts: readonly string[]): Buffer {
    this.#entries += texts.length
    return this.#add(texts.map((text) => lineOf('entry', text)))
  }

  end(): Buffer {
    const end: ArchiveEnd = { entries: this.#entries, sha256: this.#hash.digest('hex') }
    return lineOf('end', JSON.stringify(end))
  }

  #add(lines: readonly Buffer[]): Buffer {
    const bytes = lines.length === 1 ? lines[0]! : Buffer.concat(lines)
    this.#hash.update(bytes)
    return bytes
  }
}

/** Reads lines in order, and refuses with `ERR_ARCHIVE_CORRUPT` what is not as it was written. */
export class ArchiveVerifier {
  readonly #hash: Hash = createHash('sha256')
  #line = 0
  #expected: number | undefined
  #entries = 0
  #isWhole = false

  /** @param bytes of the line, without its end. */
  add(bytes: Buffer): ArchiveLine {
    const line = ++this.#line
    if (this.#isWhole) throw corrupt(line, 'comes after the end: two archives were joined, import one after the other')
    const kind = kindOf(bytes)
    if (line === 1 && kind !== 'header')
      throw corrupt(line, 'is no header: this is no archive of thermocline, or its beginning is missing')
    if (line > 1 && (kind === undefined || kind === 'header')) throw damaged(line)
    const value = valueIn(bytes, kind!, line)
    if (kind === 'header') this.#expected = checkHeader(value).entries
    else if (kind === 'entry') this.#entries++
    else this.#checkEnd(value as ArchiveEnd, line)
    if (!this.#isWhole) this.#hash.update(bytes).update('\n')
    return { kind: kind!, line, value }
  }

  /** Call it when there is no further line. */
  finish(): void {
    if (this.#isWhole) return
    const message = 'the archive ends here: its export was interrupted, or the rest was lost'
    throw corrupt(this.#line + 1, `is missing: ${message}`)
  }

  /** The next line, which has not been read. */
  get nextLine(): number {
    return this.#line + 1
  }

  #checkEnd({ entries, sha256 }: ArchiveEnd, line: number): void {
    if (entries !== this.#entries || entries !== this.#expected)
      throw corrupt(line, 'counts other entries than there are: some lines are missing, or stand twice')
    if (sha256 !== this.#hash.digest('hex')) throw corrupt(line, 'has another checksum than the lines before it')
    this.#isWhole = true
  }
}

function lineOf(kind: LineKind, json: string): Buffer {
  const bytes = Buffer.from(json)
  return Buffer.concat([Buffer.from(`{"${kind}":`), bytes, Buffer.from(`,"crc32":"${checksum(bytes)}"}\n`)])
}

function checksum(bytes: Uint8Array): string {
  return crc32(bytes).toString(16).padStart(8, '0')
}

function kindOf(bytes: Buffer): LineKind | undefined {
  const [, kind] = /^\{"(header|entry|end)":/.exec(bytes.toString('latin1', 0, 16)) ?? []
  return kind as LineKind | undefined
}

function valueIn(bytes: Buffer, kind: LineKind, line: number): unknown {
  const end = bytes.byteLength - TAIL_BYTES
  const json = bytes.subarray(`{"${kind}":`.length, Math.max(end, 0))
  const [, crc] = TAIL.exec(bytes.toString('latin1', Math.max(end, 0))) ?? []
  if (crc !== checksum(json)) throw damaged(line)
  try {
    return JSON.parse(json.toString('utf8'))
  } catch {
    throw damaged(line)
  }
}

/** What each field of a header has to be, besides its format. */
const HEADER: { readonly [F in Exclude<keyof ArchiveHeader, 'format'>]: (value: unknown) => boolean } = {
  store: isText,
  namespace: isText,
  exportedAt: (value) => isText(value) && !Number.isNaN(Date.parse(value)),
  entries: isCount,
}

function checkHeader(value: unknown): ArchiveHeader {
  const header = (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>
  const { format } = header
  if (!isCount(format)) throw noHeader('format')
  if (format > ARCHIVE_FORMAT) {
    const message = `the archive has format ${format}, and this version reads ${ARCHIVE_FORMAT}: upgrade thermocline`
    throw new ThermoclineError('ERR_UNSUPPORTED', message, {})
  }
  // There was never a lower one.
  if (format < ARCHIVE_FORMAT) throw noHeader('format')
  for (const [field, isRight] of Object.entries(HEADER)) if (!isRight(header[field])) throw noHeader(field)
  return header as unknown as ArchiveHeader
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function noHeader(field: string): ThermoclineError {
  return corrupt(1, `is no header that an export writes, for its \`${field}\` is none: export again`)
}

function damaged(line: number): ThermoclineError {
  return corrupt(line, 'is damaged, or was written anew by another program: export again, or use an intact copy')
}

export function corrupt(line: number, what: string): ThermoclineError<'ERR_ARCHIVE_CORRUPT'> {
  return new ThermoclineError('ERR_ARCHIVE_CORRUPT', `line ${line} of the archive ${what}`, { line })
}
