/**
 * What was erased leaves the logs of other processes as well, each of which is a process here: those are asked, and
 * whoever erased it is told when they have done it.
 */
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Erased, MemoryStoreOptions, StandardSchema } from '../../src/index.ts'
import { QUIET } from '../flow/stores.ts'
import { canaryOf, filesWith, keysWith, tablesWith } from '../flow/traces.ts'
import { longTest } from '../tools/budget.ts'
import { clientOf } from '../tools/services.ts'
import { describeWithPrivateServers, openBackend } from './private-servers.ts'
import { RemoteBackend } from './remote-backend.ts'
import { GatedBackend } from './two-backends.ts'

/** It checkpoints as by default, and syncs when asked. */
const BY_DEFAULT = { sync: QUIET.sync } as const

describeWithPrivateServers('what one process erased and another wrote', (servers) => {
  async function backend(shared: Awaited<ReturnType<typeof servers.shared>>, options: MemoryStoreOptions = QUIET) {
    const dir = await servers.folder()
    return { dir, ...(await openBackend({ dir, ...shared, ...options })) }
  }

  const logsIn = (left: Erased['left']) => left.filter(({ place }) => place === 'log').map(({ name }) => name)

  test('is in no file, table, key or log once that has cut its log, whether it writes or is idle', async () => {
    const shared = await servers.shared()
    const [a, dirs] = [await backend(shared), [await servers.folder(), await servers.folder()]]
    const [idle, busy] = await Promise.all(dirs.map((dir) => RemoteBackend.start({ dir, ...shared, ...BY_DEFAULT })))
    const canary = canaryOf()
    const sql = clientOf(shared.cold.url)
    try {
      await a.store.chunks.put({ key: canary, text: canary })
      const puts = [idle!.put(`${canary} 1`, canary), busy!.put(`${canary} 2`, canary)]
      const ids = (await Promise.all(puts)).map(({ id }) => id)
      let isOver = false
      const writing = (async () => {
        for (let i = 0; !isOver; i++) await busy!.put(`kept ${i % 10}`, `kept ${i}`)
      })()
      for (const dir of dirs) expect(await filesWith(dir, [canary])).not.toEqual([])
      await a.store.chunks.erase([a.store.chunks.idOf(canary)])

      const erased = await a.store.chunks.erase(ids, { vacuum: 'full' })
      const left = await erased.done()

      isOver = true
      await writing
      expect(logsIn(left)).toEqual([])
      for (const dir of [a.dir, ...dirs]) expect(await filesWith(dir, [canary])).toEqual([])
      expect(await keysWith(servers.redisUrl, [canary])).toEqual([])
      expect(await tablesWith(sql, canary)).toEqual([])
      await sql`VACUUM (FULL) pg_catalog.pg_statistic`
      await sql`CHECKPOINT`
      expect(await filesWith(join(servers.postgres.dir, 'data', 'base'), [canary])).toEqual([])
      expect((await idle!.get(ids[0]!)) ?? (await busy!.get(ids[1]!))).toBeUndefined()
      expect(await a.store.chunks.count({ where: { text: { startsWith: 'kept' } } })).toBeGreaterThan(0)
    } finally {
      await sql.end()
      for (const remote of [idle!, busy!]) await remote.kill()
    }
  })

  longTest('stays named while that does nothing, and is gone with its log, which another process adopts', async () => {
    const shared = await servers.shared()
    const [a, dir] = [await backend(shared), await servers.folder()]
    const b = await RemoteBackend.start({ dir, ...shared, ...QUIET })
    const canary = canaryOf()
    const { id } = await b.put('mine', canary)
    expect(logsIn((await a.store.chunks.erase([id], { dryRun: true })).left)).toEqual([expect.any(String)])
    const erased = await a.store.chunks.erase([id])
    const names = logsIn(erased.left)
    expect(names).toEqual([expect.stringContaining(dir)])
    expect(logsIn(await erased.done({ within: 0 }))).toEqual(names)
    await b.kill()
    const waiting = erased.done()
    expect(await filesWith(dir, [canary])).not.toEqual([])
    const again = await openBackend({ dir, ...shared, ...BY_DEFAULT })
    expect(logsIn(await waiting)).toEqual([])
    expect(await filesWith(dir, [canary])).toEqual([])
    expect(await again.store.chunks.get(id)).toBeUndefined()
  })

  test('is gone with the log of a process that was killed in the folder of the one that waits', async () => {
    const shared = await servers.shared()
    const { dir, store } = await backend(shared)
    const b = await RemoteBackend.start({ dir, ...shared, ...QUIET })
    const canary = canaryOf()
    const { id } = await b.put('mine', canary)
    const erased = await store.chunks.erase([id])
    expect(logsIn(erased.left)).toHaveLength(1)
    await b.kill()
    expect(logsIn(await erased.done())).toEqual([])
    expect(await filesWith(dir, [canary])).toEqual([])
  })

  test('is asked for by each who erases, and whoever waits hears of a cut that another asked for later', async () => {
    const shared = await servers.shared()
    const [a, b, c] = [await backend(shared), await backend(shared), await backend(shared)]
    const { id } = await c.store.chunks.put({ text: canaryOf() })
    const first = await a.store.chunks.erase([id])
    const second = await b.store.chunks.erase([id])
    const namesOf = async (erased: Erased) => logsIn(await erased.done({ within: 0 }))
    const { id: walId } = (await c.store.stats()).wal
    const others = (await namesOf(first)).filter((name) => name!.includes(walId))
    expect(others).toHaveLength(1)
    await c.store.sync()
    for (const erased of [first, second]) expect(await namesOf(erased)).not.toContain(others[0])
  })

  test('is erased by what it is where its log ships it later, and stays where it was put later', async () => {
    const shared = await servers.shared()
    const [a, b] = [await backend(shared), await backend(shared)]
    const [canary, where] = [canaryOf(), { 'metadata.user': 'ada' }]
    const { id } = await b.store.chunks.put({ text: 'shipped', metadata: { user: 'ada' } })
    await b.store.checkpoint()
    await b.store.chunks.put({ text: canary, metadata: { user: 'ada' } })
    const erased = await a.store.chunks.erase({ where })
    expect(erased.erased).toBe(1)
    const later = await b.store.chunks.put({ text: 'later', metadata: { user: 'ada' } })
    await b.store.sync()
    expect(logsIn(await erased.done())).toEqual([])
    expect(await filesWith(b.dir, [canary])).toEqual([])
    const sql = clientOf(shared.cold.url)
    try {
      expect(await sql`SELECT 1 FROM thermocline.memory_entries WHERE text = ${canary}`).toEqual([])
    } finally {
      await sql.end()
    }
    const left = (await a.store.chunks.find({ where })).items.map((entry) => entry.id)
    expect(left).toEqual([later.id])
    expect(await b.store.chunks.get(id)).toBeUndefined()
  })

  longTest('is waited for where it replaces what was erased, and is not in the log yet', async () => {
    const shared = await servers.shared()
    const [a, dir, b] = [await backend(shared), await servers.folder(), new GatedBackend()]
    await using store = (await b.open({ dir, ...shared, ...QUIET })).store
    const canary = canaryOf()
    const { id } = await store.chunks.put({ text: 'before' })
    const replaced = b.cold.hold('replace')
    const updating = store.chunks.update(id, { text: canary })
    await replaced.arrived
    const erased = await a.store.chunks.erase([id])
    const asked = b.cold.hold('askedCut')
    const syncing = store.sync()
    await asked.arrived
    asked.release()
    await nextTurn()
    replaced.release()
    const [updated] = await Promise.allSettled([updating, syncing])
    expect(updated.status).toBe('fulfilled')
    expect(logsIn(await erased.done())).toEqual([])
    expect(await filesWith(dir, [canary])).toEqual([])
    expect(await store.chunks.get(id)).toBeUndefined()
  })

  test('is not waited for where a schema never answers, and is not written once it does', async () => {
    const shared = await servers.shared()
    const [a, dir, b] = [await backend(shared), await servers.folder(), new GatedBackend()]
    await using store = (await b.open({ dir, ...shared, ...QUIET })).store
    const canary = canaryOf()
    const { id } = await store.chunks.put({ text: canary, metadata: { n: 1 } })
    let answer = (_: { value: unknown }): void => {}
    let ask = (): void => {}
    const asked = new Promise<void>((resolve) => {
      ask = resolve
    })
    const validate = () => {
      ask()
      return new Promise<{ value: unknown }>((resolve) => {
        answer = resolve
      })
    }
    const schema = { '~standard': { version: 1, vendor: 'tests', validate } } as StandardSchema<object>
    const updating = store.chunks.withMetadata(schema).update(id, { metadata: { n: 2 } })
    const outcome = expect(updating).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
    await asked
    const erased = await a.store.chunks.erase([id])
    await store.sync()
    expect(logsIn(await erased.done({ within: 0 }))).toEqual([])
    const replaced: string[] = []
    b.cold.onCall = (method) => void (method === 'replace' && replaced.push(method))
    answer({ value: { n: 2 } })
    await outcome
    expect(replaced).toEqual([])
    expect(await filesWith(dir, [canary])).toEqual([])
  })

  longTest('is in no file of the database either, where that ships it after a vacuum', async () => {
    const shared = await servers.shared()
    const [a, b] = [await backend(shared), await backend(shared)]
    const sql = clientOf(shared.cold.url)
    // Its rows are all dead; what the server has of it on disk, it writes when it likes.
    const isEmpty = async () => (await sql`SELECT pg_relation_size('thermocline.entry_staging') = 0 AS yes`)[0]!.yes
    try {
      const { id } = await b.store.chunks.put({ text: 'a' })
      const erased = await a.store.chunks.erase([id], { vacuum: 'full' })
      await b.store.sync()
      expect(await isEmpty()).toBe(false)
      await erased.done()
      expect(await isEmpty()).toBe(true)
    } finally {
      await sql.end()
    }
  })

  longTest('is told of in time while a vacuum takes longer, which goes on', async () => {
    const shared = await servers.shared()
    const a = await new GatedBackend().open({ dir: await servers.folder(), ...shared, ...QUIET })
    await using _ = a.store
    const b = await backend(shared)
    const { id } = await b.store.chunks.put({ text: 'a' })
    const erased = await a.chunks.erase([id], { vacuum: 'full' })
    const remediesOf = (left: Erased['left']) => left.map(({ remedy }) => remedy).join()
    expect(logsIn(erased.left)).not.toEqual([])
    await b.store.sync()
    const held = a.cold.hold('vacuum')
    const left = await erased.done({ within: 500 })
    await held.arrived
    expect([logsIn(left), remediesOf(left)]).toEqual([[], expect.stringContaining('dead rows stay')])
    held.release()
    expect(remediesOf(await erased.done())).not.toContain('dead rows stay')
  })

  longTest('is not gone because a failover brings back what was asked for and done before', async () => {
    const shared = await servers.shared()
    const [a, b] = [await backend(shared), await backend(shared)]
    const sql = clientOf(shared.cold.url)
    const eraseOne = async () => a.store.chunks.erase([(await b.store.chunks.put({ text: canaryOf() })).id])
    const { id: walId } = (await b.store.stats()).wal
    const ofB = (left: Erased['left']) => logsIn(left).filter((name) => name!.startsWith(walId))
    try {
      const first = await eraseOne()
      await b.store.sync()
      expect(ofB(await first.done({ within: 0 }))).toEqual([])
      const [before] = await sql`SELECT cut_asked, cut_done FROM thermocline.wal_checkpoints WHERE wal_id = ${walId}`
      expect(before!.cut_done).toBe(before!.cut_asked)
      const second = await eraseOne()
      await sql`UPDATE thermocline.wal_checkpoints SET cut_asked = ${before!.cut_asked}, cut_done = ${before!.cut_done}
        WHERE wal_id = ${walId}`
      for (let look = 0; look < 3; look++) expect(ofB(await second.done({ within: 0 }))).toHaveLength(1)
      const third = await eraseOne()
      await b.store.sync()
      expect(ofB(await third.done({ within: 0 }))).toEqual([])
    } finally {
      await sql.end()
    }
  })

  longTest('may have been refused by the database when it was shipped, and is no dead letter in the end', async () => {
    const shared = await servers.shared()
    const [a, b] = [await backend(shared), await backend(shared)]
    const sql = clientOf(shared.cold.url)
    const canary = canaryOf()
    try {
      // What is refused before it is compared with the tombstone.
      await sql.unsafe(`ALTER TABLE thermocline.entry_staging ADD CONSTRAINT no_canary CHECK (text <> '${canary}')`)
      const { id } = await b.store.chunks.put({ text: canary })
      const erased = await a.store.chunks.erase([id])
      await b.store.sync()
      expect(await tablesWith(sql, Buffer.from(canary).toString('hex'))).toEqual(['dead_letters'])
      await erased.done()
      expect(await tablesWith(sql, Buffer.from(canary).toString('hex'))).toEqual([])
    } finally {
      await sql.end()
    }
  })

  test('is waited for as long as the caller likes, and no longer than the store is open', async () => {
    const shared = await servers.shared()
    const [a] = [await backend(shared), await backend(shared)]
    const erased = await a.store.chunks.erase([crypto.randomUUID()])
    await expect(erased.done({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    await expect(erased.done({ timeout: 1 } as never)).rejects.toMatchObject({ code: 'ERR_INVALID_OPTIONS' })
    // It may be told while closing goes on.
    const waiting = expect(erased.done()).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    await a.store.close()
    await waiting
  })
})
