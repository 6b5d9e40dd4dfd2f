/** The pairs of drivers that every flow suite runs on, and stores for one test each. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type MemoryStore, type MemoryStoreOptions, openMemoryStore } from '../../src/index.ts'

export interface Pair {
  readonly name: string
  /** A store of its own, empty, that ends with the test. Background work runs only when the test asks for it. */
  open(options?: MemoryStoreOptions): Promise<MemoryStore>
}

/** Nothing happens by itself: tests drive checkpoints and syncs. */
export const QUIET = { checkpoint: { every: '1h' }, sync: { schedule: '0 0 0 1 1 *', hotToColdAge: 0 } } as const

export const pairs: readonly Pair[] = [
  {
    name: 'in-process and PGlite',
    async open(options) {
      const store = await openMemoryStore({ inMemory: true, ...QUIET, ...options })
      onTestFinished(async () => {
        await store.close()
      })
      return store
    },
  },
]

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
