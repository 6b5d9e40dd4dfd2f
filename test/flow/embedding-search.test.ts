/** Searches whose text the store's own model makes a vector of, and that models are never mixed in one. */
import { expect, test } from 'vitest'
import { openMemoryStore } from '../../src/index.ts'
import { gate, httpError, WORD_DIMENSIONS, WordModel, wordVector } from '../tools/word-model.ts'
import { describePairs, openInMemory, QUIET, shareStore, temporaryFolder } from './stores.ts'

const TEXTS = ['warm water at the surface', 'cold water in the deep', 'a fox in the snow', 'surface of the moon']

describePairs('searching by what a text means', (pair) => {
  const model = new WordModel()
  const { store, view } = shareStore(pair, { embed: model.options() })

  test.each([
    ['pending', async () => {}],
    ['in cold', async () => void (await store().checkpoint())],
    ['indexed', async () => void (await store().sync())],
  ])('finds the nearest of what is %s', async (_, settle) => {
    const { chunks } = view()
    await chunks.putMany(TEXTS.map((text) => ({ text })))
    await settle()
    const { hits } = await chunks.search({ text: 'cold deep water', by: 'vector', k: 2, countAccess: false })
    expect(hits.map(({ entry }) => entry.text)).toEqual([TEXTS[1], TEXTS[0]])
    expect(model.purposes.at(-1)).toBe('query')
    const by = wordVector('cold deep water')
    expect((await chunks.search({ embedding: by, k: 2, countAccess: false })).hits).toEqual(hits)
    expect((await chunks.search({ text: 'cold deep water', by: 'words' })).hits).toHaveLength(1)
    const both = await chunks.search({ text: 'moon', by: 'both', k: 4, fusion: { text: 2 } })
    expect(both.hits[0]).toMatchObject({ entry: { text: TEXTS[3] }, text: { rank: 1 }, vector: { rank: 1 } })
    expect(both.hits).toHaveLength(4)
  })

  test('leaves out vectors of other models, whatever their dimensions', async () => {
    const { chunks } = view()
    const same = [...wordVector('cold deep water')]
    await chunks.putMany([
      { text: 'nameless', embedding: same },
      { text: 'of another', embedding: same, embeddingModel: 'other' },
      { text: 'named by hand', embedding: same, embeddingModel: 'words' },
      { text: TEXTS[1]! },
    ])
    for (const settle of [async () => {}, () => store().checkpoint(), () => store().sync()]) {
      await settle()
      const { hits } = await chunks.search({ text: 'cold deep water', by: 'vector' })
      expect(hits.map(({ entry }) => entry.text)).toEqual(['named by hand', TEXTS[1]])
      const both = await chunks.search({ text: 'another', by: 'both', mmr: { lambda: 0 } })
      expect(both.hits.find(({ entry }) => entry.text === 'of another')).not.toHaveProperty('vector')
    }
  })

  test('asks for the vectors of many queries together', async () => {
    const { chunks } = view()
    await chunks.putMany(TEXTS.map((text) => ({ text })))
    const asked = model.calls.length
    const found = await chunks.searchMany([
      { text: 'a fox in snow', by: 'vector', k: 1 },
      { text: 'moon', k: 1 },
      { embedding: wordVector('warm water'), k: 1 },
      { text: 'deep', by: 'both', k: 1 },
    ])
    expect(found.map(({ hits }) => hits[0]!.entry.text)).toEqual([TEXTS[2], TEXTS[3], TEXTS[0], TEXTS[1]])
    expect(model.calls.slice(asked)).toEqual([['a fox in snow', 'deep']])
  })

  test('goes down a tree by what a text means', async () => {
    const { chunks, raptorNodes } = view()
    await chunks.putMany(TEXTS.map((text) => ({ key: text, text })))
    const over = (level: number, key: string, ...children: string[]) => ({ key, level, summary: key, children })
    const [warm, cold, fox, moon] = TEXTS.map((text) => chunks.idOf(text)) as [string, string, string, string]
    await raptorNodes.put(over(1, 'warm and cold water', warm, cold))
    await raptorNodes.put(over(1, 'snow and the moon', fox, moon))
    for (const settle of [async () => {}, () => store().checkpoint()]) {
      await settle()
      const asked = { text: 'cold deep water', by: 'vector', beam: 1, countAccess: false } as const
      const hits = await raptorNodes.searchTree(asked)
      expect(hits.map(({ entry, depth }) => [entry.key, depth])).toEqual([
        [TEXTS[1], 1],
        ['warm and cold water', 0],
      ])
      const { text: _, by: __, ...common } = asked
      expect(await raptorNodes.searchTree({ ...common, embedding: wordVector(asked.text) })).toEqual(hits)
      const select = ['key'] as const
      expect(await raptorNodes.searchTree({ ...asked, select })).toEqual(
        hits.map(({ entry, ...ranked }) => ({ entry: { kind: entry.kind, key: entry.key }, ...ranked })),
      )
    }
  })

  test.each([
    ['embedding', { by: 'vector' }],
    ['text', { text: 'words', by: 'vector', embedding: [1] }],
    ['by', { text: 'words' }],
    ['by', { text: 'words', by: 'words' }],
    ['by', { embedding: [1], by: 'vector' }],
  ])('says that `%s` does not fit in a search down a tree by %j', async (field, options) => {
    const search = view().raptorNodes.searchTree(options as never)
    await expect(search).rejects.toMatchObject({ code: 'ERR_INVALID_QUERY', details: { field } })
  })

  test('says which of the conditions does not fit', async () => {
    const { chunks } = view()
    const text = 'words'
    for (const query of [
      { embedding: [1], by: 'vector' },
      { embedding: [1], text, by: 'both' },
      { text, by: 'meaning' },
      { text, by: 'vector', fusion: {} },
      { text, by: 'words', metric: 'l2' },
    ])
      await expect(chunks.search(query as never)).rejects.toMatchObject({ code: 'ERR_INVALID_QUERY' })
  })

  test('fails as the model does', async () => {
    const { chunks } = view()
    model.before = () => {
      throw httpError(429, { 'retry-after': '3' })
    }
    try {
      await expect(chunks.search({ text: 'x', by: 'both' })).rejects.toMatchObject({
        ...{ code: 'ERR_EMBEDDING_FAILED', retryable: true, details: { retryAfterMs: 3_000 } },
      })
    } finally {
      model.before = () => {}
    }
  })

  test('tells by `where` what has a vector', async () => {
    const { chunks, entries } = view()
    const { id } = await chunks.put({ text: 'with' })
    await entries.put({ kind: 'metadata', metadata: {} })
    for (const settle of [async () => {}, () => store().checkpoint()]) {
      await settle()
      expect(await entries.count({ where: { embedding: { exists: true } } })).toBe(1)
      expect(await entries.count({ where: { embedding: { exists: false } } })).toBe(1)
      expect(await entries.count({ where: { not: { embedding: { exists: false } } } })).toBe(1)
      expect((await chunks.find({ where: { embedding: { exists: true } } })).items.map((one) => one.id)).toEqual([id])
    }
    await expect(entries.count({ where: { embedding: [1] } as never })).rejects.toMatchObject({
      code: 'ERR_INVALID_QUERY',
    })
    await expect(entries.find({ orderBy: 'embedding' as never })).rejects.toMatchObject({ code: 'ERR_INVALID_QUERY' })
  })
})

