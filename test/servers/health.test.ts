/** What a backend says of itself while a server is away. */
import { expect, test, vi } from 'vitest'
import { openMemoryStore } from '../../src/index.ts'
import { QUIET, redisUrlOf, temporaryFolder } from '../flow/stores.ts'
import { describeWithPostgres, describeWithRedis, PrivatePostgres, PrivateRedis } from '../tools/services.ts'

describeWithPostgres('a store whose Postgres is away', () => {
  test('tells so, and since when, and goes on telling what is local', async () => {
    await using postgres = await PrivatePostgres.start()
    await using store = await openMemoryStore({
      ...QUIET,
      dir: await temporaryFolder(),
      hot: { kind: 'memory' },
      cold: { url: postgres.url() },
    })
    const there = { is: 'there' }
    expect(store.health()).toEqual({ live: true, ready: true, degraded: false, reasons: [], hot: there, cold: there })
    expect((await store.stats()).wal.oldestUnshippedMs).toBe(0)

    const before = Date.now()
    await store.chunks.put({ text: 'waits in the log' })
    await postgres.stop()
    await expect(store.checkpoint()).rejects.toMatchObject({ code: 'ERR_TIER_UNAVAILABLE' })
    const { cold, ...others } = store.health()
    expect(cold).toEqual({ is: 'away', since: expect.any(Date) })
    const since = 'since' in cold && cold.since
    const reasons = [{ code: 'cold-away', since, message: expect.stringContaining('cold tier does not answer') }]
    expect(others).toEqual({ live: true, ready: true, degraded: true, reasons, hot: there })
    const stats = await store.stats()
    expect(stats).toMatchObject({ pending: { entries: 1 }, hot: { entries: 1 }, cold: undefined })
    expect(stats.wal.sequence).toBeGreaterThan(stats.wal.checkpoint)
    expect(stats.wal.oldestUnshippedMs).toBeLessThanOrEqual(Date.now() - before + 1_000)

    await postgres.restart()
    await vi.waitFor(() => store.checkpoint(), { timeout: 20_000, interval: 100 })
    expect(store.health()).toMatchObject({ live: true, degraded: false, reasons: [], cold: there })
    expect(await store.stats()).toMatchObject({
      pending: { entries: 0 },
      cold: { entries: 1 },
      wal: { oldestUnshippedMs: 0 },
    })
  })
})

describeWithRedis('a store whose Redis is away', () => {
  test('says of a namespace what the other tiers have', async () => {
    await using redis = await PrivateRedis.start({ onPort: true })
    const dir = await temporaryFolder()
    await using store = await openMemoryStore({ ...QUIET, dir, hot: { url: redisUrlOf(redis) } })
    await store.chunks.put({ text: 'shipped' })
    await store.checkpoint()
    await store.chunks.put({ text: 'pending' })
    const own = store.namespace('default')
    const there = await own.stats()
    expect(there).toMatchObject({ entries: 2, pending: { entries: 1 }, hot: { entries: 2 }, cold: { entries: 1 } })
    await redis.kill()
    expect(await own.stats()).toEqual({ ...there, hot: undefined })
  })
})
