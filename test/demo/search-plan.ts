/** Asks the database, while nobody has the store open, which way it goes when it answers a search by a vector. */
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import type { ColdDriver } from '../../src/cold/cold-driver.ts'
import { PgliteClient } from '../../src/cold/pglite/pglite-client.ts'
import { PgliteDriver } from '../../src/cold/pglite/pglite-driver.ts'
import { PostgresDriver } from '../../src/cold/postgres/postgres-driver.ts'
import { indexedSearch } from '../../src/cold/sql/search-vectors.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import type { DemoStoreOptions } from './store.ts'

const TIMEOUT_MS = 60_000

export interface SearchPlan {
  /** Without it there is no index of vectors. */
  readonly hasPgvector: boolean
  /** The line of the plan that has the HNSW index; undefined where all vectors are compared instead. */
  readonly byIndex: string | undefined
}

export async function planOfSearch(
  embedding: Float32Array,
  options: Pick<DemoStoreOptions, 'dir' | 'servers'>,
): Promise<SearchPlan> {
  const driver = await connect(options)
  try {
    const [extension] = await driver.query(sql`
      SELECT n.nspname::text AS schema FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
      WHERE e.extname = 'vector'`)
    if (extension === undefined) return { hasPgvector: false, byIndex: undefined }
    const filter = [{ field: 'kind', operator: 'eq', value: 'chunk' }] as const
    const scope = { namespace: '', recursive: false }
    const search = { scope, filter, now: Date.now(), exclude: [], embedding, metric: 'cosine', k: 10 } as const
    const plan = await driver.query(sql`EXPLAIN (COSTS OFF) ${indexedSearch(search, String(extension.schema))}`)
    const line = plan.map((row) => String(row['QUERY PLAN'])).find((text) => text.includes('memory_entries_hnsw_'))
    return { hasPgvector: true, byIndex: line?.replace(/^[ >-]+/, '') }
  } finally {
    await driver.close()
  }
}

async function connect({ dir, servers }: Pick<DemoStoreOptions, 'dir' | 'servers'>): Promise<ColdDriver> {
  if (servers === undefined)
    return new PgliteDriver(await PgliteClient.start(join(dir, 'cold', 'data')), TIMEOUT_MS, silentLogger)
  const options = { dimensions: [], metrics: [], migrate: 'check', timeout: TIMEOUT_MS, logger: silentLogger } as const
  return PostgresDriver.connect({ ...options, url: servers.cold.url, max: 2 })
}
