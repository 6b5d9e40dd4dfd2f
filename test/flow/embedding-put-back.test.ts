/** An entry that is read and put back with another text brings the vector of its old text along: it gets a new one. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { ChunkEntry, NamespaceView } from '../../src/index.ts'
import { WORD_DIMENSIONS, WordModel, wordVector } from '../tools/word-model.ts'
import { describeGated } from './gate.ts'
import { describePairs, QUIET, shareStore, vectorOf } from './stores.ts'

const former = new WordModel('-former')

type PutBack = (view: NamespaceView, entry: ChunkEntry, text: string) => Promise<unknown>

const CALLS: Readonly<Record<string, PutBack>> = {
  put: ({ chunks }, entry, text) => chunks.put({ ...entry, text }),
  'put of a version': ({ chunks }, entry, text) =>
    chunks.put({ ...entry, text }, { expectedVersion: entry.version, idempotencyKey: entry.id }),
  'put of any kind': ({ entries }, entry, text) => entries.put({ ...entry, text }),
  'put of typed metadata': ({ chunks }, entry, text) =>
    chunks.withMetadata(z.object({ stars: z.number() })).put({ ...entry, metadata: { stars: 1 }, text }),
  'put by key': ({ chunks }, { id: _, ...entry }, text) => chunks.put({ ...entry, text }),
  upsert: ({ chunks }, entry, text) => chunks.upsert({ ...entry, text }),
  putMany: ({ chunks }, entry, text) => chunks.putMany([{ text: 'beside' }, { ...entry, text }]),
  'putMany, settled': ({ chunks }, entry, text) => chunks.putMany([{ ...entry, text }], { settle: true }),
  write: (view, entry, text) => view.write([{ put: { ...entry, text } }], { atomic: true }),
  'write, updating': (view, { id, embedding, embeddingModel }, text) =>
    view.write([{ update: id, patch: { text, embedding, embeddingModel } }], { atomic: true }),
  update: ({ chunks }, { id, embedding, embeddingModel }, text) =>
    chunks.update(id, { text, embedding: [...embedding!], embeddingModel }),
  updateWhere: ({ chunks }, { id, embedding, embeddingModel }, text) =>
    chunks.updateWhere({ id }, { text, embedding, embeddingModel }),
  replaceDocument: ({ chunks }, entry, text) => chunks.replaceDocument('d', [{ ...entry, text }]),
  'replaceDocument of another': ({ chunks }, { documentId: _, ...entry }, text) =>
    chunks.replaceDocument('other', [{ ...entry, text }]),
}

describePairs('putting back another text', (pair) => {
  const model = new WordModel()
  const embed = { ...model.options(), former: [former.options()] }
  const { store, view } = shareStore(pair, { embed })

  test.each(Object.keys(CALLS))('makes its vector anew: %s', async (call) => {
    const own = view()
    await own.chunks.put({ key: 'k', text: 'first words', documentId: 'd', metadata: { stars: 1 } })
    await store().checkpoint()
    const entry = await own.chunks.getByKey('k')
    await CALLS[call]!(own, entry!, 'second words')
    expect(await own.chunks.getByKey('k')).toMatchObject({
      ...{ text: 'second words', embedding: wordVector('second words'), embeddingModel: 'words' },
    })
    const { hits } = await own.chunks.search({ text: 'second words', by: 'vector', k: 1 })
    expect(hits[0]).toMatchObject({ entry: { text: 'second words' }, score: expect.closeTo(1) })
  })

  test('of nodes likewise, and of what has the vector of a former model', async () => {
    const { chunks, raptorNodes } = view()
    const { id } = await raptorNodes.put({ level: 1, summary: 'first words', children: [] })
    await raptorNodes.put({ ...(await raptorNodes.get(id))!, summary: 'second words' })
    expect(await raptorNodes.get(id)).toMatchObject({ embedding: wordVector('second words'), embeddingModel: 'words' })
    const embedding = wordVector('first words', former.salt)
    const old = await chunks.put({ text: 'first words', embedding, embeddingModel: former.options().model })
    await chunks.put({ ...(await chunks.get(old.id))!, text: 'second words' })
    expect(await chunks.get(old.id)).toMatchObject({ embedding: wordVector('second words'), embeddingModel: 'words' })
  })

  test('of an empty text there is none', async () => {
    const { chunks } = view()
    const { id } = await chunks.put({ text: 'first words' })
    await chunks.put({ ...(await chunks.get(id))!, text: '' })
    expect(await chunks.get(id)).not.toMatchObject({ embedding: expect.anything() })
    expect(await chunks.get(id)).not.toMatchObject({ embeddingModel: expect.anything() })
  })

  test('leaves alone what is the own vector of the caller, or of the same text', async () => {
    const { chunks } = view()
    const { id } = await chunks.put({ key: 'k', text: 'first words' })
    const entry = (await chunks.get(id))!
    const asked = model.calls.length
    const own = vectorOf(1, WORD_DIMENSIONS)
    for (const [given, embedding] of [
      [{ ...entry, metadata: { read: true } }, entry.embedding],
      [{ ...entry, text: 'second words', embedding: own }, own],
      [{ key: 'new', text: 'words', embedding: own, embeddingModel: 'words' }, own],
      [{ text: 'other words', embedding: own, embeddingModel: 'words' }, own],
    ] as const) {
      const receipt = await chunks.put(given)
      expect(await chunks.get(receipt.id)).toMatchObject({ text: given.text, embedding, embeddingModel: 'words' })
    }
    await chunks.put(entry)
    const { embeddingModel: _, ...unnamed } = entry
    await chunks.put({ ...unnamed, text: 'second words' })
    expect((await chunks.get(id))!.embedding).toEqual(entry.embedding)
    await chunks.put({ ...entry, embeddingModel: 'other' })
    await chunks.put({ ...entry, embeddingModel: 'other', text: 'second words' })
    expect((await chunks.get(id))!.embedding).toEqual(entry.embedding)
    expect(model.calls).toHaveLength(asked)
  })
})

describePairs('putting back another text, of which the vector follows', (pair) => {
  const model = new WordModel()
  const embed = model.options({ when: 'background' as const })
  const { store, view } = shareStore(pair, { embed, cold: { precision: 'int8' } })

  test.each(Object.keys(CALLS))('has it wait for its own: %s', async (call) => {
    const own = view()
    const embedding = wordVector('first words')
    await own.chunks.put({ key: 'k', text: 'first words', documentId: 'd', embedding, embeddingModel: 'words' })
    const entry = await own.chunks.getByKey('k')
    await CALLS[call]!(own, entry!, 'second words')
    await store().checkpoint()
    await expect.poll(async () => (await own.chunks.getByKey('k'))!.embedding).toEqual(wordVector('second words'))
    expect(await own.chunks.getByKey('k')).toMatchObject({ text: 'second words', embeddingModel: 'words' })
  })

  test('also where the database has rounded the old one meanwhile', async () => {
    const { chunks } = view()
    const { id } = await chunks.put({ text: 'first', embedding: vectorOf(1, WORD_DIMENSIONS), embeddingModel: 'words' })
    const entry = (await chunks.get(id))!
    await store().checkpoint()
    expect(await chunks.demote(id)).toBe('demoted')
    expect((await chunks.peek(id))!.embedding).not.toEqual(entry.embedding)
    await chunks.put({ ...entry, text: 'second words' })
    await store().checkpoint()
    await expect.poll(async () => (await chunks.get(id))!.embedding).toEqual(wordVector('second words'))
  })
})

describeGated('putting back other texts', (tiers) => {
  test('looks once at all that have a vector of the model and a name, and at nothing else', async () => {
    await using store = await tiers.open({ ...QUIET, embed: new WordModel().options() })
    const { chunks } = store
    const receipts = await chunks.putMany(['one', 'two', 'three'].map((text) => ({ text })))
    const entries = (await chunks.getMany(receipts.map(({ id }) => id))).map((entry) => entry!)
    let looks = 0
    tiers.hot.onCall = (method) => {
      if (method === 'read') looks++
    }
    const own = { text: 'own words', embedding: vectorOf(1, WORD_DIMENSIONS) }
    await chunks.putMany([own, { ...own, embeddingModel: 'words' }, { ...own, key: 'k', embeddingModel: 'other' }])
    await chunks.putMany(entries.map(({ id, text }) => ({ id, text })))
    expect(looks).toBe(0)
    await chunks.putMany(entries.map((entry, i) => ({ ...entry, text: `new ${i}` })))
    expect(looks).toBe(1)
    tiers.hot.onCall = () => {}
    const found = await chunks.getMany(entries.map(({ id }) => id))
    expect(found.map((entry) => entry!.embedding)).toEqual([0, 1, 2].map((i) => wordVector(`new ${i}`)))
  })

  test('looks once at what is put in the same moment', async () => {
    await using store = await tiers.open({ ...QUIET, embed: new WordModel().options() })
    let looks = 0
    tiers.cold.onCall = (method) => {
      if (method === 'read') looks++
    }
    const own = { text: 'own words', embedding: vectorOf(1, WORD_DIMENSIONS), embeddingModel: 'words' }
    await Promise.all(Array.from({ length: 50 }, (_, n) => store.chunks.put({ ...own, key: `${n}` })))
    expect(looks).toBeGreaterThan(0)
    expect(looks).toBeLessThan(5)
  })

  test('goes on while the database does not answer: nobody waits for a look as for a read', async () => {
    await using store = await tiers.open({ ...QUIET, embed: new WordModel().options() })
    const hanging = tiers.cold.hold('read', 'before')
    const own = { key: 'k', text: 'own words', embedding: vectorOf(1, WORD_DIMENSIONS), embeddingModel: 'words' }
    const { id } = await store.chunks.put(own, { timeout: 60_000 })
    hanging.release()
    expect((await store.chunks.get(id))?.embedding).toEqual(own.embedding)
  })

  test('goes on while the database is away: what nobody can look at is written as it is given', async () => {
    await using store = await tiers.open({ ...QUIET, embed: new WordModel().options() })
    const { chunks } = store
    await chunks.put({ key: 'k', text: 'first words' })
    const entry = (await chunks.getByKey('k'))!
    tiers.cold.refuse()
    try {
      await chunks.put({ ...entry, text: 'second words' })
      const embedding = vectorOf(1, WORD_DIMENSIONS)
      await chunks.put({ key: 'new', text: 'own words', embedding, embeddingModel: 'words' })
    } finally {
      tiers.cold.allow()
    }
    expect((await chunks.getByKey('k'))!.embedding).toEqual(wordVector('second words'))
    expect((await chunks.getByKey('new'))!.embedding).toEqual(vectorOf(1, WORD_DIMENSIONS))
  })
})
