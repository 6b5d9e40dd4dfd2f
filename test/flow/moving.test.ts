/** Moving entries between the tiers, and small calls by id, on each pair of drivers. */
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import type { NamespaceView } from '../../src/index.ts'
import { ManualClock } from '../tools/manual-clock.ts'
import { describeGated } from './gate.ts'
import { describePairs, embeddedPair, shareStore } from './stores.ts'

const isHot = async (chunks: NamespaceView['chunks'], id: string) => (await chunks.explain(id)).hot !== undefined

describePairs('by id', (pair) => {
  const { clock, store, view } = shareStore(pair)

  test('hasMany answers in order, and of its own kind alone', async () => {
    const { chunks, metadata, entries } = view()
    const { id } = await chunks.put({ text: 'x' })
    const { id: other } = await metadata.put({ metadata: {} })
    const { id: gone } = await chunks.put({ text: 'y' })
    await chunks.delete(gone)
    const ids = [other, id, randomUUID(), gone, id]
    expect(await chunks.hasMany(ids)).toEqual([false, true, false, false, true])
    expect(await entries.hasMany(ids)).toEqual([true, true, false, false, true])
    expect((await chunks.peek(id))?.accessCount).toBe(0)
  })

  test('touch counts an access, wherever the entry is, and makes no version', async () => {
    const { chunks } = view()
    const { id, version } = await chunks.put({ text: 'x' })
    await chunks.touch(id)
    await chunks.touch([id, id, randomUUID()])
    await store().sync()
    expect(await isHot(chunks, id)).toBe(false)
    await chunks.touch(id)
    await store().sync()
    expect(await chunks.peek(id)).toMatchObject({ version, accessCount: 4 })
  })

  test('expire lets an entry end, or live on, and keeps all else', async () => {
    const { chunks } = view()
    const createdAt = Date.UTC(2020, 0, 1)
    const given = { key: 'a', text: 'one', embedding: [1, 2], metadata: { a: 1 }, createdAt }
    const first = await chunks.put(given)
    const before = (await chunks.get(first.id))!
    const receipt = await chunks.expire(first.id, '1h')
    expect(receipt.version > first.version).toBe(true)
    const after = (await chunks.get(first.id))!
    const expiresAt = new Date(after.updatedAt.getTime() + 3_600_000)
    const { updatedAt, accessCount, lastAccessedAt } = after
    expect(after).toEqual({ ...before, version: receipt.version, updatedAt, expiresAt, accessCount, lastAccessedAt })
    await chunks.expire(first.id, null)
    expect(await chunks.get(first.id)).not.toHaveProperty('expiresAt')
    await chunks.expire(first.id, 1_000)
    clock.advance(1_000)
    expect(await chunks.get(first.id)).toBeUndefined()
    await expect(chunks.expire(first.id, '1h')).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
  })

  test('expire loses no update at the same time, and expects a version', async () => {
    const { metadata, chunks } = view()
    const { id, version } = await metadata.put({ metadata: {} })
    await Promise.all([
      ...Array.from({ length: 6 }, (_, n) => metadata.update(id, { metadata: { [n]: 1 } })),
      ...Array.from({ length: 6 }, (_, n) => metadata.expire(id, 3_600_000 + n)),
    ])
    expect(await metadata.get(id)).toMatchObject({ expiresAt: expect.any(Date), metadata: { 0: 1, 5: 1 } })
    const late = metadata.expire(id, '1h', { expectedVersion: version })
    await expect(late).rejects.toMatchObject({ code: 'ERR_CONFLICT' })
    await expect(chunks.expire(id, '1h')).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
  })

  test.each([[undefined], [0], [-1], ['soon'], [Number.NaN], [Number.POSITIVE_INFINITY]])(
    'expire refuses %j',
    async (ttl) => {
      const { chunks } = view()
      const { id, version } = await chunks.put({ text: 'x' })
      const refusal = chunks.expire(id, ttl as never)
      await expect(refusal).rejects.toMatchObject({ code: 'ERR_INVALID_ENTRY', details: { field: 'ttl' } })
      expect(await chunks.get(id)).toMatchObject({ version })
    },
  )
})

