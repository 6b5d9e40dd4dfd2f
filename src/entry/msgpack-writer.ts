/**
 * Writes msgpack, in the few forms that a record needs. The package's own encoder copies texts character by character
 * and its buffer twice, which cost a put measurable time.
 */

/** What a header takes at most, of a text, a number, an array or bytes. */
export const MAX_HEADER_BYTES = 9

/** Used again for each record up to this size; a larger one is written into a buffer of its own. */
const KEPT_BYTES = 256 * 1024

const kept = Buffer.allocUnsafeSlow(KEPT_BYTES)

export class MsgpackWriter {
  readonly #into: Buffer
  #at = 0

  /** @param bytes that will be written at most. One writer is done before the next begins. */
  constructor(bytes: number) {
    this.#into = bytes <= KEPT_BYTES ? kept : Buffer.allocUnsafeSlow(bytes)
  }

  /** Begins a map of fewer than 65,536 names, each followed by its value. */
  map(size: number): void {
    if (size < 16) this.#byte(0x80 | size)
    else this.#headerOf(size, 0xde)
  }

  array(size: number): void {
    if (size < 16) this.#byte(0x90 | size)
    else if (size < 0x1_0000) this.#headerOf(size, 0xdc)
    else this.#headerOf32(size, 0xdd)
  }

  /** A whole number that is not negative in its shortest form, any other as a double. */
  number(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) {
      this.#byte(0xcb)
      this.#at = this.#into.writeDoubleBE(value, this.#at)
    } else if (value < 0x80) this.#byte(value)
    else if (value < 0x100) {
      this.#byte(0xcc)
      this.#byte(value)
    } else if (value < 0x1_0000) this.#headerOf(value, 0xcd)
    else if (value < 0x1_0000_0000) this.#headerOf32(value, 0xce)
    else {
      this.#headerOf32(Math.floor(value / 0x1_0000_0000), 0xcf)
      this.#at = this.#into.writeUInt32BE(value % 0x1_0000_0000, this.#at)
    }
  }

  /** MUST be well-formed Unicode. */
  text(value: string): void {
    const size = Buffer.byteLength(value)
    if (size < 32) this.#byte(0xa0 | size)
    else if (size < 0x100) {
      this.#byte(0xd9)
      this.#byte(size)
    } else if (size < 0x1_0000) this.#headerOf(size, 0xda)
    else this.#headerOf32(size, 0xdb)
    this.#at += this.#into.write(value, this.#at)
  }

  bytes(value: Uint8Array): void {
    const size = value.byteLength
    if (size < 0x100) {
      this.#byte(0xc4)
      this.#byte(size)
    } else if (size < 0x1_0000) this.#headerOf(size, 0xc5)
    else this.#headerOf32(size, 0xc6)
    this.raw(value)
  }

  /** What is msgpack already. */
  raw(value: Uint8Array): void {
    this.#into.set(value, this.#at)
    this.#at += value.byteLength
  }

  /**
   * Returns a copy of what was written. It ends where its buffer does, at a multiple of four bytes: floats that were
   * written last can be read where they stand.
   */
  end(): Uint8Array {
    const before = -this.#at & 3
    const copy = new Uint8Array(new ArrayBuffer(before + this.#at), before)
    copy.set(this.#into.subarray(0, this.#at))
    return copy
  }

  #byte(value: number): void {
    this.#into[this.#at++] = value
  }

  #headerOf(size: number, type: number): void {
    this.#byte(type)
    this.#at = this.#into.writeUInt16BE(size, this.#at)
  }

  #headerOf32(size: number, type: number): void {
    this.#byte(type)
    this.#at = this.#into.writeUInt32BE(size, this.#at)
  }
}
