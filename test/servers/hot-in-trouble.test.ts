/**
 * A Redis that is full, and one that becomes an older copy of itself: nobody reads there what was deleted or replaced.
 */
import { Redis } from 'ioredis'
import { expect, test, vi } from 'vitest'
import { someOf } from '../tools/budget.ts'
import { PrivateRedis } from '../tools/services.ts'
import { type Backend, describeWithPrivateServers } from './private-servers.ts'

/** What is put, replaced and deleted, each. */
const ENTRIES = 60
const OPTIONS = { checkpoint: { every: 50 }, sync: { schedule: '0 0 0 1 1 *', hotToColdAge: '1h' } } as const
const PATIENT = { timeout: 20_000, interval: 20 }

describeWithPrivateServers('backends', (servers) => {
  const keys = Array.from({ length: 2 * ENTRIES }, (_, i) => `k${i}`)

  /** Two backends, and entries of the first in hot and cold. */
  async function openWithEntries() {
    const [a, b] = (await servers.backends(2, OPTIONS)) as [Backend, Backend]
    const receipts = await a.store.chunks.putMany(keys.map((key) => ({ key, text: 'old' })))
    await a.store.checkpoint()
    const ids = receipts.map(({ id }) => id)
    return { a, b, ids, deleted: ids.slice(0, ENTRIES), replaced: ids.slice(ENTRIES) }
  }

  /** Deletes one half and replaces the other by something larger. */
  async function change({ store }: Backend, deleted: readonly string[]): Promise<void> {
    await store.chunks.deleteMany(deleted)
    await store.chunks.putMany(keys.slice(ENTRIES).map((key) => ({ key, text: 'new and longer' })))
    await store.checkpoint()
  }

  const textsOf = async ({ store }: Backend, ids: readonly string[], how: 'getMany' | 'peek') => {
    const found =
      how === 'getMany' ? await store.chunks.getMany(ids) : await Promise.all(ids.map((id) => store.chunks.peek(id)))
    return new Set(found.map((entry) => entry?.text))
  }

  test('never read deleted or older entries in a Redis that is full, once they were shipped and repaired', async () => {
    const { a, b, ids, deleted, replaced } = await openWithEntries()
    const direct = servers.client()
    await direct.config('SET', 'maxmemory', '1')
    // Before those that hot holds, in the order of repair as well.
    const others = await a.store.namespace('a').chunks.putMany(ids.map((_, i) => ({ key: `n${i}`, text: 'new' })))
    await change(a, deleted)
    await vi.waitFor(async () => expect((await b.cold.hotMisses(1)).misses).toEqual([]), PATIENT)
    for (const backend of [b, a])
      for (const how of ['getMany', 'peek'] as const) {
        expect(await textsOf(backend, deleted, how)).toEqual(new Set([undefined]))
        expect(await textsOf(backend, replaced, how)).toEqual(new Set(['new and longer']))
      }
    expect(await b.store.namespace('a').chunks.getMany(others.map(({ id }) => id))).not.toContain(undefined)

    await direct.config('SET', 'maxmemory', '0')
    const { id, version } = await a.store.chunks.put({ text: 'there is room' })
    expect((await b.hot.read([{ namespace: b.store.chunks.namespace, id }]))[0]?.version).toBe(version)
  })

  test('delete in a Redis that is full for all of them at once', async () => {
    const { a, b, deleted } = await openWithEntries()
    await servers.client().config('SET', 'maxmemory', '1')
    await a.store.chunks.deleteMany(deleted)
    expect(await textsOf(b, deleted, 'getMany')).toEqual(new Set([undefined]))
    await servers.client().config('SET', 'maxmemory', '0')
  })

  test.each(someOf(['peek', 'getMany'] as const))(
    'never read what an older copy of Redis holds that took its place (%s)',
    async (how) => {
      const { a, b, deleted, replaced } = await openWithEntries()
      const { port } = servers.redis.connection as { port: number }
      await using copy = await PrivateRedis.start({ onPort: true, args: ['--replicaof', '127.0.0.1', `${port}`] })
      const { port: copyPort } = copy.connection as { port: number }
      const [direct, copied] = [servers.client(), new Redis(copyPort)]
      const isSynced = async (of: Redis) => /master_link_status:up/.test(await of.info('replication'))
      await vi.waitUntil(() => isSynced(copied), PATIENT)
      await direct.wait(1, 5_000)
      await copied.replicaof('NO', 'ONE')
      await change(a, deleted)
      await direct.replicaof('127.0.0.1', copyPort)
      const readsAreRight = async () => {
        for (const backend of [a, b]) {
          expect(await textsOf(backend, deleted, how)).toEqual(new Set([undefined]))
          expect(await textsOf(backend, replaced, how)).toEqual(new Set(['new and longer']))
        }
      }
      await vi.waitUntil(async () => {
        await readsAreRight()
        return isSynced(direct)
      }, PATIENT)
      for (let times = 0; times < 5; times++) await readsAreRight()
      // As it was, but for what it holds.
      await direct.replicaof('NO', 'ONE')
      await vi.waitFor(async () => {
        await readsAreRight()
        expect(a.hot.generationNumber).toBeDefined()
        expect(b.hot.generationNumber).toBe(a.hot.generationNumber)
      }, PATIENT)
      await readsAreRight()
      copied.disconnect()
    },
  )
})
