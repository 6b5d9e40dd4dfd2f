/** Cuts text that is too long for one chunk at the best place there is: a line's end, a sentence's, a word's, any. */

/** Best first. Each matches what ends a piece, which stays with the piece. */
const ENDS: readonly RegExp[] = [/\n/g, /[.!?:;]\s/g, /\s/g]

/** Pieces of at most `max` UTF-16 units, 2 or more; joined they are `text` again. */
export function splitText(text: string, max: number): string[] {
  const pieces: string[] = []
  let rest = text
  while (rest.length > max) {
    const cut = cutBefore(rest, max)
    pieces.push(rest.slice(0, cut))
    rest = rest.slice(cut)
  }
  if (rest !== '') pieces.push(rest)
  return pieces
}

/** The last good end in the second half of what fits: an earlier one would leave crumbs. */
function cutBefore(text: string, max: number): number {
  const window = text.slice(0, max)
  for (const end of ENDS) {
    const cut = [...window.matchAll(end)].map((match) => match.index + match[0].length).at(-1)
    if (cut !== undefined && cut > max / 2) return cut
  }
  return isHighSurrogate(text.charCodeAt(max - 1)) ? max - 1 : max
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}
