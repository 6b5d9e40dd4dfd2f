/** Small, seeded and good enough to pick moments (mulberry32). Answers numbers from 0 up to, not including, 1. */
export type Random = () => number

export function randomFrom(seed: number): Random {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** An integer from `from` to `to`, both included. */
export function pick(random: Random, from: number, to: number): number {
  return from + Math.floor(random() * (to - from + 1))
}