describeGated('moving', (tiers, pair) => {
  const { clock, store, view } = shareStore({ open: (options) => tiers.open(options) }, { promote: false })

  test('demote takes an entry out of hot once cold has it, and says what became of each', async () => {
    const { chunks, metadata } = view()
    const { id } = await chunks.put({ text: 'x' })
    const { id: other } = await metadata.put({ metadata: {} })
    expect(await chunks.demote([id, randomUUID(), other, id])).toEqual(['demoted', 'not-hot', 'not-hot', 'demoted'])
    const { hot, cold, pending } = await chunks.explain(id)
    expect([hot, cold?.version]).toEqual([undefined, pending?.version])
    expect(await chunks.demote(id)).toBe('not-hot')
    expect(await isHot(chunks, other)).toBe(true)
    expect((await chunks.get(id))?.text).toBe('x')
  })

  test('demote keeps what is written meanwhile, and what cold would not take', async () => {
    const { chunks } = view()
    const { id } = await chunks.put({ key: 'a', text: 'old' })
    const looked = tiers.cold.hold('versions')
    const demoted = chunks.demote(id)
    await looked.arrived
    const { version } = await chunks.put({ key: 'a', text: 'new' })
    looked.release()
    expect(await demoted).toBe('kept')
    expect((await chunks.explain(id)).hot?.version).toBe(version)
    const { version: newest } = await chunks.put({ key: 'a', text: 'newest' })
    tiers.cold.refuse('upsert')
    await expect(chunks.demote(id)).rejects.toMatchObject({ code: 'ERR_TIER_UNAVAILABLE' })
    tiers.cold.allow()
    expect((await chunks.explain(id)).hot?.version).toBe(newest)
  })

  test('promote brings an entry into hot, but not behind what left it', async () => {
    const { chunks, metadata } = view()
    const { id } = await chunks.put({ text: 'x' })
    expect(await chunks.promote(id)).toBe('already-hot')
    await chunks.demote(id)
    expect(await chunks.promote(id)).toBe('refused')
    expect(await isHot(chunks, id)).toBe(false)
    await store().checkpoint()
    await pair.expireMarkers(clock)
    expect(await metadata.promote(id)).toBe('absent')
    expect(await chunks.promote([randomUUID(), id, id])).toEqual(['absent', 'promoted', 'promoted'])
    expect(await isHot(chunks, id)).toBe(true)
    expect((await chunks.peek(id))?.accessCount).toBe(0)
  })

  test('promote takes what only pending has, and no deleted entry', async () => {
    const { chunks } = view()
    tiers.hot.refuse('write')
    const { id } = await chunks.put({ text: 'x' })
    const { id: gone } = await chunks.put({ text: 'y' })
    await chunks.delete(gone)
    tiers.hot.allow()
    expect(await isHot(chunks, id)).toBe(false)
    expect(await chunks.promote([id, gone])).toEqual(['promoted', 'absent'])
    // Cold gets it by the next checkpoint, which says what hot may hold older.
    expect(await chunks.explain(id)).toMatchObject({ hot: { version: expect.any(String) }, cold: undefined })
    await store().checkpoint()
    expect((await chunks.get(id))?.text).toBe('x')
  })

  /** A write comes, and leaves hot, while a promotion has the version before in its hands. */
  async function promoteOvertaken(meanwhile?: () => Promise<void>): Promise<void> {
    const { chunks } = view()
    const write = async (text: string) => {
      const { id } = await chunks.put({ key: 'a', text })
      await store().checkpoint()
      await chunks.demote(id)
      return id
    }
    const id = await write('old')
    await pair.expireMarkers(clock)
    const read = tiers.cold.hold('read')
    const promoted = chunks.promote(id)
    await read.arrived
    await write('new')
    await meanwhile?.()
    read.release()
    expect(await promoted).toBe('refused')
    expect(await isHot(chunks, id)).toBe(false)
    expect((await chunks.get(id))?.text).toBe('new')
  }

  test('promote does not put an older version behind a write that came while cold was read', () => promoteOvertaken())

  test.runIf(pair === embeddedPair)('promote is late where cold took long: what left meanwhile may be forgotten', () =>
    promoteOvertaken(() => pair.expireMarkers(clock)),
  )

  test('rejects while hot is away', async () => {
    const { chunks } = view()
    const { id } = await chunks.put({ text: 'x' })
    tiers.hot.refuse('read')
    for (const move of [chunks.promote(id), chunks.demote([id])])
      await expect(move).rejects.toMatchObject({ code: 'ERR_TIER_UNAVAILABLE', details: { tier: 'hot' } })
    tiers.hot.allow()
  })

  test('prefetch brings the first that match into hot, children where asked', async () => {
    const here = view()
    const { chunks } = here
    const inputs = Array.from({ length: 12 }, (_, position) => ({ text: 'x', documentId: 'd', position }))
    const receipts = await chunks.putMany([...inputs, { text: 'other', documentId: 'e' }])
    const below = await here.namespace('child').chunks.put({ text: 'x', documentId: 'd' })
    await here.metadata.put({ metadata: {} })
    await store().sync()
    await pair.expireMarkers(clock)
    const where = { documentId: 'd' }
    expect(await chunks.prefetch(where, { limit: 5, orderBy: { position: 'desc' } })).toBe(5)
    const hot = await Promise.all(receipts.map(({ id }) => isHot(chunks, id)))
    expect(hot).toEqual(receipts.map((_, i) => i >= 7 && i < 12))
    expect(await chunks.prefetch(where)).toBe(7)
    expect(await isHot(here.namespace('child').chunks, below.id)).toBe(false)
    expect(await chunks.prefetch(where, { recursive: true })).toBe(1)
    expect(await chunks.prefetch(where, { recursive: true })).toBe(0)
    await expect(chunks.prefetch({ nonsense: 1 } as never)).rejects.toMatchObject({ code: 'ERR_INVALID_QUERY' })
  })
})

test.each([
  ['entries', { maxEntries: 20 }, 16],
  ['bytes', { maxBytes: 100_000 }, 9],
])('prefetch ends where hot has no room for more %s', async (_, hot, expected) => {
  const clock = new ManualClock()
  await using store = await embeddedPair.open({ hot, clock })
  await store.chunks.putMany(Array.from({ length: 40 }, (_, n) => ({ text: 'x'.repeat(10_000), position: n })))
  await store.sync()
  await embeddedPair.expireMarkers(clock)
  await store.metadata.putMany(Array.from({ length: 4 }, (_, n) => ({ metadata: { n } })))
  expect(await store.chunks.prefetch({ position: { gte: 0 } })).toBe(expected)
})
