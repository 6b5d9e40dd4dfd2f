/** `deleteWhere` and `updateWhere`, on each pair of drivers. */
import { expect, test } from 'vitest'
import { type NamespaceView, openMemoryStore, type Where } from '../../src/index.ts'
import { describeGated } from './gate.ts'
import { describePairs, describeWithServers, QUIET, shareStore, vectorOf } from './stores.ts'

describePairs('changes of what a condition selects', (pair) => {
  const { store, view, clock } = shareStore(pair)

  /** Half in cold, half pending. */
  async function filled(count = 10): Promise<NamespaceView> {
    const there = view()
    const inputs = Array.from({ length: count }, (_, n) => ({
      key: `k${n}`,
      text: `text ${n}`,
      position: n,
      metadata: { isEven: n % 2 === 0, n },
      embedding: vectorOf(n),
    }))
    await there.chunks.putMany(inputs.slice(0, count / 2))
    await store().checkpoint()
    await there.chunks.putMany(inputs.slice(count / 2))
    await there.raptorNodes.put({ level: 1, summary: 'a', children: [], metadata: { isEven: true } })
    await there.namespace('below').chunks.put({ text: 'a', metadata: { isEven: true } })
    return there
  }

  const positions = async ({ chunks }: NamespaceView): Promise<(number | undefined)[]> =>
    (await chunks.find({ orderBy: 'position' })).items.map(({ position }) => position)

  test('delete what is selected, of this kind and namespace alone, in batches', async () => {
    const there = await filled()
    const told: object[] = []
    const onProgress = (counts: object) => void told.push(counts)
    const answer = await there.chunks.deleteWhere({ 'metadata.isEven': true }, { batchSize: 2, onProgress })
    expect(answer).toEqual({ matched: 5, deleted: 5 })
    expect(told).toEqual([2, 4, 5].map((n) => ({ matched: n, deleted: n })))
    expect(await positions(there)).toEqual([1, 3, 5, 7, 9])
    expect(await there.chunks.getByKey('k0')).toBeUndefined()
    expect(await there.raptorNodes.count()).toBe(1)
    expect(await there.namespace('below').chunks.count()).toBe(1)
    await store().checkpoint()
    expect(await positions(there)).toEqual([1, 3, 5, 7, 9])
    expect(await there.entries.deleteWhere({ 'metadata.isEven': true }, { recursive: true })).toEqual({
      matched: 2,
      deleted: 2,
    })
  })

  test('update what is selected: fields are replaced, metadata is merged, the rest stays', async () => {
    const there = await filled()
    const patch = { metadata: { seen: true, n: null }, documentId: 'd' }
    const told: object[] = []
    const options = { batchSize: 3, onProgress: (counts: object) => void told.push(counts) }
    const answer = await there.chunks.updateWhere({ position: { gte: 4 } }, patch, options)
    expect(answer).toEqual({ matched: 6, updated: 6, skipped: 0 })
    expect(told).toEqual([3, 6].map((n) => ({ matched: n, updated: n, skipped: 0 })))
    const { items } = await there.chunks.find({ where: { documentId: 'd' }, orderBy: 'position' })
    expect(items.map(({ metadata }) => metadata)).toEqual(
      [4, 5, 6, 7, 8, 9].map((n) => ({ isEven: n % 2 === 0, seen: true })),
    )
    expect(items[0]).toMatchObject({ key: 'k4', text: 'text 4', embedding: vectorOf(4) })
    expect(await there.chunks.count({ where: { 'metadata.n': { exists: true } } })).toBe(4)
  })

  test('update what is selected by how often it was read', async () => {
    const there = await filled()
    for (const key of ['k2', 'k7']) await there.chunks.getByKey(key)
    await store().sync()
    const answer = await there.chunks.updateWhere({ accessCount: { gte: 1 } }, { metadata: { read: true } })
    expect(answer).toEqual({ matched: 2, updated: 2, skipped: 0 })
  })

  test('count in a dry run, and change nothing', async () => {
    const there = await filled()
    const before = (await there.entries.find()).items
    expect(await there.chunks.deleteWhere({ position: { lt: 7 } }, { dryRun: true })).toEqual({
      matched: 7,
      deleted: 0,
    })
    const update = there.chunks.updateWhere({ position: { lt: 7 } }, { text: 'b' }, { dryRun: true })
    expect(await update).toEqual({ matched: 7, updated: 0, skipped: 0 })
    expect((await there.entries.find()).items).toEqual(before)
  })

  const everything = [{}, { and: [{}] }, undefined, { or: [{ position: 1 }, {}] }, { not: { or: [] } }]
  test.each(everything.map((where) => [where]))('are refused for %j unless all are meant', async (where) => {
    const { chunks } = await filled(2)
    const empty = where as Where<'chunk'>
    const refusal = { code: 'ERR_INVALID_QUERY', details: { field: 'where' }, message: expect.stringContaining('all') }
    await expect(chunks.deleteWhere(empty)).rejects.toMatchObject(refusal)
    await expect(chunks.deleteWhere(empty, { dryRun: true })).rejects.toMatchObject(refusal)
    await expect(chunks.updateWhere(empty, { text: 'b' })).rejects.toMatchObject(refusal)
    expect(await chunks.count()).toBe(2)
    expect(await chunks.updateWhere(empty, { text: 'b' }, { all: true })).toMatchObject({ matched: 2, updated: 2 })
    expect(await chunks.deleteWhere(empty, { all: true })).toEqual({ matched: 2, deleted: 2 })
  })

  test('refuse a bad patch with nothing written', async () => {
    const { chunks } = await filled(2)
    await expect(chunks.updateWhere({ position: 0 }, { level: 1 } as never)).rejects.toMatchObject({
      code: 'ERR_INVALID_ENTRY',
      details: { field: 'patch' },
    })
    await expect(chunks.deleteWhere({ position: 0 }, { batchSize: 0 })).rejects.toMatchObject({
      code: 'ERR_INVALID_QUERY',
      details: { field: 'batchSize' },
    })
  })

  test('leave alone what is put meanwhile, and end although a writer goes on', async () => {
    const there = await filled()
    let n = 100
    const onProgress = () =>
      void puts.push(there.chunks.put({ text: 'new', position: n++, metadata: { isEven: true } }))
    const puts: Promise<unknown>[] = []
    const answer = await there.chunks.deleteWhere({ 'metadata.isEven': true }, { batchSize: 1, onProgress })
    await Promise.all(puts)
    expect(answer).toEqual({ matched: 5, deleted: 5 })
    expect(await there.chunks.count({ where: { text: 'new' } })).toBe(5)
  })

  test('of many at once lose no update of each other or of anybody else', async () => {
    const { metadata } = view()
    const ids = (await metadata.putMany(Array.from({ length: 6 }, () => ({ metadata: { job: true } })))).map(
      ({ id }) => id,
    )
    const all = { 'metadata.job': true } as const
    await Promise.all([
      metadata.updateWhere(all, { metadata: { a: 1 } }),
      metadata.updateWhere(all, { metadata: { b: 1 } }),
      ...ids.map((id) => metadata.update(id, { metadata: { c: 1 } })),
    ])
    const { items } = await metadata.find()
    for (const { metadata: found } of items) expect(found).toEqual({ a: 1, b: 1, c: 1, job: true })
  })

  test('say when they are given up how far they came, and go on when they are asked again', async () => {
    const there = await filled()
    const stop = new AbortController()
    const options = { batchSize: 2, signal: stop.signal, onProgress: () => stop.abort() }
    await expect(there.chunks.deleteWhere({ 'metadata.isEven': true }, options)).rejects.toMatchObject({
      code: 'ERR_ABORTED',
      details: { outcome: 'partial', counts: { matched: 2, deleted: 2 } },
    })
    expect(await there.chunks.count()).toBe(8)
    expect(await there.chunks.deleteWhere({ 'metadata.isEven': true })).toEqual({ matched: 3, deleted: 3 })
  })

  test('do not touch what has expired', async () => {
    const { chunks } = view()
    await chunks.put({ text: 'a', ttl: 1_000 })
    clock.advance(1_001)
    expect(await chunks.deleteWhere({ text: 'a' })).toEqual({ matched: 0, deleted: 0 })
  })
})

