/** Postgres is away when a backend starts again: it serves from its log, if it was told to. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type MemoryStoreOptions, openMemoryStore } from '../../src/index.ts'
import { queryServer } from '../fault/edit-database.ts'
import { describeWithServers, QUIET } from '../flow/stores.ts'
import { canaryOf, filesWith } from '../flow/traces.ts'
import { longTest } from '../tools/budget.ts'
import { describeWithPostgres, PrivatePostgres, PrivateRedis } from '../tools/services.ts'
import { copyFolder } from '../tools/store-template.ts'

describeWithServers('a backend that starts', (servers) => {
  describeWithPostgres('while Postgres is away', () => {
    let postgres: PrivatePostgres
    beforeAll(async () => {
      postgres = await PrivatePostgres.start()
    })
    afterAll(() => postgres[Symbol.asyncDispose]())

    const optionsOf = async (): Promise<MemoryStoreOptions & { dir: string }> => {
      const database = `d${Date.now()}`
      const admin = postgres.client()
      await admin.unsafe(`CREATE DATABASE ${database}`)
      await admin.end()
      return {
        ...QUIET,
        dir: await servers.folder(),
        hot: { url: servers.redisUrl },
        cold: { url: postgres.url(database) },
        timeouts: { open: 300 },
        requireCold: false,
      }
    }

    test('serves what its log holds, takes writes, and ships all of it once Postgres is there', async () => {
      const options = await optionsOf()
      const before = await openMemoryStore(options)
      const { id: shipped } = await before.chunks.put({ key: 'shipped', text: 'shipped' })
      await before.checkpoint()
      await before.chunks.put({ key: 'old', text: 'old' })
      await before.chunks.put({ key: 'kept', text: 'kept' })
      const { id: deleted } = await before.chunks.put({ key: 'gone', text: 'gone' })
      await before.chunks.delete(deleted)
      await postgres.stop()
      expect((await before.close({ timeout: 500 })).remaining).toBeGreaterThan(0)

      const store = await openMemoryStore(options)
      expect((await store.chunks.getByKey('kept'))?.text).toBe('kept')
      expect(await store.chunks.get(deleted)).toBeUndefined()
      const { version } = await store.chunks.put({ key: 'old', text: 'new' })
      expect((await store.chunks.getByKey('old'))?.text).toBe('new')
      await expect(store.chunks.getByKey('never seen')).rejects.toMatchObject({ code: 'ERR_TIER_UNAVAILABLE' })
      await expect(store.checkpoint()).rejects.toMatchObject({ code: 'ERR_TIER_UNAVAILABLE' })

      await postgres.restart()
      await vi.waitFor(() => store.checkpoint(), { timeout: 20_000, interval: 100 })
      // Hot waits for cold to know of its generation.
      const hasHot = async () => {
        const found = await store.stats()
        expect(found.hot).toBeDefined()
        return found
      }
      const stats = await vi.waitFor(hasHot, { timeout: 20_000, interval: 100 })
      expect(stats.pending.entries).toBe(0)
      const { items } = await store.chunks.find()
      expect(items.map(({ text }) => text).sort()).toEqual(['kept', 'new', 'shipped'])
      expect((await store.chunks.get(shipped))?.text).toBe('shipped')
      expect((await store.chunks.explain((await store.chunks.getByKey('old'))!.id)).cold?.version).toBe(version)
      expect(await store.close()).toMatchObject({ remaining: 0 })
    })

    test('begins a log of which the database hears later, and lets go of what was in it until then', async () => {
      const [options, canary] = [await optionsOf(), canaryOf()]
      await (await openMemoryStore(options)).close()
      await postgres.stop()
      await using store = await openMemoryStore(options)
      await store.chunks.put({ key: 'k', text: canary })
      await postgres.restart()
      await vi.waitFor(() => store.checkpoint(), { timeout: 20_000, interval: 100 })
      expect(await store.chunks.count()).toBe(1)
      // Another process may have erased some of it meanwhile, and could not ask a log that the database did not know.
      expect(await filesWith(options.dir, [canary])).not.toEqual([])
      await store.sync()
      expect(await filesWith(options.dir, [canary])).toEqual([])
    })

    /** A backend is to start without Postgres, and has in its log what another had deleted, and Redis nothing. */
    async function withDeletedEntry(redis: PrivateRedis): Promise<{ options: MemoryStoreOptions; id: string }> {
      const { port } = redis.connection as { port: number }
      const options = { ...(await optionsOf()), hot: { url: `redis://127.0.0.1:${port}` } }
      const before = await openMemoryStore(options)
      const { id } = await before.chunks.put({ text: 'deleted by another' })
      await before.checkpoint()
      const other = await openMemoryStore({ ...options, dir: await servers.folder() })
      await other.chunks.delete(id, { durability: 'cold' })
      await before.chunks.put({ text: 'later' }, { durability: 'cold' })
      const aDayAgo =
        "UPDATE thermocline.memory_entries SET deleted_at = now() - interval '25 h' WHERE deleted_at IS NOT NULL"
      await queryServer((options.cold as { url: string }).url, aDayAgo)
      expect((await other.sync()).collected).toBe(1)
      await other.close()
      await postgres.stop()
      await before.chunks.put({ text: 'left in the log' })
      await before.close({ timeout: 500 })
      await redis.restart()
      return { options, id }
    }

    test('brings nothing back that it had shipped, and that was deleted and collected since', async () => {
      await using redis = await PrivateRedis.start({ onPort: true })
      const { options, id } = await withDeletedEntry(redis)
      await using store = await openMemoryStore(options)
      expect(await store.chunks.get(id)).toBeDefined()
      await postgres.restart()
      await vi.waitFor(() => store.checkpoint(), { timeout: 20_000, interval: 100 })
      await vi.waitFor(async () => expect((await store.stats()).hot).toBeDefined(), { timeout: 20_000, interval: 100 })
      await store.sync()
      expect(await store.chunks.get(id)).toBeUndefined()
      expect((await store.chunks.find({ orderBy: 'text' })).items.map(({ text }) => text)).toEqual([
        'later',
        'left in the log',
      ])
      expect(await store.deadLetters()).toMatchObject({ items: [] })
    })

    test('neither promotes nor changes any of that before the database has told what it had, whoever asks', async () => {
      await using redis = await PrivateRedis.start({ onPort: true })
      const { options, id } = await withDeletedEntry(redis)
      await using store = await openMemoryStore(options)
      await postgres.restart()
      // Nobody asks for a checkpoint.
      const isThere = () => store.chunks.promote(id)
      expect(await vi.waitFor(isThere, { timeout: 20_000, interval: 10 })).toBe('absent')
      const absent = { code: 'ERR_NOT_FOUND' }
      await expect(store.chunks.update(id, { text: 'changed' })).rejects.toMatchObject(absent)
      await expect(store.chunks.pin(id)).rejects.toMatchObject(absent)
      expect(await store.chunks.count()).toBe(2)
      expect(await store.deadLetters()).toMatchObject({ items: [] })
      await using another = await openMemoryStore({ ...options, dir: await servers.folder() })
      for (const { chunks } of [store, another]) expect(await chunks.get(id)).toBeUndefined()
    })

    longTest(
      'ships nothing from an older copy of its folder, and the next process ships all that it wrote',
      async () => {
        const options = await optionsOf()
        const before = await openMemoryStore(options)
        for (let n = 0; n < 5; n++) await before.chunks.put({ text: 'in both' })
        const copy = { ...options, dir: await servers.folder() }
        await copyFolder(options.dir, copy.dir)
        for (let n = 0; n < 15; n++) await before.chunks.put({ text: 'newer than the copy' })
        await before.checkpoint()
        await postgres.stop()
        await before.chunks.put({ text: 'left in the log' })
        await before.close({ timeout: 500 })

        const store = await openMemoryStore(copy)
        for (let n = 0; n < 30; n++) await store.chunks.put({ text: 'by the copy' })
        await postgres.restart()
        // Its numbers would be those that the database counts as shipped.
        const older = { code: 'ERR_WAL_FAILED', message: expect.stringContaining('older copy') }
        await vi.waitFor(() => expect(store.checkpoint()).rejects.toMatchObject(older), {
          timeout: 20_000,
          interval: 100,
        })
        for (const durability of ['wal', 'cold'] as const)
          await expect(store.chunks.put({ text: 'by the copy' }, { durability })).rejects.toMatchObject(older)
        await store.close({ timeout: 5_000 })

        await using again = await openMemoryStore({ ...copy, timeouts: {} })
        expect(await again.chunks.count({ where: { text: 'by the copy' } })).toBe(30)
        expect(await again.chunks.count({ where: { text: 'newer than the copy' } })).toBe(15)
      },
    )

    longTest(
      'is refused where Postgres is required, or the folder does not say whose it is; the log is left alone',
      async () => {
        const options = await optionsOf()
        const store = await openMemoryStore(options)
        await store.chunks.put({ key: 'kept', text: 'kept' })
        await postgres.stop()
        await store.close({ timeout: 500 })
        const away = { code: 'ERR_TIER_UNAVAILABLE', details: { tier: 'cold' } }
        await expect(openMemoryStore({ ...options, requireCold: true })).rejects.toMatchObject(away)
        await expect(openMemoryStore({ ...options, dir: await servers.folder() })).rejects.toMatchObject(away)
        await postgres.restart()
        await using again = await openMemoryStore({ ...options, timeouts: {} })
        expect((await again.chunks.getByKey('kept'))?.text).toBe('kept')
      },
    )
  })
})
