/** Acknowledged writes that the database refused: what is told of them, and what becomes of those that are retried. */
import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import type { MemoryStore } from '../../src/index.ts'
import { openMemoryStore } from '../../src/index.ts'
import { chunkOf } from '../../src/testkit/contract/cold-records.ts'
import { queryServer } from '../fault/edit-database.ts'
import { openBackend } from '../servers/private-servers.ts'
import { describeWithServers, QUIET } from './stores.ts'

const FORBID = `ALTER TABLE thermocline.memory_entries ADD CONSTRAINT no_13 CHECK (position IS DISTINCT FROM 13)`
const ALLOW = 'ALTER TABLE thermocline.memory_entries DROP CONSTRAINT no_13'

/** As people write it, without a code of its own. */
const REFUSE_13 = `CREATE FUNCTION public.refuse_13() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.position = 13 THEN RAISE EXCEPTION 'no 13'; END IF;
    RETURN NEW;
  END $$`
const BY_TRIGGER = `CREATE TRIGGER no_13 BEFORE INSERT OR UPDATE ON thermocline.memory_entries
  FOR EACH ROW EXECUTE FUNCTION public.refuse_13()`

const REFUSE_DELETES = `CREATE FUNCTION public.refuse_deletes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.deleted_at IS NOT NULL THEN RAISE EXCEPTION 'no deletes'; END IF;
    RETURN NEW;
  END $$`
const BY_TRIGGER_ON_DELETES = `CREATE TRIGGER no_deletes BEFORE INSERT OR UPDATE ON thermocline.memory_entries
  FOR EACH ROW EXECUTE FUNCTION public.refuse_deletes()`

test('of an embedded database are listed page by page, say nothing unless asked, and are given up', async () => {
  const { store, cold } = await openBackend({ inMemory: true, ...QUIET, logger: false })
  const { version } = await store.chunks.put({ key: 'kept', text: 'kept' })
  const letters = [1, 2, 3].map((n) => chunkOf('default', n, n, { key: `k${n}`, text: `secret ${n}`, position: -1 }))
  await cold.upsert(letters)
  const first = await store.deadLetters({ limit: 2 })
  const { items, nextCursor } = await store.deadLetters({ limit: 2, cursor: first.nextCursor })
  expect([first.items.length, items.length, nextCursor]).toEqual([2, 1, undefined])
  const all = [...first.items, ...items]
  expect(all.map(({ key }) => key).sort()).toEqual(['k1', 'k2', 'k3'])
  expect(all[0]).toMatchObject({ namespace: 'default', kind: 'chunk', reason: expect.any(String), log: undefined })
  expect(JSON.stringify(all)).not.toContain('secret')
  const { items: whole } = await store.deadLetters({ content: true })
  expect(whole.map(({ content }) => content?.text).sort()).toEqual(['secret 1', 'secret 2', 'secret 3'])
  await expect(store.deadLetters({ cursor: 'x' })).rejects.toMatchObject({ code: 'ERR_INVALID_QUERY' })
  for (const wrong of ['every', ['k1'], undefined])
    await expect(store.retryDeadLetters(wrong as never)).rejects.toMatchObject({ details: { option: 'letters' } })

  const { letter, reason } = all.find(({ key }) => key === 'k1')!
  const refused = { matched: 1, written: 0, superseded: 0, refused: { [reason]: 1 } }
  expect(await store.retryDeadLetters([letter, 'f'.repeat(64)])).toEqual(refused)
  expect(await store.dropDeadLetters([letter, letter])).toEqual({ matched: 1, dropped: 1 })
  expect((await store.stats()).cold?.deadLetters).toBe(2)
  await cold.upsert([chunkOf('default', 2, 9, { key: 'k2' })])
  expect(await store.retryDeadLetters('all')).toMatchObject({ matched: 2, superseded: 1, refused: { [reason]: 1 } })
  expect(await store.dropDeadLetters('all')).toEqual({ matched: 1, dropped: 1 })
  expect(await store.deadLetters()).toEqual({ items: [] })
  expect(await store.chunks.getByKey('kept')).toMatchObject({ version })
})