test('without a model it is refused, with what to do', async () => {
  await using store = await openInMemory()
  await expect(store.chunks.search({ text: 'x', by: 'vector' })).rejects.toMatchObject({
    ...{ code: 'ERR_INVALID_QUERY', message: expect.stringContaining('`embed`') },
  })
  await expect(store.raptorNodes.searchTree({ text: 'x', by: 'vector' })).rejects.toMatchObject({
    ...{ code: 'ERR_INVALID_QUERY', message: expect.stringContaining('`embed`') },
  })
  expect((await store.stats()).embedding).toBeUndefined()
})

test('a search waits for its vector for `timeouts.search`, and closing for half of its time', async () => {
  const model = new WordModel()
  const held = gate()
  model.before = () => held.closed
  const timeouts = { search: 50 }
  const store = await openInMemory({ timeouts, embed: model.options() })
  const late = { code: 'ERR_TIMEOUT', message: expect.stringContaining('50 ms') }
  await expect(store.chunks.search({ text: 'x', by: 'vector' })).rejects.toMatchObject(late)
  await expect(store.chunks.searchMany([{ text: 'x', by: 'vector' }])).rejects.toMatchObject(late)
  await store.blobs.put({ bytes: new Uint8Array(1) })
  const refusal = store.chunks.put({ text: 'never' }).catch((error: unknown) => error)
  expect(await store.close({ timeout: 2_000 })).toEqual({ shipped: 1, remaining: 0 })
  expect(await refusal).toMatchObject({ code: 'ERR_CLOSED', details: { outcome: 'none' } })
  held.open()
})

test.each([
  [{ model: '' }, 'embed.model'],
  [{ dimensions: 0 }, 'embed.dimensions'],
  [{ embedMany: 'a function' }, 'embed.embedMany'],
  [{ when: 'later' }, 'embed.when'],
  [{ batchSize: 0 }, 'embed.batchSize'],
  [{ maxConcurrency: 1.5 }, 'embed.maxConcurrency'],
  [{ timeout: 0 }, 'embed.timeout'],
  [{ concurrency: 2 }, 'embed.concurrency'],
])('an option that is wrong is refused by name: %o', async (wrong, option) => {
  const embed = { ...new WordModel().options(), ...wrong } as never
  await expect(openMemoryStore({ inMemory: true, embed })).rejects.toMatchObject({ details: { option } })
})

test('a model is known by its name: with other dimensions it is refused', async () => {
  const options = { dir: await temporaryFolder(), ...QUIET }
  const model = new WordModel()
  await (await openMemoryStore({ ...options, embed: model.options() })).close()
  const embed = model.options({ dimensions: WORD_DIMENSIONS * 2 })
  await expect(openMemoryStore({ ...options, embed })).rejects.toMatchObject({
    ...{ code: 'ERR_INVALID_OPTIONS', details: { option: 'embed.dimensions' } },
  })
})
