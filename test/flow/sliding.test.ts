/** What slides lives while it is read, on every tier and on its way through them, and never longer than that. */
import { expect, test } from 'vitest'
import type { MemoryStore, MemoryStoreOptions } from '../../src/index.ts'
import { someOf } from '../tools/budget.ts'
import { describeGated, type GatedTiers } from './gate.ts'
import { shareStore, temporaryFolder, vectorOf } from './stores.ts'

const MINUTE = 60_000
const TTL = 100 * MINUTE

/** What reads keep alive is extended behind them: once cold was told, and hot. */
async function extended(tiers: GatedTiers, read: () => Promise<unknown>): Promise<void> {
  const held = tiers.hot.hold('extend')
  await read()
  await held.arrived
  held.release()
}

/** Where a change of one tier is enough. */
async function slid(tiers: GatedTiers, read: () => Promise<unknown>): Promise<void> {
  const held = tiers.cold.hold('slide')
  await read()
  await held.arrived
  held.release()
}

describeGated('what slides', (tiers) => {
  const { store, view, clock } = shareStore({ open: (options) => tiers.open(options) })
  const put = (chunks: MemoryStore['chunks'], text = 'a session') =>
    chunks.put({ text, ttl: TTL, sliding: true, embedding: vectorOf(1) })

  test('is extended by a read that finds less than three quarters left, under its version', async () => {
    const { chunks } = view()
    const { id, version } = await put(chunks)
    const written = (await chunks.peek(id))!
    expect(written).toMatchObject({ slidingTtl: TTL, expiresAt: new Date(clock.now() + TTL) })
    clock.advance(TTL / 4)
    await chunks.get(id)
    expect((await chunks.peek(id))?.expiresAt).toEqual(written.expiresAt)
    clock.advance(1)
    await extended(tiers, () => chunks.get(id))
    expect(await chunks.peek(id)).toMatchObject({ version, expiresAt: new Date(clock.now() + TTL), slidingTtl: TTL })
  })

  test.each([
    ['get', (chunks: MemoryStore['chunks'], id: string) => chunks.get(id)],
    ['getMany', (chunks: MemoryStore['chunks'], id: string) => chunks.getMany([id])],
    ['touch', (chunks: MemoryStore['chunks'], id: string) => chunks.touch(id)],
    ['search', (chunks: MemoryStore['chunks']) => chunks.search({ embedding: vectorOf(1), select: ['id'] })],
  ])('is extended by %s, and neither by peek nor by find', async (_, read) => {
    const { chunks } = view()
    const { id } = await put(chunks)
    const { expiresAt } = (await chunks.peek(id))!
    await store().checkpoint()
    clock.advance(TTL / 2)
    await chunks.find()
    expect((await chunks.peek(id))?.expiresAt).toEqual(expiresAt)
    await extended(tiers, () => read(chunks, id))
    expect((await chunks.peek(id))?.expiresAt).toEqual(new Date(clock.now() + TTL))
  })

  test('lives on while it is read, for every kind of read, shipped or not, hot or not', async () => {
    const { chunks } = view()
    const { id, version } = await put(chunks)
    const isThere = async () => {
      expect(await chunks.peek(id)).toMatchObject({ version })
      expect((await chunks.find()).items).toHaveLength(1)
      expect(await chunks.count()).toBe(1)
      expect((await chunks.search({ embedding: vectorOf(1), countAccess: false })).hits).toHaveLength(1)
    }
    const readsOn = async () => {
      for (let i = 0; i < 3; i++) {
        clock.advance(TTL * 0.7)
        await extended(tiers, () => chunks.get(id))
        await isThere()
      }
    }
    await readsOn()
    await store().checkpoint()
    await readsOn()
    expect(await chunks.demote(id)).toBe('demoted')
    await readsOn()
    await chunks.promote(id)
    await readsOn()
    clock.advance(TTL)
    expect(await chunks.get(id)).toBeUndefined()
    expect(await chunks.count()).toBe(0)
  })

  test('is not brought back by a read that comes too late, nor by one of what was deleted since', async () => {
    const { chunks } = view()
    const [gone, deleted] = [await put(chunks), await put(chunks)]
    clock.advance(TTL / 2)
    const held = tiers.cold.hold('slide', 'before')
    await chunks.get(deleted.id)
    await held.arrived
    await chunks.delete(deleted.id)
    held.release()
    await store().checkpoint()
    clock.advance(TTL / 2)
    await chunks.get(gone.id)
    for (const { id } of [gone, deleted]) expect(await chunks.get(id)).toBeUndefined()
    expect(await chunks.count()).toBe(0)
    expect((await chunks.explain(deleted.id)).cold?.deleted).toBe(true)
  })

  test('is there by cold where hot has not heard of it, and hot hears of it then', async () => {
    const { chunks } = view()
    const { id } = await put(chunks)
    await store().checkpoint()
    clock.advance(TTL / 2)
    tiers.hot.refuse('extend')
    await slid(tiers, () => chunks.get(id))
    await store().checkpoint()
    tiers.hot.allow()
    clock.advance(TTL / 2)
    const told = tiers.hot.hold('extend')
    expect(await chunks.get(id)).toBeDefined()
    await told.arrived
    told.release()
    expect((await chunks.explain(id)).hot).toMatchObject({ expired: false })
  })

  test('is neither there nor gone where hot has not heard of it and cold is away', async () => {
    const { chunks } = view()
    const { id } = await put(chunks)
    await store().checkpoint()
    clock.advance(TTL)
    tiers.cold.refuse('read')
    await expect(chunks.get(id)).rejects.toMatchObject({ code: 'ERR_TIER_UNAVAILABLE' })
    tiers.cold.allow()
    expect(await chunks.get(id)).toBeUndefined()
  })

  test('waits for cold while that is away, and is extended from the time of the read', async () => {
    const { chunks } = view()
    const { id } = await put(chunks)
    clock.advance(TTL / 2)
    const expected = new Date(clock.now() + TTL)
    tiers.cold.refuse('slide')
    await chunks.get(id)
    clock.advance(MINUTE)
    tiers.cold.allow()
    await extended(tiers, () => chunks.get(id))
    const { expiresAt } = (await chunks.peek(id))!
    expect(expiresAt!.getTime()).toBeGreaterThanOrEqual(expected.getTime())
  })

  test('keeps its ttl through an update, takes another with `expire`, and goes back as it was read', async () => {
    const { chunks } = view()
    const { id } = await put(chunks)
    const before = (await chunks.peek(id))!
    await chunks.update(id, { text: 'changed' })
    expect(await chunks.peek(id)).toMatchObject({ text: 'changed', slidingTtl: TTL, expiresAt: before.expiresAt })
    await chunks.put((await chunks.peek(id))!)
    expect(await chunks.peek(id)).toMatchObject({ slidingTtl: TTL, expiresAt: before.expiresAt })
    await chunks.expire(id, '1m', { sliding: true })
    expect(await chunks.peek(id)).toMatchObject({ slidingTtl: MINUTE, expiresAt: new Date(clock.now() + MINUTE) })
    await chunks.expire(id, '2m')
    expect(await chunks.peek(id)).not.toHaveProperty('slidingTtl')
    await chunks.expire(id, '2m', { sliding: true })
    await chunks.expire(id, null)
    expect(await chunks.peek(id)).not.toHaveProperty('slidingTtl')
    await expect(chunks.expire(id, null, { sliding: true })).rejects.toMatchObject({ code: 'ERR_INVALID_ENTRY' })
  })
})

describeGated('what slides, after its store was closed', (tiers, pair) => {
  test.each(someOf([[true], [false]]))(
    'lives on where it was read, whether it was shipped before (%s)',
    async (isShipped) => {
      const options: MemoryStoreOptions = await pair.options({ dir: await temporaryFolder() })
      const dir = options.dir ?? (await temporaryFolder())
      const first = await tiers.open({ ...options, dir })
      const { id } = await first.chunks.put({ text: 'a session', ttl: '2s', sliding: true })
      if (isShipped) await first.checkpoint()
      const written = (await first.chunks.peek(id))!.expiresAt!.getTime()
      // By real clocks, as a server has them.
      while (Date.now() < written - 1_400) await first.chunks.peek(id)
      await extended(tiers, () => first.chunks.get(id))
      const extendedTo = (await first.chunks.peek(id))!.expiresAt!.getTime()
      expect(extendedTo).toBeGreaterThan(written)
      await first.close()
      await using second = await tiers.open({ ...options, dir })
      const [row] = await tiers.cold.tier.read([{ namespace: second.chunks.namespace, id }])
      expect(row?.record.expiresAt).toBe(extendedTo)
    },
  )
})
