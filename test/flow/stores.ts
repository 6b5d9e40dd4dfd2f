/** The pairs of drivers that every flow suite runs on, and stores for one test each. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import { type MemoryStore, type MemoryStoreOptions, openMemoryStore } from '../../src/index.ts'
import { ManualClock } from '../manual-clock.ts'

export interface Pair {
  readonly name: string
  /** An empty store, for the caller to close. Background work runs only when the test asks for it. */
  open(options?: MemoryStoreOptions): Promise<MemoryStore>
}

/** Nothing happens by itself: tests drive checkpoints and syncs. */
export const QUIET = { checkpoint: { every: '1h' }, sync: { schedule: '0 0 0 1 1 *', hotToColdAge: 0 } } as const

export const pairs: readonly Pair[] = [
  {
    name: 'in-process and PGlite',
    open: (options) => openMemoryStore({ inMemory: true, ...QUIET, ...options }),
  },
]

/**
 * One store for the tests of a suite, since making a database takes seconds; each test has a namespace of its own in it.
 * Its clock is a day ahead, so that the sweep, which judges by the database's own, never reaches an expiry first.
 */
export function shareStore({ open }: Pair, options?: MemoryStoreOptions) {
  const clock = new ManualClock(Date.now() + 86_400_000)
  let store: MemoryStore | undefined
  let views = 0
  beforeAll(async () => {
    store = await open({ clock, ...options })
  })
  afterAll(async () => {
    await store?.close()
  })
  return {
    clock,
    store: () => store!,
    view: () => store!.namespace('test', String(++views)),
  }
}

/** A data folder that goes with the test. */
export async function temporaryFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'thermocline-test-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  return dir
}

/** A unit vector of `dimensions` that `seed` names, the same in every run. */
export function vectorOf(seed: number, dimensions = 8): Float32Array {
  const vector = Float32Array.from({ length: dimensions }, (_, i) => Math.sin((seed + 1) * (i + 1) * 1.7) + 0.01)
  const length = Math.hypot(...vector)
  return vector.map((x) => x / length)
}
