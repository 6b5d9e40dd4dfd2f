/** What the memory keeps beyond what `InMemoryStore` shows (store-model.test.ts): times, vectors, others' writes. */
import { describe, expect, test } from 'vitest'
import { ThermoclineStore } from '../../../src/adapters/langgraph/langgraph.ts'
import { openMemoryStore } from '../../../src/index.ts'
import { describeGated, GatedTiers } from '../../flow/gate.ts'
import { describeMainPair, describeWithServers, shareStore } from '../../flow/stores.ts'

/** By how often three words are in it. */
const embed = async (texts: string[]) =>
  texts.map((text) => ['ice', 'fire', 'wind'].map((word) => text.split(word).length - 0.9))

describeMainPair('a memory', (pair) => {
  const { view, clock } = shareStore(pair)

  test('keeps when an item was created, whoever replaces it, and loses no write', async () => {
    const home = view()
    const stores = Array.from({ length: 5 }, () => new ThermoclineStore(home))
    await stores[0]!.put(['a'], 'k', { n: -1 })
    const first = (await stores[0]!.get(['a'], 'k'))!
    clock.advance(1_000)
    await Promise.all(
      stores.map((store, n) =>
        store.batch([
          { namespace: ['a'], key: 'k', value: { n } },
          { namespace: ['a'], key: `own ${n}`, value: { n } },
        ]),
      ),
    )
    const last = (await stores[0]!.get(['a'], 'k'))!
    expect(last.createdAt).toEqual(first.createdAt)
    expect(last.updatedAt.getTime()).toBeGreaterThanOrEqual(first.updatedAt.getTime() + 1_000)
    expect(await stores[1]!.search(['a'])).toHaveLength(6)
  })

  test('ranks an item by the best of its vectors, and keeps none of what was replaced', async () => {
    const home = view()
    const store = new ThermoclineStore(home, { index: { dims: 3, embed, fields: ['lines[*]'] } })
    await store.put(['n', 'a'], 'both', { lines: ['ice ice', 'fire fire fire', 'wind'] })
    await store.put(['n', 'b'], 'fire', { lines: ['fire ice ice'] })
    await store.put(['n', 'b'], 'none', { lines: [] })
    const keys = async () => (await store.search(['n'], { query: 'fire' })).map(({ key }) => key)
    expect(await keys()).toEqual(['both', 'fire', 'none'])
    await store.put(['n', 'a'], 'both', { lines: ['wind wind'] })
    expect(await keys()).toEqual(['fire', 'both', 'none'])
    const root = home.namespace('langgraph', 'store')
    expect(await root.count({ recursive: true })).toBe(3)
    await store.delete(['n', 'a'], 'both')
    expect(await keys()).toEqual(['fire', 'none'])
    expect(await store.listNamespaces()).toEqual([['n', 'b']])
    expect(await store.listNamespaces({ prefix: [], suffix: [] })).toEqual([['n', 'b']])
  })

  test('finds an item among many whose vectors are nearer than its own', async () => {
    const store = new ThermoclineStore(view(), { index: { dims: 3, embed, fields: ['lines[*]'] } })
    const lines = Array.from({ length: 40 }, (_, i) => `fire ${i}`)
    await store.put(['a'], 'many', { lines })
    await store.put(['a'], 'one', { lines: ['ice'] })
    expect((await store.search(['a'], { query: 'fire', limit: 2 })).map(({ key }) => key)).toEqual(['many', 'one'])
  })

  test('finds an item that expired and was put anew by what it is now alone', async () => {
    const index = { dims: 3, embed, fields: ['lines[*]'] }
    const store = new ThermoclineStore(view(), { ttl: '10m', index })
    await store.put(['a'], 'k', { lines: ['ice', 'fire fire', 'fire'] })
    clock.advance(11 * 60_000)
    await store.put(['a'], 'k', { lines: ['wind'] })
    await store.put(['a'], 'other', { lines: ['wind wind'] })
    const [one, other] = await store.search([], { query: 'fire' })
    expect([one!.key, other!.key].sort()).toEqual(['k', 'other'])
    expect(one!.score).toBeLessThan(0.5)
    const query = async (filter: object) => store.search([], { query: 'fire', filter })
    expect(await query({ lines: ['ice', 'fire fire', 'fire'] })).toEqual([])
  })

  test('embeds nothing where a path names no index', async () => {
    const store = new ThermoclineStore(view(), { index: { dims: 3, embed, fields: ['lines[first]'] } })
    await store.put(['a'], 'k', { lines: ['ice'] })
    expect((await store.search(['a'], { query: 'ice' }))[0]!.score).toBeUndefined()
  })

  test('keeps what is read, and lets go of what nobody read', async () => {
    const home = view()
    const store = new ThermoclineStore(home, { ttl: '10m', index: { dims: 3, embed, fields: ['lines[*]'] } })
    const paths = [
      ['a', 'read'],
      ['b', 'found'],
      ['a', 'left'],
    ] as const
    for (const [label, key] of paths) await store.put([label], key, { lines: ['ice', 'fire'] })
    clock.advance(6 * 60_000)
    await store.get(['a'], 'read')
    await store.search(['b'])
    for (const [label, key] of paths.slice(0, 2)) {
      const { chunks } = home.namespace('langgraph', 'store', label)
      const id = chunks.idOf(JSON.stringify(['item', key]))
      await expect.poll(async () => (await chunks.peek(id))!.expiresAt!.getTime()).toBe(clock.now() + 600_000)
    }
    clock.advance(6 * 60_000)
    expect(await store.get(['a'], 'left')).toBeNull()
    const found = await store.search([], { query: 'fire' })
    expect(found.map(({ key }) => key).sort()).toEqual(['found', 'read'])
    clock.advance(11 * 60_000)
    expect(await store.search([], { query: 'fire' })).toEqual([])
  })
})

