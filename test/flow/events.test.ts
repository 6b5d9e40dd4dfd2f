/** `store.on`: what happens in this process is told, and a listener breaks nothing. */
import { Redis } from 'ioredis'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { type MemoryStore, openMemoryStore, type StoreEvent } from '../../src/index.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { STORE_EVENTS } from '../../src/telemetry/store-events.ts'
import { editDatabase } from '../fault/edit-database.ts'
import { ManualClock } from '../tools/manual-clock.ts'
import { describeGated } from './gate.ts'
import { describeWithServers, embeddedPair, openInMemory, QUIET, shareStore, temporaryFolder } from './stores.ts'

type Told = Record<string, unknown> & { event: StoreEvent }

/** What the store tells from now on, as long as the test runs. */
function listenTo(store: MemoryStore, events: readonly StoreEvent[] = STORE_EVENTS): Told[] {
  const told: Told[] = []
  for (const event of events) {
    const listener = (what: object): void => void told.push({ event, ...what })
    store.on(event, listener)
    onTestFinished(() => void store.off(event, listener))
  }
  return told
}

describeGated('events', (tiers, pair) => {
  const { store, view, clock } = shareStore(tiers)
  afterEach(() => tiers.cold.allow())

  test('tell what was written and deleted, in which version, and nothing that an entry says', async () => {
    const { chunks, metadata } = view()
    const told = listenTo(store(), ['write', 'delete'])
    const secret = 'nobody else may read this'
    const put = await chunks.put({ text: secret, key: secret, metadata: { secret } })
    const updated = await chunks.update(put.id, { text: secret })
    const [one, other] = await view().write(
      [{ put: { kind: 'metadata', metadata: { secret } } }, { put: { kind: 'chunk', text: secret } }],
      { atomic: true },
    )
    await chunks.delete(put.id)
    await metadata.has(put.id)
    const place = { namespace: chunks.namespace, id: put.id }
    expect(told).toMatchObject([
      { event: 'write', entries: [{ ...place, version: put.version, kind: 'chunk' }] },
      { event: 'write', entries: [{ ...place, version: updated.version, kind: 'chunk' }] },
      {
        event: 'write',
        entries: [
          { id: one!.id, kind: 'metadata' },
          { id: other!.id, kind: 'chunk' },
        ],
      },
      { event: 'delete', entries: [place] },
    ])
    expect(JSON.stringify(told)).not.toContain(secret)
  })

  test('tell what moves, is shipped and is synced', async () => {
    const { chunks } = view()
    await store().sync()
    store().resetStats()
    const told = listenTo(store())
    const { id, version } = await chunks.put({ text: 'x' })
    const entry = { namespace: chunks.namespace, id, version }
    await store().sync()
    await pair.expireMarkers(clock)
    await chunks.get(id)
    await expect.poll(() => told.at(-1)?.event).toBe('promote')
    await chunks.demote(id)
    await pair.expireMarkers(clock)
    await chunks.promote(id)
    expect(told).toMatchObject([
      { event: 'write' },
      { event: 'checkpoint', shipped: 1, superseded: 0, rejected: 0, durationMs: expect.any(Number) },
      { event: 'demote', entries: [entry], early: false },
      { event: 'sync', ok: true, synced: 1, errors: 0 },
      { event: 'promote', entries: [entry] },
      { event: 'demote', entries: [entry], early: false },
      { event: 'promote', entries: [entry] },
    ])
    expect((await store().stats()).migrations).toMatchObject({ promoted: 2, demoted: 2, early: 0 })
  })

  test('tell that a tier went, that a sync failed, and that the tier is back', async () => {
    const told = listenTo(store(), ['tier-down', 'tier-up', 'sync'])
    tiers.cold.refuse()
    await expect(store().sync()).rejects.toMatchObject({ code: 'ERR_TIER_UNAVAILABLE' })
    await store().stats()
    tiers.cold.allow()
    await view().chunks.count()
    const since = expect.any(Date)
    expect(told).toEqual([
      { event: 'tier-down', tier: 'cold', since },
      { event: 'sync', ok: false, code: 'ERR_TIER_UNAVAILABLE' },
      { event: 'tier-up', tier: 'cold', since, awayMs: expect.any(Number) },
    ])
    expect(told[2]!.since).toEqual(told[0]!.since)
  })
})

