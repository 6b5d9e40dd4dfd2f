/** A buffer that grows, for Postgres's binary formats: everything is big-endian. */
export class BinaryWriter {
  #bytes: Buffer
  #length = 0

  constructor(capacity = 64 * 1024) {
    this.#bytes = Buffer.allocUnsafeSlow(capacity)
  }

  int8(value: number): void {
    const at = this.#reserve(1)
    this.#bytes.writeInt8(value, at)
  }

  int16(value: number): void {
    const at = this.#reserve(2)
    this.#bytes.writeInt16BE(value, at)
  }

  int32(value: number): void {
    const at = this.#reserve(4)
    this.#bytes.writeInt32BE(value, at)
  }

  int64(value: bigint): void {
    const at = this.#reserve(8)
    this.#bytes.writeBigInt64BE(value, at)
  }

  utf8(text: string): void {
    const at = this.#reserve(Buffer.byteLength(text))
    this.#bytes.write(text, at, 'utf8')
  }

  hex(digits: string): void {
    const at = this.#reserve(digits.length / 2)
    this.#bytes.write(digits, at, 'hex')
  }

  bytes(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.byteLength)
    this.#bytes.set(bytes, at)
  }

  /**
   * One-dimensional array elements of float4, each with its length before it. Copied as bits: no float passes through a
   * double.
   */
  floats(values: Float32Array): void {
    const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
    let at = this.#reserve(values.length * 8)
    for (const word of bits) {
      at = this.#bytes.writeInt32BE(4, at)
      at = this.#bytes.writeUInt32BE(word, at)
    }
  }

  /** What was written, in a buffer of its own size that may be transferred to a worker. */
  finish(): Uint8Array<ArrayBuffer> {
    const exact = new Uint8Array(this.#length)
    exact.set(this.#bytes.subarray(0, this.#length))
    return exact
  }

  /** Room for `size` bytes, and where it begins. Reserve before touching the buffer: growing replaces it. */
  #reserve(size: number): number {
    const start = this.#length
    this.#length += size
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(this.#length, this.#bytes.length * 2))
      this.#bytes.copy(larger, 0, 0, start)
      this.#bytes = larger
    }
    return start
  }
}
