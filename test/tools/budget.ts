/**
 * How much a suite does of what could go on for hours: `FAULT_RUNS` says it by hand; otherwise little in `npm test`, which
 * everybody waits for, and more in `npm run test:long`. A suite that imports this is run by both. `FAULT_SEED` is read
 * by each suite itself, or by {@link givenSeed}.
 */
import { test } from 'vitest'

/** `vitest run --mode long`, or a budget given by hand. */
export const isThorough = process.env.MODE === 'long' || process.env.FAULT_RUNS !== undefined

export function budget({ short, long }: { readonly short: number; readonly long: number }): number {
  return Number(process.env.FAULT_RUNS ?? (isThorough ? long : short))
}

/** To see random runs again; undefined: others each time. */
export const givenSeed = process.env.FAULT_SEED === undefined ? undefined : Number(process.env.FAULT_SEED)

/** A test that `npm test` leaves out: another one that it runs is of the same kind. */
export const longTest = test.runIf(isThorough)

/** Of alternatives of one kind that cost seconds each: all of them, or the first few. */
export function someOf<T>(all: readonly T[], few = 1): readonly T[] {
  return isThorough ? all : all.slice(0, few)
}

/** Of the steps from 1 on, those to look at: every one of them, or every 24th from where the seed says. */
export function* stepsToTry(steps: number, seed: number): Generator<number> {
  const stride = isThorough ? 1 : 24
  for (let n = 1 + (seed % stride); n <= steps; n += stride) yield n
}
