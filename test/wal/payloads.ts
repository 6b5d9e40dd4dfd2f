/** What records hold, by their number: whoever reads one back knows what must stand there. */

/** Of any length, and another for each number: nothing passes for another record. */
export function payloadOf(n: number, length = 40 + ((n * 37) % 200)): Buffer {
  const bytes = Buffer.alloc(length)
  for (let i = 0; i < length; i++) bytes[i] = (n * 31 + i * 7) & 0xff
  if (length >= 4) bytes.writeUInt32LE(n)
  return bytes
}

/** Every fifth is a delete, and every seventh else several of both in one record. */
export function typeOf(n: number): 'put' | 'delete' | 'bundle' {
  if (n % 5 === 0) return 'delete'
  return n % 7 === 0 ? 'bundle' : 'put'
}
