/** What one backend writes, the others see at once while hot is there: in one process and in several. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { temporaryFolder } from '../flow/stores.ts'
import { budget } from '../tools/budget.ts'
import { Load, type LoadedBackend, loaded } from './load.ts'
import { type Backend, BUSY, describeWithPrivateServers, expectIntact, openBackend } from './private-servers.ts'
import { RemoteBackend } from './remote-backend.ts'

/** No call may be given up: a busy machine is no outage. */
const PATIENT = { ...BUSY, timeouts: { hot: 30_000, cold: 30_000 } } as const

/** Markers end after two seconds here. */
const PATIENCE = { timeout: 30_000, interval: 100 }

describeWithPrivateServers('backends that share a hot tier', (servers) => {
  test('see puts and deletes of each other at once, while entries leave hot and come back', async () => {
    const backends = await servers.backends(2, PATIENT)
    const load = await Load.start(
      backends.map(({ store }) => loaded(store)),
      { isStrict: true },
    )
    let left = 0
    // A background sync may have been there first.
    for (let times = 0; times < budget({ short: 1, long: 4 }) || left === 0; times++) {
      await load.passes(100)
      left += (await backends[times % 2]!.store.sync()).synced
    }
    await expectIntact(load, backends)
    const [a, b] = backends as [Backend, Backend]
    // Now that everything has left, what is read comes back as soon as its marker has ended.
    const alive = await vi.waitFor(async () => {
      const entries = await b.store.chunks.getMany(load.ids)
      expect((await a.store.stats()).hot?.entries).toBeGreaterThan(0)
      return entries.filter((entry) => entry !== undefined)
    }, PATIENCE)
    await a.store.chunks.deleteMany(alive.map(({ id }) => id))
    expect((await b.store.chunks.getMany(load.ids)).filter((entry) => entry !== undefined)).toEqual([])
  })

  test('do so in processes of their own', async () => {
    const shared = await servers.shared()
    const folder = await temporaryFolder()
    const backend = await openBackend({ dir: join(folder, 'own'), ...shared, ...PATIENT })
    const remotes = await Promise.all(
      // These two share a folder.
      [1, 2].map(() => RemoteBackend.start({ dir: join(folder, 'shared'), ...shared, ...PATIENT })),
    )
    const all: LoadedBackend[] = [loaded(backend.store), ...remotes]
    const load = await Load.start(all, { isStrict: true })
    await load.passes(budget({ short: 12, long: 150 }))
    await load.stop()
    for (const remote of remotes) await remote.drain()
    await expectIntact(load, [backend])
  })

  test('and what a killed one wrote is there for all of them, once another has its log', async () => {
    const shared = await servers.shared()
    const folder = await temporaryFolder()
    const backend = await openBackend({ dir: folder, ...shared, ...PATIENT })
    const remote = await RemoteBackend.start({ dir: folder, ...shared, ...PATIENT, checkpoint: { every: '1h' } })
    const load = await Load.start([loaded(backend.store), remote], { isStrict: true })
    await load.passes(100)
    await load.stop()
    await remote.kill()
    const successor = await openBackend({ dir: folder, ...shared, ...PATIENT })
    // Where the one that lived had begun to ship it, it is not done with that yet: each has its own at last.
    await expect.poll(() => readdir(join(folder, 'wal'))).toHaveLength(2)
    load.passTo([loaded(backend.store), loaded(successor.store)])
    await expectIntact(load, [backend, successor])
  })
})
