/** A database that was set back to an earlier state while its backends went on. */
import { describe, expect, test, vi } from 'vitest'
import { type MemoryStore, type MemoryStoreOptions, openMemoryStore } from '../../src/index.ts'
import { LogText } from '../../src/testkit/contract/fresh-cold-tier.ts'
import { queryServer } from '../fault/edit-database.ts'
import { GatedTiers } from '../flow/gate.ts'
import { describeWithServers, QUIET, type Servers } from '../flow/stores.ts'
import { longTest } from '../tools/budget.ts'
import { ManualClock } from '../tools/manual-clock.ts'

/** What a backup is: a copy of the database as it stands. Nobody may be connected meanwhile. */
async function copyDatabase({ databases }: Servers, from: string, to: string): Promise<void> {
  const { admin } = databases
  databases.adopt(to)
  await admin.unsafe(`ALTER DATABASE ${from} ALLOW_CONNECTIONS false`)
  await admin`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ${from}`
  await vi.waitFor(() => admin.unsafe(`CREATE DATABASE ${to} TEMPLATE ${from}`), { timeout: 30_000 })
  for (const name of [from, to]) await admin.unsafe(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`)
}

async function restore(servers: Servers, backup: string, name: string): Promise<void> {
  await servers.databases.admin.unsafe(`DROP DATABASE ${name} WITH (FORCE)`)
  await copyDatabase(servers, backup, name)
}

describeWithServers('a database that was restored', (servers) => {
  const open = async (logger: LogText, segmentBytes: number, more: MemoryStoreOptions = {}) => {
    const shared = await servers.shared()
    const name = new URL(shared.cold.url).pathname.slice(1)
    const tiers = new GatedTiers()
    const options = { dir: await servers.folder(), ...shared, ...QUIET, wal: { segmentBytes }, logger, ...more }
    return { store: await tiers.open(options), name, tiers, options }
  }
  const putMany = async (store: MemoryStore, from: number, to: number): Promise<void> => {
    for (let n = from; n < to; n++) await store.chunks.put({ key: `k${n}`, text: `text ${n} ${'x'.repeat(200)}` })
  }
  /** Through however many connections die on the way. */
  const checkpoint = (store: MemoryStore) => vi.waitFor(() => store.checkpoint(), { timeout: 20_000 })
  /** Ships two lots of writes, and sets the database back to when it had the first. */
  const shipAndSetBack = async (
    store: MemoryStore,
    name: string,
    { kept, lost }: { readonly kept: readonly [number, number]; readonly lost: readonly [number, number] },
  ): Promise<void> => {
    await putMany(store, ...kept)
    await checkpoint(store)
    await copyDatabase(servers, name, `${name}_backup`)
    await putMany(store, ...lost)
    await checkpoint(store)
    await restore(servers, `${name}_backup`, name)
  }
  const syncUntilLogged = (store: MemoryStore, logger: LogText, text: string) =>
    vi.waitFor(
      async () => {
        await store.sync().catch(() => {})
        expect(logger.errors.some((line) => line.includes(text))).toBe(true)
      },
      { timeout: 20_000 },
    )
  /** By the next process. */
  const countIn = async (options: MemoryStoreOptions): Promise<number> => {
    await using store = await vi.waitFor(() => openMemoryStore(options), { timeout: 20_000 })
    return vi.waitFor(() => store.chunks.count(), { timeout: 20_000 })
  }

  describe('while the log still holds what it lost', () => {
    test('gets it again, before anything that came later', async () => {
      const logger = new LogText()
      const { store, name } = await open(logger, 1 << 20)
      await shipAndSetBack(store, name, { kept: [0, 30], lost: [20, 60] })
      await putMany(store, 60, 61)
      await checkpoint(store)
      expect(await store.chunks.count()).toBe(61)
      const { wal, pending } = await store.stats()
      expect(wal.checkpoint).toBe(wal.sequence)
      expect(pending.entries).toBe(0)
      expect(logger.errors.some((line) => line.includes('moved backwards'))).toBe(true)
      await store.close()
    })
  })

  describe('while it is getting it again, and is set back further', () => {
    longTest('gets all of it', async () => {
      const logger = new LogText()
      const { store, name, tiers } = await open(logger, 1 << 20)
      const [early, late] = [`${name}_early`, `${name}_late`]
      await putMany(store, 0, 10)
      await checkpoint(store)
      await copyDatabase(servers, name, early)
      await putMany(store, 10, 20)
      await checkpoint(store)
      await copyDatabase(servers, name, late)
      await putMany(store, 20, 30)
      await checkpoint(store)
      await restore(servers, late, name)
      let restores = 1
      tiers.cold.onCall = async (method) => {
        const isShippingAgain = method === 'ship' && logger.errors.some((line) => line.includes('moved backwards'))
        if (isShippingAgain && restores++ === 1) await restore(servers, early, name)
      }
      await putMany(store, 30, 31)
      await checkpoint(store)
      expect(restores).toBeGreaterThan(1)
      expect(await store.chunks.count()).toBe(31)
      expect((await store.stats()).pending.entries).toBe(0)
      await store.close()
    })
  })

  describe('before its backend closes', () => {
    longTest('gets it again as the backend closes, noticed or not', async () => {
      const { store, name, options } = await open(new LogText(), 1 << 20)
      await shipAndSetBack(store, name, { kept: [0, 10], lost: [10, 20] })
      await store.close()
      expect(await countIn(options)).toBe(20)
    })

    longTest('gets it from the next process where shipping it again failed', async () => {
      const logger = new LogText()
      const { store, name, tiers, options } = await open(logger, 1 << 20)
      await shipAndSetBack(store, name, { kept: [0, 10], lost: [10, 20] })
      tiers.cold.onCall = (method) => {
        if (method === 'ship' && logger.errors.some((line) => line.includes('moved backwards')))
          tiers.cold.refuse('ship')
      }
      await syncUntilLogged(store, logger, 'moved backwards')
      await store.close()
      tiers.cold.allow()
      expect(await countIn(options)).toBe(20)
    })

    longTest('gets it from the next process where it did not even know the log', async () => {
      const logger = new LogText()
      const { store: first, name, options, tiers } = await open(logger, 1 << 20)
      await first.close()
      await copyDatabase(servers, name, `${name}_backup`)
      const store = await vi.waitFor(() => tiers.open(options), { timeout: 20_000 })
      await putMany(store, 0, 20)
      await checkpoint(store)
      await restore(servers, `${name}_backup`, name)
      await syncUntilLogged(store, logger, 'nothing ships any more')
      await store.close()
      expect(await countIn(options)).toBe(20)
    })
  })

  describe('before the log of the process that syncs began', () => {
    longTest('is synced by another process from then on', async () => {
      const [logger, other] = [new LogText(), new LogText()]
      const shared = await servers.shared()
      const everySecond = { sync: { schedule: '* * * * * *', hotToColdAge: '1h' } } as const
      await using _ = await openMemoryStore({ ...shared, ...everySecond, dir: await servers.folder(), logger })
      const syncsFrom = (log: LogText) =>
        vi.waitFor(() => expect(log.lines.some((line) => line.includes('syncs from now on'))).toBe(true), {
          timeout: 20_000,
        })
      await syncsFrom(logger)
      await queryServer(shared.cold.url, 'DELETE FROM thermocline.wal_checkpoints')
      await using __ = await openMemoryStore({ ...shared, ...everySecond, dir: await servers.folder(), logger: other })
      // Sooner than a lease that nobody gives back could end, if its holder did not keep it.
      await syncsFrom(other)
    })
  })

  describe('before it has everything again', () => {
    longTest('brings nothing old into a hot tier of the process', async () => {
      const logger = new LogText()
      const clock = new ManualClock()
      const { store, name, tiers } = await open(logger, 1 << 20, { hot: { kind: 'memory' }, clock })
      await putMany(store, 0, 1)
      await checkpoint(store)
      await copyDatabase(servers, name, `${name}_backup`)
      const { id } = await vi.waitFor(() => store.chunks.put({ key: 'deleted', text: 'deleted long ago' }), {
        timeout: 30_000,
      })
      // More than a batch, so that the delete comes again later than the put.
      await store.chunks.putMany(Array.from({ length: 1_100 }, () => ({ text: 'x' })))
      await store.chunks.delete(id)
      await checkpoint(store)
      // Until hot has forgotten the tombstone.
      clock.advance(61_000)
      await vi.waitFor(() => store.sync(), { timeout: 20_000 })
      clock.advance(61_000)
      await restore(servers, `${name}_backup`, name)
      const between: unknown[] = []
      const reads: Promise<unknown>[] = []
      tiers.cold.onCall = async (method) => {
        const isShippingAgain = method === 'ship' && logger.errors.some((line) => line.includes('moved backwards'))
        if (!isShippingAgain) return
        // By what cold has just now a read would see what was deleted, and bring it into hot.
        between.push((await tiers.cold.tier.read([{ namespace: store.chunks.namespace, id }]))[0]?.record.text)
        reads.push(store.chunks.get(id))
      }
      await store.chunks.put({ key: 'later', text: 'x' })
      await checkpoint(store)
      tiers.cold.onCall = () => {}
      expect(between).toContain('deleted long ago')
      expect(new Set(await Promise.all(reads))).toEqual(new Set([undefined]))
      expect(await store.chunks.get(id)).toBeUndefined()
      await store.close()
    })
  })

  describe('from the moment that its backend knows', () => {
    test('nothing that it had is read older, by any call', async () => {
      const logger = new LogText()
      const { store, name, tiers } = await open(logger, 1 << 20)
      await putMany(store, 0, 2)
      await checkpoint(store)
      await copyDatabase(servers, name, `${name}_backup`)
      const put = (key: string) => store.chunks.put({ key, text: 'new', embedding: [1, 2] })
      const [k0, k1] = await vi.waitFor(() => Promise.all([put('k0'), put('k1')]), { timeout: 20_000 })
      await store.chunks.delete(k1!.id)
      await checkpoint(store)
      await restore(servers, `${name}_backup`, name)
      tiers.hot.refuse('read')
      const reads: Promise<unknown>[] = []
      tiers.cold.onCall = (method) => {
        if (method !== 'ship' || !logger.errors.some((line) => line.includes('moved backwards'))) return
        const { chunks } = store
        reads.push(Promise.all([k0!, k1!].map(async ({ id }) => (await chunks.get(id))?.text)))
        reads.push(chunks.find().then(({ items }) => items.map(({ text }) => text)))
        reads.push(chunks.search({ embedding: [1, 2] }).then(({ hits }) => hits.map(({ entry }) => entry.key)))
        reads.push(chunks.count())
      }
      await syncUntilLogged(store, logger, 'moved backwards')
      await checkpoint(store)
      tiers.cold.onCall = () => {}
      expect((await Promise.all(reads)).slice(0, 4)).toEqual([['new', undefined], ['new'], ['k0'], 1])
      tiers.hot.allow()
      await store.close()
    })
  })

  describe('after the log dropped what it lost', () => {
    test('gets what hot still has, and says in its health that it was set back', async () => {
      const steady = { sync: { ...QUIET.sync, hotToColdAge: '1h' } } as const
      const { store, name, tiers } = await open(new LogText(), 4_096, steady)
      expect(store.health().setBack).toBeUndefined()
      await putMany(store, 0, 10)
      await checkpoint(store)
      await copyDatabase(servers, name, `${name}_backup`)
      await vi.waitFor(() => putMany(store, 10, 100), { timeout: 20_000 })
      const { items } = await vi.waitFor(() => store.chunks.find({ where: { key: 'k5' } }), { timeout: 20_000 })
      await store.chunks.delete(items[0]!.id)
      await putMany(store, 10, 100)
      await checkpoint(store)
      await restore(servers, `${name}_backup`, name)
      await putMany(store, 100, 101)
      await checkpoint(store)
      expect(store.health()).toMatchObject({ live: true, setBack: { lost: [{ from: 11 }] } })
      await vi.waitFor(() => store.sync(), { timeout: 20_000 })
      expect(await store.chunks.get(items[0]!.id)).toBeUndefined()
      expect(await store.chunks.count()).toBe(100)
      expect((await tiers.hot.tier.size()).entries).toBe(0)
      await store.close()
    })

    longTest('gets what hot still has also where only closing notices', async () => {
      const { store, name, options } = await open(new LogText(), 4_096)
      await shipAndSetBack(store, name, { kept: [0, 10], lost: [10, 100] })
      await store.close()
      expect(await countIn(options)).toBe(100)
    })

    test('says which records are gone, and goes on', async () => {
      const logger = new LogText()
      const { store, name } = await open(logger, 4_096)
      await shipAndSetBack(store, name, { kept: [0, 10], lost: [10, 100] })
      await putMany(store, 100, 101)
      await checkpoint(store)
      const report = logger.errors.find((line) => line.includes('no segment holds'))!
      const { from, to } = JSON.parse(report).lost[0]
      expect(from).toBe(11)
      expect(to).toBeLessThan(100)
      await store.close()
    })
  })
})