describeGated('changes by condition', (tiers) => {
  test('leave what does not match any more when its turn comes', async () => {
    await using store = await tiers.open()
    const { metadata } = store
    const put = (key: string, state: string) => metadata.put({ key, metadata: { state } })
    for (const change of ['delete', 'update'] as const) {
      await put('a', 'old')
      await put('b', 'old')
      const page = tiers.cold.hold('find')
      const where = { 'metadata.state': 'old' }
      const answer =
        change === 'delete' ? metadata.deleteWhere(where) : metadata.updateWhere(where, { metadata: { state: 'gone' } })
      await page.arrived
      await put('a', 'new')
      page.release()
      const counts = change === 'delete' ? { deleted: 1 } : { updated: 1, skipped: 1 }
      expect(await answer).toEqual({ matched: 2, ...counts })
      expect((await metadata.getByKey('a'))?.metadata).toEqual({ state: 'new' })
      expect((await metadata.getByKey('b'))?.metadata).toEqual(change === 'delete' ? undefined : { state: 'gone' })
    }
  })

  test('take nothing away that is put while it is about to be deleted, and is not selected', async () => {
    await using store = await tiers.open()
    const { chunks } = store
    for (const deleteSome of [
      () => chunks.deleteWhere({ 'metadata.state': 'old' }),
      () => chunks.deleteDocument('d'),
    ]) {
      await chunks.putMany(['a', 'b'].map((key) => ({ key, text: key, documentId: 'd', metadata: { state: 'old' } })))
      const looked = tiers.hot.hold('read')
      const answer = deleteSome()
      await looked.arrived
      await chunks.put({ key: 'a', text: 'anew', documentId: 'other', metadata: { state: 'new' } })
      looked.release()
      await answer
      expect((await chunks.getByKey('a'))?.text).toBe('anew')
      expect(await chunks.getByKey('b')).toBeUndefined()
    }
  })

  test('delete nothing that was read lately, though only hot and this process know of that', async () => {
    await using store = await tiers.open()
    const { chunks } = store
    for (const deleteStale of [
      (where: Where<'chunk'>) => chunks.deleteWhere(where),
      async (where: Where<'chunk'>) => chunks.erase({ where }),
    ]) {
      await chunks.putMany(['used', 'kept', 'stale'].map((key) => ({ key, text: key })))
      await store.checkpoint()
      // Hot notes by its own clock when each entered it, and cold goes by when it was put.
      const { lastAccessedAt, updatedAt } = (await chunks.peek(chunks.idOf('stale')))!
      const then = new Date(Math.max(lastAccessedAt.getTime(), updatedAt.getTime()))
      // By the clock of the store, which goes on from one millisecond to the next.
      await expect.poll(async () => (await chunks.getByKey('kept'))!.lastAccessedAt > then).toBe(true)
      await chunks.touch([chunks.idOf('used')])
      await deleteStale({ lastAccessedAt: { lte: then } })
      expect((await chunks.find({ orderBy: 'text' })).items.map(({ key }) => key)).toEqual(['kept', 'used'])
    }
  })

  test('do not say that nothing was done, where hot is closed once the deletes are in the log', async () => {
    const store = await tiers.open()
    await store.chunks.put({ text: 'a' })
    const logged = tiers.hot.hold('write', 'before')
    const answer = store.chunks.deleteWhere({}, { all: true })
    const outcome = expect(answer).rejects.toMatchObject({ details: { outcome: 'unknown' } })
    await logged.arrived
    expect(await store.close({ timeout: 0 })).toMatchObject({ remaining: 1 })
    logged.release()
    await outcome
  })

  test('say how far they came where a tier goes away, and go on later', async () => {
    await using store = await tiers.open()
    const { metadata } = store
    const inputs = Array.from({ length: 5 }, (_, n) => ({ metadata: { n } }))
    await metadata.putMany(inputs)
    const onProgress = () => tiers.cold.refuse('find', 'replace')
    const all = { all: true, batchSize: 2, onProgress }
    await expect(metadata.updateWhere({}, { metadata: { seen: true } }, all)).rejects.toMatchObject({
      code: 'ERR_TIER_UNAVAILABLE',
      details: { tier: 'cold', outcome: 'partial', counts: { matched: 2, updated: 2, skipped: 0 } },
    })
    tiers.cold.allow()
    await expect(metadata.deleteWhere({}, all)).rejects.toMatchObject({
      code: 'ERR_TIER_UNAVAILABLE',
      details: { tier: 'cold', outcome: 'partial', counts: { matched: 2, deleted: 2 } },
    })
    tiers.cold.allow()
    expect(await metadata.deleteWhere({}, { all: true })).toEqual({ matched: 3, deleted: 3 })
  })

  test('say that some is done where cold does not take it, and not all that was asked for', async () => {
    await using store = await tiers.open()
    const { chunks } = store
    await chunks.putMany(Array.from({ length: 5 }, (_, n) => ({ text: `${n}` })))
    await store.checkpoint()
    tiers.cold.refuse('ship')
    const answer = chunks.deleteWhere({}, { all: true, batchSize: 2, durability: 'cold' })
    await expect(answer).rejects.toMatchObject({
      code: 'ERR_TIER_UNAVAILABLE',
      details: { tier: 'cold', outcome: 'partial', counts: { matched: 2, deleted: 2 } },
    })
    tiers.cold.allow()
    expect(await chunks.count()).toBe(3)
  })

  test('do not say of an update that nothing was done, where another one beside it was', async () => {
    const store = await tiers.open()
    const { metadata } = store
    await metadata.putMany([{ metadata: { n: 0 } }, { metadata: { n: 0 } }])
    let refuse = (): void => {}
    const refused = new Promise<{ issues: { message: string }[] }>((resolve) => {
      refuse = () => resolve({ issues: [{ message: 'no' }] })
    })
    let asked = 0
    const validate = (value: unknown) => (asked++ === 0 ? refused : { value: value as { n: number } })
    const typed = metadata.withMetadata({ '~standard': { version: 1, vendor: 'tests', validate } })
    const replaced = tiers.cold.hold('replace', 'after')
    const answer = typed.updateWhere({}, { metadata: { n: 1 } }, { all: true })
    const outcome = expect(answer).rejects.toMatchObject({
      details: { outcome: 'partial', counts: { matched: 2, updated: 1, skipped: 0 } },
    })
    await replaced.arrived
    // The log takes no more of what the database has.
    await store.close({ timeout: 0 })
    refuse()
    replaced.release()
    await outcome
  })
})

describeWithServers('changes by condition beside another process', (servers) => {
  test('count nothing that it has deleted, although it is pending here', async () => {
    const shared = { ...(await servers.shared()), ...QUIET }
    await using one = await openMemoryStore({ ...shared, dir: await servers.folder() })
    await using other = await openMemoryStore({ ...shared, dir: await servers.folder() })
    const { id } = await one.chunks.put({ text: 'a', metadata: { state: 'old' } })
    await other.chunks.delete(id)
    expect(await one.chunks.deleteWhere({ 'metadata.state': 'old' })).toEqual({ matched: 1, deleted: 0 })
  })
})
