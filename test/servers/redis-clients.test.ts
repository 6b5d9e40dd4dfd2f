/** Clients that a user brings: of either major version of ioredis, whatever is installed beside the store. */
import type { Cluster, Redis } from 'ioredis'
import { expect, test, vi } from 'vitest'
import { openMemoryStore } from '../../src/index.ts'
import { describeWithServers, QUIET, temporaryFolder } from '../flow/stores.ts'

describeWithServers('a store', (servers) => {
  test.each(['ioredis', 'ioredis-5'])('takes a client of %s, and leaves it alone', async (name) => {
    const { Redis } = await vi.importActual<{ Redis: typeof import('ioredis').Redis }>(name)
    const client: Redis | Cluster = new Redis(servers.redisUrl, { lazyConnect: true, keyPrefix: 'app:', db: 1 })
    const { cold } = await servers.shared()
    await using store = await openMemoryStore({ dir: await temporaryFolder(), hot: { client }, cold, ...QUIET })
    expect(store.health()).toMatchObject({ live: true, degraded: false })
    const { id } = await store.chunks.put({ text: 'a' })
    expect((await store.chunks.explain(id)).hot).toBeDefined()
    expect(client.status).toBe('wait')
  })
})