describeGated('what a memory asks the database', (tiers) => {
  const { view } = shareStore(tiers)

  test.each([
    ['that the database decides', { mood: 7 }, 1],
    ['that is decided here', { mood: { $in: [7] } }, 4],
  ] as const)('is asked in few pages by a filter %s', async (_, filter, pages) => {
    const store = new ThermoclineStore(view())
    const items = Array.from({ length: 300 }, (_, n) => ({
      namespace: ['a'],
      key: `${n}`,
      value: { mood: n === 0 ? 7 : n },
    }))
    await store.batch(items)
    let asked = 0
    tiers.cold.onCall = (method) => method === 'find' && asked++
    expect(await store.search(['a'], { filter, limit: 1 })).toMatchObject([
      { key: expect.any(String), value: { mood: 7 } },
    ])
    tiers.cold.onCall = () => {}
    expect(asked).toBeLessThanOrEqual(pages)
  })
})

describeMainPair('writes of one item at the same time', (pair) => {
  const { view } = shareStore(pair)

  test('leave no vector of what was deleted', async () => {
    const home = view()
    const store = new ThermoclineStore(home, { index: { dims: 3, embed, fields: ['text', 'more'] } })
    for (let round = 0; round < 20; round++) {
      const key = `k ${round}`
      await store.put(['a'], key, { text: 'ice' })
      await Promise.all([store.put(['a'], key, { text: 'ice', more: 'fire' }), store.delete(['a'], key)])
      await store.delete(['a'], key)
    }
    expect(await home.namespace('langgraph', 'store').count({ recursive: true })).toBe(0)
  })
})

