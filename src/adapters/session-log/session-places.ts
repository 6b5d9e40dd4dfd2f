/** Decides in which namespace a conversation is, whatever its name. */
import { createHash } from 'node:crypto'

/** A few of them fit a path, which has 512 bytes. */
const READABLE = /^[\w.:@-]{1,100}$/
const HASHED = 'sha256:'

/** A segment that stands for no other name: the name itself, or a hash where it is long or has other characters. */
export function segmentOf(name: string): string {
  return READABLE.test(name) && !name.startsWith(HASHED) ? name : hashOf(name)
}

export function hashOf(text: string): string {
  return HASHED + createHash('sha256').update(JSON.stringify(text)).digest('hex')
}
