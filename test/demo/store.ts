/** The one place that opens the demo's store. */
import { openMemoryStore } from '../../src/index.ts'
import { DIMENSIONS } from './embedding-pool.ts'

export type DemoStore = Awaited<ReturnType<typeof openMemoryStore>>

/** Redis and Postgres for one run. */
export interface DemoServers {
  readonly hot: { readonly url: string }
  readonly cold: { readonly url: string }
}

export interface DemoStoreOptions {
  readonly dir: string
  /** Undefined: embedded tiers in `dir`. */
  readonly servers: DemoServers | undefined
  /**
   * `held`: nothing moves between the tiers until the demo says so, and a sync demotes whatever is in hot.
   * `running`: the defaults.
   */
  readonly background: 'held' | 'running'
}

export function openDemoStore({ dir, servers, background }: DemoStoreOptions): Promise<DemoStore> {
  const held = { checkpoint: { every: '1h' }, sync: { schedule: '0 0 0 1 1 *', hotToColdAge: 0 } }
  const cold = { ...servers?.cold, dimensions: [DIMENSIONS] }
  const hot = servers === undefined ? {} : { hot: servers.hot }
  return openMemoryStore({ dir, ...hot, cold, ...(background === 'held' ? held : {}) })
}