describeWithServers('memories of two processes', (servers) => {
  const quiet = { checkpoint: { every: '1h' }, sync: false } as const

  test('read at once what the other has put, and find it once the database has it', async () => {
    const shared = await servers.shared()
    await using mine = await openMemoryStore({ ...shared, ...quiet, dir: await servers.folder() })
    await using yours = await openMemoryStore({ ...shared, ...quiet, dir: await servers.folder() })
    const [one, other] = [new ThermoclineStore(mine), new ThermoclineStore(yours)]
    await one.put(['a'], 'k', { text: 'ice' })
    expect(await other.get(['a'], 'k')).toMatchObject({ value: { text: 'ice' } })
    await mine.sync()
    expect(await other.search([])).toMatchObject([{ key: 'k', value: { text: 'ice' } }])
    await other.delete(['a'], 'k')
    expect(await one.get(['a'], 'k')).toBeNull()
    await yours.sync()
    expect(await one.search([])).toEqual([])
  })

  test('delete what the other has put, also where only its log has that', async () => {
    const shared = { ...(await servers.shared()), ...quiet }
    const tiers = new GatedTiers()
    await using mine = await tiers.open({ ...shared, dir: await servers.folder() })
    await using yours = await openMemoryStore({ ...shared, dir: await servers.folder() })
    const [one, other] = [new ThermoclineStore(mine), new ThermoclineStore(yours)]
    tiers.hot.refuse()
    await one.put(['a'], 'k', { text: 'ice' })
    await other.delete(['a'], 'k')
    tiers.hot.allow()
    for (const store of [mine, yours]) await store.checkpoint()
    for (const memory of [one, other]) expect(await memory.get(['a'], 'k')).toBeNull()
    expect(await one.search([])).toEqual([])
  })

  test.each([
    ['with `durability: cold`', { durability: 'cold' }],
    ['with vectors', { index: { dims: 3, embed, fields: ['text', 'more'] } }],
  ] as const)('find at once what the other has put %s', async (_, options) => {
    const shared = await servers.shared()
    await using mine = await openMemoryStore({ ...shared, ...quiet, dir: await servers.folder() })
    await using yours = await openMemoryStore({ ...shared, ...quiet, dir: await servers.folder() })
    const [one, other] = [new ThermoclineStore(mine, options), new ThermoclineStore(yours, options)]
    await one.put(['a'], 'k', { text: 'ice', more: 'fire' })
    expect(await other.search([], { query: 'ice' })).toMatchObject([{ key: 'k', value: { text: 'ice' } }])
    await other.delete(['a'], 'k')
    expect(await one.search([])).toEqual([])
    expect(await one.get(['a'], 'k')).toBeNull()
  })
})

describe('what a memory is given', () => {
  test('is refused by name where it is wrong', async () => {
    await using store = await openMemoryStore({ inMemory: true })
    const wrong: [object, string][] = [
      [{ indx: {} }, 'has no option `indx`'],
      [{ index: { dims: 3 } }, 'option `index`'],
      [{ index: { dims: 3, embed, field: ['a'] } }, 'option `index`'],
      [{ ttl: -1 }, 'option `ttl`'],
      [{ refreshOnRead: 'yes' }, 'option `refreshOnRead`'],
      [{ durability: 'hot' }, 'option `durability`'],
    ]
    for (const [options, message] of wrong) expect(() => new ThermoclineStore(store, options as never)).toThrow(message)
    const memory = new ThermoclineStore(store, { index: { dims: 2, embed } })
    await expect(memory.put(['a'], 'k', { text: 'ice' })).rejects.toThrow('`index.dims`')
    const near = memory.search(['a'], { filter: { n: { $near: 1 } } })
    await expect(near).rejects.toMatchObject({ code: 'ERR_INVALID_QUERY' })
    await expect(memory.put(['a'], 'k', { text: '\0' }, false)).rejects.toMatchObject({ code: 'ERR_INVALID_ENTRY' })
    await expect(memory.put(['a'], 'k', [] as never)).rejects.toThrow('must be an object')
    await expect(memory.put(['a.b'], 'k', {})).rejects.toThrow('periods')
  })
})
