/** What a process has written it reads back, by key and by query, whatever the tiers are doing. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { EntryRecord } from '../../src/entry/record.ts'
import type { FindResult } from '../../src/index.ts'
import { describeGated } from './gate.ts'
import { shareStore, vectorOf } from './stores.ts'

describeGated('reading back', (tiers) => {
  const { store, view } = shareStore(tiers)

  beforeEach(() => store().checkpoint())
  afterEach(() => {
    tiers.cold.allow()
    tiers.hot.allow()
  })

  test('what hot does not have yet does not leave pending: a read never falls back to what hot holds', async () => {
    const { chunks } = view()
    await chunks.put({ text: 'old', key: 'k' })
    await store().checkpoint()
    const offered = tiers.hot.hold('write', 'before')
    const put = chunks.put({ text: 'new', key: 'k' })
    await offered.arrived
    const checkpoint = store().checkpoint()
    // Longer than shipping takes, which is two statements.
    for (let statement = 0; statement < 5; statement++) await tiers.cold.tier.stats()
    expect((await chunks.getByKey('k'))?.text).toBe('new')
    offered.release()
    await Promise.all([put, checkpoint])
    expect((await chunks.getByKey('k'))?.text).toBe('new')
  })

  test('nor does what became durable while a checkpoint waited to begin', async () => {
    const { chunks } = view()
    await chunks.put({ text: 'old', key: 'k' })
    await store().checkpoint()
    const [first, second] = [tiers.hot.hold('write', 'before'), tiers.hot.hold('write', 'before')]
    const earlier = chunks.put({ text: 'x' })
    await first.arrived
    const checkpoint = store().checkpoint()
    const put = chunks.put({ text: 'new', key: 'k' })
    await second.arrived
    first.release()
    await earlier
    for (let statement = 0; statement < 5; statement++) await tiers.cold.tier.stats()
    expect((await chunks.getByKey('k'))?.text).toBe('new')
    second.release()
    await Promise.all([put, checkpoint])
    expect((await chunks.getByKey('k'))?.text).toBe('new')
  })

  describe('with an older version in cold', () => {
    test('queries answer with what is pending', async () => {
      const { chunks } = view()
      const { id } = await chunks.put({ text: 'old', key: 'k', position: 1, embedding: vectorOf(1) })
      await chunks.put({ text: 'other', key: 'o', position: 1, embedding: vectorOf(2) })
      await store().sync()
      await chunks.put({ text: 'new', key: 'k', position: 2, embedding: vectorOf(3) })
      expect((await chunks.find({ where: { position: 1 } })).items.map(({ text }) => text)).toEqual(['other'])
      expect((await chunks.find({ where: { position: 2 } })).items.map(({ text }) => text)).toEqual(['new'])
      expect(await chunks.count()).toBe(2)
      expect(await chunks.count({ where: { text: 'old' } })).toBe(0)
      const { hits } = await chunks.search({ embedding: vectorOf(1) })
      expect(hits.map(({ entry }) => entry.text).sort()).toEqual(['new', 'other'])
      await chunks.delete(id)
      expect((await chunks.find()).items.map(({ text }) => text)).toEqual(['other'])
      expect(await chunks.count()).toBe(1)
      expect((await chunks.search({ embedding: vectorOf(3) })).hits.map(({ entry }) => entry.text)).toEqual(['other'])
    })

    test('what pending hides does not count against a limit', async () => {
      const { chunks } = view()
      const receipts = await chunks.putMany([1, 2, 3, 4].map((n) => ({ text: `old ${n}`, embedding: vectorOf(n) })))
      await store().sync()
      await chunks.deleteMany(receipts.slice(0, 2).map(({ id }) => id))
      const { items } = await chunks.find({ limit: 2 })
      const { hits } = await chunks.search({ embedding: vectorOf(1), k: 2 })
      for (const found of [items, hits.map(({ entry }) => entry)])
        expect(found.map(({ text }) => text).sort()).toEqual(['old 3', 'old 4'])
    })
  })

  test('queries answer with what cold has newer than pending', async () => {
    const { chunks } = view()
    const { id, version } = await chunks.put({ text: 'ours', position: 1, embedding: vectorOf(1) })
    await chunks.put({ text: 'gone', key: 'g', embedding: vectorOf(1) })
    await store().checkpoint()
    const key = { namespace: chunks.namespace, id }
    const [row] = await tiers.cold.tier.read([key])
    // What another process ships while our own writes are pending.
    tiers.cold.refuse('ship')
    await chunks.put({ id, text: 'ours again', position: 1, embedding: vectorOf(1) })
    const record: EntryRecord = { ...row!.record, text: 'theirs', position: 2, version: `ff${version.slice(2)}` }
    await tiers.cold.tier.upsert([record])
    expect((await chunks.find({ where: { position: 2 } })).items).toMatchObject([{ id, text: 'theirs' }])
    expect((await chunks.find({ where: { position: 1 } })).items).toEqual([])
    expect(await chunks.count()).toBe(2)
    const { hits } = await chunks.search({ embedding: vectorOf(1), where: { position: { gte: 0 } } })
    expect(hits.map(({ entry }) => entry.text)).toEqual(['theirs'])
    const gone = await chunks.getByKey('g')
    const deleted = { ...record, id: gone!.id, key: 'g', kind: null, text: null, position: null, embedding: null }
    await chunks.put({ key: 'g', text: 'ours again' })
    await tiers.cold.tier.upsert([{ ...deleted, metadata: null, deletedAt: record.updatedAt }])
    expect((await chunks.find({ where: { key: 'g' } })).items).toEqual([])
    expect(await chunks.count()).toBe(1)
  })

  test('trees are as cold has them where that is newer than pending, and end where nodes lead back', async () => {
    const { raptorNodes, chunks } = view()
    const { namespace } = raptorNodes
    const { id: leaf } = await chunks.put({ text: 'leaf' })
    const { id: top } = await raptorNodes.put({ level: 2, summary: 'top', children: [] })
    const { id: low, version } = await raptorNodes.put({ level: 1, summary: 'low', children: [leaf] })
    await store().checkpoint()
    const rows = await tiers.cold.tier.read([top, low].map((id) => ({ namespace, id })))
    const [theirTop, theirLow] = rows.map((row) => row!.record)
    const calls: Record<string, (id: string) => Promise<FindResult<{ readonly id: string }>>> = {
      descendants: (id) => raptorNodes.descendants(id),
      ancestors: (id) => raptorNodes.ancestors(id),
      children: (id) => raptorNodes.children(id),
      parents: (id) => raptorNodes.parents(id),
    }
    const idsOf = async (call: string, id: string) => (await calls[call]!(id)).items.map((entry) => entry.id)
    for (const [nth, digits] of ['fe', 'ff'].entries()) {
      // The second time while own versions of both are pending, which have no children.
      if (nth === 1) tiers.cold.refuse('ship')
      for (const id of nth === 1 ? [top, low] : [])
        await raptorNodes.put({ id, level: 1, summary: 'ours', children: [] })
      const newer = `${digits}${version.slice(2)}`
      await tiers.cold.tier.upsert([
        { ...theirTop!, children: [low, top], version: newer },
        { ...theirLow!, children: [leaf, top], version: newer },
      ])
      expect(await idsOf('descendants', top)).toEqual([low, leaf])
      expect(await idsOf('descendants', low)).toEqual([leaf, top].sort())
      expect((await idsOf('ancestors', leaf)).sort()).toEqual([low, top].sort())
      expect(await idsOf('ancestors', top)).toEqual([low])
      expect(await idsOf('children', top)).toEqual([low, top])
      expect(await idsOf('parents', leaf)).toEqual([low])
      expect((await raptorNodes.roots()).items).toEqual([])
    }
  })

  test('reads that hot or pending can answer for certain need no cold, others say that it is away', async () => {
    const { chunks } = view()
    const { id } = await chunks.put({ text: 'x' })
    const gone = await chunks.put({ text: 'y' })
    await chunks.delete(gone.id)
    tiers.cold.refuse()
    expect((await chunks.get(id))?.text).toBe('x')
    expect(await chunks.get(gone.id)).toBeUndefined()
    await expect(chunks.getByKey('never seen')).rejects.toMatchObject({
      code: 'ERR_TIER_UNAVAILABLE',
      retryable: true,
      details: { tier: 'cold' },
    })
    await expect(chunks.find()).rejects.toMatchObject({ code: 'ERR_TIER_UNAVAILABLE' })
  })
})
