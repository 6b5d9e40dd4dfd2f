/** Makes calls, and measures how many and how long they take. */
import { CURVE_SHARES, type Sample } from './bench-case.ts'
import { quantile } from './figures.ts'

export interface Load {
  /** Calls under way at any time. @default 64 */
  readonly callers?: number
  /** Ends after so many milliseconds. @default 1 000 */
  readonly ms?: number
  /** Ends after so many calls, if that is sooner. */
  readonly calls?: number
  /** What one call counts, where it does many things. @default 1 */
  readonly weight?: number
}

/** `call` gets the number of the call, from 0. Answers `perSecond`, `p50`, `p99` (milliseconds) and `calls`. */
export async function load(
  call: (nth: number) => Promise<unknown>,
  { callers = 64, ms = 1_000, calls = Number.POSITIVE_INFINITY, weight = 1 }: Load = {},
): Promise<Sample> {
  const latencies: number[] = []
  let begun = 0
  const began = performance.now()
  const end = began + ms
  const caller = async (): Promise<void> => {
    let now = performance.now()
    while (now < end && begun < calls) {
      await call(begun++)
      const then = performance.now()
      latencies.push(then - now)
      now = then
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  const seconds = (performance.now() - began) / 1_000
  return sampleOf(latencies, (latencies.length * weight) / seconds)
}

/** A sample from how long each call took, in milliseconds. */
export function sampleOf(latencies: readonly number[], perSecond: number): Sample {
  const sorted = Float64Array.from(latencies).sort()
  const figures = { perSecond, p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), calls: sorted.length }
  return { figures, curve: CURVE_SHARES.map((share) => quantile(sorted, share)) }
}
