/** Of a store that has more faults than that, the first say enough. */
const MOST_TOLD = 20

/** Throws with the faults in words, where there are any. @param about when they were found. */
export function expectNone(faults: readonly string[], about: string): void {
  if (faults.length === 0) return
  const told = faults.slice(0, MOST_TOLD).map((fault) => `\n- ${fault}`)
  const more = faults.length > MOST_TOLD ? `\n- … ${faults.length - MOST_TOLD} more` : ''
  throw new Error(`${about}:${told.join('')}${more}`)
}
