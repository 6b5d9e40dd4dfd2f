/** What is erased from servers is in no key, no row and no file of a log, and the answer says what is left where. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import type { MemoryStoreOptions } from '../../src/index.ts'
import { QUIET } from '../flow/stores.ts'
import { canaryOf, canaryVector, filesWith, keysWith, tablesWith } from '../flow/traces.ts'
import { clientOf } from '../tools/services.ts'
import { describeWithPrivateServers, openBackend } from './private-servers.ts'
import { RemoteBackend } from './remote-backend.ts'

describeWithPrivateServers('what was erased', (servers) => {
  async function backend(shared: Awaited<ReturnType<typeof servers.shared>>, options: MemoryStoreOptions = QUIET) {
    const dir = await servers.folder()
    return { dir, ...(await openBackend({ dir, ...shared, ...options })) }
  }

  test('is in no key, no row and no file of the log, and once all is written anew in no file of a table', async () => {
    const shared = await servers.shared()
    const { dir, store } = await backend(shared)
    const [canary, vector] = [canaryOf(), canaryVector(16)]
    const needles = [canary, Buffer.from(vector.buffer)]
    const view = store.namespace('tenant')
    const where = { 'metadata.user': canary }
    const receipts = await view.chunks.putMany(
      Array.from({ length: 20 }, (_, i) => ({
        ...{ text: `${canary} ${i}`, key: `${canary}-${i}`, metadata: { user: canary }, embedding: vector },
      })),
    )
    await store.sync()
    await view.chunks.update(receipts[0]!.id, { text: `${canary} anew` }, { idempotencyKey: `${canary} asks` })
    await view.chunks.getMany(receipts.map(({ id }) => id))
    await view.chunks.put({ text: canary, metadata: { user: canary } })
    const sql = clientOf(shared.cold.url)
    try {
      await sql`ANALYZE thermocline.memory_entries, thermocline.idempotency_keys`
      expect(await keysWith(servers.redisUrl, needles)).not.toEqual([])
      expect(await tablesWith(sql, canary)).not.toEqual([])

      const erased = await view.chunks.erase({ where }, { vacuum: true })

      expect(erased).toMatchObject({ matched: 21, erased: 21, removed: { idempotencyKeys: 1 } })
      expect(erased.left.map(({ place }) => place)).toEqual(['redis-files', 'database-files', 'database-log'])
      expect(await keysWith(servers.redisUrl, needles)).toEqual([])
      expect(await tablesWith(sql, canary)).toEqual([])
      expect(await filesWith(dir, needles)).toEqual([])

      await view.chunks.erase([], { vacuum: 'full' })
      await sql`VACUUM (FULL) pg_catalog.pg_statistic`
      await sql`CHECKPOINT`
      expect(await filesWith(join(servers.postgres.dir, 'data', 'base'), needles)).toEqual([])
    } finally {
      await sql.end()
    }
  })

  test('is in no key of an earlier generation of Redis either', async () => {
    const shared = await servers.shared()
    const { store } = await backend(shared)
    const canary = canaryOf()
    const { id } = await store.chunks.put({ text: canary })
    const redis = new Redis(servers.redisUrl)
    const [own] = await keysWith(servers.redisUrl, [canary])
    const [storeId] = own!.split(':')
    await redis.set(`${storeId}:earlier:0}:e:${id}`, canary)
    await redis.quit()
    await store.chunks.erase([id])
    expect(await keysWith(servers.redisUrl, [canary])).toEqual([])
  })

  test('is no dead letter and no staged row, by what it is as by its id', async () => {
    const shared = await servers.shared()
    const { store, cold } = await backend(shared)
    const canary = canaryOf()
    const put = async (user: string) => store.chunks.put({ text: 'a', documentId: 'd', metadata: { user } })
    const [{ id }, { id: other }] = [await put(canary), await put('other')]
    await store.checkpoint()
    const [row, kept] = await cold.read([id, other].map((id) => ({ namespace: 'default', id })))
    const refused = { position: -1, version: 'f'.repeat(24) }
    await cold.upsert([
      { ...row!.record, ...refused, text: canary },
      // Of an entry that cold does not have.
      { ...row!.record, ...refused, id: crypto.randomUUID() },
      // Of one that is to go, and does not match by itself.
      { ...row!.record, ...refused, metadata: null, text: `${canary} alone` },
      { ...kept!.record, ...refused, text: 'kept' },
    ])
    expect(await cold.stats()).toMatchObject({ deadLetters: 4 })
    const sql = clientOf(shared.cold.url)
    try {
      await sql`INSERT INTO thermocline.entry_staging
        (batch_id, namespace, id, version, kind, text, created_at, updated_at)
        SELECT gen_random_uuid(), 'default', ${id}, ${'0'.repeat(24)}, 'chunk', ${canary}, now(), now()
        FROM generate_series(1, 3)`
      // As the server does by itself: what it finds to be there often, it keeps in its statistics.
      await sql`ANALYZE thermocline.entry_staging, thermocline.dead_letters`
      expect(await tablesWith(sql, canary)).toEqual(['dead_letters', 'entry_staging', 'memory_entries'].sort())
      const erased = await store.chunks.erase({ where: { 'metadata.user': canary } })
      expect(erased).toMatchObject({ matched: 1, erased: 1, removed: { staged: 3, deadLetters: 3 } })
      expect(await tablesWith(sql, canary)).toEqual([])
      expect(await store.chunks.erase([other])).toMatchObject({ removed: { deadLetters: 1 } })
      expect(await cold.stats()).toMatchObject({ deadLetters: 0 })
    } finally {
      await sql.end()
    }
  })

  test('is told to be in the log of another process, which lets go of it with its next sync', async () => {
    const shared = await servers.shared()
    const [a, b] = [await backend(shared), await backend(shared)]
    const canary = canaryOf()
    const { id } = await b.store.chunks.put({ text: canary })
    // Cold has what b wrote once b ships it; a erases it before, by its id, as hot shows it.
    const first = await a.store.chunks.erase([id])
    const { id: walId } = (await b.store.stats()).wal
    expect(first.left).toContainEqual({
      place: 'log',
      name: expect.stringContaining(walId),
      remedy: expect.stringContaining('`done()` waits'),
      isUnfinished: true,
    })
    await b.store.checkpoint()
    for (const { store } of [a, b]) expect(await store.chunks.has(id)).toBe(false)
    expect(await filesWith(b.dir, [canary])).not.toEqual([])
    await b.store.sync()
    expect(await filesWith(b.dir, [canary])).toEqual([])
    expect((await first.done()).filter(({ place }) => place === 'log')).toEqual([])
  })

  test('is found as well in the log of a process that died', async () => {
    const shared = await servers.shared()
    const { dir, store } = await backend(shared)
    const dead = await RemoteBackend.start({ dir, ...shared, ...QUIET })
    const canary = canaryOf()
    const { id } = await dead.put('mine', canary)
    await dead.kill()
    const { matched, erased, left } = await store.entries.erase({ where: { text: canary } })
    expect({ matched, erased }).toEqual({ matched: 1, erased: 1 })
    expect(left.filter(({ place }) => place === 'log')).toEqual([])
    expect(await store.entries.get(id)).toBeUndefined()
    expect(await filesWith(dir, [canary])).toEqual([])
  })

  test('is told to be in hot while that is away, and is gone from there once it was erased again', async () => {
    const shared = await servers.shared()
    const { store } = await backend(shared, { ...QUIET, timeouts: { hot: 500 } })
    const canary = canaryOf()
    const { id } = await store.chunks.put({ text: canary })
    servers.redis.signal('SIGSTOP')
    const { left } = await store.chunks.erase([id])
    expect(left.map(({ place }) => place)).toContain('hot')
    servers.redis.signal('SIGCONT')
    await expect
      .poll(async () => (await store.chunks.erase([id])).left.some(({ place }) => place === 'hot'))
      .toBe(false)
    expect(await keysWith(servers.redisUrl, [canary])).toEqual([])
  })

  test('is told to be in rows that a session may still read', async () => {
    const shared = await servers.shared()
    const { store } = await backend(shared)
    const { id } = await store.chunks.put({ text: 'a' })
    const sql = clientOf(shared.cold.url)
    try {
      const erase = async () =>
        (await store.chunks.erase([id], { vacuum: true })).left.flatMap(({ name }) => name ?? [])
      await sql.begin('ISOLATION LEVEL REPEATABLE READ', async (reading) => {
        const [own] = await reading`SELECT pg_backend_pid() AS pid`
        expect(await erase()).toEqual([`session ${own!.pid}`])
      })
      expect(await erase()).toEqual([])
    } finally {
      await sql.end()
    }
  })

  test('is told to be in a log that was set aside', async () => {
    const shared = await servers.shared()
    const { dir, store } = await backend(shared)
    const { id } = await store.chunks.put({ text: 'a' })
    await store.checkpoint()
    await mkdir(join(dir, 'quarantine', 'damaged'), { recursive: true })
    expect((await store.chunks.erase([id])).left).toContainEqual({
      place: 'quarantine',
      name: join(dir, 'quarantine', 'damaged'),
      remedy: expect.any(String),
      isUnfinished: true,
    })
  })
})