test('a store tells what expired, and what left hot because that was full', async () => {
  const clock = new ManualClock()
  const hot = { maxEntries: 1 }
  await using store = await openInMemory({ clock, hot })
  const told = listenTo(store, ['expire', 'demote'])
  const receipts = await store.chunks.putMany([
    { text: 'a', ttl: '1h' },
    { text: 'b', ttl: '1h' },
  ])
  await expect.poll(() => told.length).toBe(1)
  const entries = receipts.map(({ namespace, id, version }) => ({ namespace, id, version }))
  expect(told).toEqual([{ event: 'demote', early: true, entries: expect.arrayContaining(entries) }])
  clock.advance(3_600_000)
  await store.sync()
  expect(told.slice(1)).toEqual([{ event: 'expire', count: 2 }])
})

test('a listener that fails breaks nothing, and the logger is told', async () => {
  const errors: object[] = []
  const logger = { ...silentLogger, error: (fields: object) => void errors.push(fields) }
  await using store = await openInMemory({ logger })
  const told: string[] = []
  store
    .on('write', () => {
      throw new Error('of a listener')
    })
    .on('write', (async () => {
      throw new Error('of another')
    }) as () => void)
    .on('write', () => void told.push('third'))
  await store.chunks.put({ text: 'x' })
  expect(told).toEqual(['third'])
  await expect.poll(() => errors).toMatchObject([{ event: 'write' }, { event: 'write' }])
})

describe('of one store', () => {
  const shared = shareStore(embeddedPair)

  test('a listener is told once, no more, or not twice, as was asked', async () => {
    const [store, { chunks }] = [shared.store(), shared.view()]
    const told: string[] = []
    const always = (): void => void told.push('always')
    const next = (): void => void told.push('next')
    store.on('write', always).on('write', always).once('write', next).once('write', always)
    await chunks.put({ text: 'x' })
    await chunks.put({ text: 'x' })
    expect(told).toEqual(['always', 'next', 'always'])
    store.off('write', always).off('write', always)
    await chunks.put({ text: 'x' })
    expect(told).toHaveLength(3)
  })

  test('a listener may write: that comes after what it was told of, and one told once is told once', async () => {
    const [store, { chunks }] = [shared.store(), shared.view()]
    let writes = 0
    let once = 0
    const written = new Promise<void>((resolve) => {
      store.on('write', () => {
        if (writes++ === 0) void chunks.put({ key: 'k', text: 'two' }).then(() => resolve())
      })
    })
    store.once('write', () => void once++)
    await chunks.put({ key: 'k', text: 'one' })
    await written
    expect({ writes, once }).toEqual({ writes: 2, once: 1 })
    expect(await chunks.getByKey('k')).toMatchObject({ text: 'two' })
  })

  test('an unknown event is refused by name, and what is no function', async () => {
    const store = shared.store()
    const refusal = { code: 'ERR_INVALID_OPTIONS', details: { option: 'event' } }
    for (const call of ['on', 'once', 'off'] as const)
      expect(() => store[call]('wrote' as never, () => {})).toThrow(expect.objectContaining(refusal))
    expect(() => store.on('write', 'no function' as never)).toThrow(/function/)
  })
})

test('acknowledged writes that the database refuses are told', async () => {
  const dir = await temporaryFolder()
  await (await openMemoryStore({ dir, ...QUIET })).close()
  await editDatabase(dir, 'ALTER TABLE thermocline.memory_entries ADD CHECK (position IS DISTINCT FROM 13)')
  await using store = await openMemoryStore({ dir, ...QUIET, logger: false })
  const told = listenTo(store, ['dead-letter', 'checkpoint'])
  await store.chunks.putMany([{ text: 'refused', documentId: 'd', position: 13 }, { text: 'taken' }])
  await store.checkpoint()
  expect(told).toMatchObject([
    { event: 'dead-letter', count: 1 },
    { event: 'checkpoint', shipped: 1, rejected: 1 },
  ])
  expect((await store.stats()).tiers.cold).toMatchObject({ deadLetters: 1 })
})

describeWithServers('of Redis', (servers) => {
  test('another generation is told', async () => {
    await using store = await servers.openStore()
    const told = listenTo(store, ['generation'])
    const { generation } = (await store.stats()).tiers.hot
    const client = new Redis(servers.redisUrl)
    await client.flushall()
    await client.quit()
    await store.chunks.put({ text: 'x' })
    const present = async () => (await store.stats()).tiers.hot.generation
    await expect.poll(present).toBeGreaterThan(generation!)
    expect(told).toEqual([{ event: 'generation', generation: await present() }])
  })
})
