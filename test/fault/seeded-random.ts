/** Random numbers that a seed repeats; good enough to pick moments. */
export { seeded as randomFrom } from '../../src/testkit/contract/cold-records.ts'

/** Answers numbers from 0 up to, not including, 1. */
export type Random = () => number

/** An integer from `from` to `to`, both included. */
export function pick(random: Random, from: number, to: number): number {
  return from + Math.floor(random() * (to - from + 1))
}
