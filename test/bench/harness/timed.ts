/** Measures one piece of work as a whole. */
import type { Sample } from './bench-case.ts'

/** `things` is how many things it does: `perSecond`, and `ms` for all of it. */
export async function timed(things: number, work: () => unknown): Promise<Sample> {
  const began = performance.now()
  await work()
  const ms = performance.now() - began
  return { figures: { perSecond: things / (ms / 1_000), ms, calls: things } }
}
