/**
 * Declares the CRC-32C of a package whose own types have CRC-32 only. Both functions return a signed 32-bit number and
 * take one as the seed.
 */
declare module 'crc-32/crc32c.js' {
  const crc32c: {
    buf(bytes: Uint8Array, seed?: number): number
    str(text: string, seed?: number): number
  }
  export default crc32c
}
