/** Checks text so that it reads the same from msgpack, Redis and Postgres, and orders it as Postgres does. */
import { MAX_NAME_BYTES } from './limits.ts'

/** Says why Postgres or UTF-8 could not hold `text`; undefined where they can. */
export function textFault(text: string): string | undefined {
  if (text.includes('\0')) return 'must not contain NUL: Postgres cannot store it'
  if (!text.isWellFormed()) return 'must be well-formed Unicode: it holds half of a surrogate pair'
  return undefined
}

/** As {@link textFault}, for a name, which is short. */
export function nameFault(text: string): string | undefined {
  if (Buffer.byteLength(text) > MAX_NAME_BYTES) return `must be at most ${MAX_NAME_BYTES} bytes of UTF-8`
  return textFault(text)
}

/** Orders text by code point, as Postgres does under `COLLATE "C"`; JavaScript's `<` orders by UTF-16 unit. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
