/**
 * How much a suite does of what could go on for hours: `FAULT_RUNS` says it by hand; otherwise little in `npm test`, which
 * everybody waits for, and more in `npm run test:long`.
 */
export function budget({ short, long }: { readonly short: number; readonly long: number }): number {
  return Number(process.env.FAULT_RUNS ?? (isLong ? long : short))
}

/** `vitest run --mode long`. */
const isLong = process.env.MODE === 'long'
