/** The one place that opens the demo's store. */
import { openMemoryStore } from '../../src/index.ts'
import { DIMENSIONS } from './embedding-pool.ts'

export type DemoStore = Awaited<ReturnType<typeof openMemoryStore>>

export interface DemoStoreOptions {
  readonly dir: string
  /**
   * `held`: nothing moves between the tiers until the demo says so, and a sync demotes whatever is in hot.
   * `running`: the defaults.
   */
  readonly background: 'held' | 'running'
}

export function openDemoStore({ dir, background }: DemoStoreOptions): Promise<DemoStore> {
  const held = { checkpoint: { every: '1h' }, sync: { schedule: '0 0 0 1 1 *', hotToColdAge: 0 } }
  return openMemoryStore({ dir, cold: { dimensions: [DIMENSIONS] }, ...(background === 'held' ? held : {}) })
}
