/** A database behind a hot tier of one process alone admits no other, and what Redis kept meanwhile is not believed. */
import { expect, test, vi } from 'vitest'
import { recoverStore } from '../../src/admin/recover-store.ts'
import { QUIET, temporaryFolder } from '../flow/stores.ts'
import { describeWithPrivateServers, openBackend } from './private-servers.ts'
import { RemoteBackend } from './remote-backend.ts'

const ALONE = { kind: 'memory' } as const
const PATIENCE = { timeout: 30_000, interval: 20 }
const STOPPED = expect.objectContaining({ code: 'stopped' })
const LOCKED = expect.objectContaining({ code: 'ERR_LOCKED' })

describeWithPrivateServers('a process that is alone with a database', (servers) => {
  const expireLeases = async (url: string): Promise<void> => {
    const admin = servers.postgres.client(new URL(url).pathname.slice(1))
    await admin`UPDATE thermocline.leases SET expires_at = now()`
    await admin.end()
  }

  test('keeps every other out, with a hot tier of its own or on Redis, until it closes', async () => {
    const { hot, cold } = await servers.shared()
    const open = async (tier: typeof hot | typeof ALONE) =>
      openBackend({ dir: await temporaryFolder(), hot: tier, cold, ...QUIET })
    const sole = await open(ALONE)
    await expect(open(ALONE)).rejects.toEqual(LOCKED)
    await expect(open(hot)).rejects.toEqual(LOCKED)
    await sole.store.close()
    const next = await open(ALONE)
    await next.store.close()
    await open(hot)
  })

  test('is refused everything once another took its place while it was paused', async () => {
    const { hot, cold } = await servers.shared()
    const open = async (tier: typeof hot | typeof ALONE) =>
      openBackend({ dir: await temporaryFolder(), hot: tier, cold, ...QUIET })
    const paused = await open(ALONE)
    const { id } = await paused.store.chunks.put({ key: 'k', text: 'old' })
    // As after a pause that was longer than the lease.
    await expireLeases(cold.url)
    const next = await open(hot)
    await next.store.chunks.put({ key: 'k', text: 'new' })
    await next.store.checkpoint()
    await paused.store.checkpoint()
    expect(paused.store.health()).toMatchObject({ live: false, ready: false, error: LOCKED, reasons: [STOPPED] })
    await expect(paused.store.chunks.get(id)).rejects.toEqual(LOCKED)
    // But to say so.
    expect(await paused.store.metrics()).toMatch(/^thermocline_live 0$/m)
    expect(await paused.store.stats()).toMatchObject({ pending: { entries: 0 }, calls: { put: { count: 1 } } })
    expect(await next.store.metrics()).toMatch(/^thermocline_live 1$/m)
    await paused.store.close()
    await expect(paused.store.stats()).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  })

  const AGAIN = { ...QUIET, checkpoint: { every: 50 } } as const

  test('answers what a process before it ships late', async () => {
    const cold = { url: await servers.database() }
    const paused = await openBackend({ dir: await temporaryFolder(), hot: ALONE, cold, ...QUIET })
    const { id } = await paused.store.chunks.put({ key: 'changed', text: 'old' })
    const deleted = await paused.store.chunks.put({ key: 'deleted', text: 'old' })
    await paused.store.checkpoint()
    await paused.store.chunks.put({ key: 'changed', text: 'new' })
    await paused.store.chunks.delete(deleted.id)
    await expireLeases(cold.url)
    const next = await openBackend({ dir: await temporaryFolder(), hot: ALONE, cold, ...AGAIN })
    const ids = [id, deleted.id]
    expect(await next.store.chunks.getMany(ids)).toMatchObject([{ text: 'old' }, { text: 'old' }])
    await vi.waitFor(async () => expect(await next.hot.size()).toMatchObject({ entries: 2 }), PATIENCE)
    await paused.store.checkpoint()
    expect(paused.store.health()).toMatchObject({ live: false, ready: false, error: LOCKED, reasons: [STOPPED] })
    await vi.waitFor(
      async () => expect(await next.store.chunks.getMany(ids)).toMatchObject([{ text: 'new' }, undefined]),
      PATIENCE,
    )
  })

  test('answers what the log of one that died before it brings when it is recovered', async () => {
    const cold = { url: await servers.database() }
    const dir = await temporaryFolder()
    const backend = await RemoteBackend.start({ dir, hot: ALONE, cold, ...QUIET })
    const { id } = await backend.put('k', 'old')
    await backend.drain()
    await backend.put('k', 'new')
    await backend.kill()
    await expireLeases(cold.url)
    const next = await openBackend({ dir: await temporaryFolder(), hot: ALONE, cold, ...AGAIN })
    expect(await next.store.chunks.get(id)).toMatchObject({ text: 'old' })
    await vi.waitFor(async () => expect(await next.hot.size()).toMatchObject({ entries: 1 }), PATIENCE)
    expect(await recoverStore({ dir, hot: ALONE, cold })).toMatchObject([{ outcome: 'retired', shipped: 1 }])
    await vi.waitFor(async () => expect(await next.store.chunks.get(id)).toMatchObject({ text: 'new' }), PATIENCE)
  })

  test('changes entries that Redis does not show as they were, when it is used again', async () => {
    const { hot, cold } = await servers.shared()
    const open = async (tier: typeof hot | typeof ALONE) =>
      openBackend({ dir: await temporaryFolder(), hot: tier, cold, ...QUIET, sync: false })
    const before = await open(hot)
    const { chunks } = before.store
    const [changed, deleted] = [
      await chunks.put({ key: 'changed', text: 'old' }),
      await chunks.put({ key: 'deleted', text: 'old' }),
    ]
    const { generationId } = before.hot
    await before.store.close()

    const sole = await open(ALONE)
    await sole.store.chunks.put({ key: 'changed', text: 'new' })
    await sole.store.chunks.delete(deleted.id)
    await sole.store.close()

    const after = await open(hot)
    expect(after.hot.generationId).not.toBe(generationId)
    expect(await servers.client().keys(`*${after.hot.generationId}*:slot`)).toHaveLength(1)
    expect(await after.store.chunks.get(changed.id)).toMatchObject({ text: 'new' })
    expect(await after.store.chunks.get(deleted.id)).toBeUndefined()
  })

  test('is read and written beside by a backend that was there before, by way of the database', async () => {
    const { hot, cold } = await servers.shared()
    const open = async (tier: typeof hot | typeof ALONE) =>
      openBackend({
        dir: await temporaryFolder(),
        hot: tier,
        cold,
        ...QUIET,
        checkpoint: { every: 50 },
      })
    const before = await open(hot)
    const { id } = await before.store.chunks.put({ key: 'k', text: 'before' })
    await before.store.checkpoint()
    const sole = await open(ALONE)
    await sole.store.chunks.put({ key: 'k', text: 'sole' })
    await sole.store.checkpoint()
    // Has nothing to ship, and finds out when it looks for what is to be repaired.
    await vi.waitFor(async () => expect(await before.store.chunks.get(id)).toMatchObject({ text: 'sole' }), PATIENCE)
    await before.store.chunks.put({ key: 'k', text: 'again before' })
    await before.store.checkpoint()
    await vi.waitFor(
      async () => expect(await sole.store.chunks.get(id)).toMatchObject({ text: 'again before' }),
      PATIENCE,
    )
    await sole.store.close()
    await vi.waitFor(() => expect(before.hot.generationNumber).toBeDefined(), PATIENCE)
    expect(await before.store.chunks.get(id)).toMatchObject({ text: 'again before' })
  })
})
