/**
 * Writes Postgres's binary formats, all big-endian, into a buffer that grows where it has to. Numbers are written by a
 * DataView, which the engine optimizes: with the methods of Buffer, which are JavaScript, the floats of an embedding
 * took ten times as long.
 */
export class BinaryWriter {
  #bytes: Buffer
  #view: DataView
  #length = 0

  constructor(capacity = 64 * 1024) {
    this.#bytes = Buffer.allocUnsafeSlow(capacity)
    this.#view = viewOf(this.#bytes)
  }

  int8(value: number): void {
    const at = this.#reserve(1)
    this.#view.setInt8(at, value)
  }

  int16(value: number): void {
    const at = this.#reserve(2)
    this.#view.setInt16(at, value)
  }

  int32(value: number): void {
    const at = this.#reserve(4)
    this.#view.setInt32(at, value)
  }

  int64(value: bigint): void {
    const at = this.#reserve(8)
    this.#view.setBigInt64(at, value)
  }

  float32(value: number): void {
    const at = this.#reserve(4)
    this.#view.setFloat32(at, value)
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
    const from = this.#reserve(values.length * 8)
    const view = this.#view
    for (let i = 0; i < bits.length; i++) {
      view.setInt32(from + 8 * i, 4)
      view.setUint32(from + 8 * i + 4, bits[i]!)
    }
  }

  /** The same of int2. */
  smallints(values: Int16Array): void {
    const from = this.#reserve(values.length * 6)
    const view = this.#view
    for (let i = 0; i < values.length; i++) {
      view.setInt32(from + 6 * i, 2)
      view.setInt16(from + 6 * i + 4, values[i]!)
    }
  }

  /** Bytes that were written since the last {@link take}. */
  get length(): number {
    return this.#length
  }

  /** These bytes, which are there until something is written anew. */
  take(): Uint8Array {
    const written = this.#bytes.subarray(0, this.#length)
    this.#length = 0
    return written
  }

  /** Room for `size` bytes, and where it begins. Reserve before touching the buffer: growing replaces it. */
  #reserve(size: number): number {
    const start = this.#length
    this.#length += size
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(this.#length, this.#bytes.length * 2))
      this.#bytes.copy(larger, 0, 0, start)
      this.#bytes = larger
      this.#view = viewOf(larger)
    }
    return start
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength)
}
