/** Tells the wall-clock time in milliseconds since the Unix epoch. Tests move it by hand. */
export interface Clock {
  now(): number
}

export const systemClock: Clock = { now: () => Date.now() }
