/**
 * Milliseconds for one test, one hook or one process of the testkit: vitest's own five seconds are what most users run
 * it with, and a tier behind a network, on a busy machine, takes longer for what is a test here.
 */
export const PATIENCE_MS = 300_000