describeWithServers('dead letters', (servers) => {
  async function backends(): Promise<[MemoryStore, MemoryStore, (sql: string) => Promise<unknown>]> {
    const shared = await servers.shared()
    const open = async () => openMemoryStore({ dir: await servers.folder(), ...shared, ...QUIET, logger: false })
    return [await open(), await open(), (sql) => queryServer(shared.cold.url, sql)]
  }

  test('bring back nothing that was deleted, erased, or written over since, in any tier or process', async () => {
    const [one, two, run] = await backends()
    await using _ = one
    await using __ = two
    await run(FORBID)
    const ids = await one.chunks.putMany(
      ['deleted', 'unshipped', 'erased', 'changed', 'lost'].map((key) => ({ key, text: key, position: 13 })),
    )
    await one.checkpoint()
    expect((await one.deadLetters()).items).toHaveLength(5)
    const [deleted, unshipped, erased, changed, lost] = ids.map(({ id }) => id) as [
      string,
      string,
      string,
      string,
      string,
    ]
    await two.chunks.delete(deleted)
    await two.checkpoint()
    await one.chunks.delete(unshipped)
    await two.chunks.erase([erased])
    await two.chunks.put({ key: 'changed', text: 'newer' })
    await run(ALLOW)
    expect(await one.retryDeadLetters('all')).toEqual({ matched: 4, written: 2, superseded: 2, refused: {} })
    const read = (store: MemoryStore) => store.chunks.getMany([deleted, unshipped, erased, changed, lost])
    const expected = [undefined, undefined, undefined, { text: 'newer' }, { text: 'lost' }]
    for (const store of [one, two]) expect(await read(store)).toMatchObject(expected)
    await two.checkpoint()
    for (const store of [one, two]) {
      expect(await read(store)).toMatchObject(expected)
      const { items } = await store.chunks.find()
      expect(items.map(({ text }) => text).sort()).toEqual(['lost', 'newer'])
    }
  })

  test('are what a trigger refuses, and hold up nothing else', async () => {
    const [one, two, run] = await backends()
    await using _ = one
    await using __ = two
    await run(REFUSE_13)
    await run(BY_TRIGGER)
    const ids = await one.chunks.putMany([12, 13, 14].map((position) => ({ text: `${position}`, position })))
    expect(await one.checkpoint()).toMatchObject({ shipped: 2, rejected: 1 })
    expect((await one.deadLetters()).items).toMatchObject([{ id: ids[1]!.id, reason: 'P0001' }])
    const texts = Array.from({ length: 14 }, (_, n) => ({ text: `${n}` }))
    const refused = two.chunks.replaceDocument('d', texts)
    await expect(refused).rejects.toMatchObject({ code: 'ERR_TIER_UNAVAILABLE', details: { outcome: 'none' } })
    expect((await two.chunks.ofDocument('d')).items).toEqual([])
    await run('DROP TRIGGER no_13 ON thermocline.memory_entries')
    expect(await one.retryDeadLetters('all')).toMatchObject({ written: 1, refused: {} })
  })

  test('are told to who waits until the database has what was written', async () => {
    const [one, two, run] = await backends()
    await using _ = one
    await using __ = two
    const { id: kept } = await one.chunks.put({ text: 'kept' }, { durability: 'cold' })
    await run(FORBID)
    const refused = {
      code: 'ERR_TIER_UNAVAILABLE',
      retryable: false,
      message: expect.stringContaining('dead letter'),
      details: { tier: 'cold', outcome: 'applied', id: expect.any(String) },
    }
    const cold = { durability: 'cold' } as const
    await expect(one.chunks.put({ text: 'a', position: 13 }, cold)).rejects.toMatchObject(refused)
    const inputs = [12, 13, 14].map((position) => ({ text: 'b', position }))
    const outcomes = await one.chunks.putMany(inputs, { ...cold, settle: true })
    expect(outcomes).toMatchObject([{ ok: true }, { ok: false, error: refused }, { ok: true }])
    expect((await one.deadLetters()).items).toHaveLength(2)
    // What is behind them is there, and so is what comes later.
    expect(await one.chunks.put({ text: 'c' }, cold)).toMatchObject({ durability: 'cold' })

    await run(REFUSE_DELETES)
    await run(BY_TRIGGER_ON_DELETES)
    await expect(one.chunks.delete(kept, cold)).rejects.toMatchObject(refused)
    // Of what was never there, nothing is left.
    await one.chunks.delete(one.chunks.idOf('never there'), cold)
    const erased = one.chunks.erase([kept])
    await expect(erased).rejects.toMatchObject({ details: { outcome: 'partial', counts: { matched: 1, erased: 0 } } })
  })

  test('replace what hot got meanwhile of the version before', async () => {
    const [one, two, run] = await backends()
    await using _ = one
    await using __ = two
    const { id } = await one.chunks.put({ key: 'k', text: 'before' })
    await one.sync()
    await run(FORBID)
    await one.chunks.put({ key: 'k', text: 'after', position: 13 })
    await one.checkpoint()
    const redis = new Redis(servers.redisUrl)
    await redis.flushall()
    await redis.quit()
    for (const store of [one, two]) await store.sync()
    expect(await two.chunks.get(id)).toMatchObject({ text: 'before' })
    await run(ALLOW)
    expect(await one.retryDeadLetters('all')).toMatchObject({ written: 1 })
    expect(await one.chunks.get(id)).toMatchObject({ text: 'after' })
    await two.sync()
    expect(await two.chunks.get(id)).toMatchObject({ text: 'after' })
  })

  test('are given up in hot as well, which would bring them to the database once more', async () => {
    const [one, two, run] = await backends()
    await using _ = one
    await using __ = two
    await run(FORBID)
    const { id } = await one.chunks.put({ text: 'refused', position: 13 })
    await one.checkpoint()
    expect(await two.chunks.get(id)).toMatchObject({ text: 'refused' })
    expect(await two.dropDeadLetters('all')).toEqual({ matched: 1, dropped: 1 })
    await one.sync()
    expect(await two.deadLetters()).toEqual({ items: [] })
    for (const store of [one, two]) expect(await store.chunks.get(id)).toBeUndefined()
  })
})
