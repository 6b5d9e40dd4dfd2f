/** Several processes over one store, each with the model: one of them makes the vectors that all wait for. */
import { expect, test } from 'vitest'
import { openMemoryStore } from '../../src/index.ts'
import { openStoreToLook } from '../../src/store/open-memory-store.ts'
import { queryServer } from '../fault/edit-database.ts'
import { describeWithServers, QUIET, temporaryFolder } from '../flow/stores.ts'
import { longTest } from '../tools/budget.ts'
import { WordModel, wordVector } from '../tools/word-model.ts'

describeWithServers('stores that share their servers', (servers) => {
  const TEXTS = Array.from({ length: 40 }, (_, i) => `text ${i}`)

  const openTwo = async () => {
    const shared = await servers.shared()
    const models = [new WordModel(), new WordModel()] as const
    const open = async (model: WordModel) =>
      openMemoryStore({
        ...{ ...QUIET, ...shared, dir: await temporaryFolder() },
        embed: model.options({ when: 'background' as const, batchSize: 16 }),
      })
    return { models, url: shared.cold.url, first: await open(models[0]), other: await open(models[1]) }
  }

  test('ask for each vector once, whoever put the text', async () => {
    const { models, first, other } = await openTwo()
    await using _ = first
    await using __ = other
    for (const [i, text] of TEXTS.entries()) await (i % 2 === 0 ? first : other).chunks.put({ text })
    await Promise.all([first.checkpoint(), other.checkpoint()])
    await expect.poll(async () => (await other.stats()).cold!.unembedded).toBe(0)
    expect(models.flatMap(({ texts }) => texts).sort()).toEqual([...TEXTS].sort())
    const { items } = await other.chunks.find({ limit: 1_000 })
    expect(items.map(({ embedding }) => embedding)).toEqual(items.map(({ text }) => wordVector(text)))
  })

  test('are looked into without a trace of the model of whoever looks', async () => {
    const shared = await servers.shared()
    await (await openMemoryStore({ ...QUIET, ...shared, dir: await temporaryFolder() })).close()
    await using store = await openStoreToLook({ ...shared, embed: new WordModel().options() })
    expect(await store.chunks.count()).toBe(0)
    expect(await queryServer(shared.cold.url, 'SELECT FROM thermocline.embedding_models')).toEqual([])
  })

  longTest('go on when the one that made them is closed', async () => {
    const { first, other } = await openTwo()
    await using _ = other
    await first.close()
    const { id } = await other.chunks.put({ text: 'later' })
    await other.checkpoint()
    await expect.poll(async () => (await other.chunks.get(id))?.embedding).toEqual(wordVector('later'))
  })

  longTest('go on when the log of the one that made them ships nothing any more', async () => {
    const { models, first, other, url } = await openTwo()
    await using _ = first
    await using __ = other
    await first.chunks.put({ text: 'before' })
    await first.checkpoint()
    await expect.poll(() => models[0].texts).toEqual(['before'])
    await first.chunks.put({ text: 'acknowledged' })
    await queryServer(url, `UPDATE thermocline.wal_checkpoints SET epoch = epoch + 1`)
    await expect(first.checkpoint()).rejects.toMatchObject({ code: 'ERR_WAL_FAILED' })
    await queryServer(url, `UPDATE thermocline.wal_checkpoints SET epoch = epoch - 1`)
    const { id } = await other.chunks.put({ text: 'later' })
    await other.checkpoint()
    await expect
      .poll(async () => (await other.chunks.get(id))?.embedding, { timeout: 20_000 })
      .toEqual(wordVector('later'))
  })

  test('say that entries have vectors of another model, and how they get new ones', async () => {
    const shared = await servers.shared()
    const before = new WordModel()
    const old = await openMemoryStore({ ...QUIET, ...shared, dir: await temporaryFolder(), embed: before.options() })
    await old.chunks.putMany(TEXTS.map((text) => ({ text })))
    await old.close()
    const model = new WordModel('2')
    await using store = await openMemoryStore({
      ...{ ...QUIET, ...shared, dir: await temporaryFolder(), embed: model.options(), logger: false },
    })
    await expect
      .poll(() => store.health().reasons)
      .toMatchObject([{ code: 'other-model', message: expect.stringContaining('reembed()') }])
    expect((await store.stats()).embedding).toMatchObject({ model: 'words2', otherModels: ['words'] })
    const query = { text: TEXTS[7]!, by: 'vector' } as const
    expect((await store.chunks.search(query)).hits).toEqual([])
    expect(await store.chunks.updateWhere({ embeddingModel: 'words' }, { embedding: null })).toMatchObject({
      ...{ matched: TEXTS.length, updated: TEXTS.length },
    })
    expect((await store.chunks.search(query)).hits[0]!.entry.embedding).toEqual(wordVector(TEXTS[7]!, '2'))
    await store.checkpoint()
    // Nothing is said of a model that nothing has any more.
    await using again = await openMemoryStore({
      ...{ ...QUIET, ...shared, dir: await temporaryFolder(), embed: model.options(), logger: false },
    })
    await expect.poll(async () => (await again.stats()).embedding).toMatchObject({ otherModels: [] })
    expect(again.health().reasons).toEqual([])
  })
})
