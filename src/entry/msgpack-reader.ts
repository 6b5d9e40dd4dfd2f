/**
 * Reads msgpack, in the few forms in which msgpack-writer.ts writes a record. The package's own decoder makes a view of
 * each text and of its name first, which took half the time of reading a record.
 */

/** Each method answers undefined where something else stands, or less than it says: where it goes on is open then. */
export class MsgpackReader {
  readonly #from: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#from = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get isAtEnd(): boolean {
    return this.#at === this.#from.byteLength
  }

  /** Returns how many names follow, each with its value. */
  map(): number | undefined {
    return this.#countOf(0x80, 0xde)
  }

  /** Whether these bytes stand here. It goes on after them only if they do. */
  passes(bytes: Uint8Array): boolean {
    for (let nth = 0; nth < bytes.length; nth++) if (this.#from[this.#at + nth] !== bytes[nth]) return false
    this.#at += bytes.length
    return true
  }

  number(): number | undefined {
    const type = this.#from[this.#at]
    if (type === undefined) return undefined
    if (type < 0x80) return this.#skip(1) ? type : undefined
    const start = this.#at + 1
    if (type === 0xcb && this.#skip(9)) return this.#from.readDoubleBE(start)
    if (type === 0xcf && this.#skip(9))
      return this.#from.readUInt32BE(start) * 0x1_0000_0000 + this.#from.readUInt32BE(start + 4)
    return this.#sizeOf(type, 0xcc)
  }

  text(): string | undefined {
    const end = this.#endOfText()
    if (end === undefined) return undefined
    const start = this.#at
    this.#at = end
    return this.#from.toString('utf8', start, end)
  }

  texts(): string[] | undefined {
    const count = this.#countOf(0x90, 0xdc)
    if (count === undefined || count > this.#from.byteLength) return undefined
    const texts: string[] = []
    while (texts.length < count) {
      const text = this.text()
      if (text === undefined) return undefined
      texts.push(text)
    }
    return texts
  }

  /** Returns a view of the bytes. */
  bytes(): Uint8Array | undefined {
    const size = this.#sizeOf(this.#from[this.#at], 0xc4)
    if (size === undefined) return undefined
    const start = this.#at
    return this.#skip(size) ? new Uint8Array(this.#from.buffer, this.#from.byteOffset + start, size) : undefined
  }

  #endOfText(): number | undefined {
    const type = this.#from[this.#at]!
    const size = type >= 0xa0 && type < 0xc0 && this.#skip(1) ? type & 0x1f : this.#sizeOf(type, 0xd9)
    if (size === undefined || this.#at + size > this.#from.byteLength) return undefined
    return this.#at + size
  }

  /** @param least the type of a count below 16. @param larger the type of a count of two bytes; the next has four. */
  #countOf(least: number, larger: number): number | undefined {
    const type = this.#from[this.#at]
    if (type !== undefined && (type & 0xf0) === least) return this.#skip(1) ? type & 0x0f : undefined
    return type === larger || type === larger + 1 ? this.#sizeOf(type, larger - 1) : undefined
  }

  /** @param oneByte the type of what has one byte; the next two have two and four. */
  #sizeOf(type: number | undefined, oneByte: number): number | undefined {
    const start = this.#at + 1
    if (type === oneByte && this.#skip(2)) return this.#from[start]
    if (type === oneByte + 1 && this.#skip(3)) return this.#from.readUInt16BE(start)
    if (type === oneByte + 2 && this.#skip(5)) return this.#from.readUInt32BE(start)
    return undefined
  }

  #skip(bytes: number): boolean {
    if (this.#at + bytes > this.#from.byteLength) return false
    this.#at += bytes
    return true
  }
}
