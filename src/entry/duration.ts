/** Parses a duration as callers write it (`'30m'`). When an entry with a `ttl` expires is decided in expiry.ts. */

/** Milliseconds, or text like `'500ms'`, `'1s'`, `'5m'`, `'2h'`, `'30d'`. */
export type Duration = number | string

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Returns the milliseconds of a duration; undefined where it is none. */
export function parseDuration(duration: unknown): number | undefined {
  if (typeof duration === 'number') return Number.isFinite(duration) && duration >= 0 ? duration : undefined
  if (typeof duration !== 'string') return undefined
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(duration)
  return match ? Math.round(Number(match[1]) * UNITS[match[2] as keyof typeof UNITS]) : undefined
}
