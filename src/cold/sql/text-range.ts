/** Compares text by code point, in forms that an index over the text serves. */
import { type SQL, sql } from 'drizzle-orm'

export const COMPARING = { eq: sql`=`, gt: sql`>`, gte: sql`>=`, lt: sql`<`, lte: sql`<=` } as const

/**
 * Texts that begin so are exactly those from the prefix on and before {@link afterPrefix}, which an index can be walked
 * by.
 * @param text An expression that is `COLLATE "C"`.
 */
export function prefixRange(text: SQL, prefix: string): SQL {
  const end = afterPrefix(prefix)
  const from = sql`${text} >= ${prefix}::text`
  return end === undefined ? from : sql`${from} AND ${text} < ${end}::text`
}

const LAST_CODE_POINT = 0x10ffff
const SURROGATES = { first: 0xd800, last: 0xdfff }

/** The first text, by code point, after all that begin so; undefined where none is. */
function afterPrefix(prefix: string): string | undefined {
  const points = [...prefix].map((character) => character.codePointAt(0)!)
  while (points.length > 0) {
    const next = points.pop()! + 1
    if (next > LAST_CODE_POINT) continue
    return String.fromCodePoint(...points, next === SURROGATES.first ? SURROGATES.last + 1 : next)
  }
  return undefined
}
