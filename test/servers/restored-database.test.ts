/** A database that was set back to an earlier state while its backends went on. */
import { describe, expect, test, vi } from 'vitest'
import type { MemoryStore } from '../../src/index.ts'
import { LogText } from '../contract/cold-tier.ts'
import { GatedTiers } from '../flow/gate.ts'
import { describeWithServers, QUIET, type Servers } from '../flow/stores.ts'

/** What a backup is: a copy of the database as it stands. Nobody may be connected meanwhile. */
async function copyDatabase({ databases }: Servers, from: string, to: string): Promise<void> {
  const { admin } = databases
  databases.adopt(to)
  await admin.unsafe(`ALTER DATABASE ${from} ALLOW_CONNECTIONS false`)
  await admin`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ${from}`
  await vi.waitFor(() => admin.unsafe(`CREATE DATABASE ${to} TEMPLATE ${from}`))
  for (const name of [from, to]) await admin.unsafe(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`)
}

async function restore(servers: Servers, backup: string, name: string): Promise<void> {
  await servers.databases.admin.unsafe(`DROP DATABASE ${name} WITH (FORCE)`)
  await copyDatabase(servers, backup, name)
}

describeWithServers('a database that was restored', (servers) => {
  const open = async (logger: LogText, segmentBytes: number) => {
    const shared = await servers.shared()
    const name = new URL(shared.cold.url).pathname.slice(1)
    const tiers = new GatedTiers()
    const store = await tiers.open({
      dir: await servers.folder(),
      ...shared,
      ...QUIET,
      wal: { segmentBytes },
      logger,
    })
    return { store, name, tiers }
  }
  const putMany = async (store: MemoryStore, from: number, to: number): Promise<void> => {
    for (let n = from; n < to; n++) await store.chunks.put({ key: `k${n}`, text: `text ${n} ${'x'.repeat(200)}` })
  }
  /** Through however many connections die on the way. */
  const checkpoint = (store: MemoryStore) => vi.waitFor(() => store.checkpoint(), { timeout: 20_000 })

  describe('while the log still holds what it lost', () => {
    test('gets it again, before anything that came later', async () => {
      const logger = new LogText()
      const { store, name } = await open(logger, 1 << 20)
      await putMany(store, 0, 30)
      await checkpoint(store)
      await copyDatabase(servers, name, `${name}_backup`)
      await putMany(store, 20, 60)
      await checkpoint(store)
      await restore(servers, `${name}_backup`, name)
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
    test('gets all of it', async () => {
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

  describe('after the log dropped what it lost', () => {
    test('says which records are gone, and goes on', async () => {
      const logger = new LogText()
      const { store, name } = await open(logger, 4_096)
      await putMany(store, 0, 10)
      await checkpoint(store)
      await copyDatabase(servers, name, `${name}_backup`)
      await putMany(store, 10, 100)
      await checkpoint(store)
      await restore(servers, `${name}_backup`, name)
      await putMany(store, 100, 101)
      await checkpoint(store)
      const report = logger.errors.find((line) => line.includes('no segment holds'))!
      const { from, to } = JSON.parse(report).lost[0]
      expect(from).toBe(11)
      expect(to).toBeLessThan(100)
      expect(await store.chunks.count()).toBe(10 + 101 - to)
      await store.close()
    })
  })
})
